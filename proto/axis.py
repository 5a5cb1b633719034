"""Columns of samples before and after the codec: axes, and the types of their points.  Pure.

Source: `batches.md` 3.4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proto.point import PointType

Int64s = NDArray[np.int64]
TYPE_ORDER: tuple[PointType, ...] = tuple(PointType)
_NUMBER = {kind: number for number, kind in enumerate(TYPE_ORDER)}


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Rows of consecutive points that share times: one device block, or one subscribed point.

    Attributes:
        point_first: number in the schema part of the first series.
        period_us: nominal period; 0 = on change.
        slot_first: grid slot of row 0; None where there is no grid.
        skipped: int64[T], slots skipped since row 0, counted up; None where none was.
        time_us: int64[T], gateway time of acquisition, not decreasing.
        source_us: int64[T], time that device or server gave; None where they give none.
        source_kind: 0 none, 1 DEVICE, 2 SERVER.
        uncertainty_us: largest half round trip of the rows.
        raw: int64[S, T], integers as read (u64 by its bit pattern), bool 0 or 1, floats by their
            IEEE bits (f32 in the low 32).
        quality: uint16[S, T], codes of `proto.quality.pack_quality`.
        detail: uint32[S, T], the device's own code, else 0.
    """

    point_first: int
    period_us: int
    slot_first: int | None
    skipped: Int64s | None
    time_us: Int64s
    source_us: Int64s | None
    source_kind: int
    uncertainty_us: int
    raw: Int64s
    quality: NDArray[np.uint16]
    detail: NDArray[np.uint32]


class EncodedSamples(NamedTuple):
    """The payload of a SAMPLES batch before compression, and what its header must say of it."""

    raw: bytes
    n: int
    t_first_us: int
    t_last_us: int


class PointTypes(tuple[PointType, ...]):
    """Types by point number, with the same as numbers of `TYPE_ORDER` for the codec.

    Attributes:
        codes: int64[n].
    """

    codes: Int64s

    def __new__(cls, types: Iterable[PointType] = ()) -> "PointTypes":
        """Return the types; the codes are made once here, not once a batch."""
        made = super().__new__(cls, types)
        made.codes = np.array([_NUMBER[kind] for kind in made], np.int64)
        return made


def type_codes(types: Sequence[PointType]) -> Int64s:
    """Return int64[n], each type's number in `TYPE_ORDER`."""
    return types.codes if isinstance(types, PointTypes) else PointTypes(types).codes
