"""Filling a gap from the server's history: windows, slices, what is new in them.  Pure.

A gap begins at the last source time that was received and ends at the first one received after it,
per point.  It is asked for in slices of an hour at most, oldest first, one request at a time, with
an overlap of ten seconds backwards: there only instants that were never received count as new.

| state   | answer                              | next                                        |
|---------|-------------------------------------|---------------------------------------------|
| unasked | its access has no HistoryRead       | NO_HISTORY                                  |
| unasked | access granted                      | OPEN                                        |
| OPEN    | values, continuation point          | OPEN, asked on                              |
| OPEN    | values, last slice                  | FILLED                                      |
| OPEN    | history not supported               | NO_HISTORY                                  |
| OPEN    | any other error of the device       | PARTLY; the session goes on                 |

Clause: acquisition.md 3.13.5; OPC UA Part 11, 6.4.3 (ReadRawModifiedDetails).
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns, bad_columns
from devices.opcua.status_code import is_bad
from devices.opcua.value import NodeValue
from proto.quality import Quality, Reason

OVERLAP_US = 10_000_000
SLICE_US = 3_600_000_000
PAUSE_NS = 1_000_000_000
VALUES_MAX = 10_000
CELLS_MAX = 400_000
"""Points times rows of one answer: what a server tells at once must fit into memory."""
NODES_MAX = 10
HISTORY_READ = 0x04
"""Bit of AccessLevel and UserAccessLevel (Part 3, 8.57)."""
_UNSUPPORTED = frozenset(
    {
        0x800B0000,  # BadServiceUnsupported
        0x803D0000,  # BadNotSupported
        0x80710000,  # BadHistoryOperationInvalid
        0x80720000,  # BadHistoryOperationUnsupported
        0x801F0000,  # BadUserAccessDenied
        0x80340000,  # BadNodeIdUnknown
    }
)


class Outcome(Enum):
    """What became of one point's gap."""

    OPEN = "open"
    FILLED = "filled"
    PARTLY = "partly"
    NO_HISTORY = "no history"


@dataclass(frozen=True, slots=True)
class AskAccess:
    """Read UserAccessLevel of these points."""

    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskValues:
    """Read raw history of these points between two instants.

    Attributes:
        slots: by position in the block.
        from_us, to_us: source times; the end is not included.
        values_max: of one point in one answer.
        continuations: a continuation point per slot; empty = from the beginning.
    """

    slots: tuple[int, ...]
    from_us: int
    to_us: int
    values_max: int
    continuations: tuple[bytes, ...]


Ask = AskAccess | AskValues


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's word on one point of `AskValues`: values with their source times."""

    status: int
    values: Sequence[tuple[int, NodeValue]] = ()
    continuation: bytes = b""


class Instants:
    """The source times that were received lately, per point, without a copy of them.

    Two gaps within the overlap ask for the same instants twice: what came from history counts too.
    """

    ROWS_MAX = 256
    REPLAYED_MAX = 20_000

    def __init__(self) -> None:
        self._rows: deque[NDArray[np.int64]] = deque(maxlen=self.ROWS_MAX)
        self._replayed: dict[int, set[int]] = {}

    def replay(self, slot: int, source_us: int) -> bool:
        """Note an instant that history gives; False when it has given it before."""
        slots = self._replayed.setdefault(source_us, set())
        if slot in slots:
            return False
        slots.add(slot)
        if len(self._replayed) > self.REPLAYED_MAX:
            del self._replayed[next(iter(self._replayed))]
        return True

    def note(self, source_us: NDArray[np.int64]) -> None:
        """Take the source times of one row; nobody writes to them afterwards."""
        self._rows.append(source_us)

    def of(self, slot: int, since_us: int) -> frozenset[int]:
        """Return the instants of one point from `since_us` on."""
        return frozenset(t for row in self._rows if (t := int(row[slot])) >= since_us)

    def reaches_back_to(self, slot: int) -> int:
        """Return the oldest instant known of one point; before it nothing can be told apart."""
        return int(self._rows[0][slot]) if self._rows else 0


@dataclass(slots=True)
class _Slice:
    slots: tuple[int, ...]
    from_us: int
    to_us: int
    continuations: dict[int, bytes] = field(default_factory=dict)


class Fill:
    """One gap of one block.

    Attributes:
        block: index of the block.
        n: its points.
        values: how many were new.
        outcomes: per slot that has a gap.
        from_us, to_us: from the oldest beginning to the youngest end.
    """

    def __init__(
        self,
        block: int,
        n: int,
        windows: Mapping[int, tuple[int, int]],
        seen: Mapping[int, AbstractSet[int]],
        instants: Instants | None = None,
        *,
        nodes_max: int = NODES_MAX,
    ) -> None:
        self.block = block
        self._instants = Instants() if instants is None else instants
        self.n = n
        self.values = 0
        self.outcomes = dict.fromkeys(windows, Outcome.OPEN)
        self.from_us = min((low for low, _ in windows.values()), default=0)
        self.to_us = max((high for _, high in windows.values()), default=0)
        self._windows, self._seen = dict(windows), dict(seen)
        order = sorted(windows, key=lambda slot: windows[slot])
        self._access = deque(_groups(order, nodes_max))
        self._nodes_max = nodes_max
        self._slices: deque[_Slice] = deque()
        self._is_sliced = False

    def next(self) -> Ask | None:
        """Return the next request; None when the gap is done."""
        if self._access:
            return AskAccess(self._access[0])
        if not self._is_sliced:
            self._cut()
        while self._slices:
            front = self._slices[0]
            slots = tuple(s for s in front.slots if self.outcomes[s] is Outcome.OPEN)
            if front.continuations:
                slots = tuple(s for s in slots if s in front.continuations)
            if slots:
                most = max(1, min(VALUES_MAX, CELLS_MAX // max(1, self.n)) // len(slots))
                points = tuple(front.continuations.get(slot, b"") for slot in slots)
                return AskValues(slots, front.from_us, front.to_us, most, points)
            self._slices.popleft()
        return None

    def accessed(self, levels: Sequence[int | None]) -> None:
        """Take UserAccessLevel of the slots of the last `AskAccess`; None = not readable."""
        for slot, level in zip(self._access.popleft(), levels, strict=True):
            if level is not None and not level & HISTORY_READ:
                self.outcomes[slot] = Outcome.NO_HISTORY

    def answered(self, ask: AskValues, answers: Sequence[Answer]) -> list[BlockColumns]:
        """Take one answer; return the rows that are new, oldest first, without receive times."""
        front = self._slices[0]
        front.continuations = {}
        layers: dict[int, dict[int, NodeValue]] = {}
        for slot, answer in zip(ask.slots, answers, strict=True):
            if is_bad(answer.status):
                unsupported = answer.status in _UNSUPPORTED
                self.outcomes[slot] = Outcome.NO_HISTORY if unsupported else Outcome.PARTLY
                continue
            for source_us, value in answer.values:
                if self._is_new(slot, source_us):
                    layers.setdefault(source_us, {})[slot] = value
            if answer.continuation:
                front.continuations[slot] = answer.continuation
        if not front.continuations:
            self._slices.popleft()
        self.values += sum(len(layer) for layer in layers.values())
        return [_row(self.n, at, layers[at]) for at in sorted(layers)]

    def failed(self) -> None:
        """The request itself failed: its slice is lost, what comes later is still tried."""
        if self._access:
            self._access.popleft()
            return
        if self._slices:
            for slot in self._slices.popleft().slots:
                if self.outcomes[slot] is Outcome.OPEN:
                    self.outcomes[slot] = Outcome.PARTLY

    @property
    def windows(self) -> dict[int, tuple[int, int]]:
        """From and to by slot, of the points that have history as far as is known."""
        without = Outcome.NO_HISTORY
        return {s: w for s, w in self._windows.items() if self.outcomes[s] is not without}

    def finish(self) -> dict[Outcome, int]:
        """Return how many points ended how; every point still open is filled."""
        for slot, outcome in self.outcomes.items():
            if outcome is Outcome.OPEN:
                self.outcomes[slot] = Outcome.FILLED
        found = list(self.outcomes.values())
        return {outcome: found.count(outcome) for outcome in Outcome if outcome in found}

    def _is_new(self, slot: int, source_us: int) -> bool:
        low, high = self._windows[slot]
        if not low - OVERLAP_US < source_us < high or source_us in self._seen.get(slot, ()):
            return False
        return self._instants.replay(slot, source_us)

    def _cut(self) -> None:
        """Cut what is open into slices, oldest first."""
        self._is_sliced = True
        order = sorted(
            (s for s, o in self.outcomes.items() if o is Outcome.OPEN),
            key=lambda slot: self._windows[slot],
        )
        found: list[_Slice] = []
        for slots in _groups(order, self._nodes_max):
            at = min(self._windows[slot][0] for slot in slots) - OVERLAP_US
            end = max(self._windows[slot][1] for slot in slots)
            while at < end:
                found.append(_Slice(slots, at, min(at + SLICE_US, end)))
                at += SLICE_US
        self._slices = deque(sorted(found, key=lambda one: (one.from_us, one.slots)))


def gap_of(
    covered_us: NDArray[np.int64], now_us: NDArray[np.int64], instants: Instants
) -> tuple[dict[int, tuple[int, int]], dict[int, frozenset[int]]]:
    """Return the window per slot between two rows of a block, and what is known around it.

    Args:
        covered_us: source times of the last row before the gap; 0 = never received.
        now_us: source times of the first row after it.
        instants: what was received before the gap.
    """
    windows: dict[int, tuple[int, int]] = {}
    seen: dict[int, frozenset[int]] = {}
    for slot in np.flatnonzero((covered_us > 0) & (now_us > covered_us)).tolist():
        low, high = int(covered_us[slot]), int(now_us[slot])
        windows[slot] = (low, high)
        known = instants.of(slot, low - OVERLAP_US)
        oldest = instants.reaches_back_to(slot)
        seen[slot] = known if 0 < oldest <= low - OVERLAP_US else Before(known, low)
    return windows, seen


class Before(frozenset[int]):
    """Instants that are known only as far back as they were kept: older ones count as received."""

    _low: int

    def __new__(cls, known: Iterable[int], low: int) -> "Before":
        """Make a set to which every instant up to `low` belongs as well."""
        made = super().__new__(cls, known)
        made._low = low
        return made

    def __contains__(self, instant: object) -> bool:
        return (isinstance(instant, int) and instant <= self._low) or super().__contains__(instant)


def _groups(slots: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(slots[at : at + size]) for at in range(0, len(slots), max(1, size))]


def _row(n: int, source_us: int, values: Mapping[int, NodeValue]) -> BlockColumns:
    """Return one row: the points of this instant; the others have no value in it."""
    row = bad_columns(n, Reason.REPLAYED, 0, 0)
    row.source_us[:] = source_us
    for slot, value in values.items():
        row.raw[slot], row.value[slot] = value.raw, value.value
        row.quality[slot] = max(value.quality, Quality.UNCERTAIN)
        row.reason[slot] = Reason.REPLAYED
        row.detail[slot], row.no_value[slot] = value.detail, value.no_value
    return row
