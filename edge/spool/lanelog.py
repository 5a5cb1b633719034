"""What one lane of one epoch holds, and what the centre has said about it.  Pure.

Rules of this file:
- The tip is read from the last row and never stored twice; it moves only after a commit.
- A sequence is *disposed of* when the centre holds it (STORED), keeps it aside (QUARANTINED,
  FORKED), or when a gap of ours names it (GAPPED).  Everything else that is held is pending.
- Only STORED can shrink: the centre's Welcome is authoritative.

Clause: batches.md 3.13 (Hello / Welcome, Ack).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from proto.batch import Header, Lane
from proto.chain import LaneTip
from proto.ledger import RangeSet
from proto.limits import HEADER_BYTES

RECENT_MAX = 2_048


class Disposed(IntEnum):
    """Why a sequence need not be sent; numbers are on disk, the first four are the wire's."""

    STORED = 1
    QUARANTINED = 3
    FORKED = 4
    GAPPED = 16


class Mark(NamedTuple):
    """What is remembered of one recent batch."""

    n: int
    hash: bytes
    size: int


@dataclass(slots=True)
class LaneLog:
    """One lane of one epoch as the gateway holds it.

    Attributes:
        e: local ordinal of the epoch.
        held_lo: the first sequence that may still be on disk.
        tip: what the next batch must carry.
        marks: sequences by what became of them.
        pending_samples, gapped_samples: counts, kept beside the ranges.
        dirty: ranges that are not on disk yet.
        recent: the newest batches, so that an Ack seldom needs the disk.
        last_us: newest sample time of the newest batch; 0 when there is none.
    """

    epoch: bytes
    e: int
    lane: Lane
    held_lo: int
    tip: LaneTip
    marks: dict[Disposed, RangeSet] = field(default_factory=dict)
    pending_samples: int = 0
    gapped_samples: int = 0
    dirty: bool = False
    recent: OrderedDict[int, Mark] = field(default_factory=OrderedDict, repr=False)
    last_us: int = 0

    @property
    def disposed(self) -> RangeSet:
        """Every sequence that need not be sent."""
        result = RangeSet()
        for ranges in self.marks.values():
            result = result | ranges
        return result

    @property
    def pending(self) -> RangeSet:
        """Every sequence that is held and waits for the centre."""
        if self.tip.tip_seq < self.held_lo:
            return RangeSet()
        return self.disposed.holes(self.held_lo, self.tip.tip_seq)

    @property
    def pending_bytes(self) -> int:
        """About how many bytes wait, by the mean of the newest batches."""
        if not self.recent:
            return 0
        mean = sum(mark.size for mark in self.recent.values()) // len(self.recent)
        return self.pending.total * (mean + HEADER_BYTES)

    def marked(self, status: Disposed) -> RangeSet:
        """Return the sequences of one status."""
        return self.marks.get(status, RangeSet())

    def appended(self, headers: list[Header], tip: LaneTip) -> None:
        """Batches are on disk."""
        self.tip = tip
        for header in headers:
            self.pending_samples += header.n
            self.last_us = header.t_last_us
            self.recent[header.seq] = Mark(header.n, header.hash, header.payload_len)
        while len(self.recent) > RECENT_MAX:
            self.recent.popitem(last=False)

    def dispose(self, status: Disposed, low: int, high: int, samples: int) -> None:
        """Mark low … high, which were pending and hold `samples` samples."""
        self.marks[status] = self.marked(status).add(low, high)
        self.pending_samples -= samples
        if status is Disposed.GAPPED:
            self.gapped_samples += samples
        self.dirty = True

    def restore(self, low: int, high: int, samples: int) -> None:
        """The centre no longer holds low … high: they wait again."""
        self.marks[Disposed.STORED] = self.marked(Disposed.STORED).remove(low, high)
        self.pending_samples += samples
        self.dirty = True

    def recent_samples(self, low: int, high: int) -> int | None:
        """Return the samples of low … high if all are remembered."""
        if low not in self.recent or high not in self.recent:
            return None
        return sum(self.recent[seq].n for seq in range(low, high + 1))

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (lo, hi, status) of all ranges, for the disk."""
        return [
            (low, high, int(status))
            for status, ranges in self.marks.items()
            for low, high in ranges
        ]


def read_marks(rows: list[tuple[int, int, int]]) -> dict[Disposed, RangeSet]:
    """Return the ranges of `rows()`; a status of another version counts as STORED by nobody."""
    known = {int(status): status for status in Disposed}
    result: dict[Disposed, list[tuple[int, int]]] = {}
    for low, high, status in rows:
        if status in known:
            result.setdefault(known[status], []).append((low, high))
    return {status: RangeSet.of(spans) for status, spans in result.items()}


def lane_names(logs: Mapping[tuple[bytes, Lane], LaneLog], epoch: bytes) -> dict[str, LaneLog]:
    """Return the lanes of `epoch` by name."""
    return {lane.name: log for (own, lane), log in logs.items() if own == epoch}
