"""Fewest and cheapest reads that cover the points of a device.  Pure.

Theory of operation.  Points of one table and one poll class are spans.  Spans that lie inside
another ride along in its read.  Of the rest, sorted by address, an optimal partition never needs
anything but consecutive runs, so dynamic programming over "where does the last run begin" finds the
cheapest plan.  A hole is bridged exactly when reading it costs less than another request.

A span of a slower class that lies whole inside a read of a faster one needs no request: it rides on
that read, provided that its period is a whole multiple of the faster one's.

Clause: Modbus Application Protocol V1.1b3, 6.1-6.4 (limits of one request).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from devices.address import Table
from devices.modbus.cost import HULL_MIN, Cost
from devices.profile import BITS_MAX, REGISTERS_UNKNOWN_DEVICE


@dataclass(frozen=True, slots=True)
class Span:
    """Registers or bits of one point: table, first address, length, poll class.

    Spans with one non-empty `together` stay in one request.
    """

    table: Table
    start: int
    length: int
    poll: str = ""
    together: str = ""

    @property
    def end(self) -> int:
        """The first address behind the span."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask; `is_single`: no more than one value (a quirk)."""

    max_registers: int = REGISTERS_UNKNOWN_DEVICE
    max_bits: int = BITS_MAX
    is_single: bool = False

    def of(self, table: Table) -> int:
        """Return the limit of one table, in its own unit."""
        return self.max_bits if table.is_bits else self.max_registers


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Addresses `first` to `last`, both included, that no request may touch.

    `last` = `first` - 1 is a barrier without room: no request holds both `last` and `first`.
    """

    table: Table
    first: int
    last: int

    def touches(self, start: int, end: int) -> bool:
        """Return True when a request for `start` to `end` (behind it) would touch it."""
        return self.first < end and start <= self.last


@dataclass(frozen=True, slots=True)
class Read:
    """One request, and the spans (by index) that it covers, in ascending address.

    `rides_on`: index of the faster read in whose answer it lies; it is no request of its own.
    """

    table: Table
    start: int
    quantity: int
    poll: str
    members: tuple[int, ...]
    rides_on: int | None = None

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.quantity


@dataclass(frozen=True, slots=True)
class Plan:
    """Reads in the order of poll classes, tables and addresses; spans that cannot be read."""

    reads: tuple[Read, ...]
    refused: tuple[int, ...]

    def cost(self, cost: Cost) -> int:
        """Return 16 times the nanoseconds of one round of all reads."""
        own = (read for read in self.reads if read.rides_on is None)
        return sum(cost.of(read.table, read.quantity) for read in own)


@dataclass(frozen=True, slots=True)
class _Hull:
    """Spans that stay together, as one: first address, first behind it, indices."""

    start: int
    end: int
    members: tuple[int, ...]


def plan_reads(
    spans: Sequence[Span],
    limits: Limits,
    forbidden: Sequence[Forbidden],
    cost: Cost | Mapping[int, Cost],
    periods: Mapping[str, int] | None = None,
) -> Plan:
    """Return the cheapest reads that cover every span that can be read.

    Guarantees: each span lies whole in one read of its table and poll class, or rides on one of a
    faster class; no read exceeds a limit or touches a forbidden range; equal costs prefer fewer
    requests, then lower addresses.  A span that overlaps a forbidden range, or that with its
    companions exceeds a limit, is refused.

    Args:
        spans: fastest class first.
        limits: of one request.
        forbidden: what no request may touch.
        cost: of the whole device, or per function code (the prior of TCP where one is missing).
        periods: period per class in ns; without them nothing rides along.
    """
    reads: list[Read] = []
    refused: list[int] = []
    for (poll, table), members in _groups(spans).items():
        holes = tuple(hole for hole in forbidden if hole.table is table)
        hulls, out = _hulls(spans, members, limits.of(table), holes)
        refused.extend(out)
        hosts = _hosts(reads, poll, table, periods)
        if hosts and not limits.is_single:
            hulls, riders = _ride(hulls, reads, hosts)
            reads += [_read(spans, riders[at], table, poll, at) for at in sorted(riders)]
        runs = _partition(hulls, table, limits, holes, _cost_of(cost, table))
        reads += [_read(spans, run, table, poll) for run in runs]
    return Plan(tuple(reads), tuple(sorted(refused)))


def _cost_of(cost: Cost | Mapping[int, Cost], table: Table) -> Cost:
    return cost if isinstance(cost, Cost) else cost.get(table.function, Cost())


def _read(
    spans: Sequence[Span],
    run: Sequence[_Hull],
    table: Table,
    poll: str,
    rides_on: int | None = None,
) -> Read:
    start = min(hull.start for hull in run)
    end = max(hull.end for hull in run)
    inside = sorted(
        (span for hull in run for span in hull.members),
        key=lambda at: (spans[at].start, spans[at].length, at),
    )
    return Read(table, start, end - start, poll, tuple(inside), rides_on)


def _hosts(
    reads: Sequence[Read], poll: str, table: Table, periods: Mapping[str, int] | None
) -> list[int]:
    """Return the reads in whose answers a span of this class may lie, the fastest first."""
    if periods is None:
        return []
    return [
        at
        for at, read in enumerate(reads)
        if read.rides_on is None
        and read.table is table
        and periods[read.poll] < periods[poll]
        and periods[poll] % periods[read.poll] == 0
    ]


def _ride(
    hulls: Sequence[_Hull], reads: Sequence[Read], hosts: Sequence[int]
) -> tuple[list[_Hull], dict[int, list[_Hull]]]:
    """Return the hulls that need a request, and those inside a faster read, by that read."""
    rest: list[_Hull] = []
    riders: dict[int, list[_Hull]] = {}
    for hull in hulls:
        inside = (at for at in hosts if reads[at].start <= hull.start and hull.end <= reads[at].end)
        host = next(inside, None)
        if host is None:
            rest.append(hull)
        else:
            riders.setdefault(host, []).append(hull)
    return rest, riders


def _groups(spans: Sequence[Span]) -> Mapping[tuple[str, Table], list[int]]:
    """Group by class and table, in the order in which they first appear."""
    groups: dict[tuple[str, Table], list[int]] = {}
    for at, span in enumerate(spans):
        groups.setdefault((span.poll, span.table), []).append(at)
    return groups


def _hulls(
    spans: Sequence[Span], members: Iterable[int], limit: int, holes: Sequence[Forbidden]
) -> tuple[list[_Hull], list[int]]:
    """Return hulls of what stays together, (start, -length) ascending, and what is refused."""
    groups: dict[str, list[int]] = {}
    for at in members:
        groups.setdefault(spans[at].together or f" {at}", []).append(at)
    found: list[_Hull] = []
    refused: list[int] = []
    for group in groups.values():
        start = min(spans[at].start for at in group)
        end = max(spans[at].end for at in group)
        if end - start > limit or any(hole.touches(start, end) for hole in holes):
            refused.extend(group)
        else:
            found.append(_Hull(start, end, tuple(group)))
    found.sort(key=lambda hull: (hull.start, -hull.end, hull.members))
    return found, refused


def _outermost(hulls: Sequence[_Hull], *, is_single: bool) -> list[_Hull]:
    """Drop hulls inside others: they ride along; single values share only equal addresses."""
    outer: list[_Hull] = []
    for hull in hulls:
        last = outer[-1] if outer else None
        is_inside = last is not None and hull.end <= last.end
        if last is not None and is_single:
            is_inside = (hull.start, hull.end) == (last.start, last.end)
        if last is not None and is_inside:
            outer[-1] = _Hull(last.start, last.end, last.members + hull.members)
        else:
            outer.append(hull)
    return outer


def _partition(
    hulls: Sequence[_Hull],
    table: Table,
    limits: Limits,
    holes: Sequence[Forbidden],
    cost: Cost,
) -> list[Sequence[_Hull]]:
    """Cut hulls into the cheapest consecutive runs; each run in the order of its hulls."""
    outer = _outermost(hulls, is_single=limits.is_single)
    if limits.is_single:
        return [[hull] for hull in outer]
    cut = _cuts(
        tuple(hull.start for hull in outer),
        tuple(hull.end for hull in outer),
        limits.of(table),
        tuple(holes),
        (16 * cost.request_ns, cost.register_ns, 1 if table.is_bits else 16),
    )
    runs: list[Sequence[_Hull]] = []
    j = len(outer)
    while j:
        runs.append(outer[cut[j] : j])
        j = cut[j]
    return runs[::-1]


@lru_cache(maxsize=64)
def _cuts(
    starts: tuple[int, ...],
    ends: tuple[int, ...],
    limit: int,
    holes: tuple[Forbidden, ...],
    prices: tuple[int, int, int],
) -> tuple[int, ...]:
    """Return where the last run begins in the cheapest cut of the first j hulls, for each j.

    Kept for some plans: a hundred devices of one profile are cut once.
    """
    behind = _behind(holes)
    fixed, slope, unit = prices
    price, requests, cut = [0], [0], [0]
    for j, end in enumerate(ends, 1):
        least = max(end - limit, behind(end))
        best, fewest, where = -1, 0, 0
        for i in range(bisect_left(starts, least, 0, j), j):
            length = max(unit * (end - starts[i]), 16 * HULL_MIN) + 8
            option, asked = price[i] + fixed + slope * length, requests[i] + 1
            if best < 0 or option < best or (option == best and asked < fewest):
                best, fewest, where = option, asked, i
        assert best >= 0, "a single hull always fits"
        price.append(best)
        requests.append(fewest)
        cut.append(where)
    return tuple(cut)


def _behind(holes: Sequence[Forbidden]) -> Callable[[int], int]:
    """Return the function "lowest start of a request that ends at `end` and touches no hole"."""
    ordered = sorted(holes, key=lambda hole: hole.first)
    firsts = [hole.first for hole in ordered]
    lasts = list(accumulate((hole.last for hole in ordered), max))

    def lowest(end: int) -> int:
        count = bisect_left(firsts, end)
        return lasts[count - 1] + 1 if count else 0

    return lowest
