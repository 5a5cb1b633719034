"""The driver of a tap: overheard pairs become rows without a grid.  Shell: one descriptor, read.

It has no call that sends.  Rows come at the pace of the other master; a block that nobody asks for
any more is BAD (COMM_LOSS, not heard) after three of its periods, an answer that may belong to
another question is BAD (PROTOCOL, ambiguous).
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from devices.driver import (
    CHANGES_MAX,
    Block,
    BlockColumns,
    Change,
    DeviceSettings,
    Note,
    Outcome,
    bad_columns,
)
from devices.failure import LinkFailed
from devices.modbus import tap
from devices.modbus.tap import Pair, Verdict, WriteHeard
from devices.modbus.tap_frames import Question
from devices.modbus.tap_plan import TapRead, columns_of, tap_blocks
from devices.modbus.tap_source import Ear, Source
from proto.clock import Clock
from proto.quality import Detail, Reason

NOTES_MAX = 256
LIFE_NS = 10_000_000_000
"""A unit of which nothing was heard for so long gives no sign of life."""
BABBLE_BYTES = 2_000
"""So many bytes without a frame between two frames of ours are a babbling line, or a wrong baud."""
BABBLE_EVERY_NS = 60_000_000_000


class TapDriver:
    """One line that another master owns.

    Attributes:
        verdicts: answers heard, by what became of them.
        changes_dropped: rows lost because nobody fetched them.
    """

    def __init__(
        self, source: Source, devices: Sequence[DeviceSettings], bound_ns: int, clock: Clock
    ) -> None:
        self.verdicts = dict.fromkeys(Verdict, 0)
        self.changes_dropped = 0
        self._source, self._clock, self._bound_ns = source, clock, bound_ns
        self._blocks = tuple(block for device in devices for block in tap_blocks(device))
        self._reads = tuple(_read_of(block) for block in self._blocks)
        self._units = {device.unit_id: device.name for device in devices}
        self._at: dict[Question, tuple[int, ...]] = {}
        self._asked: list[Question | None] = [None] * len(self._blocks)
        self._state = tap.Tap(bound_ns, source.char_ns)
        self._ear: Ear | None = None
        self._heard_ns = [0] * len(self._blocks)
        self._silent = [False] * len(self._blocks)
        self._unit_ns: dict[int, int] = {}
        self._changes: deque[Change] = deque()
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)
        self._noise_told = (0, 0)  # noise bytes and time at the last note

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What may be overheard: the groups and points of the devices, in their order."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the ear is open."""
        return self._ear is not None

    @property
    def ready_ns(self) -> int:
        """Always now: nothing is asked."""
        return 0

    @property
    def errand_ns(self) -> int | None:
        """Never: nothing is asked."""
        return None

    @property
    def heard(self) -> tap.Tap:
        """What was heard so far: requests, their periods, figures."""
        return self._state

    async def connect(self) -> None:
        """Begin to listen; what was heard before counts no more.

        Raises:
            DeviceUnreachable: no port, or nobody accepts.
            DeviceRefused: the port has no such speed.
        """
        await self.close()
        ear = await self._source.open()
        now_ns = self._clock.mono_ns()
        self._ear = ear
        self._state = tap.Tap(self._bound_ns, self._source.char_ns)
        self._heard_ns = [now_ns] * len(self._blocks)
        self._silent = [False] * len(self._blocks)
        self._noise_told = (0, 0)
        asyncio.get_running_loop().add_reader(ear.fileno(), self._on_bytes)

    async def read(self, block: Block) -> BlockColumns:
        """Return that nothing was asked: a tap asks nobody.

        Raises:
            DeviceUnreachable: the ear is closed.
        """
        if self._ear is None:
            raise LinkFailed("not connected", place="tap")
        n, now_ns = len(block.points), self._clock.mono_ns()
        return bad_columns(n, Reason.COMM_LOSS, Detail.NOT_HEARD, now_ns)

    async def probe(self, device: str) -> bool:
        """Return whether anything of the device was heard lately; nothing is sent.

        Raises:
            DeviceUnreachable: the ear is closed.
        """
        if self._ear is None:
            raise LinkFailed("not connected", place="tap")
        now_ns = self._clock.mono_ns()
        return any(
            now_ns - self._unit_ns.get(unit, -LIFE_NS) < LIFE_NS
            for unit, name in self._units.items()
            if name == device
        )

    async def run_errand(self) -> None:
        """Do nothing: there is nothing to ask."""

    def notes(self) -> list[Note]:
        """Return writes overheard, points nobody asks for, a line that babbles."""
        self._note_babble(self._clock.mono_ns())
        taken = list(self._notes)
        self._notes.clear()
        return taken

    def changes(self) -> list[Change]:
        """Return the rows since the last call, those that were not heard in time among them."""
        if self._ear is not None:
            now_ns = self._clock.mono_ns()
            self._take(b"", now_ns)
            self._find_silent(now_ns)
        taken = list(self._changes)
        self._changes.clear()
        return taken

    async def close(self) -> None:
        """Stop listening; never waits."""
        self._close()

    def _close(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            asyncio.get_running_loop().remove_reader(ear.fileno())
            ear.close()

    def _on_bytes(self) -> None:
        """Take what came; the end of the source is the loss of the line."""
        if self._ear is None:
            return
        data = self._ear.listen()
        if data is None:
            self._close()
        elif data:
            self._take(data, self._clock.mono_ns())

    def _take(self, data: bytes, now_ns: int) -> None:
        self._state, events = tap.step(self._state, data, now_ns)
        for event in events:
            if isinstance(event, Pair):
                self._pair(event)
            else:
                self._write(event)

    def _pair(self, pair: Pair) -> None:
        self.verdicts[pair.verdict] += 1
        self._unit_ns[pair.unit] = pair.received_ns
        for question in pair.asks:
            for at in self._covered(question):
                self._asked[at] = question
                self._offer(at, self._columns(at, question, pair), pair.received_ns)

    def _columns(self, at: int, question: Question, pair: Pair) -> BlockColumns:
        if pair.verdict is Verdict.PAIRED:
            return columns_of(self._reads[at], question, pair.data, pair.sent_ns, pair.received_ns)
        n, refused = len(self._blocks[at].points), pair.verdict is Verdict.REFUSED
        return bad_columns(
            n,
            Reason.DEVICE_ERROR if refused else Reason.PROTOCOL,
            pair.exception if refused else Detail.AMBIGUOUS,
            pair.received_ns,
            sent_mono_ns=pair.sent_ns,
            outcome=Outcome.REFUSED if refused else Outcome.REJECTED,
        )

    def _covered(self, question: Question) -> tuple[int, ...]:
        """Return which blocks an answer to `question` fills; remembered per question."""
        known = self._at.get(question)
        if known is None:
            known = tuple(i for i, read in enumerate(self._reads) if read.is_covered(question))
            if len(self._at) < tap.REQUESTS_MAX:
                self._at[question] = known
        return known

    def _offer(self, at: int, columns: BlockColumns, now_ns: int) -> None:
        self._heard_ns[at] = now_ns
        self._silent[at] = False
        self._queue(Change(at, columns))

    def _queue(self, change: Change) -> None:
        if len(self._changes) >= CHANGES_MAX:
            self._changes.popleft()
            self.changes_dropped += 1
        self._changes.append(change)

    def _find_silent(self, now_ns: int) -> None:
        for at, block in enumerate(self._blocks):
            since_ns, question = self._heard_ns[at], self._asked[at]
            if self._silent[at] or not self._is_overdue(question, since_ns, now_ns, block):
                continue
            self._silent[at] = True
            n = len(block.points)
            bad = bad_columns(
                n, Reason.COMM_LOSS, Detail.NOT_HEARD, now_ns, outcome=Outcome.TIMED_OUT
            )
            self._queue(Change(at, bad))
            body = {"point": block.points[0].name, "points": n, "since_us": since_ns // 1000}
            self._notes.append(Note("device.not_heard", block.device, body))

    def _is_overdue(
        self, question: Question | None, since_ns: int, now_ns: int, block: Block
    ) -> bool:
        if question is None:
            return now_ns - since_ns > 3 * block.period_ns
        return tap.overdue(self._state, question, since_ns, now_ns, block.period_ns)

    def _write(self, event: WriteHeard) -> None:
        write = event.write
        body = {
            "unit": write.unit,
            "function": write.function,
            "address": write.start,
            "quantity": write.quantity,
            "values": list(write.values),
            "confirmed": event.is_confirmed,
            "mono_us": event.at_ns // 1000,
        }
        device = self._units.get(write.unit, "")
        self._notes.append(Note("device.write_overheard", device, body))

    def _note_babble(self, now_ns: int) -> None:
        told_bytes, told_ns = self._noise_told
        noise = self._state.noise_bytes
        if noise - told_bytes < BABBLE_BYTES or (told_ns and now_ns - told_ns < BABBLE_EVERY_NS):
            return
        body = {"noise_bytes": noise - told_bytes, "frames": self._state.frames}
        self._noise_told = (noise, now_ns)
        self._notes.append(Note("device.line_babbled", "", body))


def _read_of(block: Block) -> TapRead:
    assert isinstance(block.request, TapRead)
    return block.request
