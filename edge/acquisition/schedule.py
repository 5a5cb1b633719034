"""The fixed time grid of the blocks of one line: which beat runs next, which were missed.  Pure.

Rules of this file.  Slot k of a block is due at `start + k * period` on the monotonic clock, for
ever; a clock step does not move it.  At most one read of a block waits or is in flight.  A slot
whose start would fall after the next one is due is skipped and counted, never caught up.  What is
due goes in this order: class `fast` first, then the earliest deadline, then the file's order.

Source: `acquisition.md` 3.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.grid import Grid


@dataclass(frozen=True, slots=True)
class Beat:
    """One slot to run now.

    Attributes:
        block: index of the block in the schedule.
        slot: number of the slot, counted from the start of the grid.
        skipped: how many slots directly before it were missed.
        due_ns: when it was due.
    """

    block: int
    slot: int
    skipped: int
    due_ns: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where the grids of one line stand.

    Attributes:
        grids: per block.
        rank: per block; 0 = `fast`, 1 = any other class.
        next_slot: per block, the first slot that was neither run nor skipped.
    """

    grids: tuple[Grid, ...]
    rank: tuple[int, ...]
    next_slot: tuple[int, ...]


def schedule(grids: Sequence[Grid], rank: Sequence[int]) -> Schedule:
    """Return the schedule before its first beat."""
    assert len(grids) == len(rank)
    return Schedule(tuple(grids), tuple(rank), (0,) * len(grids))


def step(state: Schedule, now_ns: int) -> tuple[Schedule, Beat | int | None]:
    """Return the beat to run now, or when the next one is due (monotonic ns); None without blocks.

    A beat that is returned counts as run: the caller runs it before it asks again.
    """
    chosen, best = -1, (2, 0)
    earliest: int | None = None
    for i, grid in enumerate(state.grids):
        due = grid.due_ns(state.next_slot[i])
        if due <= now_ns:
            key = (state.rank[i], due + grid.period_ns)
            if chosen < 0 or key < best:
                chosen, best = i, key
        elif earliest is None or due < earliest:
            earliest = due
    if chosen < 0:
        return state, earliest
    grid, expected = state.grids[chosen], state.next_slot[chosen]
    slot = grid.last_due(now_ns)
    beat = Beat(chosen, slot, slot - expected, grid.due_ns(slot))
    slots = (*state.next_slot[:chosen], slot + 1, *state.next_slot[chosen + 1 :])
    return replace(state, next_slot=slots), beat
