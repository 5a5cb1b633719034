"""Event rings of one line: read in the gaps, stored once, the cursor with them.  Shell: driver.

One request a turn, after everything else that the line does, and all rings of a line together for
30 % of its time at most.  The cursor is never stored beside the records: it is committed with the
last one that it speaks of, so that after a crash each record is there once.  What the first look
finds was there before us: it is where we begin.  On a line under the full guard each request has a
count of its own (`side_reads`).  Source: `acquisition.md` 3.20.
"""

import json

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
from devices.modbus.ring_asks import index_of
from devices.modbus.side_reads import SideReads
from devices.profile import ModbusProfile
from edge.acquisition.keeper import Keeper
from edge.acquisition.registers import Asker, RegisterReader
from edge.side_plan import RING_PERIOD_NS
from proto.batch import Lane
from proto.clock import Clock

WAITING_MAX = 1024
"""Records that are not on disk yet: beyond it the ring itself is the better place."""


def cursor_of(text: str | None) -> Cursor | None:
    """Return the cursor that was kept; None where there is none that can be read."""
    if text is None:
        return None
    try:
        row = json.loads(text)
        seen = row["print"]
        return Cursor(int(row["seq"]), int(row["slot"]), None if seen is None else int(seen))
    except (ValueError, KeyError, TypeError):
        return None


class Ring:
    """One device's ring.

    Attributes:
        device: whose.
        next_ns: when it wants its next request.
        lost: records that were overwritten unread since our start.
        failures: looks in a row that came to nothing.
    """

    def __init__(
        self,
        settings: DeviceSettings,
        line: str,
        reads: SideReads,
        asker: Asker,
        keeper: Keeper,
        clock: Clock,
    ) -> None:
        profile = settings.profile
        assert isinstance(profile, ModbusProfile)
        assert profile.event_ring is not None
        assert reads.records is not None
        self.device, self._line = settings.name, line
        self._ring = profile.event_ring
        self._order = self._ring.order_in(profile.modbus.order)
        words_max = reads.records.chunk * reads.records.words
        self._spec = ring_spec(self._ring, profile.modbus.order, words_max)
        self._index, self._records, self._asker = reads.index, reads.records, asker
        self._keeper, self._clock = keeper, clock
        self._key = f"ring/{settings.name}"
        self._kept = cursor_of(keeper.kept(self._key))
        self._state = RingState(cursor=self._kept)
        self._ask: AskIndex | AskRecords | None = None
        self.next_ns = 0
        self.lost = 0
        self.failures = 0
        self._due_ns = 0

    async def turn(self, driver: RegisterReader) -> None:
        """Make the requests of one step.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        now_ns = self._clock.mono_ns()
        taken, settled = self._keeper.durable_records()
        if taken - settled > WAITING_MAX:
            self.next_ns = now_ns + RING_PERIOD_NS
            return
        if self._ask is None:
            self._due_ns = max(self._due_ns + RING_PERIOD_NS, now_ns)
            self._take(Due(now_ns))
            return
        event: Event = Failed()
        try:
            event = await self._asked(driver, self._ask)
        finally:
            self._take(event)

    def describe(self) -> dict[str, object]:
        """Return where the ring stands, as JSON values."""
        cursor = self._state.cursor
        return {
            "seq": None if cursor is None else cursor.seq,
            "lost": self.lost,
            "failures": self.failures,
        }

    async def _asked(self, driver: RegisterReader, ask: AskIndex | AskRecords) -> Event:
        reads = self._index if isinstance(ask, AskIndex) else (self._records.read(ask),)
        answers: list[tuple[Ask, bytes]] = []
        sent_ns = received_ns = 0
        for read in reads:
            found = await self._asker.read(driver, read)
            if found is None:
                return Failed()
            sent_ns, received_ns = sent_ns or found.sent_mono_ns, found.receive_mono_ns
            answers.append((read.wanted, found.data))
        if isinstance(ask, AskRecords):
            return RecordsRead(answers[0][1], sent_ns, received_ns)
        index, total = index_of(self._ring, self._order, answers)
        return IndexRead(index, total, sent_ns, received_ns)

    def _take(self, event: Event) -> None:
        self._state, made = step(self._spec, self._state, event)
        self._ask = made.ask
        self.next_ns = self._due_ns + RING_PERIOD_NS if made.ask is None else made.not_before_ns
        if isinstance(event, Failed):
            self.failures += 1
        elif made.ask is None:
            self.failures = 0
        self._store(made)

    def _store(self, made: Output) -> None:
        """Hand on records and losses; the cursor goes with the last of them."""
        bodies: list[dict[str, object]] = []
        if made.restarted:
            bodies.append(self._told("device.ring_restarted"))
        bodies += [self._body(record) for record in made.records]
        if made.lost:
            self.lost += made.lost
            bodies.append(self._told("device.ring_overran", lost=made.lost))
        cursor = self._state.cursor
        if cursor is None or (cursor == self._kept and not bodies):
            return
        if not bodies:
            bodies.append(self._told("device.ring_begun", seq=cursor.seq))
        self._kept = cursor
        row = {"seq": cursor.seq, "slot": cursor.slot, "print": cursor.print}
        self._keeper.record_kept(Lane.EVENT, bodies, self._key, json.dumps(row))

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

    def _told(self, kind: str, **keys: object) -> dict[str, object]:
        head = self._head(kind)
        return {**head, "id": f"{kind}/{self.device}/{head['t']}-{head['m']}", **keys}

    def _head(self, kind: str) -> dict[str, object]:
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        return {"k": kind, "t": wall_us, "m": mono_us, "line": self._line, "device": self.device}


def slower_ns(took_ns: int) -> int:
    """Return how long the line is left to others after a request that took so long."""
    return int(took_ns * (1 - BUSY_MAX) / BUSY_MAX)
