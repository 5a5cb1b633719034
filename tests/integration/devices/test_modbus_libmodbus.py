"""Our driver against libmodbus, written by others in another language."""

import asyncio
import signal
import struct

import pytest

from devices.address import RegisterType, Table
from devices.driver import BlockColumns, Outcome
from devices.failure import LinkFailed
from devices.modbus.driver import ModbusDriver
from proto.quality import Detail, Quality, Reason
from tests.integration.devices.lines import tcp_driver
from tests.integration.devices.peers import Peer, libmodbus
from tests.unit.devices.builders import bof, modbus_settings, register
from tests.unit.devices.contract import check_life_cycle

TIMEOUT_NS = 1_000_000_000

# What a panel would show, put into the registers by hand: float32 low word first (CDAB).
FLOATS = {0: 412.5, 2: 405.25, 4: 38.5, 6: 39.25, 8: 40.75, 12: 15.0, 14: 1.25}


async def fill(peer: Peer) -> None:
    """Put the converter's values into the server."""
    for address, value in FLOATS.items():
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        await peer.tell(f"holding {address} {low}")
        await peer.tell(f"holding {address + 1} {high}")
    await peer.tell("holding 10 25000")
    await peer.tell("holding 11 40000")
    for address, bit in enumerate((1, 1, 0, 1, 0, 0)):
        await peer.tell(f"discrete {address} {bit}")


def by_name(driver: ModbusDriver, answers: list[BlockColumns]) -> dict[str, float]:
    """Good values by the profile's point names."""
    found: dict[str, float] = {}
    for block, columns in zip(driver.blocks, answers, strict=True):
        assert set(columns.quality.tolist()) == {Quality.GOOD}
        for point, value in zip(block.points, columns.value.tolist(), strict=True):
            found[point.name.rpartition("/")[2]] = value
    return found


async def test_the_converter_reads_as_its_panel_shows() -> None:
    async with libmodbus() as peer:
        await fill(peer)
        driver = tcp_driver(peer.port, [bof()], TIMEOUT_NS)
        await driver.connect()
        answers = [await driver.read(block) for block in driver.blocks]
        assert by_name(driver, answers) == {
            "lance_in_flow": 412.5,
            "lance_out_flow": 405.25,
            "lance_out_t_a": 38.5,
            "lance_out_t_b": 39.25,
            "lance_out_t_c": 40.75,
            "lance_position": 12500.0,
            "life_counter": 40000.0,
            "leak_setpoint": 15.0,
            "lance_pressure": 1.25,
            "o2_valve_shut": 1.0,
            "lance_at_upper": 1.0,
            "tilt_inhibited": 0.0,
            "o2_blowing": 1.0,
            "ilk_tripped": 0.0,
            "ilk_bypassed": 0.0,
        }
        await driver.close()


async def test_all_four_tables_and_long_blocks() -> None:
    points = [
        *(register(f"plc/h{at}", at) for at in range(120)),
        register("plc/i", 500, RegisterType.INT32, table=Table.INPUT),
        *(
            register(f"plc/c{at}", at, RegisterType.BOOL, table=Table.COIL)
            for at in range(3, 900, 7)
        ),
        register("plc/d", 999, RegisterType.BOOL, table=Table.DISCRETE),
    ]
    async with libmodbus() as peer:
        for at in range(120):
            await peer.tell(f"holding {at} {at * 500}")
        await peer.tell("input 500 65534")
        await peer.tell("input 501 7616")
        await peer.tell("coil 10 1")
        await peer.tell("discrete 999 1")
        settings = modbus_settings(points)
        driver = tcp_driver(peer.port, [settings], TIMEOUT_NS)
        await driver.connect()
        values = by_name(driver, [await driver.read(block) for block in driver.blocks])
        assert [values[f"h{at}"] for at in range(120)] == [at * 500.0 for at in range(120)]
        assert (values["i"], values["d"]) == (-123456.0, 1.0)
        assert [name for name in values if name.startswith("c") and values[name]] == ["c10"]
        await driver.close()


async def test_an_address_beyond_the_map_is_the_devices_exception_2() -> None:
    async with libmodbus() as peer:
        settings = modbus_settings(
            [register("plc/a", 0), register("plc/b", 998, RegisterType.INT64)]
        )
        driver = tcp_driver(peer.port, [settings], TIMEOUT_NS)
        await driver.connect()
        good, bad = [await driver.read(block) for block in driver.blocks]
        assert good.quality.tolist() == [Quality.GOOD]
        assert (bad.reason[0], bad.detail[0], bad.no_value[0]) == (Reason.DEVICE_ERROR, 2, True)
        assert driver.connected
        await driver.close()


async def test_a_plc_that_hangs_is_a_time_out_and_its_late_answer_is_lost() -> None:
    async with libmodbus() as peer:
        await peer.tell("holding 0 7")
        settings = modbus_settings([register("plc/a", 0)])
        driver = tcp_driver(peer.port, [settings], 200_000_000)
        await driver.connect()
        peer.process.send_signal(signal.SIGSTOP)
        columns = await driver.read(driver.blocks[0])
        assert columns.outcome is Outcome.TIMED_OUT
        assert (columns.reason[0], columns.detail[0]) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
        peer.process.send_signal(signal.SIGCONT)
        await peer.tell("holding 0 8")
        assert (await driver.read(driver.blocks[0])).value.tolist() == [8.0]
        await driver.close()


async def test_a_plc_that_is_cut_and_comes_back() -> None:
    async with libmodbus() as peer:
        await peer.tell("holding 0 7")
        settings = modbus_settings([register("plc/a", 0)])
        driver = tcp_driver(peer.port, [settings], TIMEOUT_NS)
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value.tolist() == [7.0]
        await peer.tell("cut")
        await asyncio.sleep(0.1)
        assert not driver.connected
        with pytest.raises(LinkFailed):
            await driver.read(driver.blocks[0])
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value.tolist() == [7.0]
        await peer.kill()
        with pytest.raises(LinkFailed):
            await driver.read(driver.blocks[0])
        with pytest.raises(LinkFailed):
            await driver.connect()


async def test_the_driver_passes_the_contract() -> None:
    async with libmodbus() as peer:
        driver = tcp_driver(peer.port, [bof()], TIMEOUT_NS)
        await check_life_cycle(driver)
