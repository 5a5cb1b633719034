"""The spool: append, read, mark; the only writer of the gateway's durable log.  Shell: spool files.

Rules of this file:
- `append` returns after the commit is on disk.
- Nothing but an acknowledgement of the centre, or a gap of our own, disposes of a batch.
- A file that fails (other than by a full disk) is set aside and a new epoch begins; what was being
  committed is in RAM still and becomes its first batch.

Clause: batches.md 3.2, 3.9 to 3.12.
"""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edge import events
from edge.claim import Belief, Claim
from edge.platform import free_bytes
from edge.spool import catalogue, epochs, marking, meta, shed
from edge.spool.catalogue import Row
from edge.spool.committer import Committer, Extra, file_name_of
from edge.spool.lanelog import Disposed, LaneLog
from edge.spool.losses import Restart
from edge.spool.meta import Identity
from edge.spool.model import Closed, Moment
from edge.spool.opening import Opened, open_all
from edge.spool.ring import SEGMENT_BYTES_MAX
from proto.batch import Frame, Lane, open_frame
from proto.clock import Clock
from proto.errors import BatchDamaged, SpoolDamaged, SpoolFull
from proto.gap import GapCause, GapEntry
from proto.ledger import RangeSet
from proto.meta_record import EpochReason
from proto.schema import TablePart

GRID_AHEAD_US = 500_000  # between opening the spool and the first slot: the parts start meanwhile


class Counts(NamedTuple):
    """Sample numbers of BULK over all epochs, and what the disk says."""

    pending: int
    acknowledged: int
    gapped: int
    used_bytes: int
    free_bytes: int


class Spool:
    """One gateway's durable log.

    Attributes:
        core: files, lanes, epoch and start number.
        restart: how the run before ended; None at the very first start.
        t0: slot 0 of the grid of this start, as BOOT says it.
        cursors: what readers of equipment kept beside the samples of the run before.
        kept: what was committed together with records, by key.
        quota_bytes: what BULK may use.
    """

    def __init__(
        self,
        found: Opened,
        identity: Identity,
        clock: Clock,
        schema: Sequence[TablePart],
        quota_bytes: int,
    ) -> None:
        self._found, self._clock, self._schema = found, clock, tuple(schema)
        self.core = Committer(found, identity)
        self.quota_bytes = quota_bytes
        self._segment_bytes = min(SEGMENT_BYTES_MAX, quota_bytes // 4)
        self.t0 = self._now()
        self.restart: Restart | None = None
        self.cursors: Mapping[str, bytes] = {}
        self.kept: dict[str, str] = {}

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._found.directory

    # Opening and closing.

    async def start(self, *, boot_floor: int, t0: Moment) -> None:
        """Open an epoch where one is due, name what was lost, write BOOT."""
        core, self.t0 = self.core, t0
        core.boot_id = max(self._found.boot_id, boot_floor) + 1
        last_us = max((log.last_us for log in self._bulk_logs()), default=0)
        clean = await core.control.read(lambda c: catalogue.get(c, "clean"))
        self.restart = Restart(clean == 1, last_us) if last_us else None
        await epochs.seal_left_open(core, keep_newest=self._found.reason is None)
        if self._found.reason is None:
            await epochs.go_on(core)
        else:
            await epochs.begin(core, self.directory, self._found.reason, self._now())
        with suppress(SpoolDamaged):  # nothing but the way back to a server's queue hangs on them
            self.cursors = await core.ring.cursors()
        await epochs.announce(core, self._schema, t0, self._now())
        await self._name_lost()
        for _, alarms in sorted(core.alarms.items()):
            self.kept.update(await alarms.read(catalogue.kept))
        for log in core.logs.values():
            spans = [await core.samples(log, low, high) for low, high in log.pending]
            log.pending_samples = sum(spans)
        tips = {lane.name: log.tip.tip_seq for lane, log in self.lanes().items()}
        reason = self._found.reason or "CONTINUED"
        version = sqlite3.sqlite_version
        events.spool_opened(epoch=core.epoch.hex(), reason=reason, tips=tips, sqlite=version)

    async def close(self, *, clean: bool) -> None:
        """Write what is acknowledged, and close; `clean` when every row is on disk."""
        await self.persist()
        if clean:
            async with self.core.locks["control"]:
                await self.core.control.transact(lambda c: catalogue.put(c, "clean", 1))
        await self.abandon()

    async def abandon(self) -> None:
        """Close the files as they are."""
        await self.core.ring.close()
        for file in (*self.core.alarms.values(), self.core.control):
            await file.close()
        os.close(self._found.lock)

    # Writing.

    async def append(
        self,
        closed: Sequence[Closed],
        cursors: Mapping[str, bytes] | None = None,
        *,
        kept: Mapping[str, str] | None = None,
    ) -> None:
        """Commit batches; those of one file in one transaction, ALARM and EVENT first.

        Args:
            closed: what is committed.
            cursors: kept in the transaction of the samples.
            kept: kept in the transaction of the records.

        Raises:
            SpoolFull: no room even after shedding; nothing of the failing group was written.
            SpoolDamaged: `control.db` itself cannot be written.
        """
        for name in ("alarm", "control", "bulk"):
            group = [one for one in closed if file_name_of(one.lane) == name]
            if group:
                if name == "alarm":
                    await self._append_records(group, kept or {})
                else:
                    await self._append_to(name, group, _put(cursors if name == "bulk" else None))

    async def append_gaps(self, gaps: Sequence[GapEntry]) -> None:
        """Commit GAP entries."""
        if gaps:
            await self.core.commit("control", meta.gap_bodies(gaps, self._now()))
            marking.say(gaps)

    async def open_epoch(self, reason: EpochReason, *, instead_of: bytes) -> None:
        """Begin a new epoch, unless somebody else has already left `instead_of`."""
        if self.core.epoch == instead_of:
            await epochs.begin(self.core, self.directory, reason, self._now())
            await epochs.announce(self.core, self._schema, self.t0, self._now())
            events.spool_epoch_opened(epoch=self.core.epoch.hex(), reason=reason)

    async def make_room(self, *, force: bool = False) -> int:
        """Drop segments until the quota holds; `force` drops at least one.  Returns how many."""
        core = self.core
        used = max(core.ring.used_bytes, self.quota_bytes + 1 if force else 0)
        rings = list(core.ring.segments)
        gone = [core.logs[core.epoch_of(s.e), Lane.BULK].disposed for s in rings]
        plan = shed.plan(rings, gone, used=used, quota=self.quota_bytes)
        for drop in plan:
            await epochs.drop(core, drop, self._now())
        return len(plan)

    # Reading, and what the centre says.

    def lanes(self) -> dict[Lane, LaneLog]:
        """Return the lanes of the epoch that is being written."""
        return {
            lane: log for (epoch, lane), log in self.core.logs.items() if epoch == self.core.epoch
        }

    def counts(self) -> Counts:
        """Return where the samples of BULK are."""
        logs = self._bulk_logs()
        pending = sum(log.pending_samples for log in logs)
        gapped = sum(log.gapped_samples for log in logs)
        acknowledged = sum(log.tip.tip_sample for log in logs) - pending - gapped
        used = self.core.ring.used_bytes
        return Counts(pending, acknowledged, gapped, used, free_bytes(self.directory))

    async def read(
        self, log: LaneLog, low: int, high: int, *, frames: int, size: int
    ) -> list[Frame]:
        """Return batches from `low` on for sending, each verified; fewer where one is damaged.

        A row that fails its hash, or is missing, is never sent: it becomes a gap CORRUPT.
        """
        try:
            rows = await self.core.rows(log, low, high, frames)
        except SpoolDamaged:
            rows = []
        result: list[Frame] = []
        total = 0
        expected = low
        for row in rows:
            total += len(row.frame)
            if row.seq != expected or (result and total > size):
                break
            try:
                result.append(_verified(row))
            except BatchDamaged:
                break
            expected += 1
        if not result:
            await self._skip_damaged(log, low, rows)
        return result

    async def acknowledge(self, claims: Sequence[Claim]) -> Belief:
        """Mark what the centre holds."""
        return await marking.acknowledge(self.core, claims)

    async def welcome(self, lanes: Sequence[LaneLog], claims: Sequence[Claim]) -> Belief:
        """Replace what is marked STORED in `lanes` by the centre's statement."""
        return await marking.replace(self.core, lanes, claims)

    async def set_apart(self, epoch: bytes, lane: Lane, seq: int, status: Disposed) -> None:
        """The centre keeps this batch aside."""
        log = self.core.logs.get((epoch, lane))
        if log is not None:
            await marking.set_apart(self.core, log, seq, status)

    async def refuse(self, epoch: bytes, lane: Lane, seq: int) -> None:
        """The centre called this batch malformed twice: set it aside and say so."""
        log = self.core.logs.get((epoch, lane))
        if log is not None and seq not in log.disposed:
            await marking.give_up(self.core, log, seq, seq, GapCause.REFUSED, self._now())

    async def persist(self) -> None:
        """Write the marks that changed (at most once a second)."""
        await marking.persist(self.core)

    # Inside.

    def _now(self) -> Moment:
        return Moment(self._clock.wall_us(), self._clock.mono_ns())

    def _bulk_logs(self) -> list[LaneLog]:
        return [log for (_, lane), log in self.core.logs.items() if lane is Lane.BULK]

    async def _append_records(self, group: Sequence[Closed], kept: Mapping[str, str]) -> None:
        """Commit records; a new file gets everything that the old one kept."""
        before = self.core.e
        whole = {**self.kept, **kept}

        def also(connection: sqlite3.Connection) -> None:
            is_new = self.core.e != before
            catalogue.put_kept(connection, whole if is_new else kept)

        await self._append_to("alarm", group, also if whole else None)
        self.kept = whole

    async def _append_to(self, name: str, group: Sequence[Closed], also: Extra | None) -> None:
        epoch = self.core.epoch
        try:
            await self.core.commit(name, group, also)
        except SpoolFull:
            await self.make_room(force=True)
            await self.core.commit(name, group, also)
        except SpoolDamaged as error:
            if name == "control":
                raise
            gaps = await epochs.leave_file(self.core, self.directory, name, str(error), self._now())
            await self.open_epoch(EpochReason.IO_ERROR, instead_of=epoch)
            await self.core.commit(name, group, also)
            await self.append_gaps(gaps)
        if name == "bulk" and self.core.ring.written >= self._segment_bytes:
            await epochs.roll(self.core)
            await self.make_room()

    async def _name_lost(self) -> None:
        """Write the gaps of what was set aside at this start."""
        now = self._now()
        gaps = []
        for number, one in enumerate(self._found.lost):
            low, high = one.t[0] or now.wall_us, one.t[1] or now.wall_us
            gap = GapEntry(
                id=f"gap-{self.core.boot_id}-lost-{number}",
                cause=GapCause.CORRUPT,
                epoch=one.epoch or self.core.epoch,
                lane=one.lane,
                n=one.samples[1] - one.samples[0] + 1 if one.samples else 0,
                t=(min(low, high), max(low, high)),
                n_exact=one.samples is not None,
                seq=one.seq,
                samples=one.samples,
            )
            gaps.append(gap)
            log = self.core.logs.get((one.epoch, one.lane))
            if log is not None and one.seq is not None:
                for span in RangeSet((one.seq,)) - log.disposed:
                    log.dispose(Disposed.GAPPED, *span, gap.n)
        await self.append_gaps(gaps)

    async def _skip_damaged(self, log: LaneLog, low: int, rows: Sequence[Row]) -> None:
        """The first row asked for is damaged or missing: it will never be sent."""
        high = max(low, rows[0].seq - 1) if rows else low
        await marking.give_up(self.core, log, low, high, GapCause.CORRUPT, self._now())


async def open_spool(
    directory: Path,
    identity: Identity,
    clock: Clock,
    *,
    schema: Sequence[TablePart],
    quota_bytes: int,
    boot_floor: int = 0,
    t0: Moment | None = None,
) -> Spool:
    """Open the spool in `directory` and write BOOT.

    Args:
        directory: made when it does not exist.
        identity: who writes.
        clock: wall and monotonic time.
        schema: parts of the point table in force.
        quota_bytes: what BULK may use.
        boot_floor: largest start number known beside the spool.
        t0: slot 0 of the grid; when not given, `GRID_AHEAD_US` after the files are open, so that
            the first slots are not over before anybody can read them.

    Raises:
        ConfigError: in use, of another gateway, or not writable.
        SpoolError: this file system cannot hold a spool.
    """
    found = await open_all(directory, identity.gateway, identity.machine_hash)
    spool = Spool(found, identity, clock, schema, quota_bytes)
    ahead = Moment(clock.wall_us() + GRID_AHEAD_US, clock.mono_ns() + GRID_AHEAD_US * 1_000)
    await spool.start(boot_floor=boot_floor, t0=t0 or ahead)
    return spool


def _put(cursors: Mapping[str, bytes] | None) -> Extra | None:
    return partial(catalogue.put_cursors, found=cursors) if cursors else None


def _verified(row: Row) -> Frame:
    frame = open_frame(row.frame)
    if frame.header.hash != row.hash or frame.header.seq != row.seq:
        raise BatchDamaged("batch.row", "the row does not hold the batch that its key names")
    return frame
