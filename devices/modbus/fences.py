"""Counts that tell the answers of one unit apart: the second net under the guard.  Pure.

Rules of this file (`acquisition.md` 3.5.4).  On a line under the full guard each block is asked
with two counts, n and n + 1 (bits: n + 8), in turn.  Blocks of one unit and function that can stand
within four requests of each other share no count; what tells bits apart is the number of *bytes*.
Counts of 1 to 3 (bytes, for bits) belong to the probes of the guard.  Padding looks for addresses
between known points first, then above, then below, and never enters a forbidden range.  Where no
such count can be had, the block keeps its bare hull or equal counts, and is `partial`.

Blocks of one class run in their order, each once a cycle, so their distance is that of their
places in the round.  Blocks of different classes can meet anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from devices.modbus.ask import Ask
from devices.modbus.partition import Forbidden, Read

DISTANCE = 4
SHORTEST = 4
"""The shortest count of a block: 1, 2 and 3 are what probes ask."""
BITS_STEP = 8
RESERVE = 8
"""Steps by which the plan stays below the device's limit."""
ADDRESSES = 65_536

Fence = Literal["none", "alternate", "fixed"]
"""No fence, two counts in turn, or one distinct count (`probing = "never"`)."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """What is sent for one read: its asks, in turn, and whether the fence has a gap."""

    asks: tuple[Ask, ...]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What limits padding in one table of one unit.

    Attributes:
        limit: longest request, in registers or bits.
        forbidden: of this table.
        low, high: first and last (excluded) address of known points.
        unpadded: hulls (start, end) that the device refuses to exceed.
    """

    limit: int
    forbidden: tuple[Forbidden, ...]
    low: int
    high: int
    unpadded: frozenset[tuple[int, int]] = frozenset()

    def is_free(self, ask: Ask) -> bool:
        """Return True when a request may be as long and stand there."""
        inside = ask.start >= 0 and ask.end <= ADDRESSES and ask.quantity <= self.limit
        return inside and not any(hole.touches(ask.start, ask.end) for hole in self.forbidden)


def fence(reads: Sequence[Read], ground: Ground, kind: Fence) -> tuple[Fenced, ...]:
    """Return what is sent for each read of one table of one unit, in their order."""
    done: list[Fenced] = []
    near = neighbours(reads)
    for at, read in enumerate(reads):
        hull = Ask(read.table.function, read.start, read.quantity)
        if kind == "none":
            done.append(Fenced((hull,)))
            continue
        taken = {width(ask) for other in near[at] if other < at for ask in done[other].asks}
        found = None
        if (read.start, read.end) not in ground.unpadded:
            found = _asks(hull, ground, taken, 2 if kind == "alternate" else 1)
        if found is None:
            found = _asks(hull, ground, taken, 1) or (hull,)
            is_distinct = width(found[0]) not in taken and width(found[0]) >= SHORTEST
            done.append(Fenced(found, is_partial=kind == "alternate" or not is_distinct))
        else:
            done.append(Fenced(found))
    return tuple(done)


def width(ask: Ask) -> int:
    """Return what a count check sees of a request: registers, or bytes of bits."""
    return -(-ask.quantity // BITS_STEP) if ask.is_bits else ask.quantity


def neighbours(reads: Sequence[Read]) -> list[list[int]]:
    """Return per read which others of its unit and function can stand within four requests."""
    rings: dict[str, list[int]] = {}
    for at, read in enumerate(reads):
        rings.setdefault(read.poll, []).append(at)
    near: list[list[int]] = []
    for at, read in enumerate(reads):
        ring = rings[read.poll]
        place = ring.index(at)
        around = {ring[(place + step) % len(ring)] for step in range(-DISTANCE, DISTANCE + 1)}
        others = {other for other, each in enumerate(reads) if each.poll != read.poll}
        near.append(sorted((around | others) - {at}))
    return near


def _asks(hull: Ask, ground: Ground, taken: set[int], count: int) -> tuple[Ask, ...] | None:
    """Return `count` requests over the hull whose widths nobody near has; None without any."""
    step = BITS_STEP if hull.is_bits else 1
    least = width(hull)
    for extra in range(max(0, SHORTEST - least), ground.limit // step + 1):
        widths = range(least + extra, least + extra + count)
        if taken.isdisjoint(widths):
            asks = [placed(hull, step * (extra + turn), ground) for turn in range(count)]
            found = tuple(ask for ask in asks if ask is not None)
            if len(found) == count:
                return found
            if hull.quantity + step * extra > ground.limit:
                return None
    return None


def placed(hull: Ask, padding: int, ground: Ground) -> Ask | None:
    """Return the request that is `padding` longer than the hull: between points, above, below."""
    above = Ask(hull.function, hull.start, hull.quantity + padding)
    below = Ask(hull.function, hull.start - padding, hull.quantity + padding)
    inside = [a for a in (above, below) if ground.low <= a.start and a.end <= ground.high]
    return next((ask for ask in (*inside, above, below) if ground.is_free(ask)), None)
