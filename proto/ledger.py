"""The accounting identity: a sample is stored, gapped, withheld, pending or unexplained.  Pure.

Both sides compute with this file.  Data win over a gap that arrives before or after them; what is
stored is never also counted as gapped, what is gapped never as pending.

Source: `batches.md` 3.12.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RangeSet:
    """A set of integers as ascending spans, inclusive at both ends, never touching one another."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> "RangeSet":
        """Return the set of all numbers in the spans, in any order, overlapping or not."""
        merged: list[Span] = []
        for low, high in sorted(spans):
            _check(low, high)
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    def add(self, low: int, high: int) -> "RangeSet":
        """Return the set with low … high in it."""
        _check(low, high)
        if self.spans and low == self.spans[-1][1] + 1:  # the usual case: one more at the end
            return RangeSet((*self.spans[:-1], (self.spans[-1][0], high)))
        first = bisect_left(self.spans, low - 1, key=_high)
        last = bisect_right(self.spans, high + 1, key=_low)
        if first < last:
            low = min(low, self.spans[first][0])
            high = max(high, self.spans[last - 1][1])
        return RangeSet((*self.spans[:first], (low, high), *self.spans[last:]))

    def remove(self, low: int, high: int) -> "RangeSet":
        """Return the set without low … high."""
        _check(low, high)
        first = bisect_left(self.spans, low, key=_high)
        last = bisect_right(self.spans, high, key=_low)
        kept: list[Span] = []
        if first < last:
            kept = [(self.spans[first][0], low - 1), (high + 1, self.spans[last - 1][1])]
        kept = [span for span in kept if span[0] <= span[1]]
        return RangeSet((*self.spans[:first], *kept, *self.spans[last:]))

    def __or__(self, other: "RangeSet") -> "RangeSet":
        return RangeSet.of((*self.spans, *other.spans))

    def __and__(self, other: "RangeSet") -> "RangeSet":
        common: list[Span] = []
        at = 0
        for low, high in self.spans:
            while at < len(other.spans) and other.spans[at][1] < low:
                at += 1
            ahead = at
            while ahead < len(other.spans) and other.spans[ahead][0] <= high:
                common.append((max(low, other.spans[ahead][0]), min(high, other.spans[ahead][1])))
                ahead += 1
        return RangeSet(tuple(common))

    def __sub__(self, other: "RangeSet") -> "RangeSet":
        if not self.spans:
            return self
        return self & other.holes(self.spans[0][0], self.spans[-1][1])

    def holes(self, low: int, high: int) -> "RangeSet":
        """Return what of low … high is not in the set."""
        missing: list[Span] = []
        for first, last in self.spans[bisect_left(self.spans, low, key=_high) :]:
            if first > high:
                break
            if first > low:
                missing.append((low, first - 1))
            low = max(low, last + 1)
        if low <= high:
            missing.append((low, high))
        return RangeSet(tuple(missing))

    def covers(self, low: int, high: int) -> bool:
        """True when every number of low … high is in the set."""
        at = bisect_left(self.spans, low, key=_high)
        return at < len(self.spans) and self.spans[at][0] <= low and high <= self.spans[at][1]

    def overlaps(self, low: int, high: int) -> bool:
        """True when some number of low … high is in the set."""
        at = bisect_left(self.spans, low, key=_high)
        return at < len(self.spans) and self.spans[at][0] <= high

    @property
    def total(self) -> int:
        """How many numbers are in the set."""
        return sum(high - low + 1 for low, high in self.spans)

    @property
    def low(self) -> int:
        """The least number; the set is not empty."""
        return self.spans[0][0]

    @property
    def high(self) -> int:
        """The greatest number; the set is not empty."""
        return self.spans[-1][1]

    def __contains__(self, number: int) -> bool:
        return self.covers(number, number)

    def __iter__(self) -> Iterator[Span]:
        return iter(self.spans)

    def __len__(self) -> int:
        """How many spans."""
        return len(self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)


@dataclass(frozen=True, slots=True)
class Account:
    """expected = stored + gapped + withheld + pending + unexplained, all counts of samples."""

    expected: int = 0
    stored: int = 0
    gapped: int = 0
    withheld: int = 0
    pending: int = 0
    unexplained: int = 0
    duplicates: int = 0  # samples stored twice; a lawful resend does not count

    def __add__(self, other: "Account") -> "Account":
        return Account(
            self.expected + other.expected,
            self.stored + other.stored,
            self.gapped + other.gapped,
            self.withheld + other.withheld,
            self.pending + other.pending,
            self.unexplained + other.unexplained,
            self.duplicates + other.duplicates,
        )


@dataclass(frozen=True, slots=True)
class LaneLedger:
    """The sample numbers 1 … announced of one (epoch, lane), each where it is.

    Attributes:
        announced: highest number that a header, checkpoint, heartbeat or Hello has named.
        held: numbers whose batch is durable here.
        gaps: numbers that gap records name.
        kept_back: numbers that WITHHELD entries name (lane RAW only).
        waiting: numbers that the gateway says it still holds.
        twice: how many samples were stored a second time.
    """

    announced: int = 0
    held: RangeSet = field(default_factory=RangeSet)
    gaps: RangeSet = field(default_factory=RangeSet)
    kept_back: RangeSet = field(default_factory=RangeSet)
    waiting: RangeSet = field(default_factory=RangeSet)
    twice: int = 0

    def announce(self, number: int) -> "LaneLedger":
        """Return the ledger that knows of samples up to `number`."""
        return replace(self, announced=max(self.announced, number))

    def store(self, low: int, high: int) -> "LaneLedger":
        """Return the ledger with a batch stored; what was stored before counts as twice."""
        again = (self.held & RangeSet(((low, high),))).total
        return replace(
            self,
            announced=max(self.announced, high),
            held=self.held.add(low, high),
            twice=self.twice + again,
        )

    def gap(self, low: int, high: int) -> "LaneLedger":
        """Return the ledger with the samples of a gap record."""
        return replace(self, announced=max(self.announced, high), gaps=self.gaps.add(low, high))

    def withhold(self, low: int, high: int) -> "LaneLedger":
        """Return the ledger with the samples of a WITHHELD entry."""
        return replace(
            self, announced=max(self.announced, high), kept_back=self.kept_back.add(low, high)
        )

    def pend(self, waiting: RangeSet) -> "LaneLedger":
        """Return the ledger with the gateway's own statement of what it still holds."""
        top = waiting.high if waiting else 0
        return replace(self, announced=max(self.announced, top), waiting=waiting)

    def account(self) -> Account:
        """Return the identity: the five parts do not overlap and make the whole."""
        whole = RangeSet(((1, self.announced),)) if self.announced else RangeSet()
        stored = self.held & whole
        gapped = (self.gaps & whole) - stored
        named = stored | gapped
        withheld = (self.kept_back & whole) - named
        named = named | withheld
        pending = (self.waiting & whole) - named
        return Account(
            expected=self.announced,
            stored=stored.total,
            gapped=gapped.total,
            withheld=withheld.total,
            pending=pending.total,
            unexplained=(whole - (named | pending)).total,
            duplicates=self.twice,
        )

    def unexplained(self) -> RangeSet:
        """Return the numbers that nothing explains; empty unless something is lost in silence."""
        named = self.held | self.gaps | self.kept_back | self.waiting
        return named.holes(1, self.announced)


def slots_between(t0_us: int, t1_us: int, *, grid_us: int, period_us: int) -> int:
    """Return how many grid slots are due in t0 <= t < t1; slot k is due at grid + k x period.

    Ledger 2 (point and hour) expects so many rows of a polled point.
    """
    if period_us <= 0 or t1_us <= t0_us:
        return 0
    first = max(0, -(-(t0_us - grid_us) // period_us))
    last = -(-(t1_us - grid_us) // period_us)
    return max(0, last - first)


def _check(low: int, high: int) -> None:
    if low > high:
        raise ValueError(f"a span from {low} to {high}")


def _low(span: Span) -> int:
    return span[0]


def _high(span: Span) -> int:
    return span[1]
