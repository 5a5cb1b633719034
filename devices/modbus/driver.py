"""Modbus TCP reads over pymodbus 3.16, with every answer checked on its raw bytes.  Shell: sockets.

The only importer of pymodbus.  What we lean on, and why it is done so:

* Requests are built here and run with `execute(False, request)`; the question is then read back
  from the bytes that leave (`trace_packet`), so that it is what the device saw.
* `trace_packet` sees every byte that comes.  The guard judges them; the library is given a frame
  only when it passed, and nothing otherwise.  Response classes are ours: `decode` never raises,
  because an exception there surfaces inside `data_received` and drops the link.
* `retries=0`, `reconnect_delay=0`: the owner of the line retries and reconnects.
* `trace_connect(False)` fails the pending request at once instead of at its deadline.
* After a time-out or a rejected answer the connection is closed: a late answer then has no way in.
"""

import asyncio
import logging
from collections.abc import Sequence

import numpy as np
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
)

from devices.driver import Block, BlockColumns, Change, DeviceSettings, bad_columns
from devices.failure import AnswerRejected, LinkFailed
from devices.modbus import guard
from devices.modbus.outcome import exception_reason, rejection
from devices.modbus.plan import ModbusRead, plan_blocks
from devices.registers import Layout, gather
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Detail, Reason

logging.getLogger("pymodbus").addHandler(logging.NullHandler())
logging.getLogger("pymodbus").propagate = False  # it logs each failure; ours is one event a change

_REQUESTS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_BUFFER_BYTES = 1 << 20
"""pymodbus drops unseen what exceeds its buffer.  asyncio hands over at most 256 KiB at once, so
that all that comes reaches the guard, which rejects anything longer than one frame."""
_NEVER = 1 << 30


class _Answer(ModbusPDU):
    """An answer that the guard has judged; pymodbus only carries it."""

    def decode(self, data: bytes) -> None:
        """Take nothing: the guard has the bytes, and raising here would drop the link."""

    def __str__(self) -> str:
        """Constant: the library formats every answer for its log."""
        return "answer"


_ANSWERS = tuple(type(f"_Answer{fc}", (_Answer,), {"function_code": fc}) for fc in _REQUESTS)


class ModbusTcpDriver:
    """One Modbus TCP connection; one request in flight, never a second.

    Attributes:
        answers_dropped: whole frames of older questions that were thrown away.
    """

    def __init__(
        self,
        address: tuple[str, int],
        devices: Sequence[DeviceSettings],
        timeout_ns: int,
        clock: Clock,
    ) -> None:
        self.answers_dropped = 0
        self._address = address
        self._timeout_s = timeout_ns / 1e9
        self._clock = clock
        self._blocks = tuple(block for device in devices for block in plan_blocks(device))
        self._place = f"{address[0]}:{address[1]}"
        self._client: AsyncModbusTcpClient | None = None
        self._question: guard.Asked | None = None
        self._verdict: guard.Verdict = guard.Incomplete()
        self._transaction = 0
        self._unasked = False
        self._sent_ns = self._received_ns = 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked, in the order of the devices, fastest class first."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the connection stands, as far as the kernel has told."""
        return self._client is not None and bool(self._client.connected)

    async def connect(self) -> None:
        """Open a new connection with a new client.

        Raises:
            DeviceUnreachable: nobody accepts within the time-out.
        """
        await self.close()
        client = AsyncModbusTcpClient(
            self._address[0],
            port=self._address[1],
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._on_packet,
            trace_connect=self._on_connect,
        )
        client.set_max_no_responses(_NEVER)
        client.ctx.max_buffer_size = _BUFFER_BYTES
        for answer in _ANSWERS:
            client.register(answer)
        self._client, self._transaction, self._unasked = client, 0, False
        if not await client.connect():
            await self.close()
            raise LinkFailed(f"no connection within {self._timeout_s:g} s", place=self._place)

    async def read(self, block: Block) -> BlockColumns:
        """Read one block; a device's exception answer is BAD for this block alone.

        Raises:
            DeviceUnreachable: not connected, link lost, or no answer in time; now closed.
            DeviceMisbehaved: the answer failed a check; now closed.
        """
        request = block.request
        assert isinstance(request, ModbusRead)
        if self._client is None or not self.connected:
            await self.close()
            raise LinkFailed("not connected", place=self._place)
        if request.layout is None:
            now = self._clock.mono_ns()
            return bad_columns(len(block.points), Reason.DEVICE_ERROR, Detail.NONE, now)
        verdict = await self._ask(self._client, request)
        if isinstance(verdict, guard.Refused):
            reason, n = exception_reason(verdict.exception), len(block.points)
            return bad_columns(
                n, reason, verdict.exception, self._received_ns, sent_mono_ns=self._sent_ns
            )
        return self._columns(verdict.data, request.layout)

    def changes(self) -> list[Change]:
        """Return nothing: Modbus devices do not report."""
        return []

    async def close(self) -> None:
        """Close the connection; never waits for the peer."""
        client, self._client = self._client, None
        self._question = None
        if client is not None:
            client.close()

    async def _ask(
        self, client: AsyncModbusTcpClient, request: ModbusRead
    ) -> guard.Accepted | guard.Refused:
        """Send one request and wait for the answer that passes, or close and raise.

        Also closed when the caller is cancelled: the answer that is still on its way must not meet
        the next question.
        """
        if self._unasked:
            await self.close()
            detail = Detail.WRONG_TRANSACTION
            raise AnswerRejected("bytes that nobody asked for", place=self._place, detail=detail)
        pdu = _REQUESTS[request.function](
            address=request.start, count=request.quantity, dev_id=request.unit
        )
        self._verdict = guard.Incomplete()
        is_answered = False
        try:
            async with asyncio.timeout(self._timeout_s):
                await client.execute(False, pdu)
            is_answered = True
        except (TimeoutError, ModbusException, OSError) as error:
            raise self._failure(error) from None
        finally:
            question, self._question = self._question, None
            if not is_answered:
                await self.close()
        assert question is not None
        assert isinstance(self._verdict, guard.Accepted | guard.Refused)
        return self._verdict

    def _failure(self, error: Exception) -> DeviceError:
        """Say what went wrong with the request that is pending or was rejected."""
        if isinstance(self._verdict, guard.Rejected) and self._question is not None:
            return rejection(self._question, self._verdict, place=self._place)
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            return LinkFailed("connection lost", place=self._place)
        message = f"no answer within {self._timeout_s:g} s"
        return LinkFailed(message, place=self._place, detail=Detail.TIMED_OUT)

    def _columns(self, data: bytes, layout: Layout) -> BlockColumns:
        decoded = gather(data, layout)
        n = len(decoded.raw)
        return BlockColumns(
            raw=decoded.raw,
            value=decoded.value,
            quality=decoded.quality,
            reason=decoded.reason,
            no_value=np.zeros(n, np.bool_),
            detail=np.zeros(n, np.uint32),
            source_us=np.zeros(n, np.int64),
            sent_mono_ns=self._sent_ns,
            receive_mono_ns=self._received_ns,
        )

    def _on_packet(self, is_sending: bool, data: bytes) -> bytes:
        """Note what leaves; judge what comes, and hand on only a frame that passed."""
        if is_sending:
            self._sent_ns = self._clock.mono_ns()
            self._question = guard.asked(data)
            self._transaction = self._question.transaction
            return data
        if self._question is None or not isinstance(self._verdict, guard.Incomplete):
            return self._on_unasked(data)
        before = self._verdict.dropped
        self._verdict = verdict = guard.judge(self._question, data)
        self.answers_dropped += verdict.dropped - before
        match verdict:
            case guard.Incomplete():
                return b""
            case guard.Rejected():
                self._fail(ConnectionAbortedError("answer rejected"))
                return b""
            case guard.Accepted():
                self._received_ns = self._clock.mono_ns()
                return data[-9 - len(verdict.data) :]
            case guard.Refused():
                self._received_ns = self._clock.mono_ns()
                return data[-guard.EXCEPTION :]

    def _on_unasked(self, data: bytes) -> bytes:
        if guard.is_older_frames(self._transaction, data):
            self.answers_dropped += 1
        else:
            self._unasked = True
        return b""

    def _on_connect(self, is_connected: bool) -> None:
        if not is_connected:
            self._fail(ConnectionResetError("link lost"))

    def _fail(self, error: OSError) -> None:
        """End the wait for the pending answer now."""
        client = self._client
        if client is not None and self._question is not None:
            pending = client.ctx.response_future
            if not pending.done():
                pending.set_exception(error)
