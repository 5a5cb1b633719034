"""What to send next.  Pure.

Rules of this file:
- URGENT: EPOCH first, then SCHEMA parts that the centre wants, ALARM, other META, EVENT.
- BULK: *live* = batches closed since the session began, ascending; everything else is *backfill*,
  oldest epoch and batch first.  When live lags more than two windows it restarts at the newest, and
  what it skipped joins the backfill.
- While both have work they share 70 : 30 by bytes; the backfill also obeys the centre's rate.

Clause: batches.md 3.13 (Order).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from edge.claim import Key
from edge.uplink.model import LaneView
from proto.batch import Lane
from proto.ledger import RangeSet
from proto.limits import FRAMES_PER_MESSAGE_MAX

LIVE_SHARE, BACKFILL_SHARE = 70, 30
LIVE_LAG_MAX = 2
_NS = 1_000_000_000


class Part(Enum):
    """Why a batch is sent now."""

    URGENT = auto()
    LIVE = auto()
    BACKFILL = auto()


@dataclass(frozen=True, slots=True)
class Pick:
    """Batches low … high of one lane, to be sent in one message."""

    part: Part
    epoch: bytes
    lane: Lane
    low: int
    high: int

    @property
    def key(self) -> Key:
        """The first batch."""
        return self.epoch, self.lane, self.low


class Lanes:
    """What was sent in this session, and what comes next.

    Attributes:
        views: gives all lanes, epochs oldest first, as they stand now.
        wanted: sequences of SCHEMA batches that the centre asked for.
        backfill_bytes_per_s: the centre's rate for history; 0 = no limit.
    """

    def __init__(
        self, views: Callable[[], Sequence[LaneView]], *, epoch: bytes, now_ns: int
    ) -> None:
        self._views, self._epoch = views, epoch
        self._sent: dict[tuple[bytes, Lane], RangeSet] = {}
        self._wanted: list[int] = []
        self._live_from: dict[tuple[bytes, Lane], int] = {
            (view.epoch, view.lane): view.tip.next_seq
            for view in views()
            if view.lane is Lane.BULK and view.epoch == epoch
        }
        self._bytes = {Part.LIVE: 0, Part.BACKFILL: 0}
        self._backfill_due_ns = now_ns
        self.backfill_bytes_per_s = 0

    def want(self, sequences: Iterable[int]) -> None:
        """The centre asks for these META batches of the current epoch, whatever it holds."""
        self._wanted = sorted(sequences)

    def urgent(self, *, alarm_only: bool = False) -> Pick | None:
        """Return what goes next on URGENT; `alarm_only` while the centre holds back all else."""
        views = self._views()
        if not alarm_only:
            meta = [view for view in views if view.lane is Lane.META]
            for view in meta:
                if 1 in self._open(view):
                    return Pick(Part.URGENT, view.epoch, Lane.META, 1, 1)
            if self._wanted:
                seq = self._wanted[0]
                return Pick(Part.URGENT, self._epoch, Lane.META, seq, seq)
        order = (Lane.ALARM,) if alarm_only else (Lane.ALARM, Lane.META, Lane.EVENT)
        for lane in order:
            for view in views:
                if view.lane is lane and (span := _first(self._open(view))):
                    return Pick(Part.URGENT, view.epoch, lane, *span)
        return None

    def bulk(self, now_ns: int) -> Pick | None:
        """Return what goes next on BULK."""
        views = [view for view in self._views() if view.lane is Lane.BULK]
        live, history = self._live(views), self._backfill(views, now_ns)
        if live is None or history is None:
            self._bytes = {Part.LIVE: 0, Part.BACKFILL: 0}
            return live or history
        ahead = self._bytes[Part.LIVE] * BACKFILL_SHARE > self._bytes[Part.BACKFILL] * LIVE_SHARE
        return history if ahead else live

    def is_paced(self, now_ns: int) -> bool:
        """True while the centre's rate holds history back."""
        return bool(self.backfill_bytes_per_s) and now_ns < self._backfill_due_ns

    def backlog(self) -> int:
        """Return how many batches of BULK are neither sent nor live."""
        views = [view for view in self._views() if view.lane is Lane.BULK]
        return sum(self._history(view).total for view in views)

    def sent(self, pick: Pick, high: int, size: int, now_ns: int) -> None:
        """Batches pick.low … high were handed to the call, `size` bytes together."""
        key = (pick.epoch, pick.lane)
        self._sent[key] = self._sent.get(key, RangeSet()).add(pick.low, high)
        if pick.lane is Lane.META and pick.epoch == self._epoch:
            self._wanted = [seq for seq in self._wanted if not pick.low <= seq <= high]
        if pick.part in self._bytes:
            self._bytes[pick.part] += size
        if pick.part is Part.BACKFILL and self.backfill_bytes_per_s:
            due = max(self._backfill_due_ns, now_ns)
            self._backfill_due_ns = due + size * _NS // self.backfill_bytes_per_s

    def skip(self, pick: Pick) -> None:
        """The first batch of `pick` cannot be read: it is a gap now, or will be asked again."""
        self._wanted = [seq for seq in self._wanted if seq != pick.low]

    def _open(self, view: LaneView) -> RangeSet:
        return view.pending - self._sent.get((view.epoch, view.lane), RangeSet())

    def _live(self, views: Sequence[LaneView]) -> Pick | None:
        for view in views:
            start = self._live_from.get((view.epoch, view.lane))
            if start is None:
                continue
            ready = _from(self._open(view), start)
            if ready.total > LIVE_LAG_MAX:
                self._live_from[view.epoch, view.lane] = ready.high
                ready = _from(ready, ready.high)
            span = _first(ready)
            if span is not None:
                return Pick(Part.LIVE, view.epoch, view.lane, *span)
        return None

    def _backfill(self, views: Sequence[LaneView], now_ns: int) -> Pick | None:
        if self.is_paced(now_ns):
            return None
        for view in views:
            span = _first(self._history(view))
            if span is not None:
                return Pick(Part.BACKFILL, view.epoch, view.lane, *span)
        return None

    def _history(self, view: LaneView) -> RangeSet:
        open_ = self._open(view)
        start = self._live_from.get((view.epoch, view.lane))
        if start is None or not open_:
            return open_
        return open_ - _from(open_, start)


def _from(ranges: RangeSet, start: int) -> RangeSet:
    if not ranges or ranges.high < start:
        return RangeSet()
    return ranges & RangeSet(((start, ranges.high),))


def _first(ranges: RangeSet) -> tuple[int, int] | None:
    """Return the first run, as much of it as one message may hold."""
    if not ranges:
        return None
    low, high = ranges.spans[0]
    return low, min(high, low + FRAMES_PER_MESSAGE_MAX - 1)
