"""One group of batches into one transaction.  Shell: SQLite, on the writing connection.

Order: look the keys up, derive (pure, before BEGIN), then BEGIN, write, and the caller commits.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from central.archive import statements as sql
from central.archive.codes import CODE_FORK_QUOTA, number_of_code
from central.archive.model import Admitted, Outcome, Stored
from central.archive.rows import Derive, Derived, GapRecordRow, SummaryRow
from proto.batch import parse_header
from proto.v1 import uplink_pb2 as wire

QUARANTINE_BYTES_MAX = 32 * 1024 * 1024  # of a site
FORK_BYTES_MAX = 64 * 1024 * 1024  # batches.md 3.13
DECODED = 1
WAITS = 0
UNUSABLE = 2


@dataclass(slots=True)
class Appended:
    """What one transaction has done."""

    arrival: int
    outcomes: list[Outcome] = field(default_factory=list)
    stored: list[Admitted] = field(default_factory=list)
    forked: list[Admitted] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)  # site of each
    gaps: list[GapRecordRow] = field(default_factory=list)


def append_group(
    db: sqlite3.Connection, items: Sequence[Admitted], derive: Derive, arrival: int
) -> Appended:
    """Write a group; the transaction is left open for the caller to commit."""
    done = Appended(arrival)
    fresh, again = _sort_out(db, items)
    derived = derive(fresh)
    waiting = _waiting(db, derived)
    later = derive(waiting) if waiting else Derived()
    db.execute("BEGIN IMMEDIATE")
    for item in fresh:
        if item.ref in derived.damaged:
            _quarantine(db, item, derived.damaged[item.ref], done)
        else:
            _store(db, item, WAITS if item.ref in derived.waits else DECODED, done)
    for item in again:
        _settle_again(db, item, done)
    _write_rows(db, derived)
    _write_rows(db, later)
    for item in waiting:
        state = UNUSABLE if item.ref in later.damaged else DECODED
        db.execute(sql.BLOCK_DECODED, (state, *_key(item)))
        if state == UNUSABLE:  # it was acknowledged long ago; people are told
            data = item.block + item.payload
            code = later.damaged[item.ref]
            keep_aside(db, item.site, item.gateway, data, code, item.received_us)
            done.quarantined.append(item.site)
    done.gaps = [*derived.gaps, *later.gaps]
    return done


def keep_aside(
    db: sqlite3.Connection, site: str, gateway: str, data: bytes, code: str, received_us: int
) -> None:
    """Put bytes into quarantine; the transaction is left open.

    Beyond a site's budget the oldest go; how many they were stays.
    """
    if not db.in_transaction:
        db.execute("BEGIN IMMEDIATE")
    digest = hashlib.sha256(data).digest()
    row = (site, digest, gateway, code, received_us, received_us, data)
    db.execute(sql.QUARANTINE_UPSERT, row)
    over = db.execute(sql.QUARANTINE_BYTES, (site,)).fetchone()[0] - QUARANTINE_BYTES_MAX
    while over > 0:
        oldest, size, *rest = db.execute(sql.QUARANTINE_OLDEST, (site,)).fetchone()
        db.execute(sql.QUARANTINE_GONE, (site, *rest))
        db.execute(sql.QUARANTINE_DELETE, (site, oldest))
        over -= size


def read_after(db: sqlite3.Connection, after: int) -> list[Stored]:
    """Return up to 512 batches after an arrival number."""
    return [
        Stored(arrival, site, gateway, header, payload, received_us, bool(late))
        for arrival, site, gateway, header, payload, received_us, late in db.execute(
            sql.BLOCK_AFTER, (after,)
        )
    ]


def _key(item: Admitted) -> tuple[str, bytes, int, int]:
    return (item.site, item.header.epoch, int(item.header.lane), item.header.seq)


def _sort_out(
    db: sqlite3.Connection, items: Sequence[Admitted]
) -> tuple[list[Admitted], list[Admitted]]:
    """Return the items that are new, and those whose key is held or stands twice in the group."""
    seen: set[tuple[str, bytes, int, int]] = set()
    fresh: list[Admitted] = []
    again: list[Admitted] = []
    for item in items:
        key = _key(item)
        if key in seen or db.execute(sql.BLOCK_HASH, key).fetchone() is not None:
            again.append(item)
        else:
            seen.add(key)
            fresh.append(item)
    return fresh, again


def _store(db: sqlite3.Connection, item: Admitted, state: int, done: Appended) -> None:
    done.arrival += 1
    db.execute(sql.BLOCK_INSERT, _block_row(item, done.arrival, state))
    db.execute(sql.EPOCH_INSERT, (item.site, item.header.epoch, item.gateway, item.received_us))
    done.stored.append(item)
    done.outcomes.append(Outcome(item.ref, wire.STORED, item.header.hash, 0))


def _settle_again(db: sqlite3.Connection, item: Admitted, done: Appended) -> None:
    """Say DUPLICATE of the same hash; keep both of a fork, within its budget."""
    row = db.execute(sql.BLOCK_HASH, _key(item)).fetchone()
    if row is None:
        _quarantine(db, item, "batch.payload", done)  # the twin of one that has just been refused
    elif row[0] == item.header.hash:
        done.outcomes.append(Outcome(item.ref, wire.DUPLICATE, row[0], 0))
    elif db.execute(sql.FORK_BYTES, (item.site,)).fetchone()[0] >= FORK_BYTES_MAX:
        done.outcomes.append(Outcome(item.ref, wire.STATUS_UNSET, row[0], CODE_FORK_QUOTA))
    else:
        data = item.block + item.payload
        fork = (*_key(item), item.header.hash, row[0], item.received_us, data)
        db.execute(sql.FORK_INSERT, fork)
        done.forked.append(item)
        done.outcomes.append(Outcome(item.ref, wire.FORKED, row[0], 0))


def _waiting(db: sqlite3.Connection, derived: Derived) -> list[Admitted]:
    """Return stored batches that waited for the point tables of this group."""
    found: list[Admitted] = []
    for part in derived.parts:
        for row in db.execute(sql.BLOCK_WAITING, (part.site, part.hash)):
            _epoch, _lane, _seq, received_us, late, block, payload = row
            header = parse_header(block)
            found.append(
                Admitted(
                    part.site,
                    part.gateway,
                    "",
                    header,
                    block,
                    payload,
                    received_us,
                    bool(late),
                    -1 - len(found),
                )
            )
    return found


def _block_row(item: Admitted, arrival: int, state: int) -> tuple[object, ...]:
    header = item.header
    return (
        item.site,
        header.epoch,
        int(header.lane),
        header.seq,
        arrival,
        int(header.kind),
        header.n,
        header.sample_first,
        header.t_first_us,
        header.t_last_us,
        header.boot_id,
        item.received_us,
        item.late,
        state,
        header.schema_hash,
        header.prev_hash,
        header.hash,
        item.block,
        item.payload,
    )


def _quarantine(db: sqlite3.Connection, item: Admitted, code: str, done: Appended) -> None:
    data = item.block + item.payload
    keep_aside(db, item.site, item.gateway, data, code, item.received_us)
    done.quarantined.append(item.site)
    done.outcomes.append(
        Outcome(item.ref, wire.QUARANTINED, item.header.hash, number_of_code(code))
    )


def _write_rows(db: sqlite3.Connection, derived: Derived) -> None:
    db.executemany(sql.PART_INSERT, derived.parts)
    db.executemany(sql.EVENT_INSERT, derived.events)
    db.executemany(sql.GAP_INSERT, derived.gaps)
    db.executemany(sql.ALARM_UPSERT, derived.alarms)
    db.executemany(sql.INTERLOCK_UPSERT, derived.interlocks)
    db.executemany(sql.GRID_UPSERT, derived.grids)
    if derived.summaries:
        _write_summaries(db, derived.summaries)


def _write_summaries(db: sqlite3.Connection, rows: Iterable[SummaryRow]) -> None:
    numbers: dict[tuple[str, str], int] = {}
    ready = []
    for row in rows:
        key = (row.site, row.point)
        if key not in numbers:
            numbers[key] = _point_number(db, *key)
        ready.append((row.site, numbers[key], *row[2:]))
    db.executemany(sql.SUMMARY_UPSERT, ready)


def _point_number(db: sqlite3.Connection, site: str, name: str) -> int:
    row = db.execute(
        "SELECT point_id FROM point WHERE site_id=? AND name=?", (site, name)
    ).fetchone()
    if row is not None:
        return int(row[0])
    top = "SELECT coalesce(max(point_id), 0) + 1 FROM point WHERE site_id=?"
    number = int(db.execute(top, (site,)).fetchone()[0])
    db.execute(sql.POINT_INSERT, (site, number, name))
    return number
