"""What lies there before the question is not its answer; a short time-out waits for no long one."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devices.modbus.entry import entry_of
from devices.modbus.exchange import Exchange
from devices.modbus.frame import Accepted, Framing, read_request
from devices.modbus.guard_model import Answer, Due, Failed, Result, Rules, Wait, start
from tests.integration.devices.clock import RealClock
from tests.integration.devices.lines import tcp_line

SECOND = 10**9
RULES = Rules(Framing.MBAP, is_full=False, quiet_ns=50_000_000)
UNIT = 1


def frame(transaction: int, value: int, unit: int = UNIT) -> bytes:
    """Return an answer to a read of one register."""
    return struct.pack(">HHHBBBH", transaction, 0, 5, unit, 3, 2, value)


class Forger:
    """Answers with 1; sends what it is told to in between; says nothing to unit 2."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.peer: socket.socket | None = None
        self.newest = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self.peer, _ = self._listener.accept()
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while len(request := self.peer.recv(12)) == 12:
            self.newest = struct.unpack(">H", request[:2])[0]
            if request[6] == UNIT:
                self.peer.sendall(frame(self.newest, 1))

    def forge(self, value: int) -> None:
        """Send the answer to the request that will come next, and let it arrive."""
        assert self.peer is not None
        self.peer.sendall(frame((self.newest + 1) & 0xFFFF, value))
        time.sleep(0.05)

    def close(self) -> None:
        """End both sockets."""
        for one in (self.peer, self._listener):
            if one is not None:
                one.close()


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Forger, Exchange]]:
    """A forger and an open exchange with it."""
    forger, clock = Forger(), RealClock()
    entry = entry_of(tcp_line(forger.port, SECOND), clock)
    exchange = Exchange(start(0, {}), RULES, clock, lambda _: None)
    try:
        connection = await entry.open(exchange.on_bytes, exchange.on_lost, 1.0)
        exchange.begin(connection, SECOND)
        yield forger, exchange
    finally:
        exchange.close()
        forger.close()


def due(unit: int = UNIT, timeout_ns: int = SECOND) -> Due:
    """One register."""
    return Due(read_request(unit, 3, 0, 1), timeout_ns, unit)


def value_of(found: Answer) -> int:
    """Return the register of an answer."""
    assert isinstance(found.verdict, Accepted)
    return int.from_bytes(found.verdict.data)


async def by_call_back(exchange: Exchange, asked: Due) -> Result:
    """Return what a read that calls back comes to."""
    told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    assert exchange.start(asked, RULES, told.set_result)
    async with asyncio.timeout(10):
        return await told


async def test_an_answer_that_came_before_its_question_is_thrown_away() -> None:
    async with line() as (forger, exchange):
        first = await by_call_back(exchange, due())
        assert isinstance(first, Answer)
        forger.forge(0xDEAD)
        told: list[Result] = []
        assert not exchange.start(due(), RULES, told.append)
        assert isinstance(await exchange.ask(due(), RULES), Wait)  # the line is drained first
        await asyncio.sleep(0.1)
        second = await exchange.ask(due(), RULES)
        assert isinstance(second, Answer)
        assert (value_of(first), value_of(second)) == (1, 1)
        assert told == []


async def test_a_short_time_out_does_not_wait_for_a_long_one_before_it() -> None:
    async with line() as (_, exchange):
        assert isinstance(await by_call_back(exchange, due(UNIT, 8 * SECOND)), Answer)
        begun = time.monotonic()
        found = await by_call_back(exchange, due(2, SECOND // 5))
        assert isinstance(found, Failed)
        assert time.monotonic() - begun < 4.0
