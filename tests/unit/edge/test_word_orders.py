"""Registers and the four word orders of a value, against the examples of the page."""

import pytest

from devices.address import ModbusAddress, Order, RegisterType, Table
from edge.commands.word_orders import in_each_order, registers_of
from proto.point import Point, PointType


def point(kind: PointType, scale: float = 1.0) -> Point:
    """A point of a type."""
    return Point("d/p", "PDT-101", "p", kind, "Pa", "none", "normal", scale=scale)


def at(kind: RegisterType, order: Order) -> ModbusAddress:
    """Where it stands."""
    return ModbusAddress(Table.HOLDING, 0, kind, order, None)


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        (Order.ABCD, (0x44FA, 0x0000)),
        (Order.CDAB, (0x0000, 0x44FA)),
        (Order.BADC, (0xFA44, 0x0000)),
        (Order.DCBA, (0x0000, 0xFA44)),
    ],
)
def test_a_float_of_2000_stands_as_the_page_says(order: Order, registers: tuple[int, ...]) -> None:
    address = at(RegisterType.FLOAT32, order)
    assert registers_of(point(PointType.F32), address, 2000.0) == registers
    assert in_each_order(point(PointType.F32), address, registers)[order] == 2000.0


def test_the_wrong_order_is_small_and_looks_plausible() -> None:
    address = at(RegisterType.FLOAT32, Order.CDAB)
    shown = in_each_order(point(PointType.F32), address, (0x0000, 0x44FA))
    assert 2.4e-41 < shown[Order.ABCD] < 2.6e-41


def test_integers_are_scaled_and_64_bits_turn_by_words() -> None:
    address = at(RegisterType.INT32, Order.CDAB)
    assert registers_of(point(PointType.I32), address, -123456.0) == (0x1DC0, 0xFFFE)
    scaled = point(PointType.U16, 0.1)
    assert registers_of(scaled, at(RegisterType.UINT16, Order.ABCD), 12.5) == (125,)
    wide = at(RegisterType.FLOAT64, Order.CDAB)
    assert registers_of(point(PointType.F64), wide, 1234.5) == (0, 0, 0x4A00, 0x4093)


def test_what_has_no_word_order_shows_none() -> None:
    assert registers_of(point(PointType.BOOL), at(RegisterType.BOOL, Order.ABCD), 1.0) == ()
    assert registers_of(point(PointType.U16), at(RegisterType.BCD16, Order.ABCD), 12.0) == ()
