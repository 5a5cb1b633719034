"""The reading half of a gateway as a process of its own: one OPC UA line, recorder and spool.

usage: python -m tests.integration.edge.opcua_keeper PORT PKI DIRECTORY WINDOW_MS
Runs until SIGTERM (then everything is committed) or kill -9.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from devices import catalog
from devices.address import NodeType, OpcUaAddress
from edge import events, points
from edge.acquisition.drivers import Shared, make_driver
from edge.acquisition.lines import Lines
from edge.acquisition.resume import Books
from edge.config import load_text
from edge.image import ProcessImage
from edge.plant import Plant
from edge.spool.axes import axis_shapes
from edge.spool.model import ClockNote
from edge.spool.recorder import Recorder
from edge.spool.store import Spool, open_spool
from tests.integration.devices.clock import RealClock
from tests.spool_builders import identity

NAMES = [f"C{at}" for at in range(3)]
TEXT = """
gateway = {{ id = "610581-bof1a", site = "hancheng-steel", data_dir = "data" }}
central = {{ address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }}
config  = {{ version = 1 }}
[[line]]
name = "session"
kind = "opcua"
address = "opc.tcp://127.0.0.1:{port}/"
pki = "{pki}"
security = "Basic256Sha256"
[[device]]
name = "booth"
line = "session"
profile = "paint_booth_server"
path = "plc"
life = "none"
reason = "the counters are the test's own"
[poll]
fast = "100ms"
"""


def plant_of(port: int, pki: Path) -> Plant:
    """Three counters of the foreign server, subscribed."""
    found = catalog.find("paint_booth_server")
    like = next(one for one in found.points if one.name == "oven_temp")
    made = [
        like.model_copy(
            update={
                "name": name.lower(),
                "tag": "",
                "range": None,
                "poll": "fast",
                "at": OpcUaAddress(f"nsu=urn:peer:dust;s={name}", NodeType.DOUBLE),
            }
        )
        for name in NAMES
    ]
    profile = found.model_copy(update={"points": tuple(made)})
    text = TEXT.format(port=port, pki=pki)
    plant, faults = points.build(
        load_text(text.encode(), "edge.toml"), {"paint_booth_server": profile}
    )
    assert plant is not None, faults
    return plant


async def spool_of(plant: Plant, directory: Path) -> Spool:
    """The spool of this plant."""
    return await open_spool(
        directory / "spool",
        identity(),
        RealClock(),
        schema=plant.schema,
        quota_bytes=10**9,
        boot_floor=0,
    )


async def keep(port: int, pki: Path, directory: Path, window_ms: int) -> None:
    """Read and commit until SIGTERM."""
    events.configure(sys.stderr, people=True)
    clock, plant = RealClock(), plant_of(port, pki)
    spool = await spool_of(plant, directory)
    recorder = Recorder(
        spool,
        clock,
        parts=plant.schema,
        axes=axis_shapes(plant),
        window_ns=window_ms * 1_000_000,
        judge=lambda _now: ClockNote(),
        stepped=lambda _ns: None,
    )
    books, shared = Books(), Shared(cursors=spool.cursors)
    recorder.cursors = books.at
    lines = Lines(
        plant,
        lambda line: make_driver(line, Path("/"), clock, shared),
        clock=clock,
        image=ProcessImage(plant.layout),
        sink=recorder,
        start_ns=spool.t0.mono_ns,
        durable=recorder.durable,
        books=books,
        told=recorder.told,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    committers = [
        asyncio.create_task(recorder.run_bulk()),
        asyncio.create_task(recorder.run_urgent()),
    ]
    readers = [asyncio.create_task(run()) for run in lines.tasks().values()]
    print("up", flush=True)
    await stop.wait()
    for task in readers:
        task.cancel()
    for task in readers:
        with suppress(asyncio.CancelledError):
            await task
    await recorder.stop()
    await asyncio.gather(*committers)
    await spool.close(clean=True)


if __name__ == "__main__":
    port_, pki_, directory_, window_ = sys.argv[1:]
    asyncio.run(keep(int(port_), Path(pki_), Path(directory_), int(window_)))
