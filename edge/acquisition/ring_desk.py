"""Event rings of one line: read in the gaps, stored, the cursor kept.  Shell: driver, files.

One request a turn, after everything else that the line does, and all rings of a line together for
30 % of its time at most.  The cursor file follows the records: it is written only when the recorder
says that they are on disk.  A crash between the two reads some records again: these come under the
same `id` with `replayed` (they stood in the ring before our start).  Source: `acquisition.md` 3.20.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from devices.driver import DeviceSettings
from devices.event_look import (
    AskIndex,
    AskRecords,
    Cursor,
    Due,
    Event,
    Failed,
    IndexRead,
    Output,
    RecordsRead,
    RingState,
)
from devices.event_record import RingRecord, ring_spec
from devices.event_ring import BUSY_MAX, step
from devices.modbus.ask import Ask
from devices.modbus.exchange import RegistersRead
from devices.modbus.ring_asks import index_asks, index_of, is_in_registers, records_ask
from devices.profile import ModbusProfile
from edge import platform
from edge.acquisition.beside import GAP_WAIT_NS, LOOK_NS
from edge.acquisition.line_parts import LineParts
from edge.acquisition.reports import RowSink
from edge.acquisition.unit import Unit, UnitState
from edge.plant import LinePlan
from proto.batch import Lane
from proto.clock import Clock

PERIOD_NS = 10**9
"""Poll class `normal`."""
WAITING_MAX = 1024
"""Records that are not on disk yet: beyond it the ring itself is the better place."""
CURSOR_BYTES_MAX = 4096


@runtime_checkable
class RegisterReader(Protocol):
    """A driver that reads registers beside its blocks."""

    async def read_registers(self, device: str, ask: Ask) -> RegistersRead | None:
        """Read them; None = no answer that counts."""


class CursorFile:
    """The last committed record of one ring."""

    def __init__(self, directory: Path, device: str) -> None:
        self._path = directory / f"{device}.json"

    def load(self) -> Cursor | None:
        """Return what was kept; None where there is nothing that can be read."""
        try:
            with self._path.open("rb") as file:
                row = json.loads(file.read(CURSOR_BYTES_MAX))
            seen = row["print"]
            return Cursor(int(row["seq"]), int(row["slot"]), None if seen is None else int(seen))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, cursor: Cursor) -> bool:
        """Write it whole; False when the disk is full: tried again."""
        row = {"seq": cursor.seq, "slot": cursor.slot, "print": cursor.print}
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            platform.write_whole(self._path, json.dumps(row).encode())
        except OSError:
            return False
        return True


class Ring:
    """One device's ring."""

    def __init__(
        self,
        settings: DeviceSettings,
        line: str,
        sink: RowSink,
        clock: Clock,
        durable: Callable[[], tuple[int, int]],
        file: CursorFile,
    ) -> None:
        profile = settings.profile
        assert isinstance(profile, ModbusProfile)
        assert profile.event_ring is not None
        self.device, self._line = settings.name, line
        self._ring = profile.event_ring
        self._order = self._ring.order_in(profile.modbus.order)
        self._spec = ring_spec(self._ring, profile.modbus.order, profile.modbus.max_registers)
        self._sink, self._clock, self._durable, self._file = sink, clock, durable, file
        self._saved = file.load()
        self._state = RingState(cursor=self._saved)
        self._ask: AskIndex | AskRecords | None = None
        self._unsaved: deque[tuple[int, Cursor]] = deque()
        self.next_ns = 0
        self._due_ns = 0

    def settle(self) -> None:
        """Write the newest cursor whose records are all on disk."""
        settled = self._durable()[1]
        found: Cursor | None = None
        while self._unsaved and self._unsaved[0][0] <= settled:
            found = self._unsaved.popleft()[1]
        if found is not None and found != self._saved:
            if self._file.save(found):
                self._saved = found
            else:
                self._unsaved.appendleft((settled, found))

    async def turn(self, driver: RegisterReader) -> None:
        """Make the requests of one step.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        now_ns = self._clock.mono_ns()
        self.settle()
        taken, settled = self._durable()
        if taken - settled > WAITING_MAX:
            self.next_ns = now_ns + PERIOD_NS
            return
        if self._ask is None:
            self._due_ns = max(self._due_ns + PERIOD_NS, now_ns)
            self._take(Due(now_ns))
            return
        event: Event = Failed()
        try:
            event = await self._asked(driver, self._ask)
        finally:
            self._take(event)

    async def _asked(self, driver: RegisterReader, ask: AskIndex | AskRecords) -> Event:
        asks = (
            index_asks(self._ring) if isinstance(ask, AskIndex) else (records_ask(self._ring, ask),)
        )
        answers: list[tuple[Ask, bytes]] = []
        sent_ns = received_ns = 0
        for one in asks:
            found = await driver.read_registers(self.device, one)
            if found is None:
                return Failed()
            sent_ns, received_ns = sent_ns or found.sent_mono_ns, found.receive_mono_ns
            answers.append((one, found.data))
        if isinstance(ask, AskRecords):
            return RecordsRead(answers[0][1], sent_ns, received_ns)
        index, total = index_of(self._ring, self._order, answers)
        return IndexRead(index, total, sent_ns, received_ns)

    def _take(self, event: Event) -> None:
        self._state, made = step(self._spec, self._state, event)
        self._ask = made.ask
        self.next_ns = self._due_ns + PERIOD_NS if made.ask is None else made.not_before_ns
        self._store(made)

    def _store(self, made: Output) -> None:
        for record in made.records:
            self._sink.record(Lane.EVENT, self._body(record))
        if made.lost:
            self._tell("device.ring_overran", {"lost": made.lost})
        cursor = self._state.cursor
        last = self._unsaved[-1][1] if self._unsaved else self._saved
        if cursor is not None and cursor != last:
            self._unsaved.append((self._durable()[0], cursor))
            if len(self._unsaved) > WAITING_MAX:
                self._unsaved.popleft()

    def _body(self, record: RingRecord) -> dict[str, object]:
        said, stamp = self._spec.codes.get(str(record.code)), self._ring.stamp
        body: dict[str, object] = {
            **self._head("device.event"),
            "id": f"device.event/{self.device}/{record.seq}/{record.time_us}-{record.print:08x}",
            "ring": "event_ring",
            "seq": record.seq,
            "code": record.code,
            "text": "" if said is None else said.title,
            "value": record.value,
            "t_device_us": record.time_us,
            "stamp": stamp.by,
            "resolution_ns": stamp.resolution_ns,
        }
        if record.replayed:
            body["replayed"] = True
        return body

    def _tell(self, kind: str, body: dict[str, object]) -> None:
        head = self._head(kind)
        ident = f"{kind}/{self.device}/{head['t']}-{head['m']}"
        self._sink.record(Lane.EVENT, {**head, "id": ident, **body})

    def _head(self, kind: str) -> dict[str, object]:
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        return {"k": kind, "t": wall_us, "m": mono_us, "line": self._line, "device": self.device}


class RingDesk:
    """All rings of one line.

    Attributes:
        spent_ns: time that they took since the start.
    """

    def __init__(
        self, rings: Sequence[tuple[Unit, Ring]], driver: RegisterReader | None, clock: Clock
    ) -> None:
        self._rings, self._driver, self._clock = tuple(rings), driver, clock
        self._free_ns = 0
        self._took_ns = 0
        self.spent_ns = 0

    def next_ns(self, now_ns: int, until_ns: int) -> tuple[int, bool]:
        """Return until when to sleep, and True when a request is to be made now.

        It waits for a gap between two slots that is long enough, but not for ever.
        """
        due = [ring.next_ns for ring in self._readable()]
        if not due:
            return until_ns, False
        at_ns = max(min(due), self._free_ns)
        if at_ns > now_ns:
            return min(until_ns, at_ns), False
        if until_ns - now_ns >= self._took_ns or now_ns - at_ns >= GAP_WAIT_NS:
            return now_ns, True
        return min(until_ns, now_ns + LOOK_NS), False

    def settle(self) -> None:
        """Write cursors whose records are on disk."""
        for _, ring in self._rings:
            ring.settle()

    async def run(self) -> None:
        """Let the ring that waits longest make its next request; its time is counted.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        mine = self._readable()
        if not mine or self._driver is None:
            return
        begun_ns = self._clock.mono_ns()
        try:
            await min(mine, key=lambda ring: ring.next_ns).turn(self._driver)
        finally:
            now_ns = self._clock.mono_ns()
            took_ns = now_ns - begun_ns
            self.spent_ns += took_ns
            self._took_ns = took_ns
            self._free_ns = now_ns + int(took_ns * (1 - BUSY_MAX) / BUSY_MAX)

    def _readable(self) -> list[Ring]:
        """Return the rings whose device answers; of a pair only those of the member in use."""
        return [
            ring
            for unit, ring in self._rings
            if unit.state is UnitState.UP and (unit.seat is None or unit.seat.is_in_use)
        ]


def desk_of(
    line: LinePlan,
    driver: object,
    units: Sequence[Unit],
    sink: RowSink,
    clock: Clock,
    parts: LineParts,
) -> RingDesk:
    """Return the desk of a line: empty without rings, or where nothing can be kept."""
    durable, folder = parts.durable_records, parts.rings
    if durable is None or folder is None or not isinstance(driver, RegisterReader):
        return RingDesk((), None, clock)
    name = line.config.name
    rings = [
        (unit, Ring(device, name, sink, clock, durable, CursorFile(folder, device.name)))
        for unit, device in zip(units, line.devices, strict=True)
        if isinstance(device.profile, ModbusProfile) and is_in_registers(device.profile.event_ring)
    ]
    return RingDesk(rings, driver, clock)
