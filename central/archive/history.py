"""From decoded batches to the series of one point, and from a series to buckets.  Pure.

Gaps stay gaps: a bucket without a sample has n = 0 and no value.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from central.archive.model import ArchivedPoint, Bucket, PointColumns
from proto.axis import Axis
from proto.columns import values
from proto.quality import NO_VALUE_BIT, REASON_MASK, Quality
from proto.schema import SchemaPart, SchemaPoint

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class PartPoint:
    """Where a point stands in one point table."""

    part: SchemaPart
    number: int
    point: SchemaPoint


class Hour(NamedTuple):
    """One row of the hour summaries."""

    hour_us: int
    n: int
    n_good: int
    v_min: float | None
    v_max: float | None
    v_last: float | None
    v_sum: float
    n_value: int
    quality: int
    late: int


class Grid(NamedTuple):
    """What one periodic axis of one boot has stored of its grid."""

    gateway: str
    epoch: bytes
    boot_id: int
    axis: str
    period_us: int
    slots: int
    stored: int
    skipped: int


def points_of(gateway: str, part: SchemaPart) -> Iterator[ArchivedPoint]:
    """Yield the points of a table with what their axis says."""
    for axis in part.axes:
        for point in axis.points:
            yield ArchivedPoint(
                point=point.name,
                tag=point.tag,
                title=point.title,
                type=point.type,
                unit=point.unit,
                scale=point.scale,
                offset=point.offset,
                range_low=point.range_low,
                range_high=point.range_high,
                parameter=point.parameter,
                process_unit=point.process_unit,
                life=point.life,
                device=axis.device,
                profile=axis.profile,
                poll=axis.poll,
                period_us=0 if axis.subscribed else axis.period_us,
                subscribed=axis.subscribed,
                path=axis.path,
                gateway=gateway,
            )


def find(part: SchemaPart, name: str) -> PartPoint | None:
    """Return where the point stands; None when the table lacks it."""
    for number, point in enumerate(part.points):
        if point.name == name:
            return PartPoint(part, number, point)
    return None


def series(axes: Sequence[Axis], place: PartPoint, *, late: bool) -> PointColumns | None:
    """Return the point's samples in one decoded batch; None when it has none."""
    pieces = [
        _of_axis(axis, place, late=late)
        for axis in axes
        if 0 <= place.number - axis.point_first < len(axis.raw)
    ]
    return joined(pieces) if pieces else None


def _of_axis(axis: Axis, place: PartPoint, *, late: bool) -> PointColumns:
    row = place.number - axis.point_first
    code = axis.quality[row]
    point = place.point
    value = values(axis.raw[row], point.type, point.scale, point.offset)
    value = np.where((code & NO_VALUE_BIT) != 0, np.nan, value)
    return PointColumns(
        time_us=axis.time_us,
        value=value,
        quality=(code >> 14).astype(np.uint8),
        reason=(code & REASON_MASK).astype(np.uint8),
        late=np.full(len(code), late),
    )


def joined(pieces: Sequence[PointColumns]) -> PointColumns:
    """Return the pieces as one, in time order; of equal times the later piece stands last."""
    if not pieces:
        return PointColumns(
            np.zeros(0, np.int64),
            np.zeros(0),
            np.zeros(0, np.uint8),
            np.zeros(0, np.uint8),
            np.zeros(0, np.bool_),
        )
    time_us = np.concatenate([piece.time_us for piece in pieces])
    order = np.argsort(time_us, kind="stable")
    return PointColumns(
        time_us[order],
        np.concatenate([piece.value for piece in pieces])[order],
        np.concatenate([piece.quality for piece in pieces])[order],
        np.concatenate([piece.reason for piece in pieces])[order],
        np.concatenate([piece.late for piece in pieces])[order],
    )


def cut(columns: PointColumns, t0_us: int, t1_us: int) -> PointColumns:
    """Return the samples with t0 <= t < t1."""
    lo, hi = np.searchsorted(columns.time_us, [t0_us, t1_us])
    span = slice(int(lo), int(hi))
    return PointColumns(
        columns.time_us[span],
        columns.value[span],
        columns.quality[span],
        columns.reason[span],
        columns.late[span],
    )


def edges(t0_us: int, t1_us: int, buckets: int) -> list[int]:
    """Return the buckets + 1 borders of equal buckets."""
    width = t1_us - t0_us
    return [t0_us + width * number // buckets for number in range(buckets + 1)]


def bucketed(columns: PointColumns, t0_us: int, t1_us: int, buckets: int) -> list[Bucket]:
    """Return equal buckets; values are of GOOD and UNCERTAIN samples, BAD ones count in n alone."""
    borders = edges(t0_us, t1_us, buckets)
    cuts = np.searchsorted(columns.time_us, borders)
    made = []
    for number, border in enumerate(borders[:-1]):
        span = slice(int(cuts[number]), int(cuts[number + 1]))
        made.append(_bucket(border, columns, span))
    return made


def _bucket(t_us: int, columns: PointColumns, span: slice) -> Bucket:
    quality = columns.quality[span]
    if len(quality) == 0:
        return Bucket(t_us, 0, 0, None, None, None, None, Quality.BAD)
    value = columns.value[span]
    usable = value[np.isfinite(value) & (quality != Quality.BAD)]
    some = len(usable) > 0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(usable.mean()) if some else None
    return Bucket(
        t_us=t_us,
        n=len(quality),
        n_good=int(np.count_nonzero(quality == Quality.GOOD)),
        v_min=float(usable.min()) if some else None,
        v_max=float(usable.max()) if some else None,
        v_avg=mean,
        v_last=float(usable[-1]) if some else None,
        quality=Quality(int(quality.max())),
        late=bool(columns.late[span].any()),
    )


def bucketed_hours(hours: Iterable[Hour], t0_us: int, t1_us: int, buckets: int) -> list[Bucket]:
    """Return equal buckets of at least an hour from hour summaries; an hour counts by its start."""
    borders = edges(t0_us, t1_us, buckets)
    groups: list[list[Hour]] = [[] for _ in range(buckets)]
    for hour in hours:
        start = max(hour.hour_us, t0_us)
        number = (start - t0_us) * buckets // (t1_us - t0_us)
        groups[min(number, buckets - 1)].append(hour)
    return [_hour_bucket(t_us, group) for t_us, group in zip(borders, groups, strict=False)]


def _hour_bucket(t_us: int, hours: Sequence[Hour]) -> Bucket:
    if not hours:
        return Bucket(t_us, 0, 0, None, None, None, None, Quality.BAD)
    count = sum(hour.n_value for hour in hours)
    lows = [hour.v_min for hour in hours if hour.v_min is not None]
    highs = [hour.v_max for hour in hours if hour.v_max is not None]
    lasts = [hour.v_last for hour in hours if hour.v_last is not None]
    return Bucket(
        t_us=t_us,
        n=sum(hour.n for hour in hours),
        n_good=sum(hour.n_good for hour in hours),
        v_min=min(lows, default=None),
        v_max=max(highs, default=None),
        v_avg=sum(hour.v_sum for hour in hours) / count if count else None,
        v_last=lasts[-1] if lasts else None,
        quality=Quality(max(hour.quality for hour in hours)),
        late=any(hour.late for hour in hours),
    )
