"""What the registers of a value would say in each of the four word orders.  Pure.

Wrong order is the commonest wrong value at commissioning: 2000.0 in CDAB read as ABCD is 2.5e-41,
inside many ranges; only the panel can tell.  Source: `acquisition.md` 3.14, 3.16.
"""

import struct
from collections.abc import Mapping

from devices.address import ModbusAddress, Order
from proto.point import Point, PointType

_FORMAT: Mapping[PointType, str] = {
    PointType.I16: ">h",
    PointType.U16: ">H",
    PointType.I32: ">i",
    PointType.U32: ">I",
    PointType.I64: ">q",
    PointType.U64: ">Q",
    PointType.F32: ">f",
    PointType.F64: ">d",
}


def registers_of(point: Point, address: ModbusAddress, value: float) -> tuple[int, ...]:
    """Return the registers as on the wire that decode to `value`; empty where this is no number.

    Times, decimal digits and bits have no word order that could be mistaken.
    """
    form = _FORMAT.get(point.type)
    if form is None or address.type.is_time or address.type.is_bcd:
        return ()
    raw = value if point.type.is_float else round((value - point.offset) / point.scale)
    try:
        data = _ordered(struct.pack(form, raw), address.order)
    except (struct.error, OverflowError):
        return ()
    return tuple(int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def in_each_order(
    point: Point, address: ModbusAddress, registers: tuple[int, ...]
) -> Mapping[Order, float]:
    """Return the engineering value of the same registers in each order; one entry for 16 bits."""
    wire = b"".join(register.to_bytes(2) for register in registers)
    orders = tuple(Order) if len(registers) > 1 else (address.order,)
    found: dict[Order, float] = {}
    for order in orders:
        (raw,) = struct.unpack(_FORMAT[point.type], _ordered(wire, order))
        found[order] = raw if point.type.is_float else raw * point.scale + point.offset
    return found


def _ordered(data: bytes, order: Order) -> bytes:
    """Return the bytes in another order; each of the four is its own inverse."""
    if len(data) < 4:
        return data
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if order in (Order.BADC, Order.DCBA):
        words = [word[::-1] for word in words]
    return b"".join(words)
