"""A point: one measured or commanded quantity, its tag, unit, range, type on the wire.  Pure."""

from dataclasses import dataclass
from enum import StrEnum


class PointType(StrEnum):
    """How a value travels: register integer, boolean, or the bits of a float."""

    BOOL = "bool"
    I16 = "i16"
    U16 = "u16"
    I32 = "i32"
    U32 = "u32"
    I64 = "i64"
    U64 = "u64"
    F32 = "f32"
    F64 = "f64"

    @property
    def is_float(self) -> bool:
        """True for f32 and f64: the raw code is the IEEE bit pattern."""
        return self in (PointType.F32, PointType.F64)


class Share(StrEnum):
    """What leaves the plant unasked (`batches.md` 3.16).  First light ships `full` only."""

    FULL = "full"


@dataclass(frozen=True, slots=True)
class Point:
    """One point as the gateway and the centre know it.

    Attributes:
        name: `<device>/<point>`, the name on the wire and in matrices.
        tag: ISA-5.1 identifier (位号), an alias that every command accepts; the name where none.
        title: what people read.
        type: how the raw code is to be read.
        unit: UCUM code; `bool` for switches; `1` for no unit.
        scale, offset: engineering value = float64(raw) * scale + offset, in this order;
            1 and 0 for floats.
        range_low, range_high: engineering range in `unit`; None where there is none.
        parameter: id of the catalogue (`proto/domain/parameters.toml`) or `none`.
        poll: name of the poll class.
        process_unit: process unit in the register (工艺单元).
        life: True for the point that proves that its controller is alive.
    """

    name: str
    tag: str
    title: str
    type: PointType
    unit: str
    parameter: str
    poll: str
    scale: float = 1.0
    offset: float = 0.0
    range_low: float | None = None
    range_high: float | None = None
    process_unit: str = ""
    life: bool = False
