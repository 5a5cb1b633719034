"""Writes the outputs of the allow-list, before every read, and reads them back.  Shell: a line.

Without a `Permit` there is no writer, and in advisory mode there is no permit.  It shares the
connection and the guard of the line's reader, which has no write call of its own; what is asked
comes from the `OutputMap` alone.  One write: it goes out at once, or after the p99 of a read in
flight (G7); its echo must repeat it; then one coil or register is read back between two reads.
Nothing is repeated here: the engine's ladder decides on that.
Source: `acquisition.md` 3.8 (G7), 3.12; `interlocks.md` 3.12.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Accepted, Refused, Request
from devices.modbus.guard_model import Answer, Failed, Result, WriteDue
from devices.modbus.outputs import Output, OutputMap, Permit
from proto.clock import Clock
from proto.errors import DeviceError

Work = Callable[[], Awaitable[None]]
READ_BACK_S = 2.0
"""How long a read-back may wait for its turn on the line, and for its answer."""
_PAIRS_MIN = 16


class Written(StrEnum):
    """What became of one write."""

    DONE = "done"
    """Echo right, read back equal."""
    REFUSED = "refused"
    """An exception of the device."""
    NO_ECHO = "no_echo"
    """Silence, or something else than its echo; the level may or may not have arrived."""
    DIFFERS = "differs"
    """Echo right, read back otherwise."""
    NOT_READ_BACK = "not_read_back"
    """Echo right; nothing could be read."""
    LINK_LOST = "link_lost"
    """No connection."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """One write, for the engine.

    Attributes:
        id: of the output.
        is_healthy: the level.
        outcome: see `Written`.
        asked_ns: when the level was handed over (monotonic).
        echoed_ns: when its echo was here; 0 = never.
        read_back_ns: when the read-back was here; 0 = never.
        read_back: what was read; None = nothing.
        exception: of the device; 0 = none.
    """

    id: str
    is_healthy: bool
    outcome: Written
    asked_ns: int
    echoed_ns: int = 0
    read_back_ns: int = 0
    read_back: int | None = None
    exception: int = 0


class OutputWriter:
    """Writes the outputs of one line."""

    def __init__(
        self,
        outputs: OutputMap,
        permit: Permit,
        driver: ModbusDriver,
        between_reads: Callable[[Work], bool],
        clock: Clock,
    ) -> None:
        """Take the reader of the line.

        Args:
            outputs: all that will ever be written.
            permit: leave to write.
            driver: of the line.
            between_reads: gives work to the owner of the line, before its next read; False when
                it has too much already.
            clock: for the times of results.
        """
        assert permit.mode == "actuating", "a permit permits"
        self._outputs, self._driver, self._clock = outputs, driver, clock
        self._between_reads = between_reads
        self._turn = asyncio.Lock()

    async def write(self, ident: str, *, is_healthy: bool) -> WriteResult:
        """Bring one output to a level.

        Raises:
            OutputRefused: it is not on the list.
        """
        output = self._outputs.output(ident)
        result = WriteResult(ident, is_healthy, Written.LINK_LOST, self._clock.mono_ns())
        async with self._turn:
            try:
                found = await self._sent(output, output.write(is_healthy=is_healthy))
            except DeviceError:
                return result
        if not isinstance(found, Answer):
            is_lost = isinstance(found, Failed) and found.is_link_lost
            return result if is_lost else replace(result, outcome=Written.NO_ECHO)
        now_ns = self._clock.mono_ns()
        if isinstance(found.verdict, Refused):
            exception = found.verdict.exception
            return replace(result, outcome=Written.REFUSED, exception=exception)
        result = replace(result, outcome=Written.NOT_READ_BACK, echoed_ns=now_ns)
        return await self._read_back(output, result)

    async def _sent(self, output: Output, request: Request) -> Result:
        exchange = self._driver._exchange  # noqa: SLF001 - see the head: the reader has no write
        timeout_ns = self._driver.line.timeout_ns
        return await exchange.write(WriteDue(request, timeout_ns, self._p99_ns(output.device)))

    def _p99_ns(self, device: str) -> int:
        """Return how long an answer of this device takes; the time-out until that is known."""
        times = [ns for pairs in self._driver.timings(device).values() for _, ns in pairs]
        timeout_ns = self._driver.line.timeout_ns
        return min(max(times), timeout_ns) if len(times) >= _PAIRS_MIN else timeout_ns

    async def _read_back(self, output: Output, result: WriteResult) -> WriteResult:
        """Read the output in the owner's turn, after the unit has proved itself."""
        answered: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            room = self._driver._rooms[output.device]  # noqa: SLF001 - as above
            found = await self._driver._asked(room, output.read_back())  # noqa: SLF001 - as above
            if not answered.done():
                answered.set_result(found)

        if not self._between_reads(work):
            return result
        try:
            async with asyncio.timeout(READ_BACK_S):
                found = await answered
        except TimeoutError:
            return result
        if not isinstance(found, Answer) or not isinstance(found.verdict, Accepted):
            return result
        data = found.verdict.data
        value = data[0] & 1 if output.kind == "coil" else int.from_bytes(data, "big")
        wanted = output.number(is_healthy=result.is_healthy)
        return replace(
            result,
            outcome=Written.DONE if value == wanted else Written.DIFFERS,
            read_back_ns=self._clock.mono_ns(),
            read_back=value,
        )
