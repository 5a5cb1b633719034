"""SQL of the spool's files: META batches, epochs, segments, acknowledged ranges.  Shell: SQLite.

All functions run on the thread of their file, inside the transaction of their caller.
Clause: batches.md 3.9.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edge.spool.shed import Segment, SegmentState
from proto.batch import Frame, Lane

CONTROL_TABLES = """
CREATE TABLE IF NOT EXISTS epoch(e INTEGER PRIMARY KEY, epoch BLOB NOT NULL, reason TEXT NOT NULL,
  closed INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batch(e INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
  t_first INTEGER NOT NULL, t_last INTEGER NOT NULL, hash BLOB NOT NULL, frame BLOB NOT NULL,
  PRIMARY KEY(e, seq)) STRICT;
CREATE TABLE IF NOT EXISTS segment(e INTEGER NOT NULL, lane INTEGER NOT NULL, no INTEGER NOT NULL,
  state TEXT NOT NULL, seq_lo INTEGER NOT NULL, seq_hi INTEGER NOT NULL,
  sample_lo INTEGER NOT NULL, sample_hi INTEGER NOT NULL, t_lo INTEGER NOT NULL,
  t_hi INTEGER NOT NULL, tip_hash BLOB NOT NULL, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL,
  PRIMARY KEY(e, lane, no)) STRICT;
CREATE TABLE IF NOT EXISTS acked(e INTEGER NOT NULL, lane INTEGER NOT NULL, lo INTEGER NOT NULL,
  hi INTEGER NOT NULL, status INTEGER NOT NULL, PRIMARY KEY(e, lane, lo)) STRICT;
"""
Connection = sqlite3.Connection

_ROWS = """(seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, t_first INTEGER NOT NULL,
  t_last INTEGER NOT NULL, hash BLOB NOT NULL, frame BLOB NOT NULL) STRICT;"""
ALARM_TABLES = f"CREATE TABLE IF NOT EXISTS alarm{_ROWS} CREATE TABLE IF NOT EXISTS event{_ROWS}"
BULK_TABLES = (
    f"CREATE TABLE IF NOT EXISTS batch{_ROWS}"
    " CREATE TABLE IF NOT EXISTS cursor(name TEXT PRIMARY KEY, val ANY) STRICT;"
)
_TABLE = {Lane.ALARM: "alarm", Lane.EVENT: "event", Lane.BULK: "batch"}
KEPT = "kept/"
_COLUMNS = "seq, n, t_first, t_last, hash, frame"


class EpochRow(NamedTuple):
    """One epoch of the catalogue."""

    e: int
    epoch: bytes
    reason: str
    closed: bool


class Row(NamedTuple):
    """One batch as it stands in its table."""

    seq: int
    n: int
    t_first: int
    t_last: int
    hash: bytes
    frame: bytes


def insert(connection: sqlite3.Connection, lane: Lane, e: int, frames: Iterable[Frame]) -> None:
    """Insert frames of one lane; never updated, never deleted."""
    rows = [
        (h.seq, h.n, h.t_first_us, h.t_last_us, h.hash, frame.data)
        for frame in frames
        for h in (frame.header,)
    ]
    if lane is Lane.META:
        connection.executemany(f"INSERT INTO batch(e, {_COLUMNS}) VALUES({e},?,?,?,?,?,?)", rows)
    else:
        connection.executemany(f"INSERT INTO {_TABLE[lane]} VALUES(?,?,?,?,?,?)", rows)


def last_rows(connection: sqlite3.Connection, lane: Lane, e: int, count: int) -> list[Row]:
    """Return the newest rows of a lane, oldest of them first."""
    sql = _select(_COLUMNS, lane, e, "ORDER BY seq DESC LIMIT ?")
    return [Row(*row) for row in reversed(connection.execute(sql, (count,)).fetchall())]


def rows_between(
    connection: sqlite3.Connection, lane: Lane, e: int, low: int, high: int, limit: int
) -> list[Row]:
    """Return rows by sequence, at most `limit`."""
    sql = _select(_COLUMNS, lane, e, "AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?")
    return [Row(*row) for row in connection.execute(sql, (low, high, limit)).fetchall()]


def samples_between(connection: sqlite3.Connection, lane: Lane, e: int, low: int, high: int) -> int:
    """Return the samples of low … high, as far as they are in this file."""
    sql = _select("coalesce(sum(n), 0)", lane, e, "AND seq BETWEEN ? AND ?")
    return int(connection.execute(sql, (low, high)).fetchone()[0])


def hash_of(connection: sqlite3.Connection, lane: Lane, e: int, seq: int) -> bytes | None:
    """Return the hash of one batch; None when it is not in this file."""
    row = connection.execute(_select("hash", lane, e, "AND seq = ?"), (seq,)).fetchone()
    return None if row is None else bytes(row[0])


def _select(what: str, lane: Lane, e: int, rest: str) -> str:
    """Return SQL over one lane's table; `what` and `rest` are literals of this file."""
    source = f"batch WHERE e = {e:d}" if lane is Lane.META else f"{_TABLE[lane]} WHERE 1 = 1"
    return " ".join(("SELECT", what, "FROM", source, rest))


def epochs(connection: sqlite3.Connection) -> list[EpochRow]:
    """Return all epochs, oldest first."""
    found = connection.execute("SELECT e, epoch, reason, closed FROM epoch ORDER BY e").fetchall()
    return [EpochRow(e, bytes(epoch), reason, bool(closed)) for e, epoch, reason, closed in found]


def add_epoch(connection: sqlite3.Connection, e: int, epoch: bytes, reason: str) -> None:
    """Close what is open and add a new epoch."""
    connection.execute("UPDATE epoch SET closed = 1")
    connection.execute("INSERT INTO epoch VALUES(?,?,?,0)", (e, epoch, reason))


def segments(connection: sqlite3.Connection) -> list[Segment]:
    """Return all segments of BULK, oldest first."""
    sql = (
        "SELECT e, no, state, seq_lo, seq_hi, sample_lo, sample_hi, t_lo, t_hi, tip_hash, bytes,"
        " sha256 FROM segment WHERE lane = ? ORDER BY e, no"
    )
    return [
        Segment(e, no, SegmentState(state), *rest)
        for e, no, state, *rest in connection.execute(sql, (int(Lane.BULK),)).fetchall()
    ]


def put_segment(connection: sqlite3.Connection, one: Segment) -> None:
    """Insert or replace the row of one segment."""
    connection.execute(
        "INSERT OR REPLACE INTO segment VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(one.e, int(Lane.BULK), one.no, one.state.value, one.seq_lo, one.seq_hi),
            *(one.sample_lo, one.sample_hi, one.t_lo, one.t_hi, one.tip_hash, one.size),
            one.sha256,
        ),
    )


def remove_segment(connection: sqlite3.Connection, one: Segment) -> None:
    """Remove the row of a segment whose file is gone or set aside."""
    sql = "DELETE FROM segment WHERE e = ? AND lane = ? AND no = ?"
    connection.execute(sql, (one.e, int(Lane.BULK), one.no))


def acked(connection: sqlite3.Connection, e: int, lane: Lane) -> list[tuple[int, int, int]]:
    """Return (lo, hi, status) of one lane."""
    sql = "SELECT lo, hi, status FROM acked WHERE e = ? AND lane = ?"
    return [(lo, hi, status) for lo, hi, status in connection.execute(sql, (e, int(lane)))]


def put_acked(
    connection: sqlite3.Connection, e: int, lane: Lane, rows: Sequence[tuple[int, int, int]]
) -> None:
    """Replace the ranges (lo, hi, status) of one lane."""
    connection.execute("DELETE FROM acked WHERE e = ? AND lane = ?", (e, int(lane)))
    connection.executemany(
        "INSERT INTO acked VALUES(?,?,?,?,?)",
        [(e, int(lane), low, high, status) for low, high, status in rows],
    )


def get(connection: sqlite3.Connection, key: str) -> str | int | None:
    """Return one value of `meta`."""
    row = connection.execute("SELECT val FROM meta WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    value = row[0]
    assert isinstance(value, str | int), "meta holds text and integers"
    return value


def put(connection: sqlite3.Connection, key: str, value: str | int) -> None:
    """Set one value of `meta`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES(?,?)", (key, value))


def cursors(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return what readers of equipment keep beside the samples of a BULK file."""
    rows = connection.execute("SELECT name, val FROM cursor").fetchall()
    return {str(name): val for name, val in rows if isinstance(val, bytes)}


def put_cursors(connection: sqlite3.Connection, found: Mapping[str, bytes]) -> None:
    """Set them; called in the transaction of the samples that they speak of."""
    connection.executemany("INSERT OR REPLACE INTO cursor VALUES(?,?)", list(found.items()))


def put_kept(connection: sqlite3.Connection, found: Mapping[str, str]) -> None:
    """Set what is kept together with records; called in their transaction."""
    rows = [(KEPT + key, value) for key, value in found.items()]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", rows)


def kept(connection: sqlite3.Connection) -> dict[str, str]:
    """Return what was kept together with records."""
    sql = "SELECT key, val FROM meta WHERE key >= ? AND key < ?"
    found = connection.execute(sql, (KEPT, KEPT[:-1] + "0")).fetchall()  # 0 follows /
    return {key.removeprefix(KEPT): str(value) for key, value in found}


def forget(connection: sqlite3.Connection, key: str) -> None:
    """Remove one value of `meta`."""
    connection.execute("DELETE FROM meta WHERE key = ?", (key,))
