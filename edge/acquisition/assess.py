"""How far each value of a block may be trusted: finite, in range, from a living controller.  Pure.

The worst severity wins; among equals what the driver said stays.  Out of range is BAD with its
value kept; a stopped life signal makes everything BAD although answers arrive.
Source: `acquisition.md` 3.10 and 3.18.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns
from edge.acquisition.life import Life
from proto.point import Point
from proto.quality import Detail, Quality, Reason


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Engineering ranges of one block, float64[n] in each point's unit; infinite where none."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def ranges(points: Sequence[Point]) -> Ranges:
    """Return the ranges of a block's points, in their order."""
    low = [-np.inf if p.range_low is None else p.range_low for p in points]
    high = [np.inf if p.range_high is None else p.range_high for p in points]
    return Ranges(np.array(low, np.float64), np.array(high, np.float64))


def assess(limits: Ranges, columns: BlockColumns, life: Life) -> BlockColumns:
    """Return the columns with the quality that holds; the input is not changed.

    Args:
        limits: of the block's points.
        columns: as the driver gave them.
        life: of the controller that the block belongs to.
    """
    usable = columns.quality != Quality.BAD
    broken = usable & ~np.isfinite(columns.value)
    outside = usable & ~broken & ((columns.value < limits.low) | (columns.value > limits.high))
    if life is Life.ALIVE and not broken.any() and not outside.any():
        return columns
    quality, reason = columns.quality.copy(), columns.reason.copy()
    detail = columns.detail.copy()
    _mark(broken, Quality.BAD, Reason.NOT_A_NUMBER, (quality, reason))
    _mark(outside, Quality.BAD, Reason.OUT_OF_RANGE, (quality, reason))
    if life is not Life.ALIVE:
        stopped = life is Life.STOPPED
        hit = quality != Quality.BAD if stopped else quality == Quality.GOOD
        _mark(hit, Quality.BAD if stopped else Quality.UNCERTAIN, Reason.STALE, (quality, reason))
        detail[hit] = Detail.LIFE_STOPPED if stopped else Detail.ALIVENESS_UNPROVEN
    no_value = columns.no_value | broken
    return replace(columns, quality=quality, reason=reason, detail=detail, no_value=no_value)


def _mark(
    hit: NDArray[np.bool_],
    quality: Quality,
    reason: Reason,
    columns: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    columns[0][hit] = quality
    columns[1][hit] = reason
