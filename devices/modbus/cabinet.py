"""The gateway's own I/O module on its private line: outputs, inputs.  Shell: a connection.

A class apart from reader and writer: it is built from the cabinet's list and can ask for nothing
else.  One request is pending at a time; every answer is judged on its raw bytes, an output's echo
included.  Whatever fails closes the connection, and the next call opens another after the line was
silent for the time-out: a late answer then has no way in.
Source: `acquisition.md` 3.12.
"""

import asyncio
from collections.abc import Mapping

from devices.failure import AnswerRejected, LinkFailed
from devices.modbus.cabinet_list import CabinetList
from devices.modbus.entry import Entry
from devices.modbus.frame import (
    TRANSACTIONS,
    Accepted,
    Framing,
    Incomplete,
    Refused,
    Rejected,
    Request,
    adu,
    judge,
)
from devices.modbus.transport import Connection
from proto.clock import Clock
from proto.errors import DeviceRefused
from proto.quality import Detail


class CabinetModule:
    """One module; one task calls it, one call at a time."""

    def __init__(
        self,
        allowed: CabinetList,
        entry: Entry,
        framing: Framing,
        timeout_ns: int,
        clock: Clock,
    ) -> None:
        self._list, self._entry, self._framing = allowed, entry, framing
        self._timeout_s, self._clock = timeout_ns / 1e9, clock
        self._connection: Connection | None = None
        self._request: Request | None = None
        self._received = b""
        self._answer: asyncio.Future[Accepted | Refused | Rejected] | None = None
        self._transaction = 0
        self._silent_until_ns = 0

    async def write(self, levels: Mapping[str, bool]) -> None:
        """Bring all outputs to their levels; one that is not named goes off.

        Raises:
            DeviceError: the module is not there, refuses, or answers something else; now closed.
        """
        for request in self._list.writes(levels):
            await self._ask(request)

    async def read(self) -> dict[str, bool]:
        """Return all inputs.

        Raises:
            DeviceError: as `write`.
        """
        request = self._list.read()
        return {} if request is None else self._list.inputs(await self._ask(request))

    def close(self) -> None:
        """Close the connection; never waits, and may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _ask(self, request: Request) -> bytes:
        connection = await self._opened()
        self._transaction = self._transaction % (TRANSACTIONS - 1) + 1
        self._request, self._received = request, b""
        self._answer = asyncio.get_running_loop().create_future()
        self._entry.sent()
        connection.send(adu(request, self._framing, self._transaction))
        try:
            async with asyncio.timeout(self._timeout_s):
                verdict = await self._answer
        except TimeoutError:
            self._fail()
            message = f"no answer to {request.what}"
            raise LinkFailed(message, place="cabinet", detail=Detail.TIMED_OUT) from None
        except asyncio.CancelledError:
            self._fail()
            raise
        finally:
            self._request = self._answer = None
        if isinstance(verdict, Accepted):
            return verdict.data
        if isinstance(verdict, Refused):
            message = f"{request.what}: exception {verdict.exception}"
            raise DeviceRefused("cabinet.refused", message, place="cabinet")
        self._fail()
        message = f"no answer to {request.what}: expected {verdict.expected}, got {verdict.got}"
        raise AnswerRejected(message, place="cabinet", detail=verdict.detail)

    async def _opened(self) -> Connection:
        if self._connection is not None and self._connection.is_open:
            return self._connection
        self.close()
        left_ns = self._silent_until_ns - self._clock.mono_ns()
        if left_ns > 0:
            await asyncio.sleep(left_ns / 1e9)
        self._connection = await self._entry.open(self._on_bytes, self._on_lost, self._timeout_s)
        return self._connection

    def _on_bytes(self, data: bytes) -> None:
        request, answer = self._request, self._answer
        if request is None or answer is None or answer.done():
            return  # nobody asked: judged by what is missing, never by what came
        self._received += data
        verdict = judge(request, self._framing, self._transaction, self._received)
        if not isinstance(verdict, Incomplete):
            answer.set_result(verdict)

    def _on_lost(self) -> None:
        answer = self._answer
        if answer is not None and not answer.done():
            answer.set_exception(LinkFailed("the connection fell", place="cabinet"))

    def _fail(self) -> None:
        self.close()
        self._silent_until_ns = self._clock.mono_ns() + int(self._timeout_s * 1e9)
