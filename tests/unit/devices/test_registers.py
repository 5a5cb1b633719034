"""Bytes to columns: the word orders of the trade, faults, scaling, bits."""

import math
import struct

import pytest

from devices.address import ModbusAddress, Order, RegisterType, Table, order_of
from devices.loop_current import convert
from devices.profile import Signal
from devices.registers import Slot, compile_layout, fault_code, gather
from proto.quality import Quality, Reason

F32, F64 = RegisterType.FLOAT32, RegisterType.FLOAT64

# (type, value, order, registers): the table of vectors of the acquisition design.
VECTORS = [
    (F32, 2000.0, Order.ABCD, (0x44FA, 0x0000)),
    (F32, 2000.0, Order.CDAB, (0x0000, 0x44FA)),
    (F32, 2000.0, Order.BADC, (0xFA44, 0x0000)),
    (F32, 2000.0, Order.DCBA, (0x0000, 0xFA44)),
    (RegisterType.INT32, -123456, Order.ABCD, (0xFFFE, 0x1DC0)),
    (RegisterType.INT32, -123456, Order.CDAB, (0x1DC0, 0xFFFE)),
    (RegisterType.INT32, -123456, Order.BADC, (0xFEFF, 0xC01D)),
    (RegisterType.INT32, -123456, Order.DCBA, (0xC01D, 0xFEFF)),
    (F64, 1234.5, Order.ABCD, (0x4093, 0x4A00, 0, 0)),
    (F64, 1234.5, Order.CDAB, (0, 0, 0x4A00, 0x4093)),
    (F64, 1234.5, Order.BADC, (0x9340, 0x004A, 0, 0)),
    (F64, 1234.5, Order.DCBA, (0, 0, 0x004A, 0x9340)),
    (RegisterType.UINT64, 1234567890123, Order.ABCD, (0x0000, 0x011F, 0x71FB, 0x04CB)),
    (RegisterType.UINT64, 1234567890123, Order.CDAB, (0x04CB, 0x71FB, 0x011F, 0x0000)),
    (RegisterType.INT16, -2, Order.ABCD, (0xFFFE,)),
    (RegisterType.UINT16, 65534, Order.DCBA, (0xFFFE,)),
    (RegisterType.UINT32, 4_000_000_000, Order.ABCD, (0xEE6B, 0x2800)),
    (RegisterType.INT64, -2, Order.ABCD, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE)),
    (RegisterType.UINT64, 2**64 - 2, Order.ABCD, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE)),
]


def wire(registers: tuple[int, ...]) -> bytes:
    return struct.pack(f">{len(registers)}H", *registers)


@pytest.mark.parametrize(("kind", "value", "order", "registers"), VECTORS)
def test_a_value_decodes_in_every_order_of_the_table(
    kind: RegisterType, value: float, order: Order, registers: tuple[int, ...]
) -> None:
    slot = Slot(ModbusAddress(Table.HOLDING, 7, kind, order))
    decoded = gather(wire(registers), compile_layout([slot], 7, len(registers)))
    assert decoded.value.tolist() == [float(value)]
    assert decoded.quality.tolist() == [Quality.GOOD]


def test_raw_is_what_the_device_said() -> None:
    slots = [
        Slot(ModbusAddress(Table.HOLDING, 0, F32, Order.CDAB)),
        Slot(ModbusAddress(Table.HOLDING, 2, RegisterType.INT16), scale=0.5, offset=-3.0),
        Slot(ModbusAddress(Table.HOLDING, 3, RegisterType.BOOL, bit=15)),
        Slot(ModbusAddress(Table.HOLDING, 3, RegisterType.BOOL, bit=0)),
        Slot(ModbusAddress(Table.HOLDING, 4, RegisterType.UINT64)),
    ]
    data = wire((0x4000, 0xC3CE, 0xFFF6, 0x8000, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF))
    decoded = gather(data, compile_layout(slots, 0, 8))
    assert decoded.raw.tolist() == [0xC3CE4000, -10, 1, 0, -1]
    assert decoded.value.tolist() == [-412.5, -8.0, 1.0, 0.0, float(2**64 - 1)]


def test_bits_of_a_bit_table_count_from_the_lowest_bit_of_the_first_byte() -> None:
    slots = [Slot(ModbusAddress(Table.DISCRETE, at, RegisterType.BOOL)) for at in (3, 4, 10, 12)]
    decoded = gather(bytes([0b0000_0001, 0b0000_0010]), compile_layout(slots, 3, 10))
    assert decoded.raw.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7F800000, 0xFF800000, 0x7F800001])
def test_no_number_and_no_infinity_is_ever_good(bits: int) -> None:
    slot = Slot(ModbusAddress(Table.HOLDING, 0, F32))
    decoded = gather(bits.to_bytes(4, "big"), compile_layout([slot], 0, 2))
    assert (decoded.quality[0], decoded.reason[0]) == (Quality.BAD, Reason.NOT_A_NUMBER)
    assert decoded.raw.tolist() == [bits]


def test_a_value_that_overflows_by_its_scale_is_not_a_number() -> None:
    slot = Slot(ModbusAddress(Table.HOLDING, 0, RegisterType.UINT16), scale=1e308)
    decoded = gather(wire((20,)), compile_layout([slot], 0, 1))
    assert (decoded.quality[0], decoded.reason[0]) == (Quality.BAD, Reason.NOT_A_NUMBER)


@pytest.mark.parametrize(
    ("kind", "registers", "fault"),
    [
        (RegisterType.INT16, (0x7FFF,), 0x7FFF),
        (RegisterType.INT16, (0xFFFF,), 0xFFFF),
        (RegisterType.INT16, (0xFFFF,), -1),
        (RegisterType.UINT16, (0xFFFF,), 0xFFFF),
        (F32, (0xC61C, 0x3C00), -9999.0),
        (F32, (0xC61C, 0x3F9A), -9999.9),
        (RegisterType.UINT64, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), 2.0**63),
    ],
)
def test_a_fault_value_is_a_sensor_fault_with_its_raw_code_kept(
    kind: RegisterType, registers: tuple[int, ...], fault: float
) -> None:
    if kind is RegisterType.UINT64:
        registers = (0x8000, 0, 0, 0)
    slot = Slot(ModbusAddress(Table.HOLDING, 0, kind), scale=1.0, fault_values=(fault,))
    decoded = gather(wire(registers), compile_layout([slot], 0, len(registers)))
    assert (decoded.quality[0], decoded.reason[0]) == (Quality.BAD, Reason.SENSOR_FAULT)
    assert math.isfinite(decoded.value[0])


def test_a_fault_value_of_one_point_leaves_the_others_good() -> None:
    slots = [
        Slot(ModbusAddress(Table.HOLDING, 0, RegisterType.UINT16), fault_values=(7.0,)),
        Slot(ModbusAddress(Table.HOLDING, 1, RegisterType.UINT16)),
    ]
    decoded = gather(wire((7, 7)), compile_layout(slots, 0, 2))
    assert decoded.quality.tolist() == [Quality.BAD, Quality.GOOD]


@pytest.mark.parametrize("value", [0.5, 65536, -32769])
def test_a_fault_value_that_no_register_can_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="is no int16"):
        fault_code(RegisterType.INT16, value)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("ABCDEFGH", Order.ABCD),
        ("GHEFCDAB", Order.CDAB),
        ("BADCFEHG", Order.BADC),
        ("HGFEDCBA", Order.DCBA),
        ("CDAB", Order.CDAB),
    ],
)
def test_an_order_has_a_name_for_32_and_one_for_64_bits(name: str, order: Order) -> None:
    assert order_of(name) is order


def test_a_name_that_is_no_order_is_refused() -> None:
    with pytest.raises(ValueError, match="ACBD"):
        order_of("ACBD")


@pytest.mark.parametrize(
    ("kind", "order", "registers", "value"),
    [
        (RegisterType.BCD16, Order.ABCD, (0x1234,), 1234.0),
        (RegisterType.BCD16, Order.DCBA, (0x1234,), 1234.0),
        (RegisterType.BCD32, Order.ABCD, (0x1234, 0x5678), 12345678.0),
        (RegisterType.BCD32, Order.CDAB, (0x5678, 0x1234), 12345678.0),
        (RegisterType.BCD32, Order.BADC, (0x3412, 0x7856), 12345678.0),
    ],
)
def test_decimal_digits_are_a_number(
    kind: RegisterType, order: Order, registers: tuple[int, ...], value: float
) -> None:
    slot = Slot(ModbusAddress(Table.INPUT, 0, kind, order), scale=0.1)
    decoded = gather(wire(registers), compile_layout([slot], 0, len(registers)))
    assert decoded.raw.tolist() == [int(value)]
    assert decoded.value[0] == pytest.approx(value / 10)
    assert decoded.quality.tolist() == [Quality.GOOD]


def test_a_digit_beyond_nine_is_no_number_and_no_value() -> None:
    slots = [
        Slot(ModbusAddress(Table.INPUT, 0, RegisterType.BCD16)),
        Slot(ModbusAddress(Table.INPUT, 1, RegisterType.BCD16)),
        Slot(ModbusAddress(Table.INPUT, 2, F32)),
    ]
    decoded = gather(wire((0x12A4, 0x0042, 0x7FC0, 0)), compile_layout(slots, 0, 4))
    assert decoded.quality.tolist() == [Quality.BAD, Quality.GOOD, Quality.BAD]
    assert decoded.reason[0] == Reason.NOT_A_NUMBER
    assert decoded.raw.tolist()[:2] == [0x12A4, 42]
    assert decoded.no_value is not None
    assert decoded.no_value.tolist() == [True, False, False]  # the float was said, if as NaN


def test_a_clock_register_is_microseconds_of_the_device() -> None:
    slots = [
        Slot(ModbusAddress(Table.HOLDING, 6, RegisterType.UINT16)),
        Slot(ModbusAddress(Table.HOLDING, 0, RegisterType.S7_DTL)),
    ]
    layout = compile_layout(slots, 0, 7)
    words = (0x07EA, 0x0B17, 0x0210, 0x1E05, 0x1DCD, 0x6500, 7)
    assert gather(wire(words), layout).value.tolist() == [7.0, 1_795_451_405_500_000.0]
    unset = gather(wire((0, 0, 0, 0, 0, 0, 7)), layout)
    assert unset.quality.tolist() == [Quality.GOOD, Quality.BAD]
    assert unset.no_value is not None
    assert unset.no_value.tolist() == [False, True]


@pytest.mark.parametrize(
    ("raw", "value", "is_broken"),
    [
        (3599, None, True),
        (3600, -12.5, False),
        (4000, 0.0, False),
        (12000, 250.0, False),
        (20000, 500.0, False),
        (21000, 531.25, False),
        (21001, None, True),
        (0, None, True),
    ],
)
def test_a_current_outside_its_loop_is_a_broken_sensor_and_no_low_value(
    raw: int, value: float | None, is_broken: bool
) -> None:
    made = convert(Signal(), 0.001, 0.0, 0.0, 500.0)
    at = ModbusAddress(Table.INPUT, 0, RegisterType.UINT16)
    slot = Slot(at, made.scale, made.offset, current=made.current)
    decoded = gather(wire((raw,)), compile_layout([slot], 0, 1))
    assert (decoded.quality[0] == Quality.BAD) == is_broken
    assert (decoded.reason[0] == Reason.SENSOR_FAULT) == is_broken
    if value is not None:
        assert decoded.value[0] == pytest.approx(value)


def test_a_loop_that_counts_downwards_has_its_limits_the_right_way_round() -> None:
    made = convert(Signal(), -0.001, 24.0, None, None)
    assert made.current == (3000.0, 20400.0)
    assert (made.scale, made.offset) == (-0.001, 24.0)


def test_a_float_may_be_scaled() -> None:
    slot = Slot(ModbusAddress(Table.HOLDING, 0, F32), scale=10.0, offset=-1.0)
    decoded = gather(wire((0x3FC0, 0)), compile_layout([slot], 0, 2))
    assert decoded.value.tolist() == [14.0]
    assert decoded.raw.tolist() == [0x3FC00000]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (RegisterType.INT16, "h"),
        (RegisterType.UINT16, "H"),
        (RegisterType.INT32, "i"),
        (RegisterType.UINT32, "I"),
    ],
)
def test_a_range_of_registers_needs_no_gather_and_says_the_same(
    kind: RegisterType, code: str
) -> None:
    size = kind.registers
    slots = [
        Slot(ModbusAddress(Table.HOLDING, 7 + size * at, kind, Order.ABCD), 0.5, 1.0)
        for at in range(5)
    ]
    least = -(1 << (16 * size - 1)) if code.islower() else 0
    values = [least, 1, 2, 3, least + (1 << 16 * size) - 1]
    data = struct.pack(f">5{code}", *values)
    whole = compile_layout(slots, 7, 5 * size)
    assert whole.plain is not None
    decoded = gather(data, whole)
    assert decoded.raw.tolist() == values
    assert decoded.value.tolist() == [0.5 * value + 1.0 for value in values]
    backwards = compile_layout(slots[::-1], 7, 5 * size)
    assert backwards.plain is None
    assert gather(data, backwards).raw.tolist() == values[::-1]
    with_a_hole = compile_layout(slots[:2] + slots[3:], 7, 5 * size)
    assert with_a_hole.plain is None
    assert gather(data, with_a_hole).raw.tolist() == values[:2] + values[3:]
    swapped = [Slot(ModbusAddress(Table.HOLDING, 7, kind, Order.DCBA))]
    assert (compile_layout(swapped, 7, size).plain is None) == (size > 1)
