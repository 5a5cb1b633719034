"""The wires of the harness: TCP, TLS, a pty paced or not, a device that dials in.

Shell: sockets and ptys on loopback.
"""

import asyncio
import os
import socket
import ssl
import struct
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.harness.equipment import Equipment


class TcpPort(asyncio.Protocol):
    """One connection to the equipment."""

    def __init__(self, equipment: Equipment, before: bytes = b"") -> None:
        self._equipment = equipment
        self._before = before
        self._buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._before:
            transport.write(self._before)
        self._equipment.connected(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._equipment.receive(self._buffer, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def cut(self, *, reset: bool) -> None:
        if self.transport is None:
            return
        if reset:
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


@asynccontextmanager
async def tcp(
    equipment: Equipment, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[int]:
    """Serve the equipment on a free port of loopback."""
    loop = asyncio.get_running_loop()
    ports: list[TcpPort] = []

    def made() -> TcpPort:
        ports.append(TcpPort(equipment))
        return ports[-1]

    server = await loop.create_server(made, "127.0.0.1", port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in ports:
            if each.transport is not None:
                each.transport.abort()
        await asyncio.sleep(0)


class PtyPort:
    """The far end of a serial line; with a baud rate it takes as long as a wire does."""

    def __init__(self, equipment: Equipment, baud: int | None, bits: int) -> None:
        self._equipment = equipment
        self._loop = asyncio.get_running_loop()
        self._char_s = bits / baud if baud else 0.0
        self._buffer = bytearray()
        self._out_s = 0.0
        self.bytes_in = 0
        self.master, self._slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)
        equipment.connected(self)
        self._loop.add_reader(self.master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self.master, 4096)
        except (BlockingIOError, OSError):
            return
        self.bytes_in += len(data)
        if not self._char_s:
            self._take(data)
            return
        # the kernel hands over at once what a wire would bring byte by byte, then the silence
        silence = max(3.5 * self._char_s, 0.00175)
        self._loop.call_later(len(data) * self._char_s + silence, self._take, data)

    def _take(self, data: bytes) -> None:
        self._buffer += data
        self._equipment.receive(self._buffer, self)

    def send(self, data: bytes) -> None:
        if not self._char_s:
            self._write(data)
            return
        at = max(self._loop.time(), self._out_s)
        piece = max(1, int(0.002 / self._char_s))
        for start in range(0, len(data), piece):
            part = data[start : start + piece]
            at += len(part) * self._char_s
            self._loop.call_at(at, self._write, part)
        self._out_s = at

    def _write(self, data: bytes) -> None:
        try:
            os.write(self.master, data)
        except (BlockingIOError, OSError):
            return  # nobody reads: the line's buffer is full, as a UART's would be

    def cut(self, *, reset: bool) -> None:
        """Do nothing: a serial line has no end to cut."""

    def close(self) -> None:
        self._loop.remove_reader(self.master)
        os.close(self.master)
        os.close(self._slave)


@asynccontextmanager
async def pty(
    equipment: Equipment, *, baud: int | None = None, bits: int = 11
) -> AsyncIterator[PtyPort]:
    """Hang the equipment on a pty; the driver opens `path`."""
    port = PtyPort(equipment, baud, bits)
    try:
        yield port
    finally:
        port.close()


@asynccontextmanager
async def dial_in(
    equipment: Equipment,
    port: int,
    *,
    registration: bytes,
    heartbeat: bytes = b"",
    interval_s: float = 0.05,
    again_s: float = 0.02,
) -> AsyncIterator[None]:
    """A DTU: connects to us, says who it is, beats, and comes again after every cut."""
    task = asyncio.create_task(_dial(equipment, port, registration, heartbeat, interval_s, again_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _dial(
    equipment: Equipment,
    port: int,
    registration: bytes,
    heartbeat: bytes,
    interval_s: float,
    again_s: float,
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        end: TcpPort | None = None
        try:
            _, end = await loop.create_connection(
                lambda: TcpPort(equipment, registration), "127.0.0.1", port
            )
            while not end.lost.done():
                await asyncio.wait([end.lost], timeout=interval_s)
                if heartbeat:
                    end.send(heartbeat)
        except OSError:
            pass
        finally:
            if end is not None and end.transport is not None:
                end.transport.abort()
        await asyncio.sleep(again_s)
