"""Where a tap hears: a serial port opened read-only, or a serial server.  Shell: sockets, ports.

Nothing is ever sent.  The port is opened without the right to write, the socket has no call that
sends; RTS and DTR, which opening a port raises, are taken back where the adapter obeys.  An adapter
may drive the bus by RTS all the same: TX and driver-enable are not wired (docs: passive tap).
"""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from devices.failure import LinkFailed
from proto.errors import DeviceRefused

CONNECT_S = 5.0
READ_BYTES = 4096
_MODES = {"7": termios.CS7, "8": termios.CS8}


class Ear(Protocol):
    """Bytes that were heard; there is no way to say anything."""

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def listen(self) -> bytes | None:
        """Return what came, empty when nothing did; None = the other end is gone."""

    def close(self) -> None:
        """Close it."""


class Source(Protocol):
    """Opens an ear."""

    @property
    def char_ns(self) -> int:
        """How long a character takes on the line; 0 = unknown."""

    async def open(self) -> Ear:
        """Open.

        Raises:
            DeviceUnreachable: there is no such port, or nobody accepts.
            DeviceRefused: the port has no such speed.
        """


@dataclass(frozen=True, slots=True)
class SerialSource:
    """A serial port: path, baud rate, `8E1` and the like."""

    path: str
    baud: int
    mode: str

    @property
    def char_ns(self) -> int:
        """Start bit, data, parity, stop bits."""
        bits = 1 + int(self.mode[0]) + (self.mode[1] != "N") + int(self.mode[2])
        return bits * 1_000_000_000 // self.baud

    async def open(self) -> Ear:
        """Open the port read-only and set it up."""
        speed = getattr(termios, f"B{self.baud}", None)
        if speed is None:
            raise DeviceRefused(
                "device.refused", f"no speed {self.baud} on a listening port", place=self.path
            )
        try:
            port = os.open(self.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise LinkFailed(f"cannot open: {error.strerror}", place=self.path) from None
        try:
            _set_up(port, speed, self.mode)
        except (OSError, termios.error) as error:
            os.close(port)
            raise LinkFailed(f"cannot set up: {error}", place=self.path) from None
        return _Port(port)


@dataclass(frozen=True, slots=True)
class ServerSource:
    """A transparent serial server: host and port."""

    host: str
    port: int
    char_ns: int = 0

    async def open(self) -> Ear:
        """Connect; not a byte follows."""
        place = f"{self.host}:{self.port}"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                [(family, kind, proto, _, address), *_] = await loop.getaddrinfo(
                    self.host, self.port, type=socket.SOCK_STREAM
                )
                end = socket.socket(family, kind, proto)
                end.setblocking(False)
                try:
                    await loop.sock_connect(end, address)
                except BaseException:
                    end.close()
                    raise
        except (OSError, TimeoutError):
            raise LinkFailed(f"no connection within {CONNECT_S:g} s", place=place) from None
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return _Connection(end)


def _set_up(port: int, speed: int, mode: str) -> None:
    """Raw, this speed, no flow control; the modem lines are left or taken back."""
    flags = _MODES[mode[0]] | termios.CREAD | termios.CLOCAL
    flags |= {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}[mode[1]]
    flags |= termios.CSTOPB if mode[2] == "2" else 0
    parity = termios.INPCK if mode[1] != "N" else 0
    attributes = termios.tcgetattr(port)
    attributes[:6] = [parity | termios.IGNBRK, 0, flags, 0, speed, speed]
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 0, 0
    termios.tcsetattr(port, termios.TCSANOW, attributes)
    termios.tcflush(port, termios.TCIFLUSH)
    with suppress(OSError):  # a pty and some adapters have no such lines
        lines = struct.pack("I", termios.TIOCM_RTS | termios.TIOCM_DTR)
        fcntl.ioctl(port, termios.TIOCMBIC, lines)


class _Port:
    def __init__(self, port: int) -> None:
        self._port = port

    def fileno(self) -> int:
        return self._port

    def listen(self) -> bytes | None:
        try:
            return os.read(self._port, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def close(self) -> None:
        os.close(self._port)


class _Connection:
    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def listen(self) -> bytes | None:
        try:
            return self._end.recv(READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def close(self) -> None:
        self._end.close()
