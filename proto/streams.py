"""How the streams of a SAMPLES payload lie one after another, and their numbers as bytes.  Pure.

Per axis: time, [source time], [slot], then its series; every stream has the axis's rows.  Encoder
and decoder share this one table, so that they cannot disagree about the order.

Source: `batches.md` 3.4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proto.axis import Int64s

Bools = NDArray[np.bool_]
Uint64s = NDArray[np.uint64]

WIDTH_BYTES = (0, 1, 2, 4, 8)  # of width classes 0-4
TOGGLES = 5  # width class of BOOL: one bit a difference

ENC_INT, ENC_BOOL, ENC_F32, ENC_F64, ENC_DEC = 0, 1, 2, 3, 4
DECIMALS_MAX = 9
DECIMAL_LIMIT = 2**53  # |code| is below: every such integer is exact as float64
POWERS_OF_TEN = np.array([1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9])  # literals, not pow()

FLAG_SOURCE, FLAG_SLOT, FLAG_MICROSECONDS, SOURCE_KIND_SHIFT = 1, 2, 4, 3
NO_SLOT = 0xFFFF_FFFF
SLOT_MAX = NO_SLOT - 1
UNCERTAINTY_MAX = 0xFFFF
TIME_UNITS_MAX = 2**52  # a batch spans less: sums of times cannot overflow
LAYOUT_VERSION = 1
AXIS_BYTES, FIRST_BYTES, RUN_BYTES, HEAD_BYTES = 19, 8, 14, 8  # of each axis, stream, run; head


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """The stream table of A axes.

    Attributes:
        series, rows: int64[A], S and T of each axis.
        has_source, has_slot: int64[A], 1 where the stream is present.
        of_axis: int64[M], the axis of each stream; M streams.
        length: int64[M], rows of each stream.
        start: int64[M], where it starts among all L codes.
        is_series: bool[M]; False for time, source time and slot.
        total: L.
        row: int64[R], row number of each row of each axis; R = sum of T.
        time_at: int64[R], where the code of its time stands among all L.
    """

    series: Int64s
    rows: Int64s
    has_source: Int64s
    has_slot: Int64s
    of_axis: Int64s
    length: Int64s
    start: Int64s
    is_series: Bools
    total: int
    row: Int64s
    time_at: Int64s

    @property
    def time_streams(self) -> Int64s:
        """int64[A], the number of each axis's time stream."""
        return starts_of(1 + self.has_source + self.has_slot + self.series)

    def series_mask(self) -> Bools:
        """Return bool[L], True where a code belongs to a series."""
        return self.is_series.repeat(self.length)

    def per_row(self, per_axis: Int64s) -> Int64s:
        """Return int64[R], a value of each axis for each of its rows."""
        return per_axis.repeat(self.rows)


def lay_out(series: Int64s, rows: Int64s, has_source: Int64s, has_slot: Int64s) -> Streams:
    """Return the stream table of axes with these shapes; every S and T is at least 1."""
    before = 1 + has_source + has_slot
    count = before + series
    of_axis = np.repeat(np.arange(len(count)), count)
    length = rows[of_axis]
    start = starts_of(length)
    local = np.arange(len(of_axis)) - starts_of(count).repeat(count)
    row_start = starts_of(rows)
    row = np.arange(int(rows.sum())) - row_start.repeat(rows)
    return Streams(
        series=series,
        rows=rows,
        has_source=has_source,
        has_slot=has_slot,
        of_axis=of_axis,
        length=length,
        start=start,
        is_series=local >= before[of_axis],
        total=int(length.sum()),
        row=row,
        time_at=starts_of(count * rows).repeat(rows) + row,
    )


def falls(values: Int64s, row: Int64s) -> bool:
    """True when a value is less than the one before it in the same axis; int64[R] each."""
    return bool(((values[1:] < values[:-1]) & (row[1:] > 0)).any())


def starts_of(lengths: Int64s) -> Int64s:
    """Return where each of some runs starts that lie one after another."""
    ends = lengths.cumsum()
    return ends - lengths


def spans(starts: Int64s, lengths: Int64s) -> Int64s:
    """Return all positions of the runs `starts[i] … starts[i] + lengths[i] - 1`, in order."""
    inside = np.arange(int(lengths.sum())) - starts_of(lengths).repeat(lengths)
    return starts.repeat(lengths) + inside


def zigzag(values: Int64s) -> Uint64s:
    """Return 0, 1, 2, 3 for 0, -1, 1, -2 and so on; any 64 bits return by `unzigzag`."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: Uint64s) -> Int64s:
    """Return the inverse of `zigzag`."""
    one = np.uint64(1)
    return (values >> one).view(np.int64) ^ -((values & one).view(np.int64))


def to_planes(values: Uint64s, width: int) -> bytes:
    """Return values as byte planes: all lowest bytes first, then the next."""
    narrow = values.astype(f"<u{width}")
    return narrow.view(np.uint8).reshape(-1, width).T.tobytes()


def from_planes(raw: bytes, at: int, count: int, width: int) -> Uint64s:
    """Return `count` values from the byte planes at `at`; the caller has checked the length."""
    planes = np.frombuffer(raw, np.uint8, count * width, at).reshape(width, count)
    return np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(count).astype(np.uint64)
