"""The gather against a slow decoder written apart from it; the guard against any bytes."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.modbus.frame import Accepted, Framing, judge, read_request
from devices.profile_check import parse_profile
from devices.registers import Slot, compile_layout, gather
from proto.errors import ProfileError
from proto.quality import Quality
from tests.unit.devices.reference import BCD, FORMATS, TIMES, decode, encode, same

QUANTITY = 40
NUMBERS = [kind for kind in RegisterType if kind is not RegisterType.BOOL and kind not in TIMES]


@st.composite
def addresses(draw: st.DrawFn) -> ModbusAddress:
    kind = draw(st.sampled_from(list(RegisterType)))
    start = draw(st.integers(100, 100 + QUANTITY - kind.registers))
    bit = draw(st.integers(0, 15)) if kind is RegisterType.BOOL else None
    return ModbusAddress(Table.HOLDING, start, kind, draw(st.sampled_from(list(Order))), bit)


@given(
    st.lists(addresses(), min_size=1, max_size=20),
    st.binary(min_size=2 * QUANTITY, max_size=2 * QUANTITY),
)
def test_the_gather_equals_the_slow_decoder(where: list[ModbusAddress], data: bytes) -> None:
    decoded = gather(data, compile_layout([Slot(each) for each in where], 100, QUANTITY))
    for at, address in enumerate(where):
        raw, number = decode(address, data, 100)
        assert decoded.raw[at] == raw
        assert same(decoded.value[at], number)
        assert (decoded.quality[at] == Quality.GOOD) == bool(np.isfinite(number))


@given(st.data(), st.sampled_from(NUMBERS), st.sampled_from(list(Order)))
def test_what_is_encoded_decodes_to_itself(
    data: st.DataObject, kind: RegisterType, order: Order
) -> None:
    size = 2 * kind.registers if kind in BCD else struct.calcsize(FORMATS[kind])
    if kind in BCD:
        value: float = data.draw(st.integers(0, 10 ** (2 * size) - 1))
    elif kind in (RegisterType.FLOAT32, RegisterType.FLOAT64):
        value = data.draw(st.floats(width=32, allow_nan=False, allow_infinity=False))
    elif kind.startswith("u"):
        value = data.draw(st.integers(0, (1 << 8 * size) - 1))
    else:
        value = data.draw(st.integers(-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1))
    address = ModbusAddress(Table.HOLDING, 0, kind, order)
    layout = compile_layout([Slot(address)], 0, kind.registers)
    assert gather(encode(address, value), layout).value[0] == float(value)


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=20),
    st.binary(min_size=13, max_size=13),
)
def test_bits_equal_the_slow_decoder(where: list[int], data: bytes) -> None:
    places = [ModbusAddress(Table.COIL, 7 + at, RegisterType.BOOL) for at in where]
    decoded = gather(data, compile_layout([Slot(each) for each in places], 7, 100))
    assert decoded.raw.tolist() == [decode(each, data, 7)[0] for each in places]


QUESTION = read_request(3, 4, 10, 5)


@given(st.binary(max_size=40), st.binary(max_size=20))
def test_bytes_pass_the_guard_only_as_the_whole_answer(before: bytes, after: bytes) -> None:
    head = bytes.fromhex("02BC 0000 000D 03 04 0A")
    payload = bytes(range(10))
    answer = head + payload
    verdict = judge(QUESTION, Framing.MBAP, 700, before + answer + after)
    if not before and not after:
        assert verdict == Accepted(payload)
    elif isinstance(verdict, Accepted):
        assert verdict.dropped > 0
        assert not after


@given(st.binary(max_size=300))
def test_any_bytes_get_a_verdict(received: bytes) -> None:
    for framing in Framing:
        judge(QUESTION, framing, 700, received)


@given(
    st.text(max_size=400)
    | st.just('protocol = "modbus"\n').flatmap(
        lambda head: st.text(max_size=200).map(lambda tail: head + tail)
    )
)
def test_any_text_is_a_profile_or_has_faults(text: str) -> None:
    with pytest.raises(ProfileError) as refused:
        parse_profile(text, "p.toml", {}, {})
    assert refused.value.faults
