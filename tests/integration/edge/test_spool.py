"""The spool on real files: what is committed stays, what is damaged is set aside and named."""

import sqlite3
from pathlib import Path

import pytest

from edge.spool.file import PRAGMAS
from proto import records
from proto.batch import Kind, Lane, decompress, gateway_uid
from proto.chain import verify_run
from proto.errors import ConfigError
from proto.gap import GapCause
from proto.meta_record import EpochReason
from tests.integration.edge.spool_reading import begin_of, crash, frames_of, gaps_of
from tests.spool_builders import GATEWAY, SetClock, bulk, record, spool


async def test_a_new_spool_begins_with_epoch_schema_and_boot(tmp_path: Path) -> None:
    store = await spool(tmp_path / "spool")

    frames = await frames_of(store, Lane.META)
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
    frames = await frames_of(store, Lane.BULK)
    alarms = await frames_of(store, Lane.ALARM)
    meta = await frames_of(store, Lane.META)
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
        assert verify_run(begin_of(run), [f.header for f in run]).tip == tip


async def test_what_was_committed_before_a_power_cut_is_there_after_it(tmp_path: Path) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    for _ in range(5):
        clock.advance(10**9)
        await store.append([bulk(clock.now()), record(clock.now())])
    before = [f.data for f in await frames_of(store, Lane.BULK)]
    epoch = store.core.epoch
    copy = crash(tmp_path / "spool", tmp_path / "after")
    await store.close(clean=True)

    again = await spool(copy, clock)
    after = [f.data for f in await frames_of(again, Lane.BULK)]
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
    copy = crash(tmp_path / "spool", tmp_path / "after")
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
    meta = await frames_of(second, Lane.META)
    old = await frames_of(second, Lane.BULK, first.core.epoch)
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
    meta = await frames_of(again, Lane.META)
    gaps = await gaps_of(again)
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
    old = await frames_of(again, Lane.BULK, store.core.epoch)
    alarms = await frames_of(again, Lane.ALARM, store.core.epoch)
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
    gaps = await gaps_of(again)
    await again.close(clean=True)

    assert again.core.epoch != store.core.epoch
    assert {gap.lane for gap in gaps} == {Lane.ALARM, Lane.EVENT}


async def test_cursors_are_kept_with_the_samples_and_found_by_the_next_start(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    for number in range(3):
        store = await spool(tmp_path / "spool", clock)
        assert store.cursors == ({"line": b"\x01\x02"} if number else {})
        if number == 0:
            await store.append([bulk(clock.now())], {"line": b"\x01\x02"})
        await store.append([bulk(clock.now())])
        await store.close(clean=number == 0)


async def test_what_is_kept_with_records_is_found_by_the_next_start_and_never_without_them(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    store = await spool(tmp_path / "spool", clock)
    await store.append([record(clock.now())], kept={"ring/a": "1", "ring/b": "1"})
    await store.append([record(clock.now())], kept={"ring/a": "2"})
    await store.open_epoch(EpochReason.IO_ERROR, instead_of=store.core.epoch)
    await store.append([record(clock.now())], kept={"ring/b": "3"})
    await store.append([bulk(clock.now())], kept={"ring/a": "9"})  # no record: nothing is kept
    crash(tmp_path / "spool", tmp_path / "after")
    await store.close(clean=True)

    again = await spool(tmp_path / "after", clock)
    found = dict(again.kept)
    await again.close(clean=True)

    assert found == {"ring/a": "2", "ring/b": "3"}
