"""The spool on real files: what the centre says, what cannot be sent, what goes when full."""

import asyncio
from pathlib import Path

from edge.claim import Belief, Claim
from edge.spool.lanelog import Disposed
from proto.batch import Lane
from proto.chain import verify_run
from proto.gap import GapCause
from tests.integration.edge.spool_reading import begin_of, claim, crash, frames_of, gaps_of
from tests.spool_builders import SetClock, bulk, spool


async def test_acknowledged_ranges_survive_a_restart(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(4):
        await store.append([bulk(clock.now())])
    frames = await frames_of(store, Lane.BULK)
    belief = await store.acknowledge([claim(store, Lane.BULK, 1, frames[:3])])
    counts = store.counts()
    await store.close(clean=True)
    again = await spool(tmp_path / "spool", clock)
    pending = again.lanes()[Lane.BULK].pending
    after = again.counts()
    await again.close(clean=True)

    assert belief is Belief.HELD
    assert (counts.pending, counts.acknowledged) == (30, 90)
    assert (after.pending, after.acknowledged) == (30, 90)
    assert pending.spans == ((4, 4),)


async def test_an_ack_with_another_hash_marks_nothing(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now())])

    belief = await store.acknowledge([Claim(store.core.epoch, Lane.BULK, 1, 1, b"x" * 32)])
    pending = store.lanes()[Lane.BULK].pending
    await store.close(clean=True)

    assert belief is Belief.FORKED
    assert pending.spans == ((1, 1),)


async def test_an_ack_beyond_the_tip_means_that_this_side_was_rolled_back(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")

    belief = await store.acknowledge([Claim(store.core.epoch, Lane.BULK, 1, 7, b"x" * 32)])
    await store.close(clean=True)

    assert belief is Belief.BEYOND


async def test_welcome_shrinks_what_is_marked_as_stored(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(4):
        await store.append([bulk(clock.now())])
    frames = await frames_of(store, Lane.BULK)
    await store.acknowledge([claim(store, Lane.BULK, 1, frames)])
    await store.set_apart(store.core.epoch, Lane.BULK, 1, Disposed.QUARANTINED)
    log = store.lanes()[Lane.BULK]

    await store.welcome([log], [claim(store, Lane.BULK, 1, frames[:2])])
    counts = store.counts()
    await store.close(clean=True)

    assert log.pending.spans == ((3, 4),)
    assert counts.pending == 60


async def test_a_refused_batch_is_set_aside_and_named_in_one_transaction(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    await store.append([bulk(clock.now())])
    await store.refuse(store.core.epoch, Lane.BULK, 1)
    copy = crash(tmp_path / "spool", tmp_path / "after")
    await store.close(clean=True)

    again = await spool(copy, clock)
    gaps = await gaps_of(again)
    counts, pending = again.counts(), again.lanes()[Lane.BULK].pending
    await again.close(clean=True)

    assert [(g.cause, g.n, g.seq, g.samples) for g in gaps] == [
        (GapCause.REFUSED, 30, (1, 1), (1, 30))
    ]
    assert (counts.pending, counts.gapped) == (0, 30)
    assert pending.spans == ()


async def test_a_row_that_fails_its_hash_is_not_sent_and_becomes_a_gap(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(3):
        await store.append([bulk(clock.now())])
    file = store.core.ring.file
    assert file is not None
    await file.transact(
        lambda c: c.execute("UPDATE batch SET frame = zeroblob(length(frame)) WHERE seq = 2")
    )
    log = store.lanes()[Lane.BULK]

    first = await store.read(log, 1, 3, frames=32, size=2**20)
    second = await store.read(log, 2, 3, frames=32, size=2**20)
    gaps = await gaps_of(store)
    third = await store.read(log, 3, 3, frames=32, size=2**20)
    await store.close(clean=True)

    assert [f.header.seq for f in first] == [1]
    assert second == []
    assert [(g.cause, g.seq, g.n) for g in gaps] == [(GapCause.CORRUPT, (2, 2), 30)]
    assert [f.header.seq for f in third] == [3]
    assert log.pending.spans == ((1, 1), (3, 3))


async def test_a_row_whose_key_names_another_batch_is_not_sent(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now())])
    file = store.core.ring.file
    assert file is not None
    await file.transact(lambda c: c.execute("UPDATE batch SET hash = zeroblob(32)"))

    frames = await store.read(store.lanes()[Lane.BULK], 1, 1, frames=1, size=2**20)
    gaps = await gaps_of(store)
    await store.close(clean=True)

    assert frames == []
    assert [gap.cause for gap in gaps] == [GapCause.CORRUPT]


async def test_a_commit_that_was_interrupted_is_neither_lost_nor_made_twice(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    done = 0
    for number in range(30):
        clock.advance(10**8)
        task = asyncio.create_task(store.append([bulk(clock.now())]))
        await asyncio.sleep(number * 0.0001)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        done += ended == [None]
        clock.advance(10**8)
        await store.append([bulk(clock.now())])
        done += 1
    frames = await frames_of(store, Lane.BULK)
    tip = store.lanes()[Lane.BULK].tip
    await store.close(clean=True)

    times = [frame.header.t_first_us for frame in frames]
    assert times == sorted(set(times))
    assert done <= len(frames) <= 60
    assert verify_run(begin_of(frames), [f.header for f in frames]).tip == tip


async def test_segments_roll_and_acknowledged_ones_go_first(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock, quota=120_000)
    for i in range(300):
        clock.advance(10**9)
        await store.append([bulk(clock.now(), rows=60, start=i * 0.37)])
        if i == 100:
            log = store.lanes()[Lane.BULK]
            hash_ = log.recent[i + 1].hash
            await store.acknowledge([Claim(store.core.epoch, Lane.BULK, 1, i + 1, hash_)])
    log = store.lanes()[Lane.BULK]
    gaps = await gaps_of(store)
    counts = store.counts()
    await store.close(clean=True)

    assert counts.used_bytes <= 120_000
    assert log.held_lo > 1
    assert all(gap.cause is GapCause.DISK_FULL for gap in gaps)
    lost = sum(gap.n for gap in gaps)
    assert lost > 0, "more was written than the quota holds"
    assert counts.gapped == lost
    assert counts.pending + counts.acknowledged + counts.gapped == 300 * 180
    assert min(gap.seq[0] for gap in gaps if gap.seq) > 101, "what was acknowledged is no loss"


async def test_batches_are_read_across_sealed_segments(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock, quota=160_000)
    for i in range(100):
        await store.append([bulk(clock.now(), rows=60, start=i * 0.37)])
    assert len(store.core.ring.of_epoch(1)) > 1
    frames = await frames_of(store, Lane.BULK)
    await store.close(clean=True)
    again = await spool(tmp_path / "spool", clock, quota=160_000)
    after = await frames_of(again, Lane.BULK)
    await again.close(clean=True)

    assert [f.data for f in after] == [f.data for f in frames]
    assert len(frames) == 100
