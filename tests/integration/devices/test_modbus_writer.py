"""Listed outputs over libmodbus: written, read back, before a slow read; nobody else writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devices.driver import Outcome
from devices.modbus.driver import ModbusDriver
from devices.modbus.outputs import Output, OutputMap, Permit
from devices.modbus.writer import OutputWriter, Work, Written
from tests.integration.devices.clock import RealClock
from tests.integration.devices.lines import tcp_driver
from tests.integration.devices.peers import Peer, libmodbus
from tests.unit.devices.builders import modbus_settings, register

TIMEOUT_NS = 800 * 10**6
OUTPUTS = OutputMap(
    {
        "plc/permit": Output("plc/permit", "plc", 1, "coil", 12),
        "plc/speed": Output("plc/speed", "plc", 1, "register", 30, healthy=100, is_single=False),
        "plc/beyond": Output("plc/beyond", "plc", 1, "coil", 5000),
    }
)
PERMIT = Permit("actuating", "ab" * 32, only_vendor="yujing-sim")


class Line:
    """A driver and its owner's turn: reads one block for ever, urgent work goes before."""

    def __init__(self, driver: ModbusDriver) -> None:
        self.driver = driver
        self.work: list[Work] = []
        self.outcomes: list[Outcome] = []
        self.values: set[float] = set()
        self.writer = OutputWriter(OUTPUTS, PERMIT, driver, self._put, RealClock())

    def _put(self, work: Work) -> bool:
        self.work.append(work)
        return True

    async def run(self) -> None:
        while True:
            while self.work:
                await self.work.pop(0)()
            columns = await self.driver.read(self.driver.blocks[0])
            self.outcomes.append(columns.outcome)
            if columns.outcome is Outcome.ANSWERED:
                self.values |= set(columns.value.tolist())
            await asyncio.sleep(0.01)


@asynccontextmanager
async def line(peer: Peer) -> AsyncIterator[Line]:
    """Run a line against a server whose registers hold their own address."""
    for at in range(8):
        await peer.tell(f"holding {at} {at}")
    device = modbus_settings([register(f"plc/r{at}", at) for at in range(8)])
    driver = tcp_driver(peer.port, [device], TIMEOUT_NS)
    await driver.connect()
    made = Line(driver)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.close()


async def functions(peer: Peer) -> list[int]:
    """Function codes since the last look."""
    return [int(word.partition(":")[0]) for word in (await peer.ask("log")).split()]


async def test_a_level_is_written_echoed_and_read_back() -> None:
    async with libmodbus() as peer, line(peer) as made:
        await asyncio.sleep(0.3)
        for is_healthy in (True, False, True):
            result = await made.writer.write("plc/permit", is_healthy=is_healthy)
            assert result.outcome is Written.DONE
            assert result.read_back == int(is_healthy)
            assert result.asked_ns < result.echoed_ns < result.read_back_ns
        speed = await made.writer.write("plc/speed", is_healthy=True)
        assert (speed.outcome, speed.read_back) == (Written.DONE, 100)
        assert made.values == {float(at) for at in range(8)}


async def test_a_refusal_is_told_with_its_code() -> None:
    async with libmodbus() as peer, line(peer) as made:
        result = await made.writer.write("plc/beyond", is_healthy=True)
        assert (result.outcome, result.exception) == (Written.REFUSED, 2)


async def test_a_write_does_not_wait_for_a_read_that_hangs() -> None:
    async with libmodbus() as peer, line(peer) as made:
        await asyncio.sleep(0.5)  # answers take well under 100 ms: that is learnt
        made.outcomes.clear()
        await peer.tell("slow 400 0")
        await asyncio.sleep(0.05)  # one read is in flight now
        writing = asyncio.create_task(made.writer.write("plc/permit", is_healthy=True))
        await asyncio.sleep(0.2)
        assert Outcome.TIMED_OUT in made.outcomes  # given up long before its own time-out
        await peer.tell("slow 0 0")
        result = await writing
        assert result.outcome is Written.DONE
        assert result.echoed_ns - result.asked_ns < 500 * 10**6
        await asyncio.sleep(0.3)
        assert made.outcomes[-1] is Outcome.ANSWERED
        assert made.values == {
            float(at) for at in range(8)
        }  # the late answer met no other question


async def test_writing_to_a_dead_device_is_no_success() -> None:
    async with libmodbus() as peer, line(peer) as made:
        await asyncio.sleep(0.2)
        await peer.kill()
        await asyncio.sleep(0.2)
        result = await made.writer.write("plc/permit", is_healthy=True)
        assert result.outcome in (Written.LINK_LOST, Written.NO_ECHO)


async def test_the_reader_alone_never_writes() -> None:
    async with libmodbus() as peer, line(peer):
        await asyncio.sleep(0.5)
        assert set(await functions(peer)) <= {1, 2, 3, 4, 8}


def test_the_reader_has_no_write_call() -> None:
    assert [name for name in dir(ModbusDriver) if "write" in name] == []
