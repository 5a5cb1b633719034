"""A process that appends batches for ever and prints each number once it is on disk."""

import asyncio
import sys
from pathlib import Path

from edge import events
from tests.spool_builders import SetClock, bulk, record, spool


async def append_for_ever(directory: Path) -> None:
    events.configure(sys.stderr, people=False)
    clock = SetClock()
    store = await spool(directory, clock, quota=400_000)
    number = store.core.logs[store.core.epoch, bulk(clock.now()).lane].tip.tip_seq
    while True:
        clock.advance(10**8)
        await store.append([bulk(clock.now()), record(clock.now())])
        number += 1
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(append_for_ever(Path(sys.argv[1])))
