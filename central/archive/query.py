"""Answers from the archive: columns, history, records, points, gaps, accounting.  Shell: SQLite.

Every answer is read on a read-only connection, in an executor.  Scope of the caller comes with
access control; until then callers are local administrators.
"""

import sqlite3
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from central.archive import history
from central.archive.blocks import Archive
from central.archive.decode import decode
from central.archive.history import Grid, PartPoint
from central.archive.lanes import LaneKey
from central.archive.model import (
    ArchivedPoint,
    Bucket,
    GapRow,
    PointColumns,
    Record,
)
from central.store.database import Database
from proto import limits, records
from proto.batch import Frame, Lane, parse_header
from proto.errors import BadRequest, BatchDamaged, NotFound
from proto.gap import GapEntry
from proto.ledger import Account
from proto.schema import SchemaPart

BLOCKS_MAX: Final = 20_000  # decoded for one question; a wider one is answered from summaries
BUCKETS_MAX: Final = 10_000
RECORDS_MAX: Final = 10_000
HOUR_US: Final = history.HOUR_US

_BLOCKS_OF = """
SELECT header, payload, late, received_us FROM block INDEXED BY block_time
WHERE site_id=? AND lane=2 AND t_last_us>=? AND t_first_us<? AND decoded=1 AND schema_hash IN (%s)
ORDER BY arrival LIMIT ?"""


class ArchiveReader:
    """The questions that board, console, analysis, API and CLI ask."""

    def __init__(self, database: Database, archive: Archive) -> None:
        self._database = database
        self._archive = archive

    async def points(self, site: str) -> list[ArchivedPoint]:
        """Return every point of the site as its newest table declares it, in table order."""
        return await self._database.read(lambda db: _points(db, site))

    async def point(self, site: str, name: str) -> ArchivedPoint:
        """Return one point by name or tag.

        Raises:
            NotFound: the site has no such point.
        """
        points = await self.points(site)
        found = next((p for p in points if p.point == name), None)
        found = found or next((p for p in points if p.tag == name), None)
        if found is None:
            raise NotFound("query.point_unknown", f"{site} has no point or tag {name!r}")
        return found

    async def columns(self, site: str, point: str, t0_us: int, t1_us: int) -> PointColumns:
        """Return the samples of a point with t0 <= t < t1, ascending.

        Raises:
            NotFound: the site has no such point.
            BadRequest: `query.too_wide`.
        """
        name = (await self.point(site, point)).point
        return await self._database.read(lambda db: _columns(db, site, name, t0_us, t1_us))

    async def history(
        self, site: str, point: str, t0_us: int, t1_us: int, buckets: int
    ) -> list[Bucket]:
        """Return equal buckets over t0 to t1; one without a sample stays, with n = 0.

        Raises:
            NotFound: the site has no such point.
            BadRequest: the range is empty, or there are too many buckets or samples.
        """
        inside = -limits.TIME_US_ABS_MAX <= t0_us < t1_us <= limits.TIME_US_ABS_MAX
        if not 1 <= buckets <= BUCKETS_MAX or not inside:
            message = f"t0 < t1, within 2^61 µs of 1970, and 1 to {BUCKETS_MAX} buckets"
            raise BadRequest("query.range", message)
        name = (await self.point(site, point)).point
        if (t1_us - t0_us) // buckets >= HOUR_US:
            return await self._database.read(
                lambda db: _summary_history(db, site, name, t0_us, t1_us, buckets)
            )
        found = await self._database.read(lambda db: _columns(db, site, name, t0_us, t1_us))
        return history.bucketed(found, t0_us, t1_us, buckets)

    async def records(
        self, site: str, t0_us: int, t1_us: int, kinds: Collection[str] | None = None
    ) -> list[Record]:
        """Return records with t0 <= t < t1 in time order, of some kinds or all (≤ 10,000)."""
        return await self._database.read(lambda db: _records(db, site, t0_us, t1_us, kinds))

    async def gaps(self, site: str, t0_us: int, t1_us: int) -> list[GapRow]:
        """Return the gap entries that touch t0 to t1."""
        return await self._database.read(lambda db: _gaps(db, site, t0_us, t1_us))

    def accounting(self, site: str) -> Account:
        """Return the identity of the site's samples: lane BULK of every epoch."""
        accounts = [account for key, _, _, account in self.lanes(site) if key[2] == Lane.BULK]
        return sum(accounts, Account())

    def lanes(self, site: str) -> list[tuple[LaneKey, str, int, Account]]:
        """Return the identity of each lane: key, gateway, batches held, account."""
        lanes = self._archive.lanes
        return [
            (key, lanes.owners.get(key[1], ("", ""))[1], state.runs.batches, state.account())
            for key, state in sorted(lanes.of_site(site))
        ]

    def forked(self, site: str) -> int:
        """Return how many forks are kept."""
        return self._archive.forked.get(site, 0)

    async def counts(self, site: str) -> dict[str, int]:
        """Return how often each kind of record stands in the archive, and `gap` entries."""
        return await self._database.read(lambda db: _counts(db, site))

    async def parts(self, site: str) -> dict[bytes, SchemaPart]:
        """Return the point tables of a site by hash."""
        found = await self._database.read(lambda db: parts_of(db, site))
        return {digest: part for digest, (_gateway, part) in found.items()}

    async def boards(self) -> dict[str, tuple[int, bytes]]:
        """Return the snapshot of each site's board with its arrival number."""
        rows = await self._database.read(
            lambda db: db.execute("SELECT site_id, arrival, body FROM board").fetchall()
        )
        return {site: (arrival, body) for site, arrival, body in rows}

    async def journal(self) -> list[tuple[str, int, str, str]]:
        """Return the newest transition of each gateway: gateway, wall time, state, reason."""
        newest = """SELECT gateway_id, at_us, state, reason FROM link_journal j WHERE number =
                    (SELECT max(number) FROM link_journal k
                     WHERE k.site_id=j.site_id AND k.gateway_id=j.gateway_id)"""
        return await self._database.read(lambda db: db.execute(newest).fetchall())

    async def grids(self, site: str) -> list[Grid]:
        """Return what each periodic axis of each boot has stored of its grid."""
        return await self._database.read(lambda db: _grids(db, site))


@lru_cache(maxsize=4096)
def _parse_part(body: bytes) -> SchemaPart:
    return SchemaPart.parse(body)


def parts_of(db: sqlite3.Connection, site: str) -> dict[bytes, tuple[str, SchemaPart]]:
    """Return the point tables of a site by hash, oldest first: (gateway, part)."""
    rows = db.execute(
        "SELECT hash, gateway_id, body FROM schema_part WHERE site_id=? ORDER BY received_us",
        (site,),
    )
    return {digest: (gateway, _parse_part(body)) for digest, gateway, body in rows}


def _points(db: sqlite3.Connection, site: str) -> list[ArchivedPoint]:
    found: dict[str, ArchivedPoint] = {}
    for gateway, part in parts_of(db, site).values():
        for point in history.points_of(gateway, part):
            found.pop(point.point, None)
            found[point.point] = point
    return list(found.values())


def _columns(db: sqlite3.Connection, site: str, name: str, t0_us: int, t1_us: int) -> PointColumns:
    places = {
        digest: place
        for digest, (_gateway, part) in parts_of(db, site).items()
        if (place := history.find(part, name)) is not None
    }
    if not places:
        return history.joined([])
    marks = ",".join("?" * len(places))
    query = _BLOCKS_OF % marks
    rows = db.execute(query, (site, t0_us, t1_us, *places, BLOCKS_MAX + 1)).fetchall()
    if len(rows) > BLOCKS_MAX:
        message = f"more than {BLOCKS_MAX} batches; ask for a shorter range or wider buckets"
        raise BadRequest("query.too_wide", message)
    pieces = []
    for block, payload, late, _received_us in rows:
        piece = _piece(block, payload, places, late=bool(late))
        if piece is not None:
            pieces.append(piece)
    return history.cut(history.joined(pieces), t0_us, t1_us)


def _piece(
    block: bytes, payload: bytes, places: dict[bytes, PartPoint], *, late: bool
) -> PointColumns | None:
    header = parse_header(block)
    place = places[header.schema_hash]
    try:
        frame = Frame(header, block, payload)
        parts = {header.schema_hash: place.part}
        decoded = decode("", "", frame, parts, late=late, received_us=0)
    except BatchDamaged:
        return None
    return history.series(decoded.axes, place, late=late)


def _summary_history(
    db: sqlite3.Connection, site: str, name: str, t0_us: int, t1_us: int, buckets: int
) -> list[Bucket]:
    rows = db.execute(
        """SELECT s.hour_us, s.n, s.n_good, s.v_min, s.v_max, s.v_last, s.v_sum, s.n_value,
                  s.quality, s.late
           FROM series_summary s JOIN point p ON p.site_id=s.site_id AND p.point_id=s.point_id
           WHERE s.site_id=? AND p.name=? AND s.hour_us>=? AND s.hour_us<? ORDER BY s.hour_us""",
        (site, name, t0_us - t0_us % HOUR_US, t1_us),
    ).fetchall()
    hours = [history.Hour(*row) for row in rows]
    return history.bucketed_hours(hours, t0_us, t1_us, buckets)


def _records(
    db: sqlite3.Connection, site: str, t0_us: int, t1_us: int, kinds: Collection[str] | None
) -> list[Record]:
    wanted = "" if kinds is None else f"AND v.kind IN ({','.join('?' * len(kinds))})"
    rows = db.execute(
        f"""SELECT e.gateway_id, v.lane, v.t_us, v.m_us, v.boot_id, v.late, v.body
            FROM event v JOIN gateway_epoch e ON e.site_id=v.site_id AND e.epoch=v.epoch
            WHERE v.site_id=? AND v.t_us>=? AND v.t_us<? {wanted}
            ORDER BY v.t_us, v.boot_id, v.m_us, v.lane, v.seq, v.ordinal LIMIT ?""",  # noqa: S608
        (site, t0_us, t1_us, *(kinds or ()), RECORDS_MAX),
    )
    return [
        Record(
            site, gateway, lane, t_us, m_us, boot_id, bool(late), records.decode_json(body.encode())
        )
        for gateway, lane, t_us, m_us, boot_id, late, body in rows
    ]


def _gaps(db: sqlite3.Connection, site: str, t0_us: int, t1_us: int) -> list[GapRow]:
    rows = db.execute(
        """SELECT e.gateway_id, g.of_epoch, g.body, g.t0_us, g.t1_us FROM gap g
           JOIN gateway_epoch e ON e.site_id=g.site_id AND e.epoch=g.epoch
           WHERE g.site_id=? AND g.t1_us>=? AND g.t0_us<? ORDER BY g.t0_us LIMIT ?""",
        (site, t0_us, t1_us, RECORDS_MAX),
    )
    return [
        GapRow(
            site, gateway, epoch, GapEntry.from_record(records.decode_json(body.encode())), t0, t1
        )
        for gateway, epoch, body, t0, t1 in rows
    ]


def _counts(db: sqlite3.Connection, site: str) -> dict[str, int]:
    found = dict(
        db.execute("SELECT kind, count(*) FROM event WHERE site_id=? GROUP BY kind", (site,))
    )
    found["gap"] = db.execute("SELECT count(*) FROM gap WHERE site_id=?", (site,)).fetchone()[0]
    return found


def _grids(db: sqlite3.Connection, site: str) -> list[Grid]:
    parts = parts_of(db, site)
    rows = db.execute(
        """SELECT e.gateway_id, a.epoch, a.boot_id, a.schema_hash, a.point_first, a.period_us,
                  a.slot_lo, a.slot_hi, a.stored, a.skipped
           FROM axis_ledger a JOIN gateway_epoch e ON e.site_id=a.site_id AND e.epoch=a.epoch
           WHERE a.site_id=? ORDER BY a.boot_id, a.schema_hash, a.point_first""",
        (site,),
    )
    return [
        Grid(
            gateway,
            epoch,
            boot_id,
            parts[digest][1].points[first].name if digest in parts else "",
            period_us,
            high - low + 1,
            stored,
            skipped,
        )
        for gateway, epoch, boot_id, digest, first, period_us, low, high, stored, skipped in rows
    ]
