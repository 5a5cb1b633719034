"""What a read costs on a line: priors of each transport, and what answers teach.  Pure.

Cost of one request = a + b a register (bits: b/16).  Until 16 answers with two different counts are
known, the prior holds: a = 13 characters, two silences and 10 ms on a serial line, 5 ms on TCP; b =
two characters, or 0.2 µs.  Then b is the Theil-Sen slope over the last 64 answers of a (unit,
function), clamped to what the wire can do, and a the median of the rest.

Sources: `acquisition.md` 3.5; Modbus over Serial Line V1.02, 2.5.1.1 (silence of 3.5 characters,
1.75 ms above 19,200 baud).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from devices.address import Table

HULL_MIN = 4
"""Registers that a request costs at least: counts 1 to 3 belong to the probes of the guard."""
PAIRS_KEPT, PAIRS_NEEDED = 64, 16
SECOND_NS = 10**9
TCP_REQUEST_NS, TCP_REGISTER_NS = 5_000_000, 200
TCP_REGISTER_NS_MAX = 1_000_000
TURNAROUND_NS = 10_000_000
FAST_BAUD, FAST_GAP_NS = 19_200, 1_750_000
SERIAL_SLOPE_MAX = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """A fixed part per request and a part per register, in ns; the default is that of TCP."""

    request_ns: int = TCP_REQUEST_NS
    register_ns: int = TCP_REGISTER_NS

    def of(self, table: Table, length: int) -> int:
        """Return 16 times the ns that the planner reckons for one request of `length`.

        Half a register is added for the count that alternates; sixteenths, so that bits compare
        exactly.
        """
        sixteenths = max(length if table.is_bits else 16 * length, 16 * HULL_MIN) + 8
        return 16 * self.request_ns + self.register_ns * sixteenths

    def time_ns(self, *, is_bits: bool, quantity: int) -> int:
        """Return the ns that one request for `quantity` takes."""
        return self.request_ns + self.register_ns * quantity // (16 if is_bits else 1)


@dataclass(frozen=True, slots=True)
class Wire:
    """What a line can do: its prior, and the bounds of the slope.

    Attributes:
        prior: cost before anything was measured.
        slope_ns_min, slope_ns_max: bounds of the time per register.
    """

    prior: Cost = Cost()
    slope_ns_min: int = 0
    slope_ns_max: int = TCP_REGISTER_NS_MAX


TCP = Wire()


def serial_wire(baud: int, mode: str) -> Wire:
    """Return the wire of a serial line, such as 9600 and `8E1`."""
    character_ns = character_bits(mode) * SECOND_NS // baud
    gap_ns = FAST_GAP_NS if baud > FAST_BAUD else character_ns * 7 // 2
    prior = Cost(13 * character_ns + 2 * gap_ns + TURNAROUND_NS, 2 * character_ns)
    return Wire(prior, 2 * character_ns, SERIAL_SLOPE_MAX * character_ns)


def character_bits(mode: str) -> int:
    """Return the bits of one character: start, data, parity, stop; `8E1` has 11."""
    return 1 + int(mode[0]) + (mode[1] != "N") + int(mode[2])


@dataclass(slots=True)
class Meter:
    """The last answers of one (unit, function): counts in registers, and times."""

    pairs: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PAIRS_KEPT))

    def add(self, quantity: int, took_ns: int, *, is_bits: bool = False) -> None:
        """Take one answer: how much was asked, and the time from sending to the last byte."""
        self.pairs.append((quantity / 16 if is_bits else quantity, took_ns))

    def cost(self, wire: Wire) -> Cost:
        """Return what the answers say, or the prior while they say too little."""
        return fit(tuple(self.pairs), wire)


def fit(pairs: Sequence[tuple[float, int]], wire: Wire) -> Cost:
    """Return the cost that (registers, ns) pairs teach.

    With fewer than 16 pairs the prior holds; with one count only, its slope with a measured a.
    """
    if len(pairs) < PAIRS_NEEDED:
        return wire.prior
    slopes = list(_slopes(pairs))
    slope = median(slopes) if slopes else wire.prior.register_ns
    register_ns = round(min(max(slope, wire.slope_ns_min), wire.slope_ns_max))
    request_ns = round(median(took - register_ns * n for n, took in pairs))
    return Cost(max(request_ns, 0), register_ns)


def _slopes(pairs: Sequence[tuple[float, int]]) -> Iterator[float]:
    for (n, took), (m, other) in combinations(pairs, 2):
        if n != m:
            yield (took - other) / (n - m)


Costs = Mapping[int, Cost]
"""Cost per function code of one unit."""
