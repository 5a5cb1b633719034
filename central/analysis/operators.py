"""The few operators that rules combine: spans of truth, intersection, coverage.  Pure."""

import numpy as np
from numpy.typing import NDArray

from central.analysis.window import Series, Window
from proto.quality import Quality, Reason

Span = tuple[int, int]

# A reading that is not of this moment, or that nobody vouches for, proves nothing about the
# process.
_NOT_OF_NOW = (
    Reason.INIT,
    Reason.COMM_LOSS,
    Reason.STALE,
    Reason.SUBSTITUTED,
    Reason.REPLAYED,
    Reason.CLOCK,
)
HOLD_PERIODS = (
    3  # a periodic state holds for three periods, as an interlock input does (interlocks.md 3.2)
)


def believable(series: Series) -> NDArray[np.bool_]:
    """Return bool[n]: samples with a value, GOOD or UNCERTAIN, that speak of their own moment."""
    fresh = ~np.isin(series.reason, np.array([int(reason) for reason in _NOT_OF_NOW], np.uint8))
    has_value: NDArray[np.bool_] = ~np.isnan(series.value)
    return np.asarray((series.quality != Quality.BAD) & fresh & has_value, np.bool_)


def truth_spans(series: Series, t0_us: int, t1_us: int) -> tuple[Span, ...]:
    """Return where a digital point is believably TRUE, as ascending spans that do not touch.

    A sample holds until the next one; that of a periodic point for at most three periods.  The
    carried sample of an on-change point holds from the start of the window.
    """
    times, values, trusted = series.time_us, series.value, believable(series)
    carried = series.carried
    if carried is not None and carried.time_us < t0_us:
        good = carried.quality != Quality.BAD and carried.reason not in _NOT_OF_NOW
        times = np.concatenate([np.array([carried.time_us], np.int64), times])
        values = np.concatenate([np.array([carried.value]), values])
        trusted = np.concatenate([np.array([good]), trusted])
    if times.size == 0:
        return ()
    ends = np.append(times[1:], t1_us)
    period_us = series.facts.period_us
    if period_us > 0:
        ends = np.minimum(ends, times + HOLD_PERIODS * period_us)
    true = trusted & (np.nan_to_num(values) != 0.0)
    starts, ends = np.clip(times[true], t0_us, t1_us), np.clip(ends[true], t0_us, t1_us)
    return join(tuple((int(a), int(b)) for a, b in zip(starts, ends, strict=True) if b > a))


def join(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Merge spans that overlap or touch."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def intersect(left: tuple[Span, ...], right: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return where both are."""
    both = [
        (max(a0, b0), min(a1, b1))
        for a0, a1 in left
        for b0, b1 in right
        if max(a0, b0) < min(a1, b1)
    ]
    return join(tuple(both))


def total_us(spans: tuple[Span, ...]) -> int:
    """Return the length of all spans together."""
    return sum(end - start for start, end in spans)


def coverage(series: Series, window: Window) -> float:
    """Return the share of the samples owed that are there; 1.0 for on-change points."""
    period_us = series.facts.period_us
    if period_us <= 0:
        return 1.0
    owed = max(1, window.length_us // period_us)
    return min(1.0, series.time_us.size / owed)


def processes(window: Window, parameters: tuple[str, ...]) -> dict[str, Series]:
    """Return, per process unit, the point that says whether the process runs.

    Parameters are in order of preference; of several points of one unit the first by name is taken.
    """
    found: dict[str, Series] = {}
    for parameter in reversed(parameters):
        for series in sorted(window.series, key=lambda each: each.facts.point, reverse=True):
            if series.facts.parameter == parameter:
                found[series.facts.process_unit] = series
    return found


def running_spans(window: Window, parameters: tuple[str, ...]) -> dict[str, tuple[Span, ...]]:
    """Return, per process unit, where its process believably runs inside the window."""
    return {
        unit: truth_spans(series, window.t0_us, window.t1_us)
        for unit, series in processes(window, parameters).items()
    }
