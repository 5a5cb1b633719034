"""The one database file: migrations, the lock, what a full or broken disk does."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from central.archive.blocks import Archive
from central.archive.model import Admitted, ArchiveBroken, ArchiveFull
from central.archive.rows import Derived
from central.store.database import Database, connect_reader, migrate
from central.store.register import import_register
from central.store.tables import metadata
from proto.errors import ConfigError
from proto.site import Site
from tests.central_builders import Plant

SITE = Site("hancheng-steel", "韩城", "610581", ("610581-bof1a",))


def admitted(*frames: object) -> list[Admitted]:
    return [
        Admitted(SITE.id, "610581-bof1a", "", f.header, f.block, f.payload, 0, False, ref)
        for ref, f in enumerate(frames)
    ]


def nothing(_items: Sequence[Admitted]) -> Derived:
    return Derived()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path)
    made.open()
    yield made
    made.close()


def test_the_tables_are_those_that_the_program_describes(database: Database) -> None:
    db = connect_reader(database.path)
    found = {
        table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        for table in metadata.tables
    }
    keys = {
        table: [r[1] for r in sorted(db.execute(f"PRAGMA table_info({table})"), key=lambda r: r[5])
                if r[5]]
        for table in metadata.tables
    }  # fmt: skip
    db.close()
    assert found == {name: [c.name for c in t.columns] for name, t in metadata.tables.items()}
    assert keys == {name: [c.name for c in t.primary_key] for name, t in metadata.tables.items()}


def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "central.db"
    migrate(path)
    migrate(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE alembic_version SET version_num='9999'")
    db.commit()
    db.close()
    with pytest.raises(ConfigError) as refused:
        Database(tmp_path).open()
    assert "newer than this program" in refused.value.faults[0].message


def test_a_second_server_on_a_directory_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Database(tmp_path).open()
    assert refused.value.code == "store.locked"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "central.db").write_bytes(b"not a database, but long enough to look like one" * 99)
    with pytest.raises(ConfigError) as refused:
        Database(tmp_path).open()
    assert refused.value.code == "store.damaged"


def test_a_reader_cannot_write(database: Database) -> None:
    db = connect_reader(database.path)
    with pytest.raises(sqlite3.OperationalError):
        db.execute("INSERT INTO point VALUES ('a', 1, 'b')")
    db.close()


async def test_a_full_disk_changes_nothing_and_acknowledges_nothing(database: Database) -> None:
    archive = Archive(database)
    await archive.open()
    plant = Plant()
    first = plant.samples()
    await archive.append(admitted(first), nothing)
    pages = await database.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await database.write(lambda db: db.execute(f"PRAGMA max_page_count={pages}").fetchone())
    many = [plant.samples() for _ in range(300)]
    with pytest.raises(ArchiveFull):
        await archive.append(admitted(*many), nothing)
    assert archive.arrival == 1
    assert archive.lanes.of((SITE.id, plant.epoch, 2)).runs.tip == 1
    await database.write(lambda db: db.execute("PRAGMA max_page_count=100000").fetchone())
    outcomes = await archive.append(admitted(*many), nothing)
    assert len(outcomes) == 300
    assert len(await archive.read(0)) == 301


async def test_an_error_of_the_database_is_no_acknowledgement(database: Database) -> None:
    archive = Archive(database)
    await archive.open()
    await database.write(lambda db: db.execute("DROP TABLE gap"))
    with pytest.raises(ArchiveBroken):
        await archive.append(admitted(Plant().frames[0]), nothing)
    assert await archive.read(0) == []


async def test_a_gateway_is_not_moved_to_another_site_in_silence(database: Database) -> None:
    other = Site("weinan-dust", "渭南", "610502", SITE.gateways)
    await database.write(lambda db: import_register(db, [SITE], 1, "f"))
    await database.write(lambda db: import_register(db, [SITE], 2, "f"))
    with pytest.raises(ConfigError) as refused:
        await database.write(lambda db: import_register(db, [other], 3, "f"))
    assert refused.value.code == "config.gateway_moved"
