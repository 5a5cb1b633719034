"""A controller with one slot: held by another, freed, two declared ports, fixed local ports."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.failure import LinkFailed, failure_of
from devices.modbus.driver import ModbusDriver
from devices.modbus.entry import TcpEntry
from devices.modbus.frame import Framing
from devices.modbus.line_settings import ModbusLine, TcpEndpoint
from devices.modbus.slot import Record
from proto.quality import Detail, Reason
from tests.integration.devices.clock import RealClock
from tests.integration.devices.liar import honest
from tests.unit.devices.builders import modbus_settings, register


class Memory:
    """Keeps the record of a slot in this test."""

    def __init__(self, record: Record | None = None) -> None:
        self.record = record or Record()

    def load(self) -> Record:
        return self.record

    def save(self, record: Record) -> None:
        self.record = record


class OneSlot:
    """Serves one connection; others are closed at once while it is held."""

    def __init__(self) -> None:
        self.is_held = False
        self.peers: list[int] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peername")[1])
        try:
            while not self.is_held:
                request = await reader.readexactly(12)
                if self.is_held:
                    break
                writer.write(honest(request))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def one_slot() -> AsyncIterator[OneSlot]:
    device = OneSlot()
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    device.port = server.sockets[0].getsockname()[1]
    try:
        yield device
    finally:
        server.close()
        await asyncio.sleep(0.05)  # its connections end as well


def driver_of(
    ports: tuple[int, ...], local_ports: tuple[int, ...] = (), memory: Memory | None = None
) -> ModbusDriver:
    endpoint = TcpEndpoint("127.0.0.1", ports, local_ports)
    line = ModbusLine("plc_line", endpoint, Framing.MBAP, 200_000_000)
    clock = RealClock()
    entry = TcpEntry(endpoint, clock, memory)
    return ModbusDriver(line, [modbus_settings([register("plc/a", 0)])], clock, entry=entry)


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


async def tried(driver: ModbusDriver) -> tuple[Reason, int] | None:
    """Connect and read once; return why not."""
    try:
        await driver.connect()
        await asyncio.sleep(0.05)
        await driver.read(driver.blocks[0])
    except LinkFailed as error:
        return failure_of(error)
    return None


async def test_a_held_slot_is_told_apart_from_a_device_that_is_down() -> None:
    async with one_slot() as device:
        driver = driver_of((device.port,))
        assert await tried(driver) is None
        await driver.close()
        device.is_held = True
        for _ in range(3):
            assert await tried(driver) is not None
        assert [n.code for n in driver.notes()] == ["device.slot_held"]
        device.is_held = False
        assert await tried(driver) is None
        assert [n.code for n in driver.notes()] == ["device.slot_freed"]
        await driver.close()


async def test_refused_three_times_where_it_answered_before_is_a_held_slot() -> None:
    async with one_slot() as device:
        port = device.port
        driver = driver_of((port,))
        assert await tried(driver) is None
        await driver.close()
    found = [await tried(driver) for _ in range(3)]
    assert found[-1] == (Reason.COMM_LOSS, Detail.SLOT_HELD)


async def test_an_address_that_never_answered_is_not_called_held() -> None:
    _, port = free_ports()
    driver = driver_of((port,))
    found = [await tried(driver) for _ in range(4)]
    assert found == [(Reason.COMM_LOSS, Detail.LINK_DOWN)] * 4
    assert driver.notes() == []


async def test_the_second_instance_of_the_block_is_tried_in_turn() -> None:
    _, dead = free_ports()
    async with one_slot() as device:
        driver = driver_of((dead, device.port))
        assert await tried(driver) is not None
        assert await tried(driver) is None
        await driver.close()


async def test_local_ports_change_after_a_clean_end_and_stay_after_a_power_cut() -> None:
    local = free_ports()
    async with one_slot() as device:
        memory = Memory()
        driver = driver_of((device.port,), local, memory)
        assert await tried(driver) is None
        assert memory.record == Record(local[0], is_clean=False, answered=(device.port,))
        await driver.close()
        assert memory.record.is_clean
        assert await tried(driver) is None
        await driver.close()
        assert device.peers == list(local)
        cut = Memory(Record(local[0], is_clean=False, answered=(device.port,)))
        entry = TcpEntry(TcpEndpoint("127.0.0.1", (device.port,), local), RealClock(), cut)
        assert entry.next_local_port == local[0]


async def test_accepted_and_silent_is_held_as_well() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        port = deaf.getsockname()[1]
        driver = driver_of((port,), (), Memory(Record(answered=(port,))))
        for _ in range(3):
            await driver.connect()
            for _ in range(2):
                await driver.read(driver.blocks[0])
            with pytest.raises(LinkFailed):
                await driver.read(driver.blocks[0])
        assert [note.code for note in driver.notes()] == ["device.slot_held"]
        await driver.close()
