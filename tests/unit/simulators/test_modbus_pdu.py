"""Our Modbus codec against bytes written by hand from the specification and the profile."""

import pytest

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.catalog import find
from devices.profile import ModbusProfile
from proto.errors import ProfileError
from simulators.box import published_names
from simulators.plants.catalog import load_bof
from simulators.plc.image import (
    Cell,
    RegisterMap,
    Registers,
    encode,
    encode_value,
    map_cells,
    register_map,
    reorder,
)
from simulators.serve.modbus_pdu import Identity, answer, pack_bits, parse_header, wrap

# The golden image of `bof`: worked out by hand from IEEE 754 and the profile's addresses (CDAB).
GOLDEN_VALUES: dict[str, float | int | bool] = {
    "lance_in_flow": 180.0,  # 4334 0000
    "lance_out_flow": 172.5,  # 432C 8000
    "lance_out_t_a": 38.25,  # 4219 0000
    "lance_out_t_b": 38.5,  # 421A 0000
    "lance_out_t_c": 37.75,  # 4217 0000
    "lance_position": 1620.5,  # 3241 half millimetres = 0CA9
    "life_counter": 40_000,  # 9C40
    "leak_setpoint": 15.0,  # 4170 0000
    "lance_pressure": 1.125,  # 3F90 0000
    "o2_valve_shut": False,
    "lance_at_upper": False,
    "tilt_inhibited": True,
    "o2_blowing": True,
    "ilk_tripped": False,
    "ilk_bypassed": True,
}
GOLDEN_HOLDING = bytes.fromhex(
    "0000 4334 8000 432C 0000 4219 0000 421A 0000 4217 0CA9 9C40 0000 4170 0000 3F90"
)
GOLDEN_DISCRETE = bytes.fromhex("2C")  # 0 0 1 1 0 1, the first in the lowest bit
ME = Identity(product="bof_lance_plc")


def golden_layout() -> RegisterMap:
    profile = find("bof_lance_plc")
    assert isinstance(profile, ModbusProfile)
    return register_map(profile, published_names(load_bof()))


def golden() -> Registers:
    return encode(golden_layout(), GOLDEN_VALUES)


def ask(request: str) -> bytes:
    return answer(bytes.fromhex(request), golden(), ME).pdu


def test_the_golden_image_is_what_the_profile_and_the_values_say() -> None:
    assert golden().read(Table.HOLDING, 0, 16) == GOLDEN_HOLDING
    assert ask("03 0000 0010") == b"\x03\x20" + GOLDEN_HOLDING
    assert ask("02 0000 0006") == b"\x02\x01" + GOLDEN_DISCRETE


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("03 000B 0001", "03 02 9C40"),
        ("02 0003 0003", "02 01 05"),
        ("01 0000 0001", "81 02"),  # no coils in this profile
        ("04 0000 0001", "84 02"),  # no input registers either
        ("03 0010 0001", "83 02"),  # behind the last register
        ("03 000F 0002", "83 02"),  # half behind it
        ("03 FFFF 0001", "83 02"),
        ("03 0000 0000", "83 03"),
        ("03 0000 007E", "83 03"),  # 126 registers
        ("02 0000 07D1", "82 03"),  # 2,001 bits
        ("03 0000", "83 03"),  # too short
        ("03 0000 0001 00", "83 03"),  # too long
        ("08 0000 A537", "08 0000 A537"),  # 6.8: the example of the specification
        ("08 0000", "08 0000"),
        ("08 000A 0000", "88 01"),
        ("08 00", "88 03"),
        ("07", "87 01"),
        ("2B 0D 01 00", "AB 01"),
        ("2B 0E 05 00", "AB 03"),
        ("2B 0E 04 03", "AB 02"),
        ("2B 0E 01", "AB 03"),
    ],
)
def test_each_request_gets_the_answer_of_the_specification(
    request_hex: str, answer_hex: str
) -> None:
    assert ask(request_hex) == bytes.fromhex(answer_hex)


def test_the_identification_says_that_this_is_a_simulator() -> None:
    vendor, product, revision = b"yujing-sim", b"bof_lance_plc", b"1"
    objects = b"".join(
        bytes((number, len(text))) + text for number, text in enumerate((vendor, product, revision))
    )
    for code in (1, 2, 3):
        assert ask(f"2B 0E {code:02X} 00") == bytes((0x2B, 0x0E, code, 0x81, 0, 0, 3)) + objects
    assert ask("2B 0E 04 00") == bytes.fromhex("2B 0E 04 81 00 00 01 00 0A") + vendor
    assert ask("2B 0E 01 02") == bytes.fromhex("2B 0E 01 81 00 00 01 02 01") + revision
    assert ask("2B 0E 01 77") == ask("2B 0E 01 00")


@pytest.mark.parametrize("function", [5, 6, 15, 16, 21, 22, 23])
def test_every_write_is_refused_and_counted(function: int) -> None:
    given = answer(bytes((function, 0, 0, 0xFF, 0)), golden(), ME)
    assert (given.pdu, given.is_write) == (bytes((function | 0x80, 1)), True)


def test_a_read_is_no_write() -> None:
    assert not answer(bytes.fromhex("03 0000 0001"), golden(), ME).is_write
    assert not answer(b"\x09", golden(), ME).is_write


def test_the_header_is_that_of_the_messaging_guide() -> None:
    # Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3
    adu = bytes.fromhex("1501 0000 0006 FF 03 0004 0001")
    assert wrap(0x1501, 0xFF, adu[7:]) == adu
    header = parse_header(adu[:7])
    assert header == (0x1501, 0xFF, 5)


@pytest.mark.parametrize(
    "header",
    ["1501 0001 0006 FF", "1501 0000 0001 FF", "1501 0000 00FF FF", "4745 5420 2F20 48"],
)
def test_what_is_no_modbus_has_no_header(header: str) -> None:
    assert parse_header(bytes.fromhex(header)) is None


def test_bits_are_packed_from_the_lowest() -> None:
    # 6.1: coils 20-38 of the specification's example: CD 6B 05
    bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    assert pack_bits(bytes(bits)) == bytes.fromhex("CD 6B 05")


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        (Order.ABCD, "44FA 0000"),
        (Order.CDAB, "0000 44FA"),
        (Order.BADC, "FA44 0000"),
        (Order.DCBA, "0000 FA44"),
    ],
)
def test_2000_in_each_order_is_what_the_design_lists(order: Order, registers: str) -> None:
    address = ModbusAddress(Table.HOLDING, 0, RegisterType.FLOAT32, order)
    assert encode_value(Cell("x", address), 2000.0) == bytes.fromhex(registers)


def test_64_bits_are_swapped_by_registers_too() -> None:
    raw = bytes.fromhex("4093 4A00 0001 0203")
    assert reorder(raw, Order.CDAB) == bytes.fromhex("0203 0001 4A00 4093")
    assert reorder(raw, Order.DCBA) == bytes.fromhex("0302 0100 004A 9340")


def test_integers_are_scaled_rounded_and_clamped() -> None:
    def cell(kind: RegisterType, scale: float, offset: float) -> Cell:
        return Cell("x", ModbusAddress(Table.HOLDING, 0, kind), scale, offset)

    assert encode_value(cell(RegisterType.INT16, 0.1, -40.0), -40.3) == bytes.fromhex("FFFD")
    assert encode_value(cell(RegisterType.UINT16, 1.0, 0.0), -5.0) == bytes.fromhex("0000")
    assert encode_value(cell(RegisterType.UINT16, 1.0, 0.0), 1e9) == bytes.fromhex("FFFF")
    assert encode_value(cell(RegisterType.INT32, 1.0, 0.0), -123456) == bytes.fromhex("FFFE1DC0")


def test_a_bit_in_a_register_leaves_its_neighbours_alone() -> None:
    cells = [
        Cell(name, ModbusAddress(Table.HOLDING, 3, RegisterType.BOOL, bit=bit))
        for name, bit in (("a", 0), ("b", 9), ("c", 15))
    ]
    registers = encode(map_cells(cells), {"a": True, "b": False, "c": True})
    assert registers.read(Table.HOLDING, 3, 1) == bytes.fromhex("8001")


def test_a_profile_with_a_point_that_the_plant_does_not_publish_is_refused() -> None:
    profile = find("bof_lance_plc")
    assert isinstance(profile, ModbusProfile)
    with pytest.raises(ProfileError) as refused:
        register_map(profile, published_names(load_bof()) - {"lance_pressure", "ilk_tripped"})
    assert [fault.place for fault in refused.value.faults] == [
        "bof_lance_plc/lance_pressure",
        "bof_lance_plc/ilk_tripped",
    ]
