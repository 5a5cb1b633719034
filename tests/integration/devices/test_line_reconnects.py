"""Real driver under the real owner of a line: a link that falls between two reads comes back."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from devices import catalog
from devices.driver import BlockColumns
from edge import points
from edge.acquisition.line import LineOwner
from edge.config import load_text
from edge.image import ProcessImage
from proto.batch import Lane
from proto.quality import Quality
from tests.integration.devices.clock import RealClock
from tests.integration.devices.liar import honest, lying
from tests.integration.devices.lines import tcp_driver

EDGE = """
gateway = {{ id = "610581-bof1a", site = "hancheng-steel", data_dir = "data" }}
central = {{ address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }}
config  = {{ version = 1 }}
[[line]]
name = "bof1"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
[[device]]
name = "bof1_plc"
line = "bof1"
unit_id = 1
profile = "bof_lance_plc"
path = "plc"
life = "life_counter"
[poll]
fast = "100ms"
normal = "1s"
"""


class Rows:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[BlockColumns] = []
        self.records: list[str] = []

    def offer(self, _axis: int, _slot: int | None, _skipped: int, columns: BlockColumns) -> None:
        """Keep a row."""
        self.rows.append(columns)

    def record(self, _lane: Lane, body: dict[str, object]) -> None:
        """Keep the kind of a record."""
        self.records.append(str(body["k"]))

    def overrun(self, _axis: int, _first_slot: int, _count: int) -> None:
        """Take no notice."""

    def good(self) -> int:
        """How many rows had a good value."""
        return sum(bool((row.quality != Quality.BAD).any()) for row in self.rows)


def cut_when_idle(request: bytes) -> list[bytes | float | None]:
    """Cut behind the last read of a slot (the bits), so that no request is in flight."""
    return [honest(request), None] if request[7] == 2 else [honest(request)]


async def until(reached: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not reached():
            await asyncio.sleep(0.02)


async def test_a_link_cut_between_two_reads_is_opened_again(tmp_path: Path) -> None:
    async with lying() as liar:
        config = load_text(EDGE.format(port=liar.port).encode(), "edge.toml")
        profile = catalog.find("bof_lance_plc")
        plant, faults = points.build(config, {"bof_lance_plc": profile})
        assert plant is not None, faults
        clock, sink = RealClock(), Rows()
        line = plant.lines[0]
        driver = tcp_driver(liar.port, line.devices, config.line[0].timeout_ns)
        owner = LineOwner(
            driver,
            line,
            clock=clock,
            image=ProcessImage(plant.layout),
            sink=sink,
            start_ns=clock.mono_ns(),
        )
        task = asyncio.create_task(owner.run())
        try:
            await until(lambda: sink.good() > 3)
            liar.scripts += [cut_when_idle] * 2
            await until(lambda: liar.connections == 2)
            good = sink.good()
            await until(lambda: sink.good() > good + 3)
            assert owner.state == "up"
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=2)
            assert task.done()
