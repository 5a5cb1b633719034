"""How the blocks of one Modbus line are read, each answer judged on its raw bytes.  Shell: timers.

One task calls it, one request is in flight.  What may be sent and believed, the guard decides
(`guard`, carried out by `exchange`); how a block is read around what its unit refuses, `holes`; how
long to wait, `pace`.  A read waits until the line is drained, proves its unit where that is not
synced, then asks; whatever goes wrong short of the connection is a BAD column.  Where nothing of
that stands in the way, `start` sends the request and calls back when the answer is judged.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from devices.driver import CHANGES_MAX, Block, BlockColumns, DeviceSettings, Note, Outcome
from devices.failure import LinkFailed
from devices.modbus import holes
from devices.modbus.ask import Ask
from devices.modbus.cost import TCP
from devices.modbus.cost import Wire as CostWire
from devices.modbus.desk import Desk
from devices.modbus.entry import Entry, entry_of
from devices.modbus.exchange import Exchange
from devices.modbus.facts import Learnt
from devices.modbus.frame import Accepted, Request
from devices.modbus.guard_model import Answer, Failed, Phase, Proved, Result, Tell, Wait, start
from devices.modbus.holes_model import Answered, Refused
from devices.modbus.line_settings import ModbusLine, modbus_profile, rules_of
from devices.modbus.outcome import exception_outcome, exception_reason, misbehaved, why
from devices.modbus.plan import planned
from devices.modbus.room import Room, canary_in, rooms_of
from devices.prompt import Done
from proto.clock import Clock
from proto.quality import Detail, Reason

PROOFS_MAX = 4
"""Probes within one read: echo refused, fence refused, another fence; then the slot is BAD."""
_Pending = tuple[Room, Desk, Ask, Sequence[tuple[int, int]], Done]


class Reads:
    """The blocks of one line, its connection, and what is known of its units."""

    def __init__(
        self,
        line: ModbusLine,
        devices: Sequence[DeviceSettings],
        clock: Clock,
        *,
        blocks: Sequence[Block] | None = None,
        entry: Entry | None = None,
        learnt: Mapping[str, Learnt] | None = None,
        wire: CostWire = TCP,
        word: Callable[[], int] = lambda: secrets.randbits(16),
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            line: where it ends, and what is permitted.
            devices: what hangs on it.
            clock: for the times of answers.
            blocks: as the plan has them; planned here where none are given.
            entry: how it gets its connection; needed for dial-in.
            learnt: what earlier runs have found, by device.
            wire: prior of the line's cost.
            word: gives a fresh random 16-bit word for each echo.
        """
        known = learnt or {}
        self.line = line
        self._clock, self._word, self._wire = clock, word, wire
        self._blocks = tuple(blocks if blocks is not None else planned(devices))
        self._rules = {device.name: rules_of(line, devices, device) for device in devices}
        policies = {device.name: line.policy(device.name) for device in devices}
        self._rooms = rooms_of(devices, self._rules, policies, self._blocks, known, line.timeout_ns)
        self._room_of_unit = {room.settings.unit_id: room for room in self._rooms.values()}
        self._desks = [self._desk(at, block) for at, block in enumerate(self._blocks)]
        self._by_id = {id(desk.block): desk for desk in self._desks}
        self._entry = entry if entry is not None else entry_of(line, clock)
        late_ns = max([line.late_ns, *(one.late_ns for one in known.values())], default=0)
        echoes = {
            device.unit_id: False
            for device in devices
            if modbus_profile(device).modbus.quirks.no_fc8
            or (device.name in known and known[device.name].no_echo)
        }
        first = self._rules[devices[0].name]
        self._exchange = Exchange(start(late_ns, echoes), first, clock, self._tell)
        quirks = [modbus_profile(device).modbus.quirks for device in devices]
        self._exchange.strips_echo = any(quirk.local_echo for quirk in quirks)
        self._closes_after_each = any(quirk.close_after_each for quirk in quirks)
        self._pause_ns = max(quirk.pause_after_connect_ns for quirk in quirks)
        self._free_ns = 0
        self._is_resting = False
        self._notes: deque[Note] = deque(maxlen=CHANGES_MAX)
        self._pending: _Pending | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked, in the order of the devices, fastest class first."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the connection stands, as far as the kernel has told."""
        return self._is_resting or self._exchange.is_open

    @property
    def ready_ns(self) -> int:
        """When the next read may start: after a drain, and the silence that the line wants."""
        return max(self._exchange.ready_ns, self._free_ns)

    async def connect(self) -> None:
        """Open a new connection.

        Raises:
            DeviceUnreachable: nobody is there within the time-out.
            DeviceRefused: the peer is not trusted, or does not trust us.
        """
        self._end(by_us=True)
        await self._pass(self._exchange.ready_ns)  # a line that babbled stays closed for D
        timeout_s = max(self.line.timeout_ns, 10**8) / 1e9
        connection = await self._entry.open(
            self._exchange.on_bytes, self._exchange.on_lost, timeout_s
        )
        longest_ns = max(room.pace.timeout_ns for room in self._rooms.values())
        self._exchange.begin(connection, longest_ns)
        self._free_ns = self._clock.mono_ns() + self._pause_ns

    async def read(self, block: Block) -> BlockColumns:
        """Read one block; whatever concerns this block or its unit comes back as columns.

        Raises:
            DeviceUnreachable: the connection is gone; now closed.
        """
        desk = self._desk_of(block)
        if not self.connected:
            self._end(by_us=False)
            raise LinkFailed("not connected", place=self.line.name)
        if block.rides_on is not None:
            return self.ride(block)
        if desk.target < 0:
            now_ns = self._clock.mono_ns()
            detail, outcome = Detail.FORBIDDEN_RANGE, Outcome.NOT_ASKED
            return desk.bad(Reason.DEVICE_ERROR, detail, now_ns, now_ns, outcome)
        room = self._rooms[block.device]
        reading = holes.reading(room.holes, desk.target, desk.cycle)
        desk.cycle += 1
        answers: list[tuple[Ask, bytes]] = []
        first_ns = 0
        for ask in reading.asks:
            result = await self._asked(room, desk.request(ask))
            first_ns = first_ns or self._exchange.sent_ns
            if not isinstance(result, Answer) or not isinstance(result.verdict, Accepted):
                return self._failed(room, desk, ask, result, first_ns)
            answers.append((ask, result.verdict.data))
            self._accepted(room, desk, ask)
        if not answers:
            now_ns = self._clock.mono_ns()
            exception = reading.missing[0][1] if reading.missing else int(Detail.FORBIDDEN_RANGE)
            outcome = Outcome.NOT_ASKED
            return desk.bad(Reason.DEVICE_ERROR, exception, now_ns, now_ns, outcome)
        return self._columns(room, desk, answers, reading.missing, first_ns)

    def start(self, block: Block, done: Done) -> bool:
        """Read one block without a task, see `PromptReader`."""
        desk = self._desk_of(block)
        exchange = self._exchange
        if desk.target < 0 or not exchange.is_open or self._closes_after_each:
            return False
        room = self._rooms[block.device]
        reading = holes.reading(room.holes, desk.target, desk.cycle)
        if len(reading.asks) != 1 or self._clock.mono_ns() < self._free_ns:
            return False
        ask = reading.asks[0]
        due = room.due(exchange.state, desk.request(ask), self._word, self.line, is_suspended=False)
        if not exchange.start(due, room.rules, self._take):
            return False
        self._entry.sent()
        desk.cycle += 1
        self._pending = (room, desk, ask, reading.missing, done)
        return True

    def ride(self, block: Block) -> BlockColumns:
        """Decode a rider from the last answer of its host; nothing is sent."""
        assert block.rides_on is not None
        host = self._desks[block.rides_on]
        return self._desk_of(block).ride(host, self._clock.mono_ns())

    def abandon(self) -> None:
        """Call nobody any more: the request counts as timed out."""
        self._pending = None
        self._exchange.abandon()

    def rest(self) -> None:
        """Leave no timer behind that would wake us for nothing."""
        self._exchange.rest()

    async def close(self) -> None:
        """Close the connection; never waits for the peer."""
        self._end(by_us=True)

    def _desk(self, at: int, block: Block) -> Desk:
        room = self._rooms[block.device]
        desk = Desk(block, room.answer_unit, room.target_of.get(at, -1))
        if desk.target >= 0:
            room.desks.append(desk)
        return desk

    def _desk_of(self, block: Block) -> Desk:
        return self._by_id.get(id(block)) or self._desks[self._blocks.index(block)]

    async def _asked(self, room: Room, request: Request) -> Result:
        """Ask; first prove the unit where it is not synced."""
        for _ in range(PROOFS_MAX):
            result = await self._sent(room, request)
            if isinstance(result, Proved) and room.rules.is_probing:
                continue
            return result
        return Proved(is_synced=False)

    async def _sent(
        self, room: Room, request: Request | None, *, is_suspended: bool = False
    ) -> Result:
        """Send the request, or its unit's probe, as soon as the line is free."""
        exchange = self._exchange
        if self._is_resting:
            await self.connect()
        while True:
            now_ns = self._clock.mono_ns()
            if now_ns < self._free_ns:
                await self._pass(self._free_ns)
            due = room.due(
                exchange.state, request, self._word, self.line, is_suspended=is_suspended
            )
            self._entry.sent()
            try:
                result = await exchange.ask(due, room.rules)
            except LinkFailed as error:
                is_silent = error.detail == Detail.TIMED_OUT
                self._end(by_us=False, was_silent=is_silent)
                raise
            if not isinstance(result, Wait):
                break
            await self._pass(result.until_ns)
        self._over(room, result)
        if self._closes_after_each:
            self._end(by_us=True, was_silent=not isinstance(result, Answer | Proved))
            self._is_resting = True  # opened again by the next request; nothing late can meet it
        return result

    def _over(self, room: Room, result: Result) -> None:
        """Note when the line is free again, and that somebody is there."""
        exchange = self._exchange
        self._free_ns = exchange.last_ns + max(self.line.gap_ns, room.pause_ns)
        if isinstance(result, Answer | Proved):
            self._notes.extend(self._entry.answered(exchange.received_ns))

    def _take(self, result: Result | None) -> None:
        """Take what came of the request that `start` has sent."""
        assert self._pending is not None
        (room, desk, ask, missing, done), self._pending = self._pending, None
        exchange = self._exchange
        if result is None or exchange.state.phase is Phase.LOST:
            error = exchange.given_up(room.settings.unit_id, result)
            self._end(by_us=False, was_silent=error.detail == Detail.TIMED_OUT)
            done(error)
            return
        self._over(room, result)
        if isinstance(result, Answer) and isinstance(result.verdict, Accepted):
            self._accepted(room, desk, ask)
            answers = [(ask, result.verdict.data)]
            done(self._columns(room, desk, answers, missing, exchange.sent_ns))
        else:
            done(self._failed(room, desk, ask, result, exchange.sent_ns))

    def _columns(
        self,
        room: Room,
        desk: Desk,
        answers: Sequence[tuple[Ask, bytes]],
        missing: Sequence[tuple[int, int]],
        sent_ns: int,
    ) -> BlockColumns:
        received_ns = self._exchange.received_ns
        columns = desk.good(answers, missing, sent_ns, received_ns)
        if room.canary is not None and not self._is_canary_right(room, desk):
            return desk.bad(Reason.PROTOCOL, Detail.CANARY, sent_ns, received_ns, Outcome.ANSWERED)
        return columns

    def _accepted(self, room: Room, desk: Desk, ask: Ask) -> None:
        exchange = self._exchange
        room.took(ask.function, ask.quantity, exchange.received_ns - exchange.sent_ns)
        if not holes.is_calm(room.holes, desk.target):
            now_ns = exchange.received_ns
            self._notes.extend(room.heard(Answered(desk.target, ask), now_ns))

    def _failed(
        self, room: Room, desk: Desk, ask: Ask, result: Result, sent_ns: int
    ) -> BlockColumns:
        """Return the columns of a block whose request came to nothing."""
        now_ns = self._clock.mono_ns()
        if isinstance(result, Answer) and not isinstance(result.verdict, Accepted):
            exception = result.verdict.exception
            if exception in holes.REFUSALS:
                self._notes.extend(room.heard(Refused(desk.target, ask, exception), now_ns))
            reason, outcome = exception_reason(exception), exception_outcome(exception)
            return desk.bad(reason, exception, sent_ns, now_ns, outcome)
        if isinstance(result, Failed) and result.rejected is not None:
            self._notes.append(misbehaved(room.settings, ask, result.rejected))
        reason, detail, outcome = why(result)
        return desk.bad(reason, detail, sent_ns, now_ns, outcome)

    def _is_canary_right(self, room: Room, desk: Desk) -> bool:
        canary = room.canary
        assert canary is not None
        value = canary_in(desk, canary, desk.data) if desk.data is not None else None
        if value is not None:
            return self._judge_canary(room, value)
        return not canary.is_wrong

    def _judge_canary(self, room: Room, value: int) -> bool:
        is_right, notes = room.canary_said(value, self._clock.mono_ns())
        self._notes.extend(notes)
        if not is_right:
            self._exchange.distrust(room.settings.unit_id)
        return is_right

    def _tell(self, tell: Tell) -> None:
        room = self._room_of_unit.get(tell.unit)
        device = room.settings.name if room is not None else ""
        self._notes.append(Note(tell.code, device, tell.body))

    def _end(self, *, by_us: bool, was_silent: bool = False) -> None:
        self._is_resting = False
        self._exchange.close()
        now_ns = self._clock.mono_ns()
        self._notes.extend(self._entry.ended(now_ns, by_us=by_us, was_silent=was_silent))

    async def _pass(self, until_ns: int) -> None:
        """Sleep until a time of our own clock."""
        left_ns = until_ns - self._clock.mono_ns()
        if left_ns > 0:
            await asyncio.sleep(left_ns / 1e9)
