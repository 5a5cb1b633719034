"""Spool files that were emptied, exchanged or lost their WAL: named, and the start goes on."""

from pathlib import Path

import pytest

from edge.spool.store import Spool
from proto.batch import Lane
from proto.errors import ConfigError
from proto.gap import GapCause
from tests.integration.edge.spool_reading import crash, frames_of, gaps_of
from tests.spool_builders import SetClock, bulk, record, spool

BOOT_RECORDS = {"EPOCH", "SCHEMA", "BOOT"}


async def crashed(tmp_path: Path) -> tuple[Path, bytes]:
    """A spool with unsent alarms and samples, as a power cut leaves it; and its epoch."""
    store = await spool(tmp_path / "before")
    await store.append([bulk(SetClock().now()), record(SetClock().now())])
    copy = crash(tmp_path / "before", tmp_path / "spool")
    epoch = store.core.epoch
    await store.close(clean=True)
    return copy, epoch


async def corrupt_lanes(store: Spool) -> set[Lane | None]:
    return {gap.lane for gap in await gaps_of(store) if gap.cause is GapCause.CORRUPT}


async def test_a_catalogue_without_its_wal_is_rebuilt_and_loses_no_unsent_batch(
    tmp_path: Path,
) -> None:
    directory, epoch = await crashed(tmp_path)
    (directory / "control.db-wal").unlink()

    store = await spool(directory)
    bulks = await frames_of(store, Lane.BULK, epoch)
    alarms = await frames_of(store, Lane.ALARM, epoch)
    fresh = store.core.epoch != epoch
    await store.close(clean=True)

    assert (len(bulks), len(alarms), fresh) == (1, 1, True)


async def test_a_spool_without_any_wal_starts_and_names_the_loss(tmp_path: Path) -> None:
    directory, epoch = await crashed(tmp_path)
    for path in directory.glob("*-wal"):
        path.unlink()

    store = await spool(directory)
    lanes, fresh = await corrupt_lanes(store), store.core.epoch != epoch
    await store.close(clean=True)

    assert (lanes, fresh) == ({Lane.ALARM, Lane.EVENT, Lane.BULK}, True)


@pytest.mark.parametrize(
    ("name", "lanes"),
    [("alarm-1.db", {Lane.ALARM, Lane.EVENT}), ("bulk-1-1.db", {Lane.BULK})],
)
async def test_a_file_of_no_bytes_is_a_loss_and_its_numbers_are_not_used_again(
    tmp_path: Path, name: str, lanes: set[Lane]
) -> None:
    directory, epoch = await crashed(tmp_path)
    (directory / name).write_bytes(b"")
    (directory / f"{name}-wal").unlink()

    store = await spool(directory)
    named, fresh = await corrupt_lanes(store), store.core.epoch != epoch
    await store.close(clean=True)

    assert (named, fresh) == (lanes, True)


@pytest.mark.parametrize("name", ["alarm-1.db", "bulk-1-1.db"])
async def test_a_data_file_in_the_place_of_the_catalogue_stops_no_start(
    tmp_path: Path, name: str
) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now()), record(SetClock().now())])
    await store.close(clean=True)
    data = (tmp_path / "spool" / name).read_bytes()
    (tmp_path / "spool" / "control.db").write_bytes(data)

    store = await spool(tmp_path / "spool")
    tip = store.lanes()[Lane.META].tip.tip_seq
    await store.close(clean=True)

    assert tip >= len(BOOT_RECORDS)


@pytest.mark.parametrize("name", ["control.db", "alarm-1.db", "bulk-1-1.db"])
async def test_a_directory_in_the_place_of_a_file_stops_no_start(tmp_path: Path, name: str) -> None:
    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now()), record(SetClock().now())])
    await store.close(clean=True)
    (tmp_path / "spool" / name).unlink()
    (tmp_path / "spool" / name).mkdir()

    store = await spool(tmp_path / "spool")
    await store.append([bulk(SetClock().now())])
    await store.close(clean=True)


async def test_a_directory_in_the_place_of_the_lock_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "spool" / "lock").mkdir(parents=True)

    with pytest.raises(ConfigError) as refused:
        await spool(tmp_path / "spool")

    assert [fault.code for fault in refused.value.faults] == ["config.directory"]


async def test_a_loss_at_a_rebuild_is_named_once_a_lane(tmp_path: Path) -> None:
    directory, _ = await crashed(tmp_path)
    (directory / "control.db").unlink()
    (directory / "alarm-1.db").write_bytes(b"")
    for path in directory.glob("*-wal"):
        if not path.name.startswith("bulk"):
            path.unlink()

    store = await spool(directory)
    named = [gap.lane for gap in await gaps_of(store) if gap.cause is GapCause.CORRUPT]
    await store.close(clean=True)

    assert sorted(named, key=str) == sorted([Lane.ALARM, Lane.EVENT], key=str)
