"""Any profile as the simulator shows it: its own encoder gives the words of the examples."""

import pytest

from devices import catalog
from devices.address import Order, RegisterType, Table
from devices.profile import ModbusProfile, OpcUaProfile
from simulators.plc.extras import (
    Happening,
    device_map,
    fixed_words,
    new_ring,
    overlaid,
    write_event,
)
from simulators.plc.image import Registers, encode, encode_time
from simulators.plc.walk import still, walk

MODBUS = [name for name in catalog.names() if isinstance(catalog.find(name), ModbusProfile)]
NOON_US = 1_795_000_000_000_000


def modbus(name: str) -> ModbusProfile:
    profile = catalog.find(name)
    assert isinstance(profile, ModbusProfile)
    return profile


def words(registers: Registers, table: Table, address: int, count: int) -> tuple[int, ...]:
    content = registers.read(table, address, count)
    assert content is not None
    if table.is_bits:
        return tuple(content)
    return tuple(int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2))


@pytest.mark.parametrize("name", MODBUS)
def test_at_rest_a_device_shows_the_words_of_its_examples(name: str) -> None:
    profile = modbus(name)
    registers = overlaid(encode(device_map(profile), still(profile)), fixed_words(profile))
    for point in profile.points:
        at = profile.address(point)
        got = words(registers, at.table, at.address, at.length)
        if at.bit is not None:
            assert got[0] >> at.bit & 1 == point.vector.value
        else:
            assert got == (point.vector.registers or point.vector.bits), point.name
    for text in profile.texts:
        count = len(text.vector.registers)
        assert words(registers, text.at.table, text.at.address, count) == text.vector.registers


@pytest.mark.parametrize("name", catalog.names())
def test_values_stay_within_their_ranges_and_life_moves(name: str) -> None:
    profile = catalog.find(name)
    before = walk(profile, 40, NOON_US, seed=1)
    for tick in range(41, 400, 7):
        now = walk(profile, tick, NOON_US + tick * 100_000, seed=1)
        for point in profile.points:
            if point.range is not None and point.moves is None:
                assert point.range[0] <= now[point.name] <= point.range[1]
            if point.moves == "counter":
                assert now[point.name] != before[point.name]
        before = now


def test_a_second_counts_and_a_toggle_toggles_at_half_its_period() -> None:
    panel, dust = catalog.find("gas_panel_rs485"), catalog.find("dust_dry_modbus")
    seconds = [walk(panel, 0, n * 1_000_000, 1)["panel_seconds"] for n in (58, 59, 60)]
    assert seconds == [58, 59, 0]
    bits = [walk(dust, 0, n * 500_000, 1)["life_bit"] for n in range(6)]
    assert bits == [False, False, True, True, False, False]


def test_a_hole_of_the_profile_does_not_answer() -> None:
    profile = modbus("filter_bag_dp_gauge")
    registers = overlaid(encode(device_map(profile), still(profile)), fixed_words(profile))
    assert registers.read(Table.HOLDING, 48, 2) is not None
    assert registers.read(Table.HOLDING, 48, 3) is None
    assert registers.read(Table.HOLDING, 51, 1) is None
    assert words(registers, Table.HOLDING, 52, 7)[6] == 0x1A2B


def test_the_ring_holds_the_record_of_its_example_and_then_moves_its_index() -> None:
    profile = modbus("gas_holder_plc")
    ring = profile.event_ring
    assert ring is not None
    writer = new_ring(ring, profile.modbus.order)
    event = Happening(2, NOON_US, 0.0)
    for _ in range(1000):
        writer = write_event(writer, event)
    example_us = 1_795_451_405_500_000  # 2026-11-23 16:30:05.5
    writer = write_event(writer, Happening(2, example_us, 95.25))
    values = encode(device_map(profile), still(profile))
    registers = overlaid(values, writer.words)
    assert words(registers, Table.HOLDING, 110, 12) == ring.vector.registers
    assert words(registers, Table.HOLDING, 100, 3) == (1, 0, 1001)


@pytest.mark.parametrize(
    ("kind", "order", "hex_"),
    [
        (RegisterType.S7_DTL, Order.ABCD, "07EA0B1702101E051DCD6500"),
        (RegisterType.S7_DATE_TIME, Order.ABCD, "2611231630055002"),
        (RegisterType.CP56, Order.ABCD, "7C151E10170B1A00"),
        (RegisterType.YMDHMS_MS, Order.ABCD, "07EA000B00170010001E000501F4"),
        (RegisterType.UNIX_MS, Order.CDAB, "44BC093E01A20000"),
    ],
)
def test_times_are_written_as_controllers_write_them(
    kind: RegisterType, order: Order, hex_: str
) -> None:
    us = 1_795_451_405_500_000
    assert encode_time(kind, us, order).hex().upper() == hex_


def test_opc_ua_profiles_have_values_too() -> None:
    profile = catalog.find("casting_plc")
    assert isinstance(profile, OpcUaProfile)
    assert still(profile)["water_pressure"] == 0.35
