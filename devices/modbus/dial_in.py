"""Devices that connect to us (4G DTU): listeners, candidates, one seat a line.  Shell: sockets.

A connection is a candidate until its registration packet has come (10 s, 64 bytes, at most 256 at a
time); it then takes the seat of its line.  The newest of one id wins: the old one is usually half
open.  Several lines may share one listening address.  A registration is no authentication.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from devices.driver import Note
from devices.failure import LinkFailed
from devices.modbus.dial_in_frames import (
    REGISTRATION_BYTES_MAX,
    Stripper,
    is_disputed,
    packet_bytes,
    shown,
    stripper,
)
from devices.modbus.frame import Framing
from devices.modbus.line_settings import DialInEndpoint
from devices.modbus.transport import Connection, socket_opener
from proto.clock import Clock

CANDIDATES_MAX = 256
REGISTER_S = 10.0
SETTLE_S = 0.3
"""A packet that fits nothing is given so long to be completed."""
UNKNOWN_AGAIN_NS = 3600 * 10**9
UNKNOWN_MAX = 256
NOTES_MAX = 64


@dataclass(eq=False)
class _Candidate:
    sock: socket.socket
    address: str
    data: bytes = b""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class DialInEntry:
    """The seat of one line: the newest connection that has registered for it."""

    def __init__(
        self, hall: "Hall", endpoint: DialInEndpoint, framing: Framing, clock: Clock
    ) -> None:
        self.endpoint = endpoint
        self._hall, self._framing, self._clock = hall, framing, clock
        self._seat: socket.socket | None = None
        self._arrived = asyncio.Event()
        self._stripper = stripper(framing)
        self._live: Connection | None = None
        self._on_lost: Callable[[], None] | None = None
        self._on_bytes: Callable[[bytes], None] | None = None
        self._heard_ns = 0
        self._watch: asyncio.TimerHandle | None = None
        self._changes: deque[int] = deque(maxlen=8)
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)
        self._is_disputed = False

    async def open(
        self, on_bytes: Callable[[bytes], None], on_lost: Callable[[], None], timeout_s: float
    ) -> Connection:
        """Take the connection that the device has made.

        Raises:
            DeviceUnreachable: it has not dialled in.
        """
        self._hall.listen(self.endpoint)
        place = f"{self.endpoint.host}:{self.endpoint.port}"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        sock, self._seat = self._seat, None
        self._arrived.clear()
        if sock is None:
            raise LinkFailed("the device has not dialled in", place=place)
        self._on_bytes, self._on_lost = on_bytes, on_lost
        connection = Connection(socket_opener(sock), self._filter, on_lost)
        await connection.open(timeout_s, place)
        self._live = connection
        self._heard_ns = self._clock.mono_ns()
        self._look()
        return connection

    def sent(self) -> None:
        """Note that a request leaves: what comes next begins a frame."""
        self._stripper = self._stripper.sent()

    def answered(self, now_ns: int) -> list[Note]:
        """Nothing to note."""
        return []

    def ended(self, now_ns: int, *, by_us: bool, was_silent: bool) -> list[Note]:
        """Note the end of the connection."""
        self._live = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        return self.notes(now_ns)

    def notes(self, now_ns: int) -> list[Note]:
        """Return what happened at the door."""
        found = list(self._notes)
        self._notes.clear()
        return found

    def tell(self, note: Note) -> None:
        """Take a note of the listener."""
        self._notes.append(note)

    def take(self, sock: socket.socket, packet: bytes, rest: bytes) -> None:
        """Give the seat to a connection that has just registered; the one before it is closed."""
        now_ns = self._clock.mono_ns()
        if self._seat is not None:
            self._seat.close()
        each = packet if self.endpoint.registration.on_each else b""
        fresh = stripper(self._framing, self.endpoint.heartbeat, each)
        self._stripper = fresh.feed(rest).state
        self._seat = sock
        self._arrived.set()
        self._changes.append(now_ns)
        was, self._is_disputed = self._is_disputed, is_disputed(self._changes, now_ns)
        if self._is_disputed and not was:
            self.tell(Note("device.dial_in_disputed", "", {"id": shown(packet)}))
        self._drop_live()

    def _drop_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            if self._on_lost is not None:
                self._on_lost()
            live.close()

    def _filter(self, data: bytes) -> None:
        self._heard_ns = self._clock.mono_ns()
        stripped = self._stripper.feed(data)
        self._stripper = stripped.state
        if stripped.data and self._on_bytes is not None:
            self._on_bytes(stripped.data)

    def _look(self) -> None:
        """Give the connection up when nothing was heard for two heartbeats."""
        interval_ns = self.endpoint.heartbeat_ns
        if not interval_ns or self._live is None:
            return
        if self._clock.mono_ns() - self._heard_ns > 2 * interval_ns:
            self._drop_live()
            return
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(interval_ns / 2e9, self._look)


class Hall:
    """The listeners of one gateway; lines whose addresses are equal share one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[tuple[str, int], list[DialInEntry]] = {}
        self._listeners: dict[tuple[str, int], _Listener] = {}

    def entry(self, endpoint: DialInEndpoint, framing: Framing) -> DialInEntry:
        """Return the seat of one line."""
        made = DialInEntry(self, endpoint, framing, self._clock)
        self._entries.setdefault((endpoint.host, endpoint.port), []).append(made)
        return made

    def listen(self, endpoint: DialInEndpoint) -> None:
        """Listen at an address, once.

        Raises:
            DeviceUnreachable: the address cannot be used.
        """
        key = (endpoint.host, endpoint.port)
        if key not in self._listeners:
            listener = _Listener(self._entries[key], self._clock)
            listener.start(*key)
            self._listeners[key] = listener

    def close(self) -> None:
        """Stop listening, and drop every candidate."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()


class _Listener:
    """One listening socket and its candidates."""

    def __init__(self, entries: list[DialInEntry], clock: Clock) -> None:
        self._entries, self._clock = entries, clock
        self._sock: socket.socket | None = None
        self._candidates: set[_Candidate] = set()
        self._unknown: dict[str, int] = {}

    def start(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setblocking(False)
            sock.bind((host, port))
            sock.listen(64)
        except OSError as error:
            sock.close()
            raise LinkFailed(f"cannot listen: {error}", place=f"{host}:{port}") from error
        self._sock = sock
        asyncio.get_running_loop().add_reader(sock.fileno(), self._accept)

    def close(self) -> None:
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None
        for candidate in list(self._candidates):
            self._drop(candidate)

    def _accept(self) -> None:
        assert self._sock is not None
        try:
            sock, address = self._sock.accept()
        except OSError:
            return
        if len(self._candidates) >= CANDIDATES_MAX:
            sock.close()
            return
        sock.setblocking(False)
        candidate = _Candidate(sock, str(address[0]))
        self._candidates.add(candidate)
        loop = asyncio.get_running_loop()
        candidate.timers.append(loop.call_later(REGISTER_S, self._refuse, candidate))
        loop.add_reader(sock.fileno(), self._hear, candidate)

    def _hear(self, candidate: _Candidate) -> None:
        try:
            data = candidate.sock.recv(4 * REGISTRATION_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(candidate)
            return
        candidate.data += data
        for entry in self._entries:
            n = packet_bytes(entry.endpoint.registration, candidate.data)
            if n:
                self._leave(candidate)
                entry.take(candidate.sock, candidate.data[:n], candidate.data[n:])
                return
        if len(candidate.data) > REGISTRATION_BYTES_MAX:
            self._refuse(candidate)
            return
        loop = asyncio.get_running_loop()
        if len(candidate.timers) == 1:
            candidate.timers.append(loop.call_later(SETTLE_S, self._refuse, candidate))

    def _refuse(self, candidate: _Candidate) -> None:
        """Close a candidate that has not said who it is, or somebody unknown: one note an hour."""
        if candidate not in self._candidates:
            return
        self._drop(candidate)
        if not candidate.data:
            return
        name, now_ns = shown(candidate.data), self._clock.mono_ns()
        if now_ns - self._unknown.get(name, now_ns - UNKNOWN_AGAIN_NS) < UNKNOWN_AGAIN_NS:
            return
        if len(self._unknown) >= UNKNOWN_MAX:
            self._unknown.pop(next(iter(self._unknown)))
        self._unknown[name] = now_ns
        body = {"id": name, "address": candidate.address}
        self._entries[0].tell(Note("device.dial_in_unknown", "", body))

    def _drop(self, candidate: _Candidate) -> None:
        self._leave(candidate)
        candidate.sock.close()

    def _leave(self, candidate: _Candidate) -> None:
        self._candidates.discard(candidate)
        asyncio.get_running_loop().remove_reader(candidate.sock.fileno())
        for timer in candidate.timers:
            timer.cancel()


__all__ = ["DialInEntry", "Hall", "Stripper"]
