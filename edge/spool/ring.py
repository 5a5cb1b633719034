"""The ring of BULK files: one open, the others sealed and read-only.  Shell: spool files.

The catalogue is the truth: a row stands before its file is written to; the loss of a segment *is*
the catalogue transaction, and the unlink follows as clean-up.  Clause: batches.md 3.9, 3.10.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.platform import sync_directory
from edge.spool import catalogue
from edge.spool.file import SpoolFile, open_file, open_sealed, seal
from edge.spool.lanelog import LaneLog
from edge.spool.shed import Segment, SegmentState

SEGMENT_BYTES_MAX = 64 * 1024 * 1024
SEALED_OPEN_MAX = 4


def alarm_path(directory: Path, e: int) -> Path:
    """Return the file of lanes ALARM and EVENT of one epoch."""
    return directory / f"alarm-{e}.db"


def bulk_path(directory: Path, e: int, no: int) -> Path:
    """Return the file of one BULK segment."""
    return directory / f"bulk-{e}-{no}.db"


def identity_of(gateway: str, epoch: bytes, e: int, no: int = 0) -> dict[str, str | int]:
    """Return what `meta` of a data file says; a file that was moved does not fit its name."""
    return {"gateway": gateway, "epoch": epoch.hex(), "e": e, "segment": no}


class SegmentRing:
    """The BULK files of all epochs.

    Attributes:
        segments: oldest first; the last one of the current epoch is OPEN.
        file: the open one.
        written: bytes in the open one, estimated from what was put into it.
    """

    def __init__(self, directory: Path, gateway: str, segments: Sequence[Segment]) -> None:
        self._directory, self._gateway = directory, gateway
        self.segments = list(segments)
        self.file: SpoolFile | None = None
        self._current: Segment | None = None
        self.written = 0
        self._sealed: OrderedDict[tuple[int, int], SpoolFile] = OrderedDict()
        self._opening = asyncio.Lock()

    @property
    def used_bytes(self) -> int:
        """Bytes of all segments that are still there."""
        sealed = sum(one.size for one in self.segments if one.state is SegmentState.SEALED)
        return sealed + self.written

    def of_epoch(self, e: int) -> list[Segment]:
        """Return the segments of one epoch that are still there."""
        return [s for s in self.segments if s.e == e and s.state is not SegmentState.DROPPED]

    async def open_current(self, epoch: bytes, segment: Segment) -> SpoolFile:
        """Open the file of an OPEN segment for writing."""
        path = bulk_path(self._directory, segment.e, segment.no)
        identity = identity_of(self._gateway, epoch, segment.e, segment.no)
        self.file = await open_file(path, catalogue.BULK_TABLES, identity)
        self._current = segment
        self.written = path.stat().st_size
        return self.file

    @property
    def current(self) -> Segment:
        """The segment whose file is open."""
        assert self._current is not None, "the ring is open"
        return self._current

    async def forget_open(self) -> None:
        """Close the open file without sealing it."""
        if self.file is not None:
            await self.file.close()
        self.file, self._current, self.written = None, None, 0

    async def at(self, e: int, seq: int) -> tuple[Segment, SpoolFile] | None:
        """Return the segment and file that hold a sequence, opened for reading; None if neither."""
        found = next(
            (s for s in self.of_epoch(e) if s.seq_lo <= seq and (_open(s) or seq <= s.seq_hi)), None
        )
        if found is None:
            return None
        if _open(found):
            return None if self.file is None else (found, self.file)
        return found, await self._sealed_file(found)

    async def cursors(self) -> dict[str, bytes]:
        """Return what the newest file that holds any knows of readers' cursors."""
        for segment in reversed(self.segments):
            if segment.state is SegmentState.DROPPED:
                continue
            file = self.file if _open(segment) else await self._sealed_file(segment)
            found = {} if file is None else await file.read(catalogue.cursors)
            if found:
                return found
        return {}

    async def seal_open(self, log: LaneLog) -> Segment | None:
        """Seal the open file; the caller writes the returned row to the catalogue.

        None when the open file holds nothing: then it stays as it is.
        """
        segment, file = self.current, self.file
        if file is None or log.tip.tip_seq < segment.seq_lo:
            return None
        times = await file.read(_times)
        await file.read(seal)
        await self.forget_open()
        digest, size = await asyncio.to_thread(_digest, file.path)
        return replace(
            segment,
            state=SegmentState.SEALED,
            seq_hi=log.tip.tip_seq,
            sample_hi=log.tip.tip_sample,
            t_lo=times[0],
            t_hi=times[1],
            tip_hash=log.tip.prev_hash,
            size=size,
            sha256=digest,
        )

    def next_segment(self, log: LaneLog) -> Segment:
        """Return the row of a new OPEN segment that continues `log`."""
        numbers = [s.no for s in self.segments if s.e == log.e]
        return Segment(
            e=log.e,
            no=max(numbers, default=0) + 1,
            state=SegmentState.OPEN,
            seq_lo=log.tip.next_seq,
            seq_hi=0,
            sample_lo=log.tip.next_sample,
            sample_hi=0,
            t_lo=0,
            t_hi=0,
            tip_hash=log.tip.prev_hash,
            size=0,
        )

    def put(self, segment: Segment) -> None:
        """Note a row that is in the catalogue now."""
        same = [i for i, s in enumerate(self.segments) if (s.e, s.no) == (segment.e, segment.no)]
        if same:
            self.segments[same[0]] = segment
        else:
            self.segments.append(segment)

    async def unlink(self, segment: Segment) -> None:
        """Remove the file of a segment whose loss or end is in the catalogue."""
        file = self._sealed.pop((segment.e, segment.no), None)
        if file is not None:
            await file.close()
        bulk_path(self._directory, segment.e, segment.no).unlink(missing_ok=True)
        sync_directory(self._directory)

    async def close(self) -> None:
        """Close all files."""
        for file in self._sealed.values():
            await file.close()
        self._sealed.clear()
        await self.forget_open()

    async def _sealed_file(self, segment: Segment) -> SpoolFile:
        key = (segment.e, segment.no)
        async with self._opening:
            if key not in self._sealed:
                path = bulk_path(self._directory, *key)
                self._sealed[key] = await open_sealed(path)
            self._sealed.move_to_end(key)
            while len(self._sealed) > SEALED_OPEN_MAX:
                _, oldest = self._sealed.popitem(last=False)
                await oldest.close()
            return self._sealed[key]


def _open(segment: Segment) -> bool:
    return segment.state is SegmentState.OPEN


def _times(connection: catalogue.Connection) -> tuple[int, int]:
    sql = "SELECT coalesce(min(t_first), 0), coalesce(max(t_last), 0) FROM batch"
    low, high = connection.execute(sql).fetchone()
    return int(low), int(high)


def _digest(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest(), path.stat().st_size
