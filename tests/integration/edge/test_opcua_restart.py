"""Our own restart, clean and by kill -9, beside a foreign server: nothing lost, none twice."""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from edge.plant import Plant
from edge.spool.store import Spool
from proto.batch import Kind, Lane, decompress
from proto.columns_decode import decode_samples
from proto.gap import GapCause
from proto.quality import NO_VALUE_BIT, REASON_MASK, Reason
from tests.integration.devices.peers import Peer
from tests.integration.devices.test_opcua_node import server
from tests.integration.edge.opcua_keeper import NAMES, plant_of, spool_of
from tests.integration.edge.spool_reading import frames_of, gaps_of

WINDOW_MS = 1_000
COUNT_MS = 100


def nodes(*, history: bool) -> list[dict[str, object]]:
    return [{"id": name, "type": "Double", "value": 0, "history": history} for name in NAMES]


@asynccontextmanager
async def keeper(
    peer: Peer, pki: Path, directory: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Our process; ended by SIGTERM unless the test has killed it."""
    directory.mkdir(exist_ok=True)
    arguments = [str(peer.port), str(pki), str(directory), str(WINDOW_MS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.edge.opcua_keeper",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"up\n"
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await process.wait()


async def stored(plant: Plant, store: Spool) -> tuple[list[Counter[int]], int]:
    """How often each number of each counter is on disk, and how many of them came from history.

    A row tells all points of its block: a number that stands again in the next row is one sample.
    """
    found: list[Counter[int]] = [Counter() for _ in NAMES]
    last: list[int | None] = [None for _ in NAMES]
    replayed = 0
    types = [[p.type for axis in part.table().axes for p in axis.points] for part in plant.schema]
    by_hash = {part.hash: kinds for part, kinds in zip(plant.schema, types, strict=True)}
    for frame in await frames_of(store, Lane.BULK):
        head = frame.header
        assert head.kind is Kind.SAMPLES
        kinds = by_hash[head.schema_hash]
        for axis in decode_samples(decompress(frame), head.n, head.t_first_us, kinds):
            if len(axis.raw) != len(NAMES) or axis.period_us:
                continue
            values = axis.raw.view(np.float64)
            for row in range(axis.raw.shape[1]):
                for at in range(len(NAMES)):
                    code = int(axis.quality[at, row])
                    if code & NO_VALUE_BIT:
                        continue
                    number = int(values[at, row])
                    if code & REASON_MASK == Reason.REPLAYED:
                        replayed += 1
                        found[at][number] += 1
                    elif number != last[at]:
                        last[at] = number
                        found[at][number] += 1
    return found, replayed


async def verdict(peer: Peer, pki: Path, directory: Path) -> tuple[int, int, int, list[GapCause]]:
    """Numbers lost, numbers doubled, numbers from history, gaps named."""
    plant = plant_of(peer.port, pki)
    store = await spool_of(plant, directory)
    found, replayed = await stored(plant, store)
    gaps = [gap.cause for gap in await gaps_of(store)]
    await store.close(clean=True)
    ends = [int(await peer.ask(json.dumps({"ask": name}))) for name in NAMES]
    lost = [
        k
        for counts, end in zip(found, ends, strict=True)
        for k in range(1, end + 1)
        if not counts[k]
    ]
    doubled = [k for counts in found for k, n in counts.items() if n > 1 and k]
    print("lost", lost[:20], "doubled", doubled[:20], "replayed", replayed, "of", ends)
    return len(lost), len(doubled), replayed, gaps


async def count(peer: Peer, *, is_on: bool) -> None:
    await peer.tell(json.dumps({"count": NAMES if is_on else [], "ms": COUNT_MS}))


@pytest.mark.parametrize("end", ["clean", "kill"])
async def test_our_restart_within_a_subscriptions_life_loses_nothing_and_doubles_nothing(
    tmp_path: Path, end: str
) -> None:
    chance = random.Random(3)
    async with server(tmp_path, nodes=nodes(history=False)) as (peer, pki):
        kept = tmp_path / "kept"
        async with keeper(peer, pki, kept):
            await asyncio.sleep(2.5)
            await count(peer, is_on=True)
            await asyncio.sleep(1.5)
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            async with keeper(peer, pki, kept) as process:
                await asyncio.sleep(chance.uniform(2.0, 3.0))  # between two commits
                if end == "kill":
                    process.kill()
        async with keeper(peer, pki, kept):
            await asyncio.sleep(1.0)
            await count(peer, is_on=False)
            await asyncio.sleep(3.0)
        lost, doubled, replayed, gaps = await verdict(peer, pki, kept)
    assert (lost, doubled, replayed) == (0, 0, 0)
    wanted = GapCause.RESTART_CLEAN if end == "clean" else GapCause.RESTART_UNCLEAN
    assert gaps.count(wanted) >= 2


async def test_a_restart_after_the_server_lost_us_is_filled_from_history(tmp_path: Path) -> None:
    async with server(tmp_path, nodes=nodes(history=True)) as (peer, pki):
        kept = tmp_path / "kept"
        async with keeper(peer, pki, kept) as process:
            await asyncio.sleep(2.0)
            await count(peer, is_on=True)
            await asyncio.sleep(3.0)
            process.kill()
        await peer.tell(json.dumps({"do": "drop_sessions"}))
        await asyncio.sleep(1.0)
        async with keeper(peer, pki, kept):
            await asyncio.sleep(2.0)
            await count(peer, is_on=False)
            await asyncio.sleep(5.0)
        lost, doubled, replayed, gaps = await verdict(peer, pki, kept)
    assert (lost, doubled) == (0, 0)
    assert replayed >= len(NAMES) * 5
    assert GapCause.RESTART_UNCLEAN in gaps  # what came back later does not undo it
