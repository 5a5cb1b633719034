"""Real drivers under real owners: a server that hangs costs its own points and nobody else's."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from devices import catalog
from edge import points
from edge.acquisition.drivers import make_driver
from edge.acquisition.lines import Lines
from edge.config import load_text
from edge.image import ProcessImage
from edge.plant import Plant
from proto.quality import Quality
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import libmodbus
from tests.integration.devices.test_line_reconnects import Rows

HEAD = """
gateway = { id = "610581-bof1a", site = "hancheng-steel", data_dir = "data" }
central = { address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }
config  = { version = 1 }
"""
LINE = """
[[line]]
name = "l{n}"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
timeout = "200ms"
[[device]]
name = "d{n}"
line = "l{n}"
unit_id = 1
profile = "bof_lance_plc"
path = "plc"
life = "none"
reason = "the peer moves no counter"
"""
POLL = """
[poll]
fast = "100ms"
normal = "1s"
"""


def two(ports: tuple[int, int]) -> Plant:
    """Two devices of one profile, each on a line of its own."""
    text = HEAD + "".join(LINE.format(n=n, port=port) for n, port in enumerate(ports)) + POLL
    found = catalog.find("bof_lance_plc")
    bare = tuple(point.model_copy(update={"tag": ""}) for point in found.points)
    profile = found.model_copy(update={"points": bare})
    made, faults = points.build(load_text(text.encode(), "edge.toml"), {"bof_lance_plc": profile})
    assert made is not None, faults
    return made


async def until(reached: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not reached():
            await asyncio.sleep(0.02)


async def test_one_hung_plc_of_two_costs_its_own_points_only_and_comes_back(tmp_path: Path) -> None:
    async with libmodbus() as first, libmodbus() as second:
        plant = two((first.port, second.port))
        clock, sink = RealClock(), Rows()
        image = ProcessImage(plant.layout)
        lines = Lines(
            plant,
            lambda line: make_driver(line, tmp_path, clock),
            clock=clock,
            image=image,
            sink=sink,
            start_ns=clock.mono_ns(),
        )
        mine = {
            n: [a.points for a in plant.axes if plant.devices[a.device] == f"d{n}" and not a.is_own]
            for n in (0, 1)
        }

        def usable(n: int) -> bool:
            """Whether a device has any value that is not BAD."""
            now = image.freeze()
            return any(now.quality[i] != Quality.BAD for points in mine[n] for i in points)

        tasks = [asyncio.create_task(run()) for run in lines.tasks().values()]
        try:
            await until(lambda: usable(0) and usable(1))
            second.process.send_signal(signal.SIGSTOP)
            await until(lambda: not usable(1))
            skipped = lines.owners[0].skipped
            for _ in range(20):
                await asyncio.sleep(0.1)
                assert usable(0)
            assert lines.owners[0].skipped - skipped <= 1
            assert set(sink.records) <= {"device.unit_suspended", "device.link_lost"}
            second.process.send_signal(signal.SIGCONT)
            await until(lambda: usable(1), 15.0)
        finally:
            second.process.send_signal(signal.SIGCONT)
            for task in tasks:
                task.cancel()
            done, _ = await asyncio.wait(tasks, timeout=2)
            assert len(done) == len(tasks)
