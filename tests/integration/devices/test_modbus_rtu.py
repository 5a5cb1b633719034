"""Our driver on a serial port (a pty), against libmodbus and a device that lies."""

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from devices.driver import DeviceSettings, Outcome
from devices.failure import LinkFailed
from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.line_settings import ModbusLine, SerialEndpoint
from proto.quality import Detail, Reason
from tests.harness.bus import bus as two_ends
from tests.harness.coded import code
from tests.harness.frames import crc
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import rtu_slave
from tests.unit.devices.builders import modbus_settings, register


def device(unit: int, options: str = "") -> DeviceSettings:
    points = [register(f"u{unit}/r{at}", at) for at in range(8)]
    made = modbus_settings(points, unit_id=unit, options=options)
    return DeviceSettings(f"u{unit}", unit, made.profile, made.points, made.poll_ns)


def driver_of(path: str, *devices: DeviceSettings, parity: str = "N") -> ModbusDriver:
    line = ModbusLine(
        "bus", SerialEndpoint(path, 115_200, parity=parity), Framing.RTU, 100_000_000, 100_000_000
    )
    return ModbusDriver(line, devices, RealClock())


Answer = Callable[[bytes], bytes]


def honest(request: bytes) -> bytes:
    """Registers hold 1000 times the unit, plus their address; the echo is given back."""
    if request[1] == 8:
        return request
    start, n = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    data = b"".join((1000 * request[0] + start + i).to_bytes(2, "big") for i in range(n))
    body = request[:2] + bytes([2 * n]) + data
    return body + crc(body)


@asynccontextmanager
async def bus(answer: Answer) -> AsyncIterator[str]:
    """A pty whose other end gives each request to `answer`."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    loop = asyncio.get_running_loop()
    pending = bytearray()

    def heard() -> None:
        pending.extend(os.read(ours, 256))
        while len(pending) >= 8:
            request = bytes(pending[:8])
            del pending[:8]
            os.write(ours, answer(request))

    loop.add_reader(ours, heard)
    try:
        yield os.ttyname(theirs)
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_libmodbus_has_no_echo_and_is_read_all_the_same() -> None:
    """It refuses function 8 so late that it counts as silent: twice, then fences, remembered."""
    async with two_ends(2) as ends, rtu_slave(ends.paths[1], 115_200, 1):
        driver = driver_of(ends.paths[0], device(1))
        await driver.connect()
        columns = [await driver.read(driver.blocks[0]) for _ in range(20)]
        outcomes = [each.outcome for each in columns]
        first = outcomes.index(Outcome.ANSWERED)
        assert first <= 4  # two echoes, and what it swallows of the fences behind them
        assert outcomes == [Outcome.NOT_SYNCED] * first + [Outcome.ANSWERED] * (20 - first)
        assert driver.learnt()["u1"].no_echo
        assert columns[-1].raw[::2].tolist() == [code(3, 1, at) for at in range(0, 8, 2)]
        await driver.close()


async def test_a_port_that_does_not_take_the_mode_is_unreachable() -> None:
    async with bus(honest) as path:
        driver = driver_of(path, device(1), parity="X")
        with pytest.raises(LinkFailed, match="8X1"):
            await driver.connect()


async def test_one_dead_unit_costs_its_own_points_only() -> None:
    async with bus(lambda r: honest(r) if r[0] != 2 else b"") as path:
        driver = driver_of(path, device(1), device(2))
        await driver.connect()
        alive, dead = driver.blocks
        for _ in range(3):
            assert (await driver.read(alive)).value[0] == 1000.0
            silent = await driver.read(dead)
            assert silent.outcome.is_failure
            assert driver.connected
        assert not await driver.probe("u2")
        assert await driver.probe("u1")
        await driver.close()


async def test_an_undeclared_local_echo_is_never_taken_for_an_answer() -> None:
    async with bus(lambda r: r + honest(r)) as path:
        driver = driver_of(path, device(1))
        await driver.connect()
        columns = await driver.read(driver.blocks[0])
        assert (columns.outcome.is_failure, columns.reason[0]) == (True, Reason.PROTOCOL)
        await driver.close()
        driver = driver_of(path, device(1, "quirks = { local_echo = true }"))
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value[0] == 1000.0
        await driver.close()


async def test_a_unit_without_echo_is_proved_by_a_fence_probe() -> None:
    def no_echo(request: bytes) -> bytes:
        if request[1] != 8:
            return honest(request)
        body = bytes((request[0], 0x88, 1))
        return body + crc(body)

    async with bus(no_echo) as path:
        driver = driver_of(path, device(1))
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value[0] == 1000.0
        assert driver.learnt()["u1"].no_echo
        await driver.close()


async def test_a_canary_that_is_wrong_takes_the_whole_unit_with_it() -> None:
    moved = False

    def shifted(request: bytes) -> bytes:
        if request[1] == 8 or not moved:
            return honest(request)
        start = int.from_bytes(request[2:4], "big") + 2
        lie = honest(request[:2] + start.to_bytes(2, "big") + request[4:])
        return lie

    async with bus(shifted) as path:
        options = 'canary = { table = "holding", address = 3, equals = 1003 }'
        driver = driver_of(path, device(1, options))
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value[0] == 1000.0
        moved = True
        columns = await driver.read(driver.blocks[0])
        assert (columns.reason[0], columns.detail[0]) == (Reason.PROTOCOL, Detail.CANARY)
        assert columns.no_value.all()
        moved = False
        assert (await driver.read(driver.blocks[0])).value[0] == 1000.0
        codes = [n.code for n in driver.notes() if "canary" in n.code]
        assert codes == ["device.canary_failed", "device.canary_right"]
        await driver.close()


async def test_the_port_is_opened_exclusively() -> None:
    async with bus(honest) as path:
        first, second = driver_of(path, device(1)), driver_of(path, device(1))
        await first.connect()
        with pytest.raises(LinkFailed):
            await second.connect()
        await first.close()
        await second.connect()
        await second.close()
