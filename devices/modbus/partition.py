"""Fewest and cheapest reads that cover the points of a device.  Pure.

Theory of operation.  Points of one table and one poll class are spans.  Spans that lie inside
another ride along in its read.  Of the rest, sorted by address, an optimal partition never needs
anything but consecutive runs, so dynamic programming over "where does the last run begin" finds the
cheapest plan.  A hole is bridged exactly when reading it costs less than another request.

Costs are whole nanoseconds times 16, so that bits (1/16 register) compare exactly.

Clause: Modbus Application Protocol V1.1b3, 6.1-6.4 (limits of one request).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from devices.address import Table
from devices.profile import BITS_MAX, REGISTERS_UNKNOWN_DEVICE

HULL_MIN = 4
"""Registers that a request costs at least: a shorter one saves nothing on the wire."""


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
    """What one request may ask."""

    max_registers: int = REGISTERS_UNKNOWN_DEVICE
    max_bits: int = BITS_MAX

    def of(self, table: Table) -> int:
        """Return the limit of one table, in its own unit."""
        return self.max_bits if table.is_bits else self.max_registers


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Addresses `first` to `last`, both included, that no request may touch."""

    table: Table
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a read costs: a fixed part per request and a part per register, in ns.

    The prior for Modbus TCP: 5 ms a request, 0.2 µs a register.
    """

    request_ns: int = 5_000_000
    register_ns: int = 200

    def of(self, table: Table, length: int) -> int:
        """Return 16 times the nanoseconds of one request for `length` registers or bits."""
        sixteenths = max(length if table.is_bits else 16 * length, 16 * HULL_MIN)
        return 16 * self.request_ns + self.register_ns * sixteenths


@dataclass(frozen=True, slots=True)
class Read:
    """One request, and the spans (by index) that it covers, in ascending address."""

    table: Table
    start: int
    quantity: int
    poll: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Reads in the order of poll classes, tables and addresses; spans that cannot be read."""

    reads: tuple[Read, ...]
    refused: tuple[int, ...]

    def cost(self, cost: Cost) -> int:
        """Return 16 times the nanoseconds of one round of all reads."""
        return sum(cost.of(read.table, read.quantity) for read in self.reads)


@dataclass(frozen=True, slots=True)
class _Hull:
    """Spans that stay together, as one: first address, first behind it, indices."""

    start: int
    end: int
    members: tuple[int, ...]


def plan_reads(
    spans: Sequence[Span], limits: Limits, forbidden: Sequence[Forbidden], cost: Cost
) -> Plan:
    """Return the cheapest reads that cover every span that can be read.

    Guarantees: each span lies whole in one read of its table and poll class; no read exceeds a
    limit or touches a forbidden range; equal costs prefer fewer requests, then lower addresses.
    A span that overlaps a forbidden range, or that with its companions exceeds a limit, is refused.
    """
    reads: list[Read] = []
    refused: list[int] = []
    for (poll, table), members in _groups(spans).items():
        holes = tuple(hole for hole in forbidden if hole.table is table)
        hulls, out = _hulls(spans, members, limits.of(table), holes)
        refused.extend(out)
        for run in _partition(hulls, table, limits.of(table), holes, cost):
            end = max(hull.end for hull in run)
            inside = sorted(
                (span for hull in run for span in hull.members),
                key=lambda at: (spans[at].start, spans[at].length, at),
            )
            reads.append(Read(table, run[0].start, end - run[0].start, poll, tuple(inside)))
    return Plan(tuple(reads), tuple(sorted(refused)))


def _groups(spans: Sequence[Span]) -> Mapping[tuple[str, Table], list[int]]:
    """Group by class and table, in the order in which they first appear."""
    groups: dict[tuple[str, Table], list[int]] = {}
    for at, span in enumerate(spans):
        groups.setdefault((span.poll, span.table), []).append(at)
    return groups


def _hulls(
    spans: Sequence[Span], members: Iterable[int], limit: int, holes: Sequence[Forbidden]
) -> tuple[list[_Hull], list[int]]:
    """Return outermost hulls by ascending address, riders inside them, and what is refused."""
    groups: dict[str, list[int]] = {}
    for at in members:
        groups.setdefault(spans[at].together or f" {at}", []).append(at)
    candidates: list[_Hull] = []
    refused: list[int] = []
    for group in groups.values():
        start = min(spans[at].start for at in group)
        end = max(spans[at].end for at in group)
        if end - start > limit or _touches(holes, start, end):
            refused.extend(group)
        else:
            candidates.append(_Hull(start, end, tuple(group)))
    candidates.sort(key=lambda hull: (hull.start, -hull.end, hull.members))
    outer: list[_Hull] = []
    for hull in candidates:
        if outer and hull.end <= outer[-1].end:
            last = outer[-1]
            outer[-1] = _Hull(last.start, last.end, last.members + hull.members)
        else:
            outer.append(hull)
    return outer, refused


def _touches(holes: Sequence[Forbidden], start: int, end: int) -> bool:
    return any(hole.first < end and start <= hole.last for hole in holes)


def _partition(
    hulls: Sequence[_Hull], table: Table, limit: int, holes: Sequence[Forbidden], cost: Cost
) -> list[Sequence[_Hull]]:
    """Cut hulls (ascending in start and in end) into the cheapest consecutive runs.

    `best[j]` = (cost, requests, where the last run begins) of the first j hulls.
    """
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for j in range(1, len(hulls) + 1):
        end = hulls[j - 1].end
        found: tuple[int, int, int] | None = None
        for i in range(j - 1, -1, -1):
            start = hulls[i].start
            if end - start > limit or _touches(holes, start, end):
                break
            price, requests, _ = best[i]
            option = (price + cost.of(table, end - start), requests + 1, i)
            found = option if found is None else min(found, option)
        assert found is not None, "a single hull always fits"
        best.append(found)
    runs: list[Sequence[_Hull]] = []
    j = len(hulls)
    while j:
        i = best[j][2]
        runs.append(hulls[i:j])
        j = i
    return runs[::-1]
