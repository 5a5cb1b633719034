"""The fixed time grids of one line: what runs next, what was missed, what is too late.  Pure.

Rules of this file:
- Slot k of a block is due at `start + k * period` on the monotonic clock, for ever: a clock step
  does not move it, and no error adds up.  At most one read of a block waits or is in flight.
- What is due goes in this order: class `fast`, then the earliest deadline (the next slot's due
  time), then what failed last, then the file's order.  A slot whose start would fall after the
  next one is due is skipped and counted, never caught up.
- A request whose predicted p99 does not fit before its deadline is not started; a time-out is never
  shortened to make it fit.  A block that takes longer than its own period can never fit: it is
  started all the same.  After `TRIAL_AFTER` refusals in a row one is started whatever the forecast
  says, so that a forecast from a bad hour mends itself.

Two heaps (not due, due) make a beat O(log n); 4,096 blocks a line.  Source: `acquisition.md` 3.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from edge.grid import Grid

TRIAL_AFTER = 3
BLOCKS_MAX = 4096
_GOLDEN = 618_034  # millionths; successive multiples spread evenly for every length


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
class Skip:
    """Slots that are not run: the line is not free in time.

    Attributes:
        block: index of the block in the schedule.
        slot: the newest of them.
        skipped: how many there are, this one included; they end with `slot`.
    """

    block: int
    slot: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to run: until when (monotonic)."""

    until_ns: int


class Schedule:
    """Where the grids of one line stand; changed by `step` and `demote` alone."""

    def __init__(
        self, grids: Sequence[Grid], rank: Sequence[int], spread_ns: Sequence[int] = ()
    ) -> None:
        """Take the grids.

        Args:
            grids: per block.
            rank: per block; 0 = `fast`, 1 = any other class.
            spread_ns: per block, within what time after its due time a slot may begin: a device's
                clock must not be read in step with its own second.  0 = at its due time.
        """
        assert len(grids) == len(rank) <= BLOCKS_MAX
        self._grids, self._rank = tuple(grids), tuple(rank)
        self._spread = tuple(spread_ns) or (0,) * len(grids)
        self._next = [0] * len(grids)
        self._late = [0] * len(grids)
        self._refused = [0] * len(grids)
        self._demoted = [0] * len(grids)
        self._waiting = [(self._start_ns(i, 0), i) for i in range(len(grids))]
        heapify(self._waiting)
        self._due: list[tuple[int, int, int, int]] = []

    def late(self, block: int) -> int:
        """Return how many slots of a block in a row were missed."""
        return self._late[block]

    def demote(self, block: int, failed: bool) -> None:
        """Let a block whose last request failed come after its equals."""
        self._demoted[block] = int(failed)

    def step(
        self, now_ns: int, p99_ns: Sequence[int], free_ns: int = 0
    ) -> Beat | Skip | Wait | None:
        """Return what to do now; None without blocks.

        A beat that is returned counts as run: the caller runs it before it asks again.

        Args:
            now_ns: monotonic.
            p99_ns: forecast per block; 0 = nothing known.
            free_ns: when the line is free; before that no beat is returned.
        """
        self._move(now_ns)
        if not self._due:
            return Wait(self._waiting[0][0]) if self._waiting else None
        block = self._due[0][3]
        grid = self._grids[block]
        slot = grid.last_due(now_ns)
        if not self._fits(block, max(now_ns, free_ns), grid.due_ns(slot + 1), p99_ns[block]):
            return self._skip(block, slot)
        if free_ns > now_ns:
            return Wait(min(free_ns, grid.due_ns(slot + 1)))
        heappop(self._due)
        missed = slot - self._next[block]
        self._refused[block] = 0
        self._late[block] = self._late[block] + missed if missed else 0
        self._wait_for(block, slot + 1)
        return Beat(block, slot, missed, grid.due_ns(slot))

    def _move(self, now_ns: int) -> None:
        while self._waiting and self._waiting[0][0] <= now_ns:
            start_ns, block = heappop(self._waiting)
            deadline = start_ns + self._grids[block].period_ns
            heappush(self._due, (self._rank[block], deadline, self._demoted[block], block))

    def _fits(self, block: int, start_ns: int, deadline_ns: int, p99_ns: int) -> bool:
        if start_ns >= deadline_ns:
            return False
        hopeless = p99_ns > self._grids[block].period_ns
        return start_ns + p99_ns <= deadline_ns or hopeless or self._refused[block] >= TRIAL_AFTER

    def _skip(self, block: int, slot: int) -> Skip:
        heappop(self._due)
        missed = slot + 1 - self._next[block]
        self._late[block] += missed
        self._refused[block] += 1
        self._wait_for(block, slot + 1)
        return Skip(block, slot, missed)

    def _wait_for(self, block: int, slot: int) -> None:
        self._next[block] = slot
        heappush(self._waiting, (self._start_ns(block, slot), block))

    def _start_ns(self, block: int, slot: int) -> int:
        """Return when a slot may begin: spread evenly by the golden ratio where it is spread."""
        due_ns, spread_ns = self._grids[block].due_ns(slot), self._spread[block]
        return due_ns + spread_ns * (slot * _GOLDEN % 1_000_000) // 1_000_000
