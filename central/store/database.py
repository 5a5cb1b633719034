"""The one database file: one writer, readers that only read, migrations.  Shell: SQLite.

Source: `central.md` 3.1 and 6.  SQLite before 3.51.3 can corrupt a WAL database when two
connections write or
checkpoint at once: so one connection writes, one thread owns it, readers open read-only and never
checkpoint, and a lock file keeps a second server out.
"""

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from proto.errors import ConfigError, Fault

T = TypeVar("T")

READERS: Final = 2
LIBRARY_VERSION: Final = sqlite3.sqlite_version
_PRAGMAS: Final = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("mmap_size", 0, 0),
    ("wal_autocheckpoint", 4000, 4000),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
    ("foreign_keys", "OFF", 0),
    ("busy_timeout", 0, 0),
)


class Database:
    """`central.db` of one running centre.

    All writing happens in one thread through `write`; `read` runs in a small pool on read-only
    connections.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "central.db"
        self._folder = folder
        self._lock_fd = -1
        self._writer: sqlite3.Connection | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_guard = threading.Lock()
        self._write_pool = ThreadPoolExecutor(1, "central-writer")
        self._read_pool = ThreadPoolExecutor(READERS, "central-reader")

    def open(self) -> None:
        """Lock the folder, bring the schema up to date, open the writing connection.

        Raises:
            ConfigError: another server runs here, the file is newer than the program, or it is no
            database.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock()
        try:
            migrate(self.path)
            self._writer = self._write_pool.submit(self._connect_writer).result()
        except (sqlite3.DatabaseError, DBAPIError) as error:
            told = error.orig if isinstance(error, DBAPIError) else error
            raise _refused(self.path, "store.damaged", str(told)) from error

    def close(self) -> None:
        """Finish what is being written, checkpoint, and close."""
        self._read_pool.shutdown(wait=True)
        with self._readers_guard:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
        if self._writer is not None:
            self._write_pool.submit(self._writer.close).result()
            self._writer = None
        self._write_pool.shutdown(wait=True)
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the writing connection, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._write_pool, self._with_writer, work
        )

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a read-only connection."""
        return await asyncio.get_running_loop().run_in_executor(
            self._read_pool, self.read_now, work
        )

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on this thread's read-only connection."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect_reader(self.path)
            self._local.connection = connection
            with self._readers_guard:
                self._readers.append(connection)
        return work(connection)

    def _with_writer(self, work: Callable[[sqlite3.Connection], T]) -> T:
        assert self._writer is not None, "open() comes first"
        return work(self._writer)

    def _lock(self) -> None:
        self._lock_fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = "another server runs on this directory; stop it or name another directory"
            raise _refused(self._folder, "store.locked", message) from error

    def _connect_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        for name, value, wanted in _PRAGMAS:
            connection.execute(f"PRAGMA {name}={value}")
            found = connection.execute(f"PRAGMA {name}").fetchone()[0]
            if found != wanted:
                raise sqlite3.DatabaseError(f"PRAGMA {name} is {found!r}, not {wanted!r}")
        return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file read-only; such a connection never checkpoints."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def migrate(path: Path) -> None:
    """Run the migrations that the file lacks, each in one transaction.

    Raises:
        ConfigError: the file was written by a newer program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            known = {script.revision for script in scripts.walk_revisions()}
            current = MigrationContext.configure(connection).get_current_revision()
            connection.rollback()
            if current is not None and current not in known:
                head = scripts.get_current_head()
                message = f"schema {current} is newer than this program ({head}); install that one"
                raise _refused(path, "store.newer", message)
            if current != scripts.get_current_head():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    finally:
        engine.dispose()


def check(path: Path) -> list[str]:
    """Return what `PRAGMA quick_check` finds; empty when the file is sound."""
    connection = connect_reader(path)
    try:
        rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
    finally:
        connection.close()
    return [row for row in rows if row != "ok"]


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    # The driver's own transaction control commits before DDL: take it over, so that a migration is
    # one transaction.
    def connected(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _refused(place: Path, code: str, message: str) -> ConfigError:
    return ConfigError([Fault(str(place), code, message)])
