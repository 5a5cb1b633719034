"""Hour summaries of series, and the grid slots that a batch covers.  Pure.

Both are sums: a batch contributes once, when it is new, in whatever order batches arrive.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from central.archive.decode import Decoded
from central.archive.rows import GridRow, SummaryRow
from proto.axis import Axis
from proto.columns import values
from proto.quality import NO_VALUE_BIT, Quality
from proto.schema import SchemaPart, SchemaPoint

HOUR_US = 3_600_000_000
_SEVERITY_SHIFT = 14


def engineering(axis: Axis, part: SchemaPart) -> NDArray[np.float64]:
    """Return float64[S, T]: every sample of the axis in its point's unit; NaN where NO_VALUE."""
    points = part.points[axis.point_first : axis.point_first + len(axis.raw)]
    rows = [
        values(raw, point.type, point.scale, point.offset)
        for raw, point in zip(axis.raw, points, strict=True)
    ]
    made: NDArray[np.float64] = np.array(rows, np.float64).reshape(axis.raw.shape)
    made[(axis.quality & NO_VALUE_BIT) != 0] = np.nan
    return made


def severities(axis: Axis) -> NDArray[np.uint8]:
    """Return uint8[S, T]: 0 GOOD, 1 UNCERTAIN, 2 BAD."""
    return (axis.quality >> _SEVERITY_SHIFT).astype(np.uint8)


def summarise(decoded: Decoded) -> list[SummaryRow]:
    """Return one row for each point and hour of a SAMPLES batch."""
    if decoded.part is None:
        return []
    return [row for axis in decoded.axes for row in _summarise_axis(decoded, axis, decoded.part)]


def grid_rows(decoded: Decoded) -> list[GridRow]:
    """Return the grid slots that each periodic axis of the batch covers."""
    header = decoded.header
    rows = []
    for axis in decoded.axes:
        if axis.slot_first is None:
            continue
        count = len(axis.time_us)
        skipped = 0 if axis.skipped is None else int(axis.skipped[-1])
        rows.append(
            GridRow(
                site=decoded.site,
                epoch=header.epoch,
                boot_id=header.boot_id,
                schema_hash=header.schema_hash,
                point_first=axis.point_first,
                period_us=axis.period_us,
                slot_lo=axis.slot_first,
                slot_hi=axis.slot_first + count - 1 + skipped,
                stored=count,
                skipped=skipped,
            )
        )
    return rows


def _summarise_axis(decoded: Decoded, axis: Axis, part: SchemaPart) -> Iterator[SummaryRow]:
    value = engineering(axis, part)
    severity = severities(axis)
    usable = np.isfinite(value) & (severity != Quality.BAD)
    hours = axis.time_us - axis.time_us % HOUR_US
    points = part.points[axis.point_first : axis.point_first + len(axis.raw)]
    starts = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(hours)]
    for lo, hi in pairwise(starts):
        span = slice(lo, hi)
        for series, point in enumerate(points):
            yield _row(
                decoded,
                point,
                axis.time_us[span],
                value[series, span],
                severity[series, span],
                usable[series, span],
            )


def _sum(good: NDArray[np.float64]) -> float:
    """Return the sum; 0 where infinities of both signs leave none, for NaN is NULL in the file."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(good.sum())
    return 0.0 if math.isnan(total) else total


def _row(
    decoded: Decoded,
    point: SchemaPoint,
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    severity: NDArray[np.uint8],
    usable: NDArray[np.bool_],
) -> SummaryRow:
    good = value[usable]
    some = len(good) > 0
    return SummaryRow(
        site=decoded.site,
        point=point.name,
        hour_us=int(time_us[0]) - int(time_us[0]) % HOUR_US,
        late=decoded.late,
        n=len(value),
        n_good=int(np.count_nonzero(severity == Quality.GOOD)),
        v_min=float(good.min()) if some else None,
        v_max=float(good.max()) if some else None,
        v_first=float(good[0]) if some else None,
        v_last=float(good[-1]) if some else None,
        t_first_us=int(time_us[0]),
        t_last_us=int(time_us[-1]),
        v_sum=_sum(good),
        n_value=len(good),
        quality=int(severity.max()),
    )
