"""The spool on real files: what is committed stays, what is damaged is set aside and named."""

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.claim import Belief, Claim
from edge.spool.file import PRAGMAS
from edge.spool.lanelog import Disposed
from edge.spool.store import Spool
from proto import records
from proto.batch import Frame, Kind, Lane, decompress, gateway_uid
from proto.chain import LaneTip, verify_run
from proto.errors import ConfigError
from proto.gap import GapCause, GapEntry
from tests.spool_builders import GATEWAY, SetClock, bulk, record, spool


async def _frames(store: Spool, lane: Lane, epoch: bytes | None = None) -> list[Frame]:
    log = store.core.logs[epoch or store.core.epoch, lane]
    result: list[Frame] = []
    while len(result) < log.tip.tip_seq:
        some = await store.read(log, len(result) + 1, log.tip.tip_seq, frames=32, size=2**20)
        assert some, "the lane can be read to its tip"
        result += some
    return result


async def _gaps(store: Spool) -> list[GapEntry]:
    frames = [f for f in await _frames(store, Lane.META) if f.header.kind is Kind.GAP]
    bodies = [body for f in frames for body in records.decode_records(decompress(f))]
    return [GapEntry.from_record(body) for body in bodies]


def _claim(store: Spool, lane: Lane, low: int, frames: Sequence[Frame]) -> Claim:
    return Claim(store.core.epoch, lane, low, frames[-1].header.seq, frames[-1].header.hash)


def _crash(directory: Path, target: Path) -> Path:
    """Copy the files as they stand, as a power cut would leave them."""
    shutil.copytree(directory, target)
    return target


async def test_a_new_spool_begins_with_epoch_schema_and_boot(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")

    frames = await _frames(store, Lane.META)
    await store.close(clean=True)

    assert [f.header.kind for f in frames] == [Kind.EPOCH, Kind.SCHEMA, Kind.BOOT]
    assert frames[0].header.gateway_uid == gateway_uid(GATEWAY)
    assert records.decode_records(decompress(frames[0]))[0]["reason"] == "NEW"
    assert {f.header.boot_id for f in frames} == {1}


async def test_every_pragma_is_in_force_and_no_shm_file_exists(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")

    found = {}
    for name, _, wanted in PRAGMAS:
        row = await store.core.control.read(
            lambda c, name=name: c.execute(f"PRAGMA {name}").fetchone()
        )
        found[name] = (row[0] if row else 0, wanted)
    shm = list((tmp_path / "spool").glob("*-shm"))
    await store.close(clean=True)

    assert all(is_ == wanted for is_, wanted in found.values()), found
    assert shm == []


def test_every_commit_is_synced_by_one_exclusive_connection() -> None:
    wanted = {name: value for name, value, _ in PRAGMAS}

    assert [name for name, _, _ in PRAGMAS[:3]] == ["locking_mode", "journal_mode", "synchronous"]
    assert (wanted["locking_mode"], wanted["journal_mode"]) == ("EXCLUSIVE", "WAL")
    assert (wanted["synchronous"], wanted["mmap_size"]) == ("FULL", "0")


async def test_a_second_connection_to_a_spool_file_is_locked_out(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now())])

    other = sqlite3.connect(tmp_path / "spool" / "bulk-1-1.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT count(*) FROM batch").fetchone()
    other.close()
    await store.close(clean=True)


async def test_batches_are_numbered_and_chained_over_restarts(tmp_path: Path) -> None:
    clock = SetClock()
    for _ in range(3):
        store = await spool(tmp_path / "spool", clock)
        for _ in range(2):
            clock.advance(10**9)
            await store.append([bulk(clock.now()), record(clock.now())])
        await store.close(clean=True)

    store = await spool(tmp_path / "spool", clock)
    frames = await _frames(store, Lane.BULK)
    alarms = await _frames(store, Lane.ALARM)
    meta = await _frames(store, Lane.META)
    await store.close(clean=True)

    assert [f.header.seq for f in frames] == [1, 2, 3, 4, 5, 6]
    assert [f.header.sample_first for f in frames] == [1, 31, 61, 91, 121, 151]
    assert [f.header.boot_id for f in frames] == [1, 1, 2, 2, 3, 3]
    assert [f.header.kind for f in meta].count(Kind.BOOT) == 4
    assert [f.header.kind for f in meta].count(Kind.SCHEMA) == 1
    root = meta[0].header.hash
    assert frames[0].header.prev_hash == root
    assert alarms[0].header.prev_hash == root
    for run in (frames, alarms, meta):
        tip = store.core.logs[store.core.epoch, run[0].header.lane].tip
        assert verify_run(_root(run), [f.header for f in run]).tip == tip


def _root(run: Sequence[Frame]) -> LaneTip:
    return LaneTip(1, 1, run[0].header.prev_hash)


async def test_what_was_committed_before_a_power_cut_is_there_after_it(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(5):
        clock.advance(10**9)
        await store.append([bulk(clock.now()), record(clock.now())])
    before = [f.data for f in await _frames(store, Lane.BULK)]
    epoch = store.core.epoch
    copy = _crash(tmp_path / "spool", tmp_path / "after")
    await store.close(clean=True)

    again = await spool(copy, clock)
    after = [f.data for f in await _frames(again, Lane.BULK)]
    restart = again.restart
    await again.close(clean=True)

    assert after == before
    assert again.core.epoch == epoch
    assert restart is not None
    assert restart.clean is False


async def test_a_clean_stop_is_told_apart_from_a_crash_once(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    await store.append([bulk(clock.now())])
    await store.close(clean=True)
    clean = await spool(tmp_path / "spool", clock)
    copy = _crash(tmp_path / "spool", tmp_path / "after")
    await clean.close(clean=False)
    unclean = await spool(copy, clock)
    await unclean.close(clean=True)

    assert clean.restart is not None
    assert clean.restart.clean is True
    assert unclean.restart is not None
    assert unclean.restart.clean is False


async def test_a_second_gateway_on_a_spool_is_refused_with_one_line(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")

    with pytest.raises(ConfigError) as refused:
        await spool(tmp_path / "spool")
    await store.close(clean=True)

    assert [fault.code for fault in refused.value.faults] == ["spool.in_use"]
    assert "\n" not in str(refused.value.faults[0])


async def test_the_spool_of_another_gateway_is_refused(tmp_path: Path) -> None:
    await (await spool(tmp_path / "spool")).close(clean=True)

    with pytest.raises(ConfigError) as refused:
        await spool(tmp_path / "spool", gateway="610502-dust1a")

    assert [fault.code for fault in refused.value.faults] == ["spool.owner"]


async def test_an_unwritable_directory_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError) as refused:
        await spool(tmp_path / "file" / "spool")

    assert [fault.code for fault in refused.value.faults] == ["config.directory"]


async def test_a_spool_on_another_machine_opens_a_new_epoch(tmp_path: Path) -> None:
    first = await spool(tmp_path / "spool")
    await first.append([bulk(SetClock().now())])
    await first.close(clean=True)

    second = await spool(tmp_path / "spool", machine="m2")
    meta = await _frames(second, Lane.META)
    old = await _frames(second, Lane.BULK, first.core.epoch)
    await second.close(clean=True)

    assert second.core.epoch != first.core.epoch
    assert records.decode_records(decompress(meta[0]))[0]["reason"] == "CLONED"
    assert [f.header.seq for f in old] == [1]
    assert second.core.logs[first.core.epoch, Lane.BULK].pending.spans == ((1, 1),)


async def test_the_start_number_ascends_above_what_stands_beside_the_key(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool", boot_floor=41)
    await store.close(clean=True)

    assert store.core.boot_id == 42


@pytest.mark.parametrize("name", ["alarm-1.db", "bulk-1-1.db"])
async def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(
    tmp_path: Path, name: str
) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(3):
        clock.advance(10**9)
        await store.append([bulk(clock.now()), record(clock.now())])
    await store.close(clean=True)
    path = tmp_path / "spool" / name
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])

    again = await spool(tmp_path / "spool", clock)
    meta = await _frames(again, Lane.META)
    gaps = await _gaps(again)
    await again.append([bulk(clock.now()), record(clock.now())])
    kept = sorted(p.name for p in (tmp_path / "spool" / "quarantine").iterdir())
    await again.close(clean=True)

    assert again.core.epoch != store.core.epoch
    assert records.decode_records(decompress(meta[0]))[0]["reason"] == "CORRUPT"
    assert {gap.cause for gap in gaps} == {GapCause.CORRUPT}
    assert {gap.epoch for gap in gaps} == {store.core.epoch}
    assert f"{name}.1" in kept


async def test_without_a_catalogue_the_old_epoch_still_drains(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    await store.append([bulk(clock.now()), record(clock.now())])
    await store.close(clean=True)
    (tmp_path / "spool" / "control.db").write_bytes(b"no database at all" * 400)

    again = await spool(tmp_path / "spool", clock)
    old = await _frames(again, Lane.BULK, store.core.epoch)
    alarms = await _frames(again, Lane.ALARM, store.core.epoch)
    await again.close(clean=True)

    assert again.core.epoch != store.core.epoch
    assert [f.header.n for f in old] == [30]
    assert len(alarms) == 1


async def test_a_missing_file_is_never_replaced_in_silence(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([record(SetClock().now())])
    await store.close(clean=True)
    (tmp_path / "spool" / "alarm-1.db").unlink()

    again = await spool(tmp_path / "spool")
    gaps = await _gaps(again)
    await again.close(clean=True)

    assert again.core.epoch != store.core.epoch
    assert {gap.lane for gap in gaps} == {Lane.ALARM, Lane.EVENT}


async def test_acknowledged_ranges_survive_a_restart(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(4):
        await store.append([bulk(clock.now())])
    frames = await _frames(store, Lane.BULK)
    belief = await store.acknowledge([_claim(store, Lane.BULK, 1, frames[:3])])
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
    frames = await _frames(store, Lane.BULK)
    await store.acknowledge([_claim(store, Lane.BULK, 1, frames)])
    await store.set_apart(store.core.epoch, Lane.BULK, 1, Disposed.QUARANTINED)
    log = store.lanes()[Lane.BULK]

    await store.welcome([log], [_claim(store, Lane.BULK, 1, frames[:2])])
    counts = store.counts()
    await store.close(clean=True)

    assert log.pending.spans == ((3, 4),)
    assert counts.pending == 60


async def test_a_refused_batch_is_set_aside_and_named_in_one_transaction(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    await store.append([bulk(clock.now())])
    await store.refuse(store.core.epoch, Lane.BULK, 1)
    copy = _crash(tmp_path / "spool", tmp_path / "after")
    await store.close(clean=True)

    again = await spool(copy, clock)
    gaps = await _gaps(again)
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
    gaps = await _gaps(store)
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
    gaps = await _gaps(store)
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
    frames = await _frames(store, Lane.BULK)
    tip = store.lanes()[Lane.BULK].tip
    await store.close(clean=True)

    times = [frame.header.t_first_us for frame in frames]
    assert times == sorted(set(times))
    assert done <= len(frames) <= 60
    assert verify_run(_root(frames), [f.header for f in frames]).tip == tip


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
    gaps = await _gaps(store)
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
    frames = await _frames(store, Lane.BULK)
    await store.close(clean=True)
    again = await spool(tmp_path / "spool", clock, quota=160_000)
    after = await _frames(again, Lane.BULK)
    await again.close(clean=True)

    assert [f.data for f in after] == [f.data for f in frames]
    assert len(frames) == 100
