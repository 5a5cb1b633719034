"""One session from Hello to its end: four loops over two calls.  Shell: timers, the log.

What the centre says is performed on the log before the next message is read; what goes out is
chosen by `lanes`, counted by `session`, read and verified from the log, written once.

Clause: batches.md 3.13.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from edge import events
from edge.claim import Belief, Key
from edge.pulse import Pulse
from edge.uplink.carriage import Carriage, Pipe, SessionEnded
from edge.uplink.lanes import Lanes, Pick
from edge.uplink.model import LaneView, Source
from edge.uplink.session import (
    WELCOME_NS,
    Acknowledged,
    ClockHeard,
    Disputed,
    Event,
    Facts,
    Session,
    Welcomed,
)
from edge.uplink.settings import Ears, UplinkSettings
from proto import limits
from proto.batch import Frame, Lane
from proto.clock import Clock
from proto.v1 import uplink_pb2 as wire

LOOK_BEATS = 5  # a look each 250 ms
_KINDS = (wire.URGENT, wire.BULK)


class Conduct:
    """One session.

    Attributes:
        session: what is in flight; asked after the end for whom a refusal concerns.
        on_open: called when both calls are welcome, with the session's name.
        on_sent: called with frames and bytes of each message.
        on_ack: called with the keys that are believed to be settled.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        source: Source,
        carriage: Carriage,
        clock: Clock,
        ears: Ears,
        pulse: Pulse,
        *,
        suspected: Key | None = None,
        on_open: Callable[[bytes], None],
        on_sent: Callable[[int, int], None],
        on_ack: Callable[[], None],
    ) -> None:
        self._source, self._carriage, self._clock, self._ears = source, carriage, clock, ears
        self._pulse = pulse
        self.on_open, self.on_sent, self.on_ack = on_open, on_sent, on_ack
        self.suspected = suspected
        self._id = secrets.token_bytes(16)
        now_ns = clock.mono_ns()
        facts = Facts(
            session=self._id,
            version=settings.version,
            boot_id=source.boot_id,
            config_hash=settings.config_hash,
            schemas=source.schemas(),
        )
        self.session = Session(facts, now_ns)
        self._epoch = source.epoch
        self._lanes = Lanes(source.lanes, epoch=self._epoch, now_ns=now_ns)
        self._wake = {kind: asyncio.Event() for kind in _KINDS}
        self._paced = dict.fromkeys(_KINDS, False)  # waits for a time, not for an event
        self._backlog = 0

    async def run(self) -> None:
        """Hold the session until it ends, which is always an error.

        Raises:
            UplinkError: why it ended (in a group with what ended beside it).
        """
        pipes = {kind: self._carriage.open(kind) for kind in _KINDS}
        for kind in _KINDS:
            await self._greet(kind, pipes[kind])
        self.on_open(self._id)
        self._start_backlog()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(pipes[wire.URGENT]), name="uplink.watch")
            group.create_task(self._follow_log(), name="uplink.log")
            for kind in _KINDS:
                group.create_task(self._receive(kind, pipes[kind]), name="uplink.receive")
                group.create_task(self._send(kind, pipes[kind]), name="uplink.send")

    async def _greet(self, kind: wire.StreamKind, pipe: Pipe) -> None:
        """Say Hello and take the Welcome; what the centre holds replaces what was marked."""
        lanes = _told(self._source.lanes(), self._epoch)
        try:
            async with asyncio.timeout(WELCOME_NS / 1e9):
                await pipe.send(self.session.hello(kind, lanes, self._clock.mono_ns()))
                data = await pipe.receive()
        except TimeoutError as error:
            raise SessionEnded("UNAVAILABLE", "no Welcome within 10 s", kind) from error
        for event in self.session.received(kind, data, self._clock.mono_ns()):
            assert isinstance(event, Welcomed), "the first message is the Welcome"
            if kind == wire.URGENT:
                await self._believe(await self._source.welcome(lanes, event.claims))
                self._lanes.want(self._source.schema_batches(event.schemas_wanted))

    # The loops.

    async def _receive(self, kind: wire.StreamKind, pipe: Pipe) -> None:
        while True:
            data = await pipe.receive()
            now_ns = self._clock.mono_ns()
            for event in self.session.received(kind, data, now_ns):
                await self._perform(event)
            self._lanes.backfill_bytes_per_s = self.session.backfill_bytes_per_s
            self._rouse()

    async def _send(self, kind: wire.StreamKind, pipe: Pipe) -> None:
        while True:
            self._wake[kind].clear()
            pick = self._next(kind)
            if pick is None or not await self._send_pick(kind, pipe, pick):
                await self._wake[kind].wait()

    async def _watch(self, urgent: Pipe) -> None:
        """Look at the silences, and send heartbeats when they are due."""
        while True:
            now_ns = self._clock.mono_ns()
            self.session.tick(now_ns)
            if self.session.beat_due(now_ns):
                await urgent.send(self.session.heartbeat(self._beat(), now_ns=now_ns))
                self._rouse()
            self._end_backlog()
            await self._pulse.until(self._is_due, every=LOOK_BEATS)

    def _is_due(self) -> bool:
        """Look for silences, heartbeats and the end of a pause; most looks find nothing."""
        now_ns = self._clock.mono_ns()
        for kind in _KINDS:
            if self._paced[kind]:
                self._wake[kind].set()
        due = self.session.beat_due(now_ns) or bool(self._backlog)
        return due or self.session.is_silent(now_ns)

    async def _follow_log(self) -> None:
        while True:
            await self._source.grown()
            if self._source.epoch != self._epoch:
                raise SessionEnded("REOPENED", "the log has begun a new epoch")
            self._rouse()

    # One step each.

    def _next(self, kind: wire.StreamKind) -> Pick | None:
        now_ns = self._clock.mono_ns()
        self._paced[kind] = False
        if self.session.room(kind) == 0 and not self.session.fits(kind, 0):
            return None
        held_back = self.session.held_back(kind, now_ns)
        self._paced[kind] = held_back or (kind == wire.BULK and self._lanes.is_paced(now_ns))
        if kind == wire.URGENT:
            return self._lanes.urgent(alarm_only=held_back)
        return None if held_back else self._lanes.bulk(now_ns)

    async def _send_pick(self, kind: wire.StreamKind, pipe: Pipe, pick: Pick) -> bool:
        """Send what `pick` names, as much as credit allows; False when nothing went."""
        room = max(self.session.room(kind), 1)
        count = 1 if self.suspected is not None else limits.FRAMES_PER_MESSAGE_MAX
        frames = await self._source.read(pick.key, pick.high, frames=count, size=room)
        if not frames:
            self._lanes.skip(pick)
            return True
        size = sum(_size(frame) for frame in frames)
        if not self.session.fits(kind, size):
            return False
        now_ns = self._clock.mono_ns()
        message = self.session.pack(kind, frames, now_ns)
        self._lanes.sent(pick, frames[-1].header.seq, size, now_ns)
        await pipe.send(message)
        self.on_sent(len(frames), size)
        return True

    async def _perform(self, event: Event) -> None:
        match event:
            case Welcomed(claims=claims) | Acknowledged(claims=claims):
                await self._believe(await self._source.acknowledge(claims))
                self.on_ack()
            case Disputed(key=key, status=status, code=code):
                await self._dispute(key, status, code)
            case ClockHeard(sent_us=t1, central_recv_us=t2, central_send_us=t3):
                self._ears.exchanged(t1, t2, t3, self._clock.wall_us(), self._clock.mono_ns())

    async def _dispute(self, key: Key, status: wire.Status, code: int) -> None:
        epoch, lane, seq = key
        name = wire.Status.Name(status)
        events.uplink_batch_disputed(lane=lane.name, sequence=seq, status=name, code=code)
        await self._source.set_apart(key, int(status))
        self.on_ack()
        if status == wire.FORKED and epoch == self._epoch:
            await self._believe(Belief.FORKED)

    async def _believe(self, belief: Belief) -> None:
        if belief is not Belief.HELD:
            await self._source.reopen(belief, self._epoch)
            raise SessionEnded("REOPENED", f"the centre and this log differ: {belief.name.lower()}")

    def _rouse(self) -> None:
        for wake in self._wake.values():
            wake.set()

    def _beat(self) -> wire.Heartbeat:
        word = self._ears.word()
        views = [view for view in self._source.lanes() if view.pending]
        pending = [
            wire.Pending(
                lane=int(view.lane),
                batches=view.pending.total,
                bytes=max(view.pending_bytes, 0),
                samples=max(view.pending_samples, 0),
            )
            for view in views[-limits.TIPS_MAX :]
        ]
        return wire.Heartbeat(
            wall_us=self._clock.wall_us(),
            mono_us=self._clock.mono_ns() // 1_000,
            boot_id=self._source.boot_id,
            pending=pending,
            disk_used=word.disk_used,
            disk_quota=word.disk_quota,
            clock_state=word.state,
            clock_offset_us=word.offset_us,
        )

    def _start_backlog(self) -> None:
        self._backlog = self._lanes.backlog()
        if self._backlog:
            events.uplink_backfill_started(batches=self._backlog)

    def _end_backlog(self) -> None:
        if self._backlog and not self._lanes.backlog() and not self.session.in_flight(wire.BULK):
            events.uplink_backfill_finished(batches=self._backlog)
            self._backlog = 0


def _size(frame: Frame) -> int:
    return len(frame.block) + len(frame.payload)


def _told(views: Sequence[LaneView], epoch: bytes) -> list[LaneView]:
    """Return the lanes that Hello names: of the current epoch, then what waits, newest first."""
    held = [view for view in views if view.tip.tip_seq >= view.held_lo and view.lane <= Lane.RAW]
    held.sort(key=lambda view: (view.epoch == epoch, bool(view.pending)), reverse=True)
    return held[: limits.TIPS_MAX]
