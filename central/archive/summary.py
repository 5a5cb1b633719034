"""Hour summaries of series, and the grid slots that a batch covers.  Pure.

Both are sums: a batch contributes once, when it is new, in whatever order batches arrive.
"""

from collections.abc import Iterator, Sequence
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


def engineering(axis: Axis, points: Sequence[SchemaPoint]) -> NDArray[np.float64]:
    """Return float64[S, T]: every sample of the axis in its point's unit; NaN where NO_VALUE."""
    made = np.empty(axis.raw.shape)
    kinds = [point.type for point in points]
    for kind in dict.fromkeys(kinds):
        rows = [number for number, each in enumerate(kinds) if each is kind]
        made[rows] = values(axis.raw[rows], kind, 1.0, 0.0)
    made *= np.array([point.scale for point in points])[:, None]
    made += np.array([point.offset for point in points])[:, None]
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
    points = part.points[axis.point_first : axis.point_first + len(axis.raw)]
    value = engineering(axis, points)
    severity = severities(axis)
    hours = axis.time_us - axis.time_us % HOUR_US
    starts = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(hours)]
    for lo, hi in pairwise(starts):
        span = slice(lo, hi)
        found = _columns(value[:, span], severity[:, span])
        times = (int(hours[lo]), int(axis.time_us[lo]), int(axis.time_us[hi - 1]))
        for point, *cells in zip(points, *found, strict=True):
            yield _row(decoded, point.name, times, hi - lo, cells)


def _columns(value: NDArray[np.float64], severity: NDArray[np.uint8]) -> list[list[float]]:
    """Return, per series: n_good, n_value, min, max, first, last, sum, worst severity."""
    usable = np.isfinite(value) & (severity != Quality.BAD)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.where(usable, value, 0.0).sum(axis=1)
    total[np.isnan(total)] = 0.0  # infinities of both signs: NaN would be NULL in the file
    rows = np.arange(len(value))
    first = value[rows, np.argmax(usable, axis=1)]
    last = value[rows, usable.shape[1] - 1 - np.argmax(usable[:, ::-1], axis=1)]
    return [
        np.count_nonzero(severity == Quality.GOOD, axis=1).tolist(),
        np.count_nonzero(usable, axis=1).tolist(),
        np.where(usable, value, np.inf).min(axis=1).tolist(),
        np.where(usable, value, -np.inf).max(axis=1).tolist(),
        first.tolist(),
        last.tolist(),
        total.tolist(),
        severity.max(axis=1).tolist(),
    ]


def _row(
    decoded: Decoded, point: str, times: tuple[int, int, int], n: int, cells: Sequence[float]
) -> SummaryRow:
    n_good, n_value, low, high, first, last, total, worst = cells
    some = n_value > 0
    hour_us, t_first_us, t_last_us = times
    return SummaryRow(
        site=decoded.site,
        point=point,
        hour_us=hour_us,
        late=decoded.late,
        n=n,
        n_good=int(n_good),
        v_min=low if some else None,
        v_max=high if some else None,
        v_first=first if some else None,
        v_last=last if some else None,
        t_first_us=t_first_us,
        t_last_us=t_last_us,
        v_sum=total,
        n_value=int(n_value),
        quality=int(worst),
    )
