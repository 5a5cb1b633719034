"""How a line gets its connection: a serial port or a TCP address.  Shell: opens connections."""

import errno
from collections.abc import Callable
from typing import Protocol

from devices.driver import Note
from devices.failure import LinkFailed
from devices.modbus import slot
from devices.modbus.line_settings import DialInEndpoint, ModbusLine, SerialEndpoint, TcpEndpoint
from devices.modbus.serial_line import serial_opener
from devices.modbus.slot import Record, Slot
from devices.modbus.transport import Connection, tcp_opener
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Detail

OnBytes = Callable[[bytes], None]
OnLost = Callable[[], None]


class SlotMemory(Protocol):
    """Keeps the record of a slot over restarts."""

    def load(self) -> Record:
        """Return what was kept; an empty record where there is nothing to read."""

    def save(self, record: Record) -> None:
        """Keep it; a failure is not reported: the record only speeds the way back."""


class Entry(Protocol):
    """One way in; `open` gives one connection at a time."""

    async def open(self, on_bytes: OnBytes, on_lost: OnLost, timeout_s: float) -> Connection:
        """Open a connection.

        Raises:
            DeviceUnreachable: nobody is there.
            DeviceRefused: the peer is not trusted, or does not trust us.
        """

    def sent(self) -> None:
        """Note that a request leaves."""

    def answered(self, now_ns: int) -> list[Note]:
        """Note an answer."""

    def ended(self, now_ns: int, *, by_us: bool, was_silent: bool) -> list[Note]:
        """Note the end of the connection; `was_silent` = it ended by time-outs."""

    def notes(self, now_ns: int) -> list[Note]:
        """Return what happened outside any call."""


class SerialEntry:
    """A serial port."""

    def __init__(self, port: SerialEndpoint) -> None:
        self._port = port

    async def open(self, on_bytes: OnBytes, on_lost: OnLost, timeout_s: float) -> Connection:
        """Open the port, exclusively."""
        connection = Connection(serial_opener(self._port), on_bytes, on_lost)
        await connection.open(timeout_s, self._port.path)
        return connection

    def sent(self) -> None:
        """Nothing to note."""

    def answered(self, now_ns: int) -> list[Note]:
        """Nothing to note."""
        return []

    def ended(self, now_ns: int, *, by_us: bool, was_silent: bool) -> list[Note]:
        """Nothing to note."""
        return []

    def notes(self, now_ns: int) -> list[Note]:
        """Nothing to note."""
        return []


class TcpEntry:
    """A TCP address: its ports and ours in turn, and whether the slot is held."""

    def __init__(
        self, endpoint: TcpEndpoint, clock: Clock, memory: SlotMemory | None = None
    ) -> None:
        self._endpoint, self._clock, self._memory = endpoint, clock, memory
        record = memory.load() if memory is not None else Record()
        self._slot = Slot(endpoint.ports, endpoint.local_ports, record)
        self._opened_ns = 0
        self._has_answered = False
        self._pending: list[Note] = []

    async def open(self, on_bytes: OnBytes, on_lost: OnLost, timeout_s: float) -> Connection:
        """Open a connection to the port whose turn it is."""
        port, local_port = self._slot.port, self._slot.local_port
        self._keep(slot.opening(self._slot))
        opener = tcp_opener(self._endpoint, port, local_port)
        connection = Connection(opener, on_bytes, on_lost)
        place = f"{self._endpoint.host}:{port}"
        try:
            await connection.open(timeout_s, place)
        except DeviceError as error:
            now_ns = self._clock.mono_ns()
            number = connection.error_number
            if number in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                self._keep(slot.refused_local(self._slot))
            self._fail("refused" if number == errno.ECONNREFUSED else "other", now_ns)
            if self._slot.is_held:
                raise LinkFailed(str(error), place=place, detail=Detail.SLOT_HELD) from error
            raise
        self._opened_ns, self._has_answered = self._clock.mono_ns(), False
        return connection

    def sent(self) -> None:
        """Nothing to note."""

    def answered(self, now_ns: int) -> list[Note]:
        """Note the first answer of a connection: the slot is ours."""
        if self._has_answered:
            return []
        self._has_answered = True
        state, held_ns = slot.answered(self._slot, now_ns)
        self._keep(state)
        if held_ns is None:
            return []
        body = {"address": self._address(), "held_ms": held_ns // 10**6}
        return [Note("device.slot_freed", "", body)]

    def ended(self, now_ns: int, *, by_us: bool, was_silent: bool) -> list[Note]:
        """Note the end of the connection, and what it says of the slot."""
        if self._opened_ns == 0:
            return []
        self._keep(slot.closed(self._slot))
        is_quick = now_ns - self._opened_ns <= slot.CLOSED_WITHIN_NS
        self._opened_ns = 0
        if not self._has_answered and not by_us and (was_silent or is_quick):
            self._fail("silent" if was_silent else "closed", now_ns)
        return self.notes(now_ns)

    def notes(self, now_ns: int) -> list[Note]:
        """Return what was found while a connection was opened."""
        found, self._pending = self._pending, []
        return found

    @property
    def is_held(self) -> bool:
        """True while somebody holds the slot."""
        return self._slot.is_held

    @property
    def next_local_port(self) -> int:
        """Our port for the next connection; 0 = any."""
        return self._slot.local_port

    def _fail(self, how: slot.Failure, now_ns: int) -> None:
        address = self._address()
        self._slot, is_held_now = slot.failed(self._slot, how, now_ns)
        if is_held_now:
            body = {"address": address, "how": how, "since": "now"}
            self._pending.append(Note("device.slot_held", "", body))

    def _keep(self, state: Slot) -> None:
        is_news = state.record != self._slot.record
        self._slot = state
        if is_news and self._memory is not None:
            self._memory.save(state.record)

    def _address(self) -> str:
        return f"{self._endpoint.host}:{self._slot.port}"


def entry_of(line: ModbusLine, clock: Clock) -> Entry:
    """Return how a line gets its connection; a dial-in line is given its own."""
    endpoint = line.endpoint
    if isinstance(endpoint, SerialEndpoint):
        return SerialEntry(endpoint)
    assert not isinstance(endpoint, DialInEndpoint), "the hall gives the entry of a dial-in line"
    return TcpEntry(endpoint, clock)
