"""How far each value may be trusted: finite, in range, believable, from a living source.  Pure.

The worst severity wins, then the first of `_RANK`: what says that nothing was heard, then INIT,
STALE, DEVIATION, DEVICE_ERROR, CONFIG, then the rest.  A BAD value is kept beside its quality where
there is one.  What is GOOD everywhere passes untouched: that is the common case and costs two
comparisons.  Source: `acquisition.md` 3.10 and 3.18.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns, PointBinding
from edge.acquisition.life import Overlay
from proto.point import Point
from proto.quality import Detail, Quality, Reason

_FINITE = float(np.finfo(np.float64).max)
_RANK = np.full(len(Reason), 20, np.uint8)
for _at, _reason in enumerate(
    (
        Reason.COMM_LOSS,
        Reason.PROTOCOL,
        Reason.OVERRUN,
        Reason.INIT,
        Reason.STALE,
        Reason.DEVIATION,
        Reason.DEVICE_ERROR,
        Reason.CONFIG,
    )
):
    _RANK[_reason] = _at
_RANK[Reason.NONE] = 99


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What the points of one block must keep, float64[n] in each point's unit; infinite = nothing.

    Attributes:
        low, high: engineering range; the largest finite number where there is none, so that no
            infinite value passes.
        rate_max: fastest believable change a second.
        stuck_after_ns: how long a value may stand.
        clamp_low, clamp_high: where the instrument saturates.
        has_memory: True when rate or stuck is judged for any point.
        has_clamp: True when saturation is judged for any point.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rate_max: NDArray[np.float64]
    stuck_after_ns: NDArray[np.float64]
    clamp_low: NDArray[np.float64]
    clamp_high: NDArray[np.float64]
    has_memory: bool
    has_clamp: bool


@dataclass(slots=True, eq=False)
class Memory:
    """The last usable value of each point, for rate and stuck; written by `assess` alone.

    Attributes:
        value: float64[n]; NaN = none yet.
        time_ns: when it was received.
        since_ns: since when it has stood.
    """

    value: NDArray[np.float64]
    time_ns: NDArray[np.float64]
    since_ns: NDArray[np.float64]


def limits(points: Sequence[Point], bindings: Sequence[PointBinding] = ()) -> Limits:
    """Return what holds for a block's points, in their order.

    Args:
        points: of the block.
        bindings: of the same points; without them only the ranges hold.
    """
    return _compiled(
        tuple((point.range_low, point.range_high) for point in points),
        tuple((one.rate_max, one.stuck_after_ns, one.clamped) for one in bindings),
    )


_Bound = float | None


@lru_cache(maxsize=4096)
def _compiled(
    ranges: tuple[tuple[_Bound, _Bound], ...],
    others: tuple[tuple[_Bound, int | None, tuple[float, float] | None], ...],
) -> Limits:
    """Return the columns; blocks of equal devices share one."""
    inf = np.inf
    rate = [inf if most is None else most for most, _, _ in others] or [inf] * len(ranges)
    stuck = [inf if after is None else float(after) for _, after, _ in others]
    clamps = [(-inf, inf) if ends is None else ends for _, _, ends in others]
    clamps = clamps or [(-inf, inf)] * len(ranges)
    stuck = stuck or [inf] * len(ranges)
    return Limits(
        low=np.array([-_FINITE if low is None else low for low, _ in ranges]),
        high=np.array([_FINITE if high is None else high for _, high in ranges]),
        rate_max=np.array(rate, np.float64),
        stuck_after_ns=np.array(stuck, np.float64),
        clamp_low=np.array([low for low, _ in clamps], np.float64),
        clamp_high=np.array([high for _, high in clamps], np.float64),
        has_memory=any(r != inf for r in rate) or any(s != inf for s in stuck),
        has_clamp=any(clamp != (-inf, inf) for clamp in clamps),
    )


def memory(n: int) -> Memory:
    """Return the memory of a block before its first answer."""
    return Memory(np.full(n, np.nan), np.zeros(n), np.zeros(n))


def assess(
    limits: Limits,
    columns: BlockColumns,
    overlays: Overlay | Sequence[tuple[NDArray[np.bool_], Overlay]] | None,
    memory: Memory | None = None,
) -> BlockColumns:
    """Return the columns with the quality that holds; the input is not changed.

    What is GOOD in every value comes back as the same object; anything else is another one.

    Args:
        limits: of the block's points.
        columns: as the driver gave them.
        overlays: of the source of all points, or of some of them by mask; None = nothing to add.
        memory: of the block; None where neither rate nor stuck is judged.
    """
    value = columns.value
    inside = (value >= limits.low) & (value <= limits.high)
    plain = not overlays and not limits.has_clamp and not limits.has_memory
    # `count_nonzero` costs a fifth of `all` and `any`, and this is asked of every block
    if plain and np.count_nonzero(inside) == len(inside) and not np.count_nonzero(columns.quality):
        return columns
    judged = _Judged(columns)
    usable = columns.quality != Quality.BAD
    finite = np.isfinite(value)
    judged.mark(usable & ~finite, Quality.BAD, Reason.NOT_A_NUMBER)
    judged.mark(usable & finite & ~inside, Quality.BAD, Reason.OUT_OF_RANGE)
    if limits.has_clamp:
        hit = usable & ((value <= limits.clamp_low) | (value >= limits.clamp_high))
        judged.mark(hit, Quality.UNCERTAIN, Reason.CLAMPED)
    if limits.has_memory and memory is not None:
        _remember(limits, memory, columns, usable & finite, judged)
    if isinstance(overlays, Overlay):
        judged.lay(np.ones(len(columns), np.bool_), overlays)
    else:
        for mask, one in overlays or ():
            judged.lay(mask, one)
    no_value = columns.no_value | (usable & ~finite)
    return judged.columns(no_value)


class _Judged:
    """Quality columns that get worse only."""

    def __init__(self, columns: BlockColumns) -> None:
        self._before = columns
        self._quality, self._reason = columns.quality.copy(), columns.reason.copy()
        self._detail = columns.detail.copy()

    def mark(
        self, hit: NDArray[np.bool_], quality: Quality, reason: Reason, detail: int = 0
    ) -> None:
        """Apply a verdict where it is worse, or as bad and earlier in the order of reasons."""
        if not hit.any():
            return
        worse = self._quality < quality
        equal = (self._quality == quality) & (_RANK[self._reason] > _RANK[reason])
        at = hit & (worse | equal)
        self._quality[at] = quality
        self._reason[at] = reason
        self._detail[at] = detail

    def lay(self, mask: NDArray[np.bool_], overlay: Overlay) -> None:
        """Apply what a source says about its points."""
        self.mark(mask, overlay.quality, overlay.reason, overlay.detail)

    def columns(self, no_value: NDArray[np.bool_]) -> BlockColumns:
        """Return the columns with these qualities."""
        return replace(
            self._before,
            quality=self._quality,
            reason=self._reason,
            detail=self._detail,
            no_value=no_value,
        )


def _remember(
    limits: Limits,
    memory: Memory,
    columns: BlockColumns,
    usable: NDArray[np.bool_],
    judged: _Judged,
) -> None:
    """Judge rate and stuck against the last usable value, then keep the new one."""
    now_ns = float(columns.mid_mono_ns)
    value = np.where(usable, columns.value, np.nan)
    with np.errstate(invalid="ignore"):
        elapsed_s = np.maximum(now_ns - memory.time_ns, 1.0) / 1e9
        too_fast = np.abs(value - memory.value) > limits.rate_max * elapsed_s
        same = value == memory.value
        memory.since_ns = np.where(usable & ~same, now_ns, memory.since_ns)
        stuck = same & (now_ns - memory.since_ns >= limits.stuck_after_ns)
    judged.mark(usable & too_fast, Quality.UNCERTAIN, Reason.RATE_OF_CHANGE)
    judged.mark(usable & stuck, Quality.UNCERTAIN, Reason.STUCK)
    memory.value = np.where(usable, value, memory.value)
    memory.time_ns = np.where(usable, now_ns, memory.time_ns)


def two_masters() -> Overlay:
    """Return what every point of a pair says while both members claim to be active."""
    return Overlay(Quality.UNCERTAIN, Reason.DEVIATION, Detail.TWO_MASTERS)
