"""Raw values to codes and back: integers, switches, float bits, decimal floats.  Pure.

The encoding is picked per series and batch: DEC with the smallest number of decimals for which
every value returns bit for bit, else the bits.  -0.0, NaN and infinities fail that check by itself.

Source: `batches.md` 3.4.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proto.axis import TYPE_ORDER, Int64s
from proto.point import PointType
from proto.streams import (
    DECIMAL_LIMIT,
    DECIMALS_MAX,
    ENC_BOOL,
    ENC_DEC,
    ENC_F32,
    ENC_F64,
    ENC_INT,
    POWERS_OF_TEN,
    Bools,
    spans,
    starts_of,
)

_I64 = np.iinfo(np.int64)
_RANGES = {
    PointType.BOOL: (0, 1),
    PointType.I16: (-(2**15), 2**15 - 1),
    PointType.U16: (0, 2**16 - 1),
    PointType.I32: (-(2**31), 2**31 - 1),
    PointType.U32: (0, 2**32 - 1),
}  # of a code; the others: all 64 bits
_LOW = np.array([_RANGES.get(kind, (_I64.min, 0))[0] for kind in TYPE_ORDER])
_HIGH = np.array([_RANGES.get(kind, (0, _I64.max))[1] for kind in TYPE_ORDER])
_PLAIN = np.array(
    [
        {PointType.BOOL: ENC_BOOL, PointType.F32: ENC_F32, PointType.F64: ENC_F64}.get(
            kind, ENC_INT
        )
        for kind in TYPE_ORDER
    ]
)
_F32 = TYPE_ORDER.index(PointType.F32)
_F64 = TYPE_ORDER.index(PointType.F64)
_LOW_32 = 0xFFFF_FFFF
_Width = Literal[4, 8]
_NARROW: _Width = 4
_WIDE: _Width = 8


def encode_numbers(raw: Int64s, blank: Bools, rows: Int64s, kinds: Int64s) -> tuple[Int64s, Int64s]:
    """Return the code of every value, and the encoding of every series.

    Args:
        raw: int64[n], series after series.
        blank: bool[n], True where there is no value; the code becomes filler.
        rows: int64[N], length of each series.
        kinds: int64[N], type of each series as its number in `TYPE_ORDER`.

    Raises:
        ValueError: a value that its type cannot hold.
    """
    start = starts_of(rows)
    codes = _fill(raw, blank, start, rows) if blank.any() else raw.copy()
    encoding = _PLAIN[kinds]
    for kind, width in ((_F32, _NARROW), (_F64, _WIDE)):
        chosen = np.flatnonzero(kinds == kind)
        if len(chosen):
            at = spans(start[chosen], rows[chosen])
            local, decimals = _encode_floats(codes[at], rows[chosen], width)
            codes[at] = local
            encoding[chosen] = np.where(decimals < 0, encoding[chosen], ENC_DEC + decimals)
    if not in_range(codes, start, kinds, encoding).all():
        raise ValueError("a value that its type cannot hold")
    return codes, encoding


def decode_numbers(codes: Int64s, rows: Int64s, kinds: Int64s, encoding: Int64s) -> Int64s:
    """Return the raw values of codes that `in_range` and `lawful` accept."""
    raw = codes
    bits = encoding == ENC_F32
    if bits.any():
        raw = np.where(bits.repeat(rows), codes & _LOW_32, codes)
    start = starts_of(rows)
    for kind in (_F32, _F64):
        chosen = np.flatnonzero((encoding >= ENC_DEC) & (kinds == kind))
        if len(chosen):
            at = spans(start[chosen], rows[chosen])
            power = POWERS_OF_TEN[np.repeat(encoding[chosen] - ENC_DEC, rows[chosen])]
            value = codes[at].astype(np.float64) / power
            raw = raw.copy() if raw is codes else raw
            raw[at] = _bits(value, 4 if kind == _F32 else 8)
    return raw


def widen(bits: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return float32 bits as float64; a signalling NaN goes through quietly."""
    with np.errstate(invalid="ignore"):
        return bits.view(np.float32).astype(np.float64)


def lawful(kinds: Int64s, encoding: Int64s) -> Bools:
    """Return bool[N], whether the encoding of each series is one that its type may have."""
    is_float = (kinds == _F32) | (kinds == _F64)
    decimal = (encoding >= ENC_DEC) & (encoding <= ENC_DEC + DECIMALS_MAX)
    allowed: Bools = (encoding == _PLAIN[kinds]) | (is_float & decimal)
    return allowed


def in_range(codes: Int64s, start: Int64s, kinds: Int64s, encoding: Int64s) -> Bools:
    """Return bool[N], whether all codes of each series are within its type and encoding."""
    low, high = _LOW[kinds], _HIGH[kinds]
    low[encoding == ENC_F32], high[encoding == ENC_F32] = -(2**31), 2**31 - 1
    decimal = encoding >= ENC_DEC
    low[decimal], high[decimal] = 1 - DECIMAL_LIMIT, DECIMAL_LIMIT - 1
    least, most = np.minimum.reduceat(codes, start), np.maximum.reduceat(codes, start)
    inside: Bools = (least >= low) & (most <= high)
    return inside


def _fill(raw: Int64s, blank: Bools, start: Int64s, rows: Int64s) -> Int64s:
    """Return `raw` with the value before in each blank place; 0 where none stands before."""
    last = np.maximum.accumulate(np.where(blank, 0, np.arange(1, len(raw) + 1)))
    return np.where(last > start.repeat(rows), raw[last - 1], 0)


def _encode_floats(bits: Int64s, rows: Int64s, width: _Width) -> tuple[Int64s, Int64s]:
    """Return codes, and the decimals of each series; -1 where the bits themselves are the codes."""
    if width == 4:
        narrow = bits.astype(np.uint32)
        codes = narrow.view(np.int32).astype(np.int64)
        value, bits = widen(narrow), narrow.astype(np.int64)
    else:
        codes, value = bits.copy(), bits.view(np.float64)
    start = starts_of(rows)
    decimals = np.full(len(rows), -1)
    left = np.arange(len(rows))
    with np.errstate(over="ignore", invalid="ignore"):
        for places in range(DECIMALS_MAX + 1):
            # A look at row 0 spares the full pass for nearly every series that is no decimal.
            head = _try(value[start[left]], bits[start[left]], places, width)[1]
            hopeful = left[head]
            if not len(hopeful):
                continue
            lengths = rows[hopeful]
            at = spans(start[hopeful], lengths)
            code, good = _try(value[at], bits[at], places, width)
            won = np.logical_and.reduceat(good, starts_of(lengths))
            decimals[hopeful[won]] = places
            kept = won.repeat(lengths)
            codes[at[kept]] = code[kept]
            left = left[decimals[left] < 0]
            if not len(left):
                break
    return codes, decimals


def _try(
    value: NDArray[np.float64], bits: Int64s, places: int, width: _Width
) -> tuple[Int64s, Bools]:
    """Return the codes with this many decimals, and where they return the very bits.

    Called where overflow and NaN are silenced: both fail the comparison.
    """
    power = POWERS_OF_TEN[places]
    scaled = np.rint(value * power)
    small = np.abs(scaled) < DECIMAL_LIMIT
    code = np.where(small, scaled, 0).astype(np.int64)
    good: Bools = small & (_bits(code.astype(np.float64) / power, width) == bits)
    return code, good


def _bits(value: NDArray[np.float64], width: _Width) -> Int64s:
    if width == 4:
        return value.astype(np.float32).view(np.uint32).astype(np.int64)
    return value.view(np.int64)
