"""Devices that dial in: registration, heartbeats, the newest wins; raw sockets play the DTU."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.driver import Note, Outcome
from devices.failure import LinkFailed
from devices.modbus.dial_in import Hall
from devices.modbus.dial_in_frames import Registration
from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.line_settings import DialInEndpoint, ModbusLine
from tests.harness.frames import crc
from tests.integration.devices.clock import RealClock
from tests.unit.devices.builders import modbus_settings, register

BEAT = b"\xfeHB\xfe"


class Dtu:
    """A 4G modem with a device of one unit behind it: registers hold 1000 + their address."""

    def __init__(self, port: int, packet: bytes, *, each: bytes = b"", beat_s: float = 0.0) -> None:
        self.port, self.packet, self.each, self.beat_s = port, packet, each, beat_s
        self.value = 1000
        self.answered = 0
        self.is_silent = False

    async def run(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        beats = asyncio.create_task(self._beat(writer)) if self.beat_s else None
        try:
            writer.write(self.packet)
            while True:
                request = await reader.readexactly(8)
                if self.is_silent:
                    continue
                writer.write(self.each + self._answer(request))
                self.answered += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            if beats is not None:
                beats.cancel()
            writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(self.beat_s)
                writer.write(BEAT)

    def _answer(self, request: bytes) -> bytes:
        if request[1] == 8:
            return request
        start, n = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        data = b"".join((self.value + start + i).to_bytes(2, "big") for i in range(n))
        body = request[:2] + bytes([2 * n]) + data
        return body + crc(body)


def free_port() -> int:
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        port: int = end.getsockname()[1]
        return port


@asynccontextmanager
async def hall(
    *registrations: Registration, heartbeat_ns: int = 0
) -> AsyncIterator[tuple[int, list[ModbusDriver]]]:
    """One listening address, a line for each registration."""
    made, port, clock = Hall(RealClock()), free_port(), RealClock()
    drivers = []
    for at, registration in enumerate(registrations):
        beat = BEAT if heartbeat_ns else b""
        endpoint = DialInEndpoint("127.0.0.1", port, registration, beat, heartbeat_ns)
        line = ModbusLine(f"dtu{at}", endpoint, Framing.RTU, 200_000_000, 50_000_000)
        device = modbus_settings([register(f"plc/r{i}", i) for i in range(4)])
        entry = made.entry(endpoint, Framing.RTU)
        drivers.append(ModbusDriver(line, [device], clock, entry=entry))
    with contextlib.suppress(LinkFailed):
        await drivers[0].connect()  # listens from here on
    try:
        yield port, drivers
    finally:
        for driver in drivers:
            await driver.close()
        made.close()


@asynccontextmanager
async def dialled(*dtus: Dtu) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(dtu.run()) for dtu in dtus]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connected(driver: ModbusDriver) -> None:
    async with asyncio.timeout(5):
        while not driver.connected:
            with contextlib.suppress(LinkFailed):
                await driver.connect()


LITERAL = Registration("literal", b"DTU-0001")
KINDS = {
    "literal": (LITERAL, b"DTU-0001"),
    "prefix": (Registration("prefix", b"SN="), b"SN=4711;V2"),
    "imei": (Registration("imei", b"861234567890123"), b"IMEI:861234567890123\r\n"),
    "iccid": (Registration("iccid", b"89860012345678901234"), b"89860012345678901234"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_device_that_registers_is_read(kind: str) -> None:
    registration, packet = KINDS[kind]
    async with hall(registration) as (port, [driver]), dialled(Dtu(port, packet)):
        await connected(driver)
        columns = await driver.read(driver.blocks[0])
        assert columns.value.tolist() == [1000.0, 1001.0, 1002.0, 1003.0]


async def test_two_lines_share_an_address_and_each_device_finds_its_own() -> None:
    other = Registration("literal", b"DTU-0002")
    async with hall(LITERAL, other) as (port, drivers):
        first, second = Dtu(port, b"DTU-0001"), Dtu(port, b"DTU-0002")
        second.value = 2000
        async with dialled(second, first):
            for driver in drivers:
                await connected(driver)
            values = [(await d.read(d.blocks[0])).value[0] for d in drivers]
            assert values == [1000.0, 2000.0]


async def test_heartbeats_are_stripped_and_no_read_is_lost() -> None:
    async with (
        hall(LITERAL, heartbeat_ns=10**9) as (port, [driver]),
        dialled(Dtu(port, b"DTU-0001", beat_s=0.002)),
    ):
        await connected(driver)
        outcomes = [(await driver.read(driver.blocks[0])).outcome for _ in range(100)]
        assert outcomes == [Outcome.ANSWERED] * 100


async def test_a_registration_before_each_packet_is_stripped() -> None:
    each = Registration("literal", b"DTU-0001", on_each=True)
    async with hall(each) as (port, [driver]), dialled(Dtu(port, b"DTU-0001", each=b"DTU-0001")):
        await connected(driver)
        assert (await driver.read(driver.blocks[0])).value[0] == 1000.0


async def test_the_newest_of_one_id_wins_and_many_changes_are_told() -> None:
    async with hall(LITERAL) as (port, [driver]), dialled(Dtu(port, b"DTU-0001")):
        await connected(driver)
        for value in (2000, 3000, 4000, 5000):
            newer = Dtu(port, b"DTU-0001")
            newer.value = value
            task = asyncio.create_task(newer.run())
            await asyncio.sleep(0.1)
            assert not driver.connected
            await connected(driver)
            assert (await driver.read(driver.blocks[0])).value[0] == value
            task.cancel()
        assert "device.dial_in_disputed" in codes(driver.notes())


async def test_an_unknown_id_is_closed_and_told_once() -> None:
    async with hall(LITERAL) as (port, [driver]):
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"who-am-i")
            async with asyncio.timeout(2):
                assert await reader.read() == b""
            writer.close()
        assert codes(driver.notes()) == ["device.dial_in_unknown"]


async def test_a_device_without_heartbeat_is_a_lost_link() -> None:
    async with (
        hall(LITERAL, heartbeat_ns=200_000_000) as (port, [driver]),
        dialled(Dtu(port, b"DTU-0001")),
    ):
        await connected(driver)
        await asyncio.sleep(0.7)
        assert not driver.connected


async def test_nobody_dialled_in_is_unreachable() -> None:
    async with hall(LITERAL) as (_, [driver]):
        with pytest.raises(LinkFailed):
            await driver.connect()


def codes(notes: list[Note]) -> list[str]:
    return [note.code for note in notes if note.code.startswith("device.dial")]
