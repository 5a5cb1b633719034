"""One spool file: opened in one way, one connection, one thread.  Shell: SQLite files.

Rules of this file:
- The pragmas are set in their order, read back, and the file is refused when one is not in force.
- EXCLUSIVE locking: nobody else opens the file, no `-shm` exists, and the WAL-reset race of SQLite
  before 3.51.3 (two connections) cannot occur.
- One call is one transaction; it returns after the commit is on disk (WAL, synchronous=FULL).
- Checkpoints are our own, PASSIVE, between commits.

Clause: batches.md 3.9.
"""

import re
import sqlite3
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import aiosqlite

from proto.errors import SpoolDamaged, SpoolError, SpoolFull

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

APPLICATION_ID = 0x594A5350  # "YJSP"
FORMAT = 1
WAL_CHECKPOINT_BYTES = 4 * 1024 * 1024
PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("locking_mode", "EXCLUSIVE", "exclusive"),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("mmap_size", "0", 0),
    ("wal_autocheckpoint", "0", 0),
    ("journal_size_limit", "8388608", 8388608),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
    ("busy_timeout", "0", 0),
    ("temp_store", "MEMORY", 2),
    ("auto_vacuum", "NONE", 0),
)
META_TABLE = "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, val ANY) STRICT;"
_MADE_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_TABLES = "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'"
_FULLFSYNC = (("fullfsync", "1", 1),) if sys.platform == "darwin" else ()
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_CONSTRAINT,
    }
)


class SpoolFile(aiosqlite.Connection):
    """One connection on one file; all work runs on its own thread, one piece after the other."""

    def __init__(self, path: Path, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=1)
        self._thread.daemon = True  # a process that gives up must end, whatever the disk does
        self.path = path

    async def transact(self, work: Work[T]) -> T:
        """Run `work` in one transaction; return its result after the commit is on disk.

        Raises:
            SpoolFull: no room; nothing has changed and the same call may succeed later.
            SpoolDamaged: the file cannot be trusted any more (fail-stop for this file).
        """
        return await self._run(_in_transaction, work)

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads.

        Raises:
            SpoolDamaged: the file cannot be read.
        """
        return await self._run(_plain, work)

    async def _run(self, how: Callable[[sqlite3.Connection, Work[T]], T], work: Work[T]) -> T:
        try:
            result: T = await self._execute(how, self._conn, work)  # type: ignore[no-untyped-call]
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        return result


async def open_file(path: Path, tables: str, identity: Mapping[str, str | int]) -> SpoolFile:
    """Open or make a spool file that can be written.

    Args:
        path: the file.
        tables: `CREATE TABLE IF NOT EXISTS …` statements besides `meta`.
        identity: what `meta` must say; written when the file is new, compared when it is not.

    Raises:
        SpoolDamaged: not ours, another identity, or damaged.
        SpoolError: in use by another process, or a pragma is not in force.
    """
    file = SpoolFile(path, lambda: _connect(path, tables, identity))
    try:
        await file
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return file


async def open_sealed(path: Path) -> SpoolFile:
    """Open a sealed file for reading; nothing writes to it any more.

    Raises:
        SpoolDamaged: it cannot be opened.
    """

    def connect() -> sqlite3.Connection:
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)

    file = SpoolFile(path, connect)
    try:
        await file
    except sqlite3.Error as error:
        raise SpoolDamaged("spool.damaged", str(error), place=path.name) from error
    return file


def seal(connection: sqlite3.Connection) -> None:
    """Bring everything into the one file and leave WAL mode; the caller closes it then."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    if mode != "delete":
        raise sqlite3.OperationalError(f"journal_mode stays {mode}")


def quick_check(connection: sqlite3.Connection) -> None:
    """Refuse a file whose structure is damaged.

    Raises:
        sqlite3.DatabaseError: with the first finding.
    """
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise sqlite3.DatabaseError(str(finding))


def translated(error: sqlite3.Error, path: Path) -> SpoolError:
    """Return our error for one of SQLite's; ENOSPC, EIO and "locked" are three different things."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return SpoolFull("spool.full", "no room on the disk", place=path.name)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SpoolError("spool.in_use", "another process has the file open", place=path.name)
    if primary in _DAMAGE or (primary is None and isinstance(error, sqlite3.DatabaseError)):
        return SpoolDamaged("spool.damaged", str(error), place=path.name)
    return SpoolError("spool.failed", str(error), place=path.name)


def _connect(path: Path, tables: str, identity: Mapping[str, str | int]) -> sqlite3.Connection:
    if path.exists() and not path.is_file():
        raise sqlite3.DatabaseError("not a regular file")
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _set_pragmas(connection, path)
        quick_check(connection)
        _in_transaction(connection, lambda c: _claim(c, tables, identity))
    except BaseException:
        connection.close()
        raise
    return connection


def _set_pragmas(connection: sqlite3.Connection, path: Path) -> None:
    for name, value, wanted in (*PRAGMAS, *_FULLFSYNC):
        connection.execute(f"PRAGMA {name}={value}").fetchall()
        row = connection.execute(f"PRAGMA {name}").fetchone()
        found = row[0] if row else 0  # a build without mmap says nothing
        if found != wanted:
            message = f"pragma {name} is {found!r}, not {wanted!r}: this file system cannot hold it"
            raise SpoolError("spool.pragma", message, place=path.name)


def _claim(connection: sqlite3.Connection, tables: str, identity: Mapping[str, str | int]) -> None:
    """Make the tables of a new file, or check that an old one is what its name says."""
    ours = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if ours != APPLICATION_ID and not empty:
        raise sqlite3.DatabaseError("not a spool file")
    wanted = {"meta", *_MADE_TABLE.findall(tables)}
    foreign = {row[0] for row in connection.execute(_TABLES)} - wanted
    if foreign:
        raise sqlite3.DatabaseError(f"another spool file: it has table {min(foreign)}")
    if empty:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
    for statement in (META_TABLE + tables).split(";"):
        connection.execute(statement)
    if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        raise sqlite3.DatabaseError("spool file of another format")
    for key, value in identity.items():
        connection.execute("INSERT OR IGNORE INTO meta VALUES(?, ?)", (key, value))
        found = connection.execute("SELECT val FROM meta WHERE key=?", (key,)).fetchone()[0]
        if found != value:
            raise sqlite3.DatabaseError(f"{key} is {found!r}, not {value!r}: the file was moved")


def _in_transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    _checkpoint(connection)
    return result


def _plain(connection: sqlite3.Connection, work: Work[T]) -> T:
    return work(connection)


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Move the WAL into the file when it has grown to 4 MiB; PASSIVE, so that it never waits."""
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    try:
        size = Path(path + "-wal").stat().st_size
    except FileNotFoundError:
        return
    if size >= WAL_CHECKPOINT_BYTES:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
