"""A fixed time grid: when beats are due, which runs next, and how many were missed.  Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """Beat k is due at `start_ns + k * period_ns` (monotonic), so that it cannot drift."""

    start_ns: int
    period_ns: int

    def due_ns(self, slot: int) -> int:
        """Return when `slot` is due."""
        return self.start_ns + slot * self.period_ns

    def last_due(self, now_ns: int) -> int:
        """Return the newest slot that is due at `now_ns`; negative before the first."""
        return (now_ns - self.start_ns) // self.period_ns


def beat_after(grid: Grid, beat: int, now_ns: int) -> tuple[int, int]:
    """Return the beat to run after `beat`, and how many were skipped to reach it."""
    first_open = -((grid.start_ns - now_ns) // grid.period_ns)  # rounds up
    chosen = max(beat + 1, first_open)
    return chosen, chosen - beat - 1
