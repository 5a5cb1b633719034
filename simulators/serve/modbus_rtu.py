"""The Modbus server in RTU framing: as a serial server, or on a pty.  Shell: sockets, a pty.

It answers any unit id.  A frame whose checksum is wrong, or whose function it does not know the
length of, is dropped with all that came with it, as a device does that waits for silence.
"""

import asyncio
import os
import tty

from simulators.serve.modbus_pdu import answer
from simulators.serve.modbus_tcp import DRAIN_S, IDLE_S, ModbusTcpServer

_BODY = {1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 8: 4, 43: 3}
"""Bytes between function and checksum; 15 and 16 say it themselves."""
_COUNTED = (15, 16)


def crc16(data: bytes) -> bytes:
    """Return the checksum as it stands on the wire, low byte first (Serial Line V1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Return one request from unit to checksum; None for what is none.

    Raises:
        asyncio.IncompleteReadError: the client went away.
    """
    head = await reader.readexactly(2)
    length = _BODY.get(head[1])
    if head[1] in _COUNTED:
        head += await reader.readexactly(5)
        length = head[6]
    if length is None:
        await reader.read(256)
        return None
    frame = head + await reader.readexactly(length + 2)
    if crc16(frame[:-2]) != frame[-2:]:
        return None
    return frame


class ModbusRtuServer(ModbusTcpServer):
    """RTU frames in a TCP stream, as a transparent serial server hands them on."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_S):
                frame = await read_frame(reader)
            if frame is None:
                continue
            reply = answer(frame[1:-2], self._registers, self._identity, self._habits)
            self._writes += reply.is_write
            await self._wait_as_a_controller_does()
            alias = self._habits.unit_alias
            body = bytes((frame[0] if alias is None else alias,)) + reply.pdu
            writer.write(body + crc16(body))
            async with asyncio.timeout(DRAIN_S):
                await writer.drain()


class ModbusPtyServer(ModbusRtuServer):
    """The same on a pseudo-terminal; `path` is what a gateway opens as its serial device."""

    path = ""

    async def open(self) -> None:
        """Make the terminal and answer on it."""
        if self.path:
            return
        ours, theirs = os.openpty()
        tty.setraw(ours)
        tty.setraw(theirs)
        self.path, self._theirs = os.ttyname(theirs), theirs
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(ours), "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(ours, "wb", 0)
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        self._pipes = (reading, transport)
        task = asyncio.create_task(self._answer_for_ever(reader, writer))
        self._tasks.add(task)

    async def _answer_for_ever(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            try:
                await self._serve(reader, writer)
            except TimeoutError:
                continue  # nobody asks just now; a line is never hung up
            except (asyncio.IncompleteReadError, OSError):
                return

    async def close(self) -> None:
        """End the task and give the terminal back."""
        await super().close()
        if self.path:
            for pipe in self._pipes:
                pipe.close()
            await asyncio.sleep(0)  # the loop closes the descriptors in its next turn
            os.close(self._theirs)
            self.path = ""
