"""One commit: number, hash, link and insert in one transaction; then the tip moves.  Shell: files.

Rules of this file:
- Numbers, hashes and links come from the tip of the last committed row; a failed commit moves
  nothing, and after an interrupted one the last row says whether it happened.
- One lock a file: what reads or rolls a file waits for its commit.

Clause: batches.md 3.2, 3.6, 3.9.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from edge.spool import catalogue, meta
from edge.spool.catalogue import Row
from edge.spool.file import SpoolFile
from edge.spool.lanelog import LaneLog
from edge.spool.meta import Identity
from edge.spool.model import Closed
from edge.spool.opening import Opened
from edge.spool.ring import SegmentRing
from proto.batch import Lane, parse_header
from proto.chain import tip_after

Extra = Callable[[sqlite3.Connection], None]
_FILE_OF = {Lane.ALARM: "alarm", Lane.EVENT: "alarm", Lane.BULK: "bulk", Lane.META: "control"}
_ROW_BYTES = 512  # what one row costs beside its payload


def file_name_of(lane: Lane) -> str:
    """Return which file a lane is written to: alarm, bulk or control."""
    return _FILE_OF[lane]


class Committer:
    """The files, lanes and epoch that are being written.

    Attributes:
        epoch, e: the epoch and its local ordinal.
        boot_id: number of this start.
        logs: lanes of all epochs that are held, by (epoch, lane).
        alarms: files of lanes ALARM and EVENT, by ordinal of their epoch.
        locks: one a file: control, alarm, bulk.
        schemas: parts of the point table in force -> their META sequence.
        grown: set whenever batches were committed; whoever waits clears it.
    """

    def __init__(self, found: Opened, identity: Identity) -> None:
        self.identity = identity
        self.control, self.alarms = found.control, found.alarms
        self.ring = SegmentRing(found.directory, identity.gateway, found.segments)
        self.logs: dict[tuple[bytes, Lane], LaneLog] = found.logs
        self.epoch = found.epochs[-1].epoch if found.epochs else b""
        self.e = found.epochs[-1].e if found.epochs else 0
        self.boot_id = 0
        self.locks = {name: asyncio.Lock() for name in ("control", "alarm", "bulk")}
        self.grown = asyncio.Event()
        self.schemas: dict[bytes, int] = {}
        self._unsure: set[str] = set()

    async def commit(self, name: str, group: Sequence[Closed], also: Extra | None = None) -> None:
        """Commit `group`, whose lanes all live in file `name`, and `also` in one transaction.

        Raises:
            SpoolFull: no room; nothing has changed.
            SpoolDamaged: the file cannot be trusted any more.
        """
        async with self.locks[name]:
            await self.commit_locked(name, group, also)

    async def commit_locked(
        self, name: str, group: Sequence[Closed], also: Extra | None = None
    ) -> None:
        """Do the same for a caller that holds the file's lock."""
        file = self.writable(name)
        logs = {one.lane: self.logs[self.epoch, one.lane] for one in group}
        if name in self._unsure:
            await self._reload(file, logs.values())
        tips = {lane: log.tip for lane, log in logs.items()}
        epoch, e = self.epoch, self.e

        def work(connection: sqlite3.Connection) -> meta.Sealed:
            made = meta.seal_group(self.identity, epoch, self.boot_id, tips, group)
            for lane, frames in made.frames.items():
                catalogue.insert(connection, lane, e, frames)
            if also is not None:
                also(connection)
            return made

        self._unsure.add(name)  # until the commit is known to be on disk
        sealed = await file.transact(work)
        self._unsure.discard(name)
        for lane, log in logs.items():
            frames = sealed.frames[lane]
            log.appended([frame.header for frame in frames], sealed.tips[lane])
            if lane is Lane.BULK:
                self.ring.written += sum(len(f.payload) + _ROW_BYTES for f in frames)
        self.grown.set()

    def epoch_of(self, e: int) -> bytes:
        """Return the epoch with a local ordinal."""
        return next(epoch for (epoch, _), log in self.logs.items() if log.e == e)

    def writable(self, name: str) -> SpoolFile:
        """Return the file that is being written under a name."""
        if name == "control":
            return self.control
        if name == "alarm":
            return self.alarms[self.e]
        assert self.ring.file is not None, "the ring is open"
        return self.ring.file

    async def rows(self, log: LaneLog, low: int, high: int, limit: int) -> list[Row]:
        """Return rows of one lane from `low` on, as many as stand in one file, at most `limit`.

        Raises:
            SpoolDamaged: the file cannot be read.
        """
        async with self.locks[file_name_of(log.lane)]:
            found = await self._file_at(log, low)
            if found is None:
                return []
            file, last = found
            high = min(high, last)
            return await file.read(
                lambda c: catalogue.rows_between(c, log.lane, log.e, low, high, limit)
            )

    async def samples(self, log: LaneLog, low: int, high: int) -> int:
        """Return how many samples low … high hold, as far as they are on disk."""
        known = log.recent_samples(low, high)
        if known is not None:
            return known
        total, at = 0, low
        async with self.locks[file_name_of(log.lane)]:
            while at <= high:
                found = await self._file_at(log, at)
                if found is None:
                    return total
                file, last = found
                top = min(high, last)
                total += await file.read(_counter(log, at, top))
                at = top + 1
        return total

    async def hash_of(self, log: LaneLog, seq: int) -> bytes | None:
        """Return our own hash of one batch; None when we do not hold it."""
        if seq in log.recent:
            return log.recent[seq].hash
        rows = await self.rows(log, seq, seq, 1)
        return rows[0].hash if rows else None

    async def _file_at(self, log: LaneLog, seq: int) -> tuple[SpoolFile, int] | None:
        """Return the file that holds a sequence, and the last sequence that stands in it."""
        if log.lane is Lane.META:
            return self.control, log.tip.tip_seq
        if log.lane is Lane.BULK:
            found = await self.ring.at(log.e, seq)
            if found is None:
                return None
            segment, file = found
            return file, segment.seq_hi or log.tip.tip_seq
        alarm = self.alarms.get(log.e)
        return None if alarm is None else (alarm, log.tip.tip_seq)

    async def _reload(self, file: SpoolFile, logs: Iterable[LaneLog]) -> None:
        """A commit was interrupted: read what stands beyond the tip."""
        for log in logs:
            rows = await file.read(_newer(log))
            headers = [parse_header(row.frame) for row in rows]
            if headers:
                log.appended(headers, tip_after(headers[-1]))


def _counter(log: LaneLog, low: int, high: int) -> Callable[[sqlite3.Connection], int]:
    return lambda c: catalogue.samples_between(c, log.lane, log.e, low, high)


def _newer(log: LaneLog) -> Callable[[sqlite3.Connection], list[Row]]:
    after = log.tip.next_seq
    return lambda c: catalogue.rows_between(c, log.lane, log.e, after, 2**62, 10_000)
