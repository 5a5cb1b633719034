"""The archive: batches as received, appended in one transaction a group.  Shell: SQLite.

Source: `batches.md` 3.14.  Rules: a key and hash that are stored once are DUPLICATE for ever;
another hash is FORKED and both are kept; outcomes are returned only after the commit; what this
object knows in memory changes only after it, on the event loop, and never says more than the disk.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from central.archive import statements as sql
from central.archive.append import Appended, append_group, keep_aside, read_after
from central.archive.lanes import Announced, LaneKey, Lanes
from central.archive.model import Admitted, ArchiveBroken, ArchiveFull, Outcome, Stored
from central.archive.rows import Derive
from central.archive.runs import Link
from central.store.database import Database
from proto.ledger import RangeSet
from proto.v1.uplink_pb2 import LaneTip, Range

T = TypeVar("T")


class Archive:
    """Every batch of every site; one writer.

    Attributes:
        lanes: what is held, lane by lane.
        arrival: number of the last batch stored, ascending in commit order.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lanes = Lanes()
        self.arrival = 0
        self.quarantined: dict[str, int] = {}
        self.forked: dict[str, int] = {}

    async def open(self) -> None:
        """Learn from the file what is held."""
        found = await self._database.read(_load)
        self.lanes, self.arrival, self.quarantined, self.forked = found

    async def append(self, items: Sequence[Admitted], derive: Derive) -> list[Outcome]:
        """Store a group in one transaction; outcomes come after the commit.

        Args:
            items: what judge and admission let through, in order of arrival.
            derive: pure; what is to be written beside the new batches.

        Raises:
            ArchiveFull, ArchiveBroken: nothing was changed.
        """
        marked = self._marked(items)
        start = self.arrival
        done = await self._write(lambda db: append_group(db, marked, derive, start))
        self._learn(done)
        return done.outcomes

    async def quarantine(
        self, site: str, gateway: str, data: bytes, code: str, received_us: int
    ) -> None:
        """Keep bytes that are unusable; the same bytes are kept once and counted."""
        await self._write(lambda db: keep_aside(db, site, gateway, data, code, received_us))
        self.quarantined[site] = self.quarantined.get(site, 0) + 1

    async def announce(self, site: str, tips: Sequence[tuple[bytes, int, Announced]]) -> None:
        """Keep what a gateway says it holds, lane by lane."""
        rows = []
        for epoch, lane, told in tips:
            now = self.lanes.announce((site, epoch, lane), told)
            rows.append((site, epoch, lane, *now))
        if rows:
            await self._write(lambda db: _many(db, sql.ANNOUNCED_UPSERT, rows))

    async def journal(
        self, site: str, gateway: str, at_us: int, state: str, backlog: int, reason: str
    ) -> None:
        """Add one transition to the link journal."""
        row = (site, gateway, at_us, state, backlog, None, reason, site, gateway)
        await self._write(lambda db: _many(db, sql.JOURNAL_INSERT, [row]))

    async def save_boards(self, rows: Sequence[tuple[str, int, bytes]]) -> None:
        """Keep boards as they stood after an arrival, so that a start need not fold everything."""
        await self._write(lambda db: _many(db, sql.BOARD_UPSERT, rows))

    async def read(self, after: int) -> list[Stored]:
        """Return the next batches in order of arrival; empty at the end."""
        return await self._database.read(lambda db: read_after(db, after))

    def held(self, site: str, tips: Sequence[LaneTip]) -> list[Range]:
        """Return what the archive holds of the lanes that a gateway names, for Welcome."""
        ranges = []
        for tip in tips:
            state = self.lanes.of((site, tip.epoch, tip.lane))
            for run in state.runs.touching(tip.held_lo):
                samples = run.sample_hi - run.sample_lo + 1
                ranges.append(
                    Range(
                        epoch=tip.epoch,
                        lane=tip.lane,
                        lo=run.lo,
                        hi=run.hi,
                        hash_hi=run.hash_hi,
                        samples=samples,
                    )
                )
        return ranges

    def _marked(self, items: Sequence[Admitted]) -> list[Admitted]:
        """Say of each item whether it is late: by number and epoch, never by clock."""
        ordered = sorted(items, key=lambda item: (item.header.lane, item.header.seq))
        return [item if item.late else item._replace(late=self._is_late(item)) for item in ordered]

    def _is_late(self, item: Admitted) -> bool:
        header = item.header
        return self.lanes.is_late(
            item.site, item.gateway, header.epoch, header.boot_id, header.lane, header.seq
        )

    def _learn(self, done: Appended) -> None:
        self.arrival = done.arrival
        for item in done.stored:
            header = item.header
            key = (item.site, header.epoch, int(header.lane))
            self.lanes.owners.setdefault(header.epoch, (item.site, item.gateway))
            self.lanes.seen(item.gateway, header.boot_id, header.epoch)
            self.lanes.store(
                key,
                Link(header.seq, header.sample_first, header.n, header.prev_hash, header.hash),
            )
        for gap in done.gaps:
            if gap.sample_lo is not None and gap.sample_hi is not None:
                self.lanes.gap((gap.site, gap.of_epoch, gap.lane), [(gap.sample_lo, gap.sample_hi)])
        for item in done.forked:
            self.forked[item.site] = self.forked.get(item.site, 0) + 1
        for site in done.quarantined:
            self.quarantined[site] = self.quarantined.get(site, 0) + 1

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._database.write(lambda db: _in_transaction(db, work))
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise ArchiveFull("archive.full", str(error)) from error
            raise ArchiveBroken("archive.broken", str(error)) from error
        except sqlite3.Error as error:
            raise ArchiveBroken("archive.broken", str(error)) from error


def _in_transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run the work; it begins its own transaction as late as it can, and is rolled back whole."""
    try:
        result = work(db)
        if db.in_transaction:
            db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return result


def _many(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(statement, rows)


def _load(db: sqlite3.Connection) -> tuple[Lanes, int, dict[str, int], dict[str, int]]:
    lanes = Lanes()
    for site, epoch, lane, *link in db.execute(sql.BLOCK_LINKS):
        lanes.store((site, epoch, lane), Link(*link))
    for site, epoch, gateway in db.execute("SELECT site_id, epoch, gateway_id FROM gateway_epoch"):
        lanes.owners[epoch] = (site, gateway)
    newest = "SELECT epoch, max(boot_id) FROM block GROUP BY epoch"
    for epoch, boot_id in db.execute(newest):
        lanes.seen(lanes.owners[epoch][1], boot_id, epoch)
    for site, epoch, lane, *told in db.execute(
        "SELECT site_id, epoch, lane, held_lo, tip_seq, tip_sample FROM announced"
    ):
        lanes.announce((site, epoch, lane), Announced(*told))
    spans: dict[LaneKey, list[tuple[int, int]]] = {}
    for site, epoch, lane, low, high in db.execute(
        "SELECT site_id, of_epoch, lane, sample_lo, sample_hi FROM gap WHERE sample_lo IS NOT NULL"
    ):
        spans.setdefault((site, epoch, lane), []).append((low, high))
    for key, found in spans.items():
        lanes.of(key).gaps = RangeSet.of(found)
    arrival = db.execute("SELECT coalesce(max(arrival), 0) FROM block").fetchone()[0]
    aside = dict(db.execute("SELECT site_id, sum(times) FROM quarantine GROUP BY site_id"))
    forked = dict(db.execute("SELECT site_id, count(*) FROM fork GROUP BY site_id"))
    return lanes, arrival, aside, forked
