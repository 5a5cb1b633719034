"""Axes into the payload of a SAMPLES batch, vectorised over all axes.  Pure.

Exact: `decode_samples` returns every bit of every value, quality and time.  Two things are rounded
by design: the uncertainty goes up to whole time units, and the code beside NO_VALUE is filler.

Source: `batches.md` 3.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proto import limits
from proto.axis import Axis, EncodedSamples, Int64s, type_codes
from proto.errors import LimitExceeded
from proto.numbers import encode_numbers
from proto.point import PointType
from proto.quality import NO_VALUE_BIT
from proto.streams import (
    FLAG_MICROSECONDS,
    FLAG_SLOT,
    FLAG_SOURCE,
    LAYOUT_VERSION,
    NO_SLOT,
    SLOT_MAX,
    SOURCE_KIND_SHIFT,
    TIME_UNITS_MAX,
    TOGGLES,
    UNCERTAINTY_MAX,
    WIDTH_BYTES,
    Streams,
    Uint64s,
    falls,
    lay_out,
    starts_of,
    to_planes,
    zigzag,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The axes' own numbers, int64[A] each, and the stream table."""

    first: Int64s
    period_us: Int64s
    slot: Int64s
    kind: Int64s
    uncertainty_us: Int64s
    streams: Streams


class _Times(NamedTuple):
    """Codes of the time, source and slot streams, int64[R] each, and the unit of each axis."""

    time: Int64s
    source: Int64s
    skipped: Int64s
    unit_us: Int64s
    t_first_us: int
    t_last_us: int


class _Runs(NamedTuple):
    """Quality runs, ascending and disjoint."""

    stream: Int64s
    row: Int64s
    length: Int64s
    key: Uint64s  # quality code << 32 | detail


def encode_samples(
    axes: Sequence[Axis], types: Sequence[PointType], salt: bytes = b""
) -> EncodedSamples:
    """Return the payload of the axes' samples.

    Args:
        axes: ascending in their point numbers, none twice.
        types: type by point number; a `PointTypes` saves its conversion.
        salt: lane RAW only, 16 random bytes.

    Raises:
        LimitExceeded: `batch.limit`; the caller halves the batch by rows (`halve`).
        ValueError: the axes contradict themselves or the types: a fault of the program.
    """
    table = _tabulate(axes, len(types), salt)
    streams = table.streams
    times = _times(axes, table)
    quality = np.concatenate([axis.quality.ravel() for axis in axes])
    detail = np.concatenate([axis.detail.ravel() for axis in axes])
    number = streams.is_series.cumsum() - 1
    series_rows = streams.length[streams.is_series]
    point = np.repeat(table.first - starts_of(streams.series), streams.series)
    point += number[streams.is_series]
    read = np.concatenate([np.ascontiguousarray(a.raw, np.int64).ravel() for a in axes])
    blank = (quality & NO_VALUE_BIT).astype(np.bool_)
    codes, encoding = encode_numbers(read, blank, series_rows, type_codes(types)[point])
    flat = _place(streams, times, codes)
    described = np.zeros(len(streams.start), np.int64)
    described[streams.is_series] = encoding
    runs = _quality_runs(streams, quality, detail)
    parts = [_head(table, times, runs), *_pack(streams, flat, described), *_run_columns(runs), salt]
    raw = b"".join(parts)
    if len(raw) > limits.RAW_BYTES_MAX:
        raise LimitExceeded("batch.limit", f"{len(raw)} bytes before compression")
    return EncodedSamples(raw, len(read), times.t_first_us, times.t_last_us)


def halve(axes: Sequence[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Return the upper and the lower rows of all axes, as two batches.

    An axis of one row goes whole into the first.
    """
    cuts = [max(1, len(axis.time_us) // 2) for axis in axes]
    upper = [_cut(axis, 0, cut) for axis, cut in zip(axes, cuts, strict=True)]
    tails = [(axis, cut) for axis, cut in zip(axes, cuts, strict=True) if cut < len(axis.time_us)]
    return upper, [_cut(axis, cut, len(axis.time_us)) for axis, cut in tails]


def _cut(axis: Axis, low: int, high: int) -> Axis:
    slot, skipped = axis.slot_first, axis.skipped
    if skipped is not None:
        slot = None if slot is None else slot + int(skipped[low])
        skipped = skipped[low:high] - skipped[low]
    return replace(
        axis,
        slot_first=None if slot is None else slot + low,
        skipped=skipped,
        time_us=axis.time_us[low:high],
        source_us=None if axis.source_us is None else axis.source_us[low:high],
        raw=axis.raw[:, low:high],
        quality=axis.quality[:, low:high],
        detail=axis.detail[:, low:high],
    )


def _tabulate(axes: Sequence[Axis], points: int, salt: bytes) -> _Table:
    if not 1 <= len(axes) <= limits.AXES_MAX:
        raise LimitExceeded("batch.limit", f"{len(axes)} axes")
    if len(salt) not in (0, limits.SALT_BYTES):
        raise ValueError("a salt has 16 bytes")
    for axis in axes:
        _check_shapes(axis)
    numbers = [
        (
            axis.point_first,
            axis.period_us,
            NO_SLOT if axis.slot_first is None else axis.slot_first,
            axis.source_kind,
            axis.uncertainty_us,
            *axis.raw.shape,
            axis.source_us is not None,
            axis.skipped is not None and bool(axis.skipped.any()),
        )
        for axis in axes
    ]
    columns = np.array(numbers, np.int64).T
    first, period, slot, kind, uncertainty, series, rows, has_source, has_slot = columns
    n = int((series * rows).sum())
    if n > limits.SAMPLES_PER_BATCH_MAX or int(rows.max()) > limits.ROWS_PER_AXIS_MAX:
        raise LimitExceeded("batch.limit", f"{n} samples")
    last = first + series
    if first[0] < 0 or last[-1] > points or (first[1:] < last[:-1]).any():
        raise ValueError("point numbers ascend, none twice, all in the table")
    if columns[1:5].min() < 0 or ((kind > 0) != (has_source > 0)).any() or kind.max() > 2:
        raise ValueError("a negative number, or a kind of source time without its stream")
    return _Table(
        first, period, slot, kind, uncertainty, lay_out(series, rows, has_source, has_slot)
    )


def _check_shapes(axis: Axis) -> None:
    rows = len(axis.time_us)
    shape = (len(axis.raw), rows)
    lines = [line for line in (axis.source_us, axis.skipped) if line is not None]
    blocks = (axis.raw, axis.quality, axis.detail)
    if 0 in shape or any(len(line) != rows for line in lines):
        raise ValueError("an axis has at least one series and one row, and as many times as rows")
    if any(block.shape != shape for block in blocks):
        raise ValueError(f"the blocks of an axis are {shape}, series by rows")


def _times(axes: Sequence[Axis], table: _Table) -> _Times:
    streams = table.streams
    none = [np.zeros(len(axis.time_us), np.int64) for axis in axes]
    time = np.concatenate([axis.time_us for axis in axes]).astype(np.int64, copy=False)
    given = [axis.time_us if axis.source_us is None else axis.source_us for axis in axes]
    behind = np.concatenate(given).astype(np.int64, copy=False) - time
    skips = [zero if a.skipped is None else a.skipped for a, zero in zip(axes, none, strict=True)]
    skipped = np.concatenate(skips).astype(np.int64, copy=False)
    t_first = int(time.min())
    since = time - t_first
    row_start = starts_of(streams.rows)
    if falls(time, streams.row):
        raise ValueError("times of an axis do not decrease")
    if skipped[row_start].any() or falls(skipped, streams.row):
        raise ValueError("skipped slots count up from 0")
    slots = table.slot + streams.rows - 1 + skipped[row_start + streams.rows - 1]
    if ((table.slot != NO_SLOT) & (slots > SLOT_MAX)).any():
        raise ValueError("a grid slot beyond 32 bits")
    fine = (since % 1000 != 0) | (behind % 1000 != 0)
    micro = np.logical_or.reduceat(fine, row_start) | (table.period_us % 1000 != 0)
    unit = np.where(micro, 1, 1000)
    period = table.period_us // unit
    since //= streams.per_row(unit)
    if int(since.max()) >= TIME_UNITS_MAX or int(period.max()) > NO_SLOT:
        raise ValueError("a batch spans too much time, or a period is beyond 32 bits")
    code = since - (streams.row + skipped) * streams.per_row(period)
    t_last = int(time.max())
    return _Times(code, behind // streams.per_row(unit), skipped, unit, t_first, t_last)


def _place(streams: Streams, times: _Times, codes: Int64s) -> Int64s:
    """Return int64[L], all codes in stream order."""
    flat = np.empty(streams.total, np.int64)
    flat[streams.series_mask()] = codes
    flat[streams.time_at] = times.time
    after = streams.time_at + streams.per_row(streams.rows)
    for present, source in ((streams.has_source, times.source), (streams.has_slot, times.skipped)):
        if present.any():
            chosen = streams.per_row(present) > 0
            flat[after[chosen]] = source[chosen]
            after = after + streams.per_row(present * streams.rows)
    return flat


def _pack(streams: Streams, flat: Int64s, encoding: Int64s) -> list[bytes]:
    """Return desc, first, toggles and the four widths."""
    inner = np.ones(streams.total, np.bool_)
    inner[streams.start] = False
    step = np.empty_like(flat)
    step[0] = 0
    np.subtract(flat[1:], flat[:-1], out=step[1:])
    step[streams.start] = 0
    zigzagged = zigzag(step)
    largest = np.maximum.reduceat(zigzagged, streams.start)
    width = np.searchsorted(_WIDTH_TOP, largest)
    width[(encoding == 1) & (width > 0)] = TOGGLES
    of_code = width.repeat(streams.length)
    parts = [(width | encoding << 3).astype(np.uint8).tobytes()]
    parts.append(to_planes(zigzag(flat[streams.start]), 8))
    toggles = zigzagged[inner & (of_code == TOGGLES)].astype(np.bool_)
    parts.append(np.packbits(toggles, bitorder="little").tobytes())
    present = np.flatnonzero(np.bincount(width, minlength=TOGGLES)[1:TOGGLES]) + 1
    return parts + [
        to_planes(zigzagged[inner & (of_code == size)], WIDTH_BYTES[size])
        for size in present.tolist()
    ]


_WIDTH_TOP = np.array([0, 2**8 - 1, 2**16 - 1, 2**32 - 1], np.uint64)


def _quality_runs(
    streams: Streams, quality: NDArray[np.uint16], detail: NDArray[np.uint32]
) -> _Runs:
    key = (quality.astype(np.uint64) << np.uint64(32)) | detail.astype(np.uint64)
    if not key.any():
        none = np.empty(0, np.int64)
        return _Runs(none, none, none, none.astype(np.uint64))
    whole = _lift(streams, key)
    flat = np.zeros(streams.total, np.uint64)
    flat[streams.series_mask()] = key
    flat[streams.time_at] = whole
    edge = np.ones(streams.total, np.bool_)
    edge[1:] = flat[1:] != flat[:-1]
    edge[streams.start] = True
    at = np.flatnonzero(edge)
    length = np.diff(at, append=streams.total)
    chosen = flat[at] != 0
    at, length = at[chosen], length[chosen]
    if len(at) > limits.QUALITY_RUNS_MAX:
        raise LimitExceeded("batch.limit", f"{len(at)} quality runs")
    stream = np.searchsorted(streams.start, at, side="right") - 1
    return _Runs(stream, at - streams.start[stream], length, flat[at])


def _lift(streams: Streams, key: Uint64s) -> Uint64s:
    """Move what all series of an axis share to its time stream; `key` loses it.

    So a dead device costs one run an axis.  Returns uint64[R].
    """
    whole = np.zeros(len(streams.row), np.uint64)
    size = streams.series * streams.rows
    at, row_at = starts_of(size), starts_of(streams.rows)
    touched = np.logical_or.reduceat(key != 0, at) & (streams.series > 1)
    for axis in np.flatnonzero(touched).tolist():
        rows, low, row_low = int(streams.rows[axis]), int(at[axis]), int(row_at[axis])
        block = key[low : low + int(size[axis])].reshape(-1, rows)
        shared = (block == block[0]).all(axis=0)
        whole[row_low : row_low + rows] = np.where(shared, block[0], 0)
        block[:, shared] = 0
    return whole


def _head(table: _Table, times: _Times, runs: _Runs) -> bytes:
    streams = table.streams
    skip = table.first.copy()
    skip[1:] -= (table.first + streams.series)[:-1]
    uncertainty = np.minimum(-(-table.uncertainty_us // times.unit_us), UNCERTAINTY_MAX)
    flags = streams.has_source * FLAG_SOURCE + streams.has_slot * FLAG_SLOT
    flags += (times.unit_us == 1) * FLAG_MICROSECONDS + (table.kind << SOURCE_KIND_SHIFT)
    return b"".join(
        (
            bytes((LAYOUT_VERSION, 0)),
            len(streams.rows).to_bytes(2, "little"),
            len(runs.stream).to_bytes(4, "little"),
            skip.astype("<u4").tobytes(),
            streams.series.astype("<u2").tobytes(),
            streams.rows.astype("<u2").tobytes(),
            (table.period_us // times.unit_us).astype("<u4").tobytes(),
            table.slot.astype("<u4").tobytes(),
            uncertainty.astype("<u2").tobytes(),
            flags.astype(np.uint8).tobytes(),
        )
    )


def _run_columns(runs: _Runs) -> list[bytes]:
    return [
        runs.stream.astype("<u4").tobytes(),
        runs.row.astype("<u2").tobytes(),
        runs.length.astype("<u2").tobytes(),
        (runs.key >> np.uint64(32)).astype("<u2").tobytes(),
        (runs.key & np.uint64(0xFFFF_FFFF)).astype("<u4").tobytes(),
    ]
