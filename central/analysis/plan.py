"""Which windows of a site are judged next, and which are looked at again.  Pure.

Rules of this file: windows lie on a fixed grid from 1970; a window is closed when the site's
newest data are past its end and the grace; a closed window with samples missing is kept aside as
thin and judged again while late data may still come; work per tick is bounded.
"""

from dataclasses import dataclass

from central.analysis.pack import Pack

WINDOWS_PER_TICK = 30
THIN_MAX = 512
THIN_PER_TICK = 10


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a pack has come with a site: start of the next window; `thin` ones wait for data."""

    next_us: int
    thin: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What one tick does: fresh windows in time order, then thin ones again."""

    fresh: tuple[int, ...]
    again: tuple[int, ...]
    dropped: tuple[int, ...]


def first_cursor(pack: Pack, oldest_us: int, newest_us: int) -> Cursor:
    """Return where a site begins: at its oldest data, within the pack's lookback."""
    start = max(oldest_us, newest_us - pack.lookback_us)
    return Cursor(-(-start // pack.window_us) * pack.window_us)


def work_of(cursor: Cursor, pack: Pack, newest_us: int, turn: int) -> Work:
    """Return the windows to judge now; `turn` counts looks, so that each thin one has its turn."""
    closed_us = newest_us - pack.grace_us
    count = max(0, (closed_us - cursor.next_us) // pack.window_us)
    fresh = range(
        cursor.next_us,
        cursor.next_us + min(count, WINDOWS_PER_TICK) * pack.window_us,
        pack.window_us,
    )
    dropped = tuple(t0 for t0 in cursor.thin if t0 + pack.late_us < newest_us)
    waiting = tuple(t0 for t0 in cursor.thin if t0 not in dropped)
    shift = (turn * THIN_PER_TICK) % len(waiting) if waiting else 0
    again = (waiting[shift:] + waiting[:shift])[:THIN_PER_TICK]
    return Work(tuple(fresh), tuple(sorted(again)), dropped)


def advance(cursor: Cursor, pack: Pack, t0_us: int, *, thin: bool) -> Cursor:
    """Return the cursor after one window; beyond the bound the oldest thin windows give way."""
    others = tuple(each for each in cursor.thin if each != t0_us)
    waiting = tuple(sorted((*others, t0_us)))[-THIN_MAX:] if thin else others
    return Cursor(max(cursor.next_us, t0_us + pack.window_us), waiting)


def without(cursor: Cursor, dropped: tuple[int, ...]) -> Cursor:
    """Return the cursor without thin windows for which no data can come any more."""
    return Cursor(cursor.next_us, tuple(each for each in cursor.thin if each not in dropped))
