"""kill -9 at any moment: nothing that was reported as committed is lost, nothing is there twice."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from proto.batch import Frame, Lane
from proto.chain import LaneTip, verify_run
from proto.ledger import RangeSet
from tests.spool_builders import spool

ROOT = Path(__file__).parents[3]


async def _kill_after(directory: Path, seconds: float) -> int:
    """Run the appender, kill it, and return the last number that it reported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.edge.appender",
        str(directory),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        last = int(await process.stdout.readline())
    await asyncio.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    whole = rest[: rest.rfind(b"\n") + 1].split()
    return max([last, *map(int, whole)])


async def _frames(directory: Path, lane: Lane) -> tuple[list[Frame], RangeSet, LaneTip]:
    store = await spool(directory, quota=400_000)
    log = store.core.logs[store.core.epoch, lane]
    frames: list[Frame] = []
    at = log.held_lo
    while at <= log.tip.tip_seq:
        some = await store.read(log, at, log.tip.tip_seq, frames=32, size=2**20)
        assert some
        frames += some
        at = some[-1].header.seq + 1
    gone, tip = log.disposed, log.tip
    await store.close(clean=False)
    return frames, gone, tip


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_that_was_reported_as_committed_is_lost(tmp_path: Path, seed: int) -> None:
    random_ = random.Random(seed)
    directory = tmp_path / "spool"
    reported = 0
    for _ in range(3):
        reported = max(reported, await _kill_after(directory, random_.uniform(0.05, 0.6)))
        frames, gone, tip = await _frames(directory, Lane.BULK)
        alarms, _, _ = await _frames(directory, Lane.ALARM)

        assert tip.tip_seq >= reported
        held = RangeSet.of((f.header.seq, f.header.seq) for f in frames)
        assert (held | gone).covers(1, tip.tip_seq)
        assert len({f.header.seq for f in frames}) == len(frames)
        first = frames[0].header
        begin = LaneTip(first.seq, first.sample_first, first.prev_hash)
        assert verify_run(begin, [f.header for f in frames]).tip == tip
        assert len(alarms) >= reported
