"""The payload of a SAMPLES batch back into axes; counts are refused before allocation.  Pure.

Rules of this file: bytes come from outside, so nothing is asserted.  Counts are compared with `n`
and with the length of the payload before the first array is made: 47 bytes can claim 4.3 thousand
million samples.  Only `BatchDamaged` is raised.

Source: `batches.md` 3.4, 3.5 and 6.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proto import limits
from proto.axis import Axis, Int64s, type_codes
from proto.errors import BatchDamaged
from proto.numbers import decode_numbers, in_range, lawful
from proto.point import PointType
from proto.quality import REASON_MASK, Reason
from proto.streams import (
    AXIS_BYTES,
    ENC_BOOL,
    FIRST_BYTES,
    FLAG_MICROSECONDS,
    FLAG_SLOT,
    FLAG_SOURCE,
    HEAD_BYTES,
    LAYOUT_VERSION,
    NO_SLOT,
    RUN_BYTES,
    SLOT_MAX,
    SOURCE_KIND_SHIFT,
    TIME_UNITS_MAX,
    TOGGLES,
    WIDTH_BYTES,
    Streams,
    falls,
    from_planes,
    lay_out,
    spans,
    starts_of,
    unzigzag,
)

_REASON_MAX = max(Reason)
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class SampleColumns:
    """A decoded batch in columns: samples lie series after series, each axis S x T.

    Attributes:
        point_first, period_us, slot, source_kind, uncertainty_us: int64[A]; slot -1 = no grid.
        series, rows: int64[A], S and T.
        time_us: int64[R], rows of axis after axis.
        source_us: int64[R]; means nothing where `source_kind` is 0.
        skipped: int64[R]; zeros where no slot was skipped.
        has_skipped: int64[A], 1 where one was.
        raw, quality, detail: int64[n], uint16[n], uint32[n].
    """

    point_first: Int64s
    period_us: Int64s
    slot: Int64s
    source_kind: Int64s
    uncertainty_us: Int64s
    series: Int64s
    rows: Int64s
    time_us: Int64s
    source_us: Int64s
    skipped: Int64s
    has_skipped: Int64s
    raw: Int64s
    quality: NDArray[np.uint16]
    detail: NDArray[np.uint32]

    def axes(self) -> list[Axis]:
        """Return the axes; their arrays are views of these columns."""
        table = (self.point_first, self.period_us, self.slot, self.source_kind)
        rest = (self.uncertainty_us, self.series, self.rows, self.has_skipped)
        columns = [column.tolist() for column in (*table, *rest)]
        made, at, row = [], 0, 0
        for first, period, slot, kind, unsure, series, rows, has_skipped in zip(
            *columns, strict=True
        ):
            lines, block, shape = slice(row, row + rows), slice(at, at + series * rows), (-1, rows)
            axis = Axis(
                point_first=first,
                period_us=period,
                slot_first=None if slot < 0 else slot,
                skipped=self.skipped[lines] if has_skipped else None,
                time_us=self.time_us[lines],
                source_us=self.source_us[lines] if kind else None,
                source_kind=kind,
                uncertainty_us=unsure,
                raw=self.raw[block].reshape(shape),
                quality=self.quality[block].reshape(shape),
                detail=self.detail[block].reshape(shape),
            )
            made.append(axis)
            at, row = block.stop, lines.stop
        return made


class _Head(NamedTuple):
    """The part before the streams, checked, int64[A] each."""

    first: Int64s
    series: Int64s
    rows: Int64s
    period: Int64s
    slot: Int64s
    uncertainty: Int64s
    flags: Int64s
    runs: int


def decode_samples(
    raw: bytes, n: int, t_first_us: int, types: Sequence[PointType], *, salted: bool = False
) -> list[Axis]:
    """Return the axes of a payload, the exact inverse of `encode_samples`.

    Args:
        raw: the payload after decompression.
        n: samples, from the header.
        t_first_us: from the header.
        types: type by point number; a `PointTypes` saves its conversion.
        salted: True for lane RAW.

    Raises:
        BatchDamaged: `batch.layout`, `batch.count`, `batch.points`, `batch.streams`, `batch.times`,
            `batch.values` or `batch.quality`; nothing else, on any bytes.
    """
    return decode_columns(raw, n, t_first_us, types, salted=salted).axes()


def decode_columns(
    raw: bytes, n: int, t_first_us: int, types: Sequence[PointType], *, salted: bool = False
) -> SampleColumns:
    """Return the samples of a payload in columns; see `decode_samples`."""
    head = _read_head(raw, n, len(types))
    flags = head.flags
    streams = lay_out(head.series, head.rows, flags & FLAG_SOURCE, (flags & FLAG_SLOT) // FLAG_SLOT)
    tail = len(raw) - head.runs * RUN_BYTES - (limits.SALT_BYTES if salted else 0)
    flat, encoding = _read_streams(raw, streams, tail)
    time, source, skipped = _times(head, streams, flat, t_first_us)
    own = streams.is_series
    rows, start = streams.length[own], starts_of(streams.length[own])
    point = np.repeat(head.first - starts_of(head.series), head.series) + np.arange(len(rows))
    kinds, encoding = type_codes(types)[point], encoding[own]
    codes = flat[streams.series_mask()]
    if not (lawful(kinds, encoding).all() and in_range(codes, start, kinds, encoding).all()):
        raise BatchDamaged("batch.values", "an encoding or a value that its type cannot have")
    quality, detail = _read_runs(raw, tail, head.runs, streams, n)
    unit = np.where(flags & FLAG_MICROSECONDS, 1, 1000)
    return SampleColumns(
        point_first=head.first,
        period_us=head.period * unit,
        slot=np.where(head.slot == NO_SLOT, -1, head.slot),
        source_kind=flags >> SOURCE_KIND_SHIFT,
        uncertainty_us=head.uncertainty * unit,
        series=head.series,
        rows=head.rows,
        time_us=time,
        source_us=source,
        skipped=skipped,
        has_skipped=streams.has_slot,
        raw=decode_numbers(codes, rows, kinds, encoding),
        quality=quality,
        detail=detail,
    )


def _read_head(raw: bytes, n: int, points: int) -> _Head:
    if len(raw) > limits.RAW_BYTES_MAX or not 1 <= n <= limits.SAMPLES_PER_BATCH_MAX:
        raise BatchDamaged("batch.count", f"{len(raw)} bytes, n = {n}")
    if len(raw) < HEAD_BYTES:
        raise BatchDamaged("batch.layout", f"{len(raw)} bytes")
    layout, zero, axes, runs = struct.unpack_from("<BBHI", raw)
    if layout != LAYOUT_VERSION or zero:
        raise BatchDamaged("batch.layout", f"layout {layout}")
    if not axes or runs > limits.QUALITY_RUNS_MAX or len(raw) < HEAD_BYTES + axes * AXIS_BYTES:
        raise BatchDamaged("batch.count", f"{axes} axes, {runs} quality runs, {len(raw)} bytes")
    columns, at = [], HEAD_BYTES
    for kind, size in (("<u4", 4), ("<u2", 2), ("<u2", 2), ("<u4", 4), ("<u4", 4), ("<u2", 2)):
        columns.append(np.frombuffer(raw, kind, axes, at).astype(np.int64))
        at += axes * size
    skip, series, rows, period, slot, uncertainty = columns
    flags = np.frombuffer(raw, np.uint8, axes, at).astype(np.int64)
    if not series.all() or not rows.all() or int((series * rows).sum()) != n:
        raise BatchDamaged("batch.count", "series times rows do not make n")
    first = skip.cumsum() + starts_of(series)
    if int(first[-1] + series[-1]) > points:
        raise BatchDamaged("batch.points", f"a point beyond the {points} of the table")
    kind_bits = flags >> SOURCE_KIND_SHIFT
    if (kind_bits > 2).any() or ((kind_bits > 0) != (flags & FLAG_SOURCE > 0)).any():
        raise BatchDamaged("batch.layout", "axis flags")
    return _Head(first, series, rows, period, slot, uncertainty, flags, runs)


def _read_streams(raw: bytes, streams: Streams, tail: int) -> tuple[Int64s, Int64s]:
    """Return int64[L], all codes, and int64[M], the encodings; `tail` is where the runs start."""
    count = len(streams.start)
    at = HEAD_BYTES + len(streams.rows) * AXIS_BYTES
    if at + count * (1 + FIRST_BYTES) > tail:
        raise BatchDamaged("batch.layout", "the streams are cut off")
    described = np.frombuffer(raw, np.uint8, count, at).astype(np.int64)
    width, encoding = described & 7, described >> 3
    steps = np.bincount(width, weights=streams.length - 1, minlength=8).astype(np.int64).tolist()
    sizes = [(steps[TOGGLES] + 7) // 8, *(steps[size] * WIDTH_BYTES[size] for size in (1, 2, 3, 4))]
    at += count
    if any(np.bincount(width, minlength=8)[6:]) or at + count * FIRST_BYTES + sum(sizes) != tail:
        raise BatchDamaged("batch.layout", "the streams do not fill the payload")
    misplaced = (width > 0) & (streams.length == 1) | (encoding > 0) & ~streams.is_series
    if misplaced.any() or ((width == TOGGLES) & (encoding != ENC_BOOL)).any():
        raise BatchDamaged("batch.streams", "a width or an encoding where none can be")
    first = unzigzag(from_planes(raw, at, count, 8))
    at += count * FIRST_BYTES
    bits = np.frombuffer(raw, np.uint8, sizes[0], at)
    toggles = np.unpackbits(bits, bitorder="little").astype(np.int64)
    if toggles[steps[TOGGLES] :].any():
        raise BatchDamaged("batch.streams", "bits after the last toggle")
    at += sizes[0]
    step = np.zeros(streams.total, np.int64)
    step[_inner(streams, width, TOGGLES)] = toggles[: steps[TOGGLES]]
    for size in (1, 2, 3, 4):
        if steps[size]:
            values = from_planes(raw, at, steps[size], WIDTH_BYTES[size])
            step[_inner(streams, width, size)] = unzigzag(values)
            at += steps[size] * WIDTH_BYTES[size]
    return _accumulate(streams, first, step, width == TOGGLES), encoding


def _inner(streams: Streams, width: Int64s, size: int) -> Int64s:
    """Return where the differences of all streams of one width class stand."""
    chosen = width == size
    return spans(streams.start[chosen] + 1, streams.length[chosen] - 1)


def _accumulate(
    streams: Streams, first: Int64s, step: Int64s, toggled: NDArray[np.bool_]
) -> Int64s:
    """Return int64[L], the codes: sums modulo 2^64 from each stream's first code."""
    step[streams.start] = first
    total = step.cumsum()
    before = np.zeros(len(first), np.int64)
    before[1:] = total[streams.start[1:] - 1]
    codes: Int64s = total - before.repeat(streams.length)
    if toggled.any():
        if (first[toggled] >> 1).any():
            raise BatchDamaged("batch.streams", "a switch is 0 or 1")
        at = spans(streams.start[toggled], streams.length[toggled])
        codes[at] &= 1
    return codes


def _times(
    head: _Head, streams: Streams, flat: Int64s, t_first_us: int
) -> tuple[Int64s, Int64s, Int64s]:
    """Return time, source time (time where there is none) and skipped slots, int64[R] each."""
    at = streams.time_at
    after = at + streams.per_row(streams.rows)
    unit = streams.per_row(np.where(head.flags & FLAG_MICROSECONDS, 1, 1000))
    source = np.zeros(len(at), np.int64)
    if streams.has_source.any():
        chosen = streams.per_row(streams.has_source) > 0
        source[chosen] = flat[after[chosen]]
        after = after + streams.per_row(streams.has_source * streams.rows)
    skipped = np.zeros(len(at), np.int64)
    if streams.has_slot.any():
        chosen = streams.per_row(streams.has_slot) > 0
        skipped[chosen] = flat[after[chosen]]
        _check_skipped(head, streams, skipped)
    since = flat[at] + (streams.row + skipped) * streams.per_row(head.period)
    if int(since.min()) < 0 or int(since.max()) >= TIME_UNITS_MAX:
        raise BatchDamaged("batch.times", "a time before the batch, or too far after it")
    since *= unit
    if t_first_us + int(since.max()) > _INT64_MAX:
        raise BatchDamaged("batch.times", "a time beyond 64 bits")
    time = since + t_first_us
    if falls(since, streams.row):
        raise BatchDamaged("batch.times", "times of an axis decrease")
    last = head.slot + streams.rows - 1
    if ((head.slot != NO_SLOT) & (last > SLOT_MAX)).any():
        raise BatchDamaged("batch.times", "a grid slot beyond 32 bits")
    return time, time + source * unit, skipped


def _check_skipped(head: _Head, streams: Streams, skipped: Int64s) -> None:
    if skipped[streams.row == 0].any() or falls(skipped, streams.row):
        raise BatchDamaged("batch.times", "skipped slots count up from 0")
    last = skipped[starts_of(streams.rows) + streams.rows - 1]
    slots = np.where(head.slot == NO_SLOT, 0, head.slot) + streams.rows + last
    if int(last.max()) > SLOT_MAX or int(slots.max()) > SLOT_MAX + 1:
        raise BatchDamaged("batch.times", "a grid slot beyond 32 bits")


def _read_runs(
    raw: bytes, at: int, count: int, streams: Streams, n: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """Return the quality codes and details of all samples."""
    if not count:
        return np.zeros(n, np.uint16), np.zeros(n, np.uint32)
    columns = []
    for kind, size in (("<u4", 4), ("<u2", 2), ("<u2", 2), ("<u2", 2), ("<u4", 4)):
        columns.append(np.frombuffer(raw, kind, count, at).astype(np.int64))
        at += count * size
    stream, row, length, code, detail = columns
    if int(stream.max()) >= len(streams.start):
        raise BatchDamaged("batch.quality", "a run on a stream that is not there")
    position = streams.start[stream] + row
    fits = (length > 0) & (row + length <= streams.length[stream])
    if not fits.all() or (position[1:] < position[:-1] + length[:-1]).any():
        raise BatchDamaged("batch.quality", "a run beyond its stream, or runs out of order")
    whole = np.zeros(len(streams.start), np.bool_)
    whole[streams.time_streams] = True
    if not (whole | streams.is_series)[stream].all():
        raise BatchDamaged("batch.quality", "a run on a source-time or slot stream")
    known = (code >> 14 <= 2) & (code & REASON_MASK <= _REASON_MAX) & ((code | detail) > 0)
    if not known.all():
        raise BatchDamaged("batch.quality", "a severity or reason that this program does not know")
    flat = np.zeros(streams.total, np.int64)
    flat[spans(position, length)] = np.repeat((code << 32) | detail, length)
    own = flat[streams.series_mask()]
    if whole[stream].any():
        own = _spread(streams, flat, own)
    return (own >> 32).astype(np.uint16), (own & 0xFFFF_FFFF).astype(np.uint32)


def _spread(streams: Streams, flat: Int64s, own: Int64s) -> Int64s:
    """Return the keys of all samples with the runs of their axis's time stream."""
    series_axis = streams.of_axis[streams.is_series]
    time_start = streams.start[streams.time_streams][series_axis]
    shared = flat[spans(time_start, streams.rows[series_axis])]
    if ((shared > 0) & (own > 0)).any():
        raise BatchDamaged("batch.quality", "two runs on one sample")
    return own | shared
