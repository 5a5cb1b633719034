"""A process that reads a ring into a spool for ever, to be killed.  Shell: sockets, spool.

usage: python -m tests.integration.edge.ring_gateway DIRECTORY PORT
"""

import asyncio
import sys
from pathlib import Path

from edge import events
from edge.acquisition.drivers import make_driver
from edge.acquisition.lines import Lines
from edge.clock import SystemClock
from edge.image import ProcessImage
from edge.spool.axes import axis_shapes
from edge.spool.model import ClockNote
from edge.spool.recorder import Recorder
from edge.spool.store import open_spool
from tests.integration.edge.test_guarded_ring import site
from tests.spool_builders import identity


async def read_for_ever(directory: Path, port: int) -> None:
    """Read and commit until somebody kills us; say when a cursor is on disk."""
    events.configure(sys.stderr, people=False)
    plant, clock = site(port), SystemClock()
    spool = await open_spool(directory, identity(), clock, schema=plant.schema, quota_bytes=10**8)
    recorder = Recorder(
        spool,
        clock,
        parts=plant.schema,
        axes=axis_shapes(plant),
        window_ns=10**9,
        judge=lambda _: ClockNote(),
        stepped=lambda _: None,
    )
    lines = Lines(
        plant,
        lambda line: make_driver(line, directory, clock),
        clock=clock,
        image=ProcessImage(plant.layout),
        sink=recorder,
        start_ns=spool.t0.mono_ns,
        keeper=recorder,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run_urgent())
        group.create_task(recorder.run_bulk())
        for run in lines.tasks().values():
            group.create_task(run())
        while recorder.kept("ring/plc") is None:
            await asyncio.sleep(0.05)
        sys.stdout.write("begun\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(read_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
