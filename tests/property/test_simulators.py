"""The simulated Modbus device: any bytes get an answer, and what is set is what is read."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.catalog import find
from devices.profile import ModbusProfile
from simulators.plc.image import (
    Cell,
    Registers,
    encode,
    encode_value,
    map_cells,
    register_map,
    reorder,
)
from simulators.serve.modbus_pdu import (
    PDU_MAX,
    Identity,
    answer,
    pack_bits,
    parse_header,
    wrap,
)

ME = Identity(product="x")
CELLS = [
    Cell(f"r{n}", ModbusAddress(Table.HOLDING, 10 + 2 * n, RegisterType.FLOAT32)) for n in range(70)
]
CELLS += [Cell(f"b{n}", ModbusAddress(Table.COIL, n, RegisterType.BOOL)) for n in range(40)]


def registers(values: list[float], bits: list[bool]) -> Registers:
    named: dict[str, float | int | bool] = {f"r{n}": value for n, value in enumerate(values)}
    named |= {f"b{n}": bit for n, bit in enumerate(bits)}
    return encode(map_cells(CELLS), named)


FLAT = registers([0.0] * 70, [False] * 40)


@given(pdu=st.binary(max_size=PDU_MAX))
def test_any_bytes_get_a_well_formed_answer(pdu: bytes) -> None:
    given_back = answer(pdu, FLAT, ME).pdu
    function = pdu[0] if pdu else 0
    assert 2 <= len(given_back) <= PDU_MAX
    if given_back[0] != function or function >= 0x80:
        assert given_back[0] == function | 0x80
        assert given_back[1] in (1, 2, 3)
        assert len(given_back) == 2


@given(
    values=st.lists(st.floats(width=32, allow_nan=False), min_size=70, max_size=70),
    start=st.integers(0, 160),
    count=st.integers(1, 125),
)
def test_registers_come_back_as_they_were_set_or_not_at_all(
    values: list[float], start: int, count: int
) -> None:
    whole = b"".join(struct.pack(">f", value) for value in values)
    request = struct.pack(">BHH", 3, start, count)
    given_back = answer(request, registers(values, [False] * 40), ME).pdu
    if start >= 10 and start + count <= 150:
        body = whole[(start - 10) * 2 : (start - 10 + count) * 2]
        assert given_back == bytes((3, count * 2)) + body
    else:
        assert given_back == b"\x83\x02"


@given(bits=st.lists(st.booleans(), min_size=40, max_size=40), start=st.integers(0, 39))
def test_coils_come_back_in_their_places(bits: list[bool], start: int) -> None:
    count = 40 - start
    request = struct.pack(">BHH", 1, start, count)
    given_back = answer(request, registers([0.0] * 70, bits), ME).pdu
    number = int.from_bytes(given_back[2:], "little")
    assert [bool(number >> n & 1) for n in range(count)] == bits[start:]
    assert given_back[1] == (count + 7) // 8


@given(bits=st.binary(min_size=1, max_size=2000))
def test_packing_keeps_every_bit(bits: bytes) -> None:
    number = int.from_bytes(pack_bits(bits), "little")
    assert [number >> n & 1 for n in range(len(bits))] == [1 if bit else 0 for bit in bits]
    assert number >> len(bits) == 0


@given(
    transaction=st.integers(0, 65535),
    unit=st.integers(0, 255),
    pdu=st.binary(min_size=1, max_size=PDU_MAX),
)
def test_a_wrapped_answer_is_parsed_as_it_was_wrapped(
    transaction: int, unit: int, pdu: bytes
) -> None:
    adu = wrap(transaction, unit, pdu)
    assert len(adu) <= 260
    assert parse_header(adu[:7]) == (transaction, unit, len(pdu))


@given(raw=st.binary(min_size=2, max_size=8).filter(lambda b: len(b) % 2 == 0))
def test_every_order_is_its_own_inverse(raw: bytes) -> None:
    for order in Order:
        assert reorder(reorder(raw, order), order) == raw


def test_every_point_of_the_profile_shows_its_worked_example() -> None:
    profile = find("bof_lance_plc")
    assert isinstance(profile, ModbusProfile)
    layout = {
        cell.name: cell for cell in register_map(profile, [p.name for p in profile.points]).cells
    }
    for point in profile.points:
        if point.vector.registers:
            raw = b"".join(word.to_bytes(2, "big") for word in point.vector.registers)
            assert encode_value(layout[point.name], point.vector.value) == raw
