"""Drives one call of a gateway: read, judge, submit, acknowledge.  Shell: gRPC stream.

One task reads and judges, one task a message waits for the commit, one acknowledges in order.
Messages in work are bounded; beyond that nothing is read, and the transport holds the sender back.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError

from central import events
from central.archive.blocks import Archive
from central.archive.model import Outcome
from central.ingest.admission import (
    Call,
    Register,
    Sessions,
    check_hello,
    check_owners,
    check_room,
    told_by,
    welcome,
)
from central.ingest.writer import Writer
from central.listeners.pipeline import Bucket, Peer, take
from central.listeners.session import CallState, Told, ack_for, fork_quota_hit, ranges_as_acks
from central.status.service import StatusService
from central.status.view import GatewayWord
from proto import limits
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import CentralRefused, LimitExceeded, MessageMalformed, YujingError
from proto.prescan import prescan_edge
from proto.v1 import uplink_pb2 as wire

HELLO_WITHIN_S: Final = 5.0
SILENCE_MAX_S: Final = 60.0  # URGENT; BULK may be silent, its keepalive is the transport's
WRITE_WITHIN_S: Final = 30.0
IN_WORK_MAX: Final = 64  # messages submitted and not acknowledged, a call
IN_WORK_BYTES_MAX: Final = 4 * limits.MIB  # the widest window that Pace may open; one more is read


class Context(Protocol):
    """What we use of `grpc.aio.ServicerContext`."""

    def auth_context(self) -> dict[str, list[bytes]]:
        """Return the properties of the authenticated peer."""

    def peer(self) -> str:
        """Return the address of the peer."""

    async def read(self) -> object:
        """Return the next message, or EOF."""

    async def write(self, message: bytes) -> None:
        """Send one message."""

    async def abort(self, code: object, details: str) -> None:
        """End the call."""


class Services(Protocol):
    """What every call shares."""

    register: Register
    archive: Archive
    status: StatusService
    writer: Writer
    clock: Clock
    sessions: Sessions
    buckets: dict[str, Bucket]
    streams: dict[int, "Stream"]


@dataclass(slots=True, eq=False)
class _InWork:
    """One message of frames on its way to the disk."""

    told: Told
    outcomes: asyncio.Task[list[Outcome]]
    size: int


class Stream:
    """One call of an admitted gateway."""

    def __init__(self, services: Services, peer: Peer, context: Context) -> None:
        self._services = services
        self._peer = peer
        self._context = context
        self._gateway = peer.registered.gateway
        self._site = peer.registered.site
        self._call: Call | None = None
        self._in_work: deque[_InWork] = deque()
        self._moved = asyncio.Event()
        self._room = asyncio.Event()
        self._read_out = False
        self._stopped: asyncio.Future[CentralRefused] = asyncio.get_running_loop().create_future()
        self._writing = asyncio.Lock()
        self._version = ""
        self.name = "HELLO"

    def stop(self, code: str, message: str) -> None:
        """End the call after what was read is acknowledged."""
        if not self._stopped.done():
            self._stopped.set_result(CentralRefused(code, message))

    async def run(self) -> YujingError | None:
        """Serve until the peer ends the call (None), or return why we end it."""
        ended: YujingError | None = None
        try:
            state = await self._greet()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._acknowledge())
                ended = await self._read_all(state, group)
                self._read_out = True
                self._moved.set()
        except* YujingError as errors:
            ended = _first(errors)
        return ended

    def close(self) -> None:
        """Forget the call."""
        if self._call is not None:
            self._services.sessions.close(self._call)
            self._services.streams.pop(self._call.number, None)

    async def _greet(self) -> CallState:
        """Take the Hello and answer it with what the archive holds."""
        data = await self._next(HELLO_WITHIN_S, "session.late")
        if data is None:
            raise CentralRefused("session.hello", "the call ended before its Hello")
        message = await self._parsed(data)
        if message.WhichOneof("m") != "hello":
            raise CentralRefused("session.hello", "the first message is a Hello")
        hello, services = message.hello, self._services
        self._spend()
        check_hello(hello)
        check_owners(hello, self._gateway, services.archive.lanes.owners)
        check_room(hello, services.archive.lanes.promised(self._site))
        self._call, older, disputed = services.sessions.open(self._gateway, hello)
        services.streams[self._call.number] = self
        if older is not None and older.number in services.streams:
            services.streams[older.number].stop("session.superseded", "a newer session has opened")
        if disputed:
            events.gateway_disputed(self._gateway, hello.boot_id)
        self.name = wire.StreamKind.Name(hello.kind)
        self._version = hello.version[:64]
        await services.archive.announce(self._site, told_by(hello.tips))
        held = services.archive.held(self._site, hello.tips)
        known = services.writer.knows(self._site)
        answer, rest = welcome(hello, held, known, services.clock.wall_us())
        for each in (answer, *ranges_as_acks(rest, 0)):
            await self._send(each)
        await services.status.heard(self._gateway, self._word(None))
        events.session_opened(
            self._gateway, self.name, peer=self._context.peer(), version=self._version
        )
        return CallState(self._peer, hello.kind, owners=services.archive.lanes.owners)

    async def _read_all(self, state: CallState, group: asyncio.TaskGroup) -> YujingError | None:
        """Read until the peer ends (None) or until there is a reason to end."""
        within = SILENCE_MAX_S if state.kind == wire.URGENT else None
        while True:
            try:
                data = await self._next(within, "session.silent")
                if data is None:
                    return None
                message = await self._parsed(data)
                await self._services.status.heard(self._gateway)
                refused = await self._take(message, state, group)
            except CentralRefused as error:
                return error
            except (MessageMalformed, LimitExceeded) as error:
                return error
            if refused is not None:
                return refused

    async def _take(
        self, message: wire.EdgeMsg, state: CallState, group: asyncio.TaskGroup
    ) -> CentralRefused | None:
        """Act on one message after the Hello."""
        kind = message.WhichOneof("m")
        if kind != "frames" or state.kind != wire.BULK:
            self._spend()
        if kind == "heartbeat" and state.kind == wire.URGENT:
            await self._answer_heartbeat(message.heartbeat)
            return None
        if kind != "frames":
            raise CentralRefused("wire.order", f"a {kind} has no place here")
        while len(self._in_work) >= IN_WORK_MAX or self._in_work_bytes() >= IN_WORK_BYTES_MAX:
            self._room.clear()
            await self._room.wait()
        told = state.frames_in(message.frames, self._services.clock.wall_us())
        if told.count:
            stored = group.create_task(self._store(told))
            self._in_work.append(_InWork(told, stored, message.ByteSize()))
            self._moved.set()
        return told.refused

    def _in_work_bytes(self) -> int:
        return sum(work.size for work in self._in_work)

    async def _store(self, told: Told) -> list[Outcome]:
        """Make one message durable: unusable frames aside, the others in the archive."""
        archive, now_us = self._services.archive, self._services.clock.wall_us()
        for _position, data, code, _number in told.aside:
            await archive.quarantine(self._site, self._gateway, data, code, now_us)
            events.batch_quarantined(self._site, code, len(data))
            self._services.status.touch(self._site)
        if not told.admitted:
            return []
        outcomes = await self._services.writer.submit(told.admitted)
        if fork_quota_hit(outcomes):
            raise CentralRefused("archive.forks", "no room for more forks of this gateway")
        return outcomes

    async def _acknowledge(self) -> None:
        """Acknowledge messages in order, each after its commit; several at once where they are."""
        while True:
            while not self._in_work:
                if self._read_out:
                    return
                self._moved.clear()
                await self._moved.wait()
            await self._in_work[0].outcomes
            ready: list[tuple[Told, Sequence[Outcome]]] = []
            while self._in_work and self._in_work[0].outcomes.done():
                work = self._in_work.popleft()
                ready.append((work.told, work.outcomes.result()))
            self._room.set()
            for message in ack_for(ready):
                await self._send(message)

    async def _answer_heartbeat(self, beat: wire.Heartbeat) -> None:
        received_us = self._services.clock.wall_us()
        await self._services.status.heard(self._gateway, self._word(beat))
        reply = wire.TimeReply(
            id=beat.id,
            edge_wall_us=beat.wall_us,
            recv_us=received_us,
            send_us=self._services.clock.wall_us(),
        )
        await self._send(wire.CentralMsg(time=reply))

    def _word(self, beat: wire.Heartbeat | None) -> GatewayWord:
        """Return what the gateway says of itself, by a heartbeat or as it was before."""
        held = self._services.status.word_of(self._gateway)
        pending = list(beat.pending) if beat is not None else []
        return GatewayWord(
            version=self._version or held.version,
            certificate_days=self._peer.certificate_days,
            clock_offset_us=beat.clock_offset_us if beat else held.clock_offset_us,
            pending_batches=_sum(p.batches for p in pending) if beat else held.pending_batches,
            pending_bytes=_sum(p.bytes for p in pending) if beat else held.pending_bytes,
            pending_samples=_sum(p.samples for p in pending if p.lane == Lane.BULK)
            if beat
            else held.pending_samples,
            pending_us=self._services.clock.wall_us() if beat else held.pending_us,
        )

    def _spend(self) -> None:
        buckets, now_ns = self._services.buckets, self._services.clock.mono_ns()
        buckets[self._gateway], passed = take(buckets.get(self._gateway, Bucket()), now_ns)
        if not passed:
            raise CentralRefused("rate.messages", "too many messages; slow down")

    async def _parsed(self, data: bytes) -> wire.EdgeMsg:
        """Return the message; one that no honest peer writes is kept, and ends the call."""
        try:
            prescan_edge(data)
            return wire.EdgeMsg.FromString(data)
        except (MessageMalformed, LimitExceeded) as error:
            await self._keep(data, error.code)
            raise
        except DecodeError as error:
            await self._keep(data, "wire.malformed")
            raise MessageMalformed("wire.malformed", "no message of this protocol") from error

    async def _keep(self, data: bytes, code: str) -> None:
        now_us = self._services.clock.wall_us()
        await self._services.archive.quarantine(self._site, self._gateway, data, code, now_us)
        self._services.status.touch(self._site)

    async def _next(self, within_s: float | None, late: str) -> bytes | None:
        """Return the next message, or None at the end of the call.

        Raises:
            CentralRefused: the deadline has passed, or we were told to stop.
        """
        read = asyncio.ensure_future(self._context.read())
        either: set[asyncio.Future[Any]] = {read, self._stopped}
        try:
            await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.done():
                raise self._stopped.result()
            if not read.done():
                raise CentralRefused(late, f"nothing came for {within_s:.0f} s")
        finally:
            if not read.done():
                read.cancel()
        data = read.result()
        return data if isinstance(data, bytes) else None

    async def _send(self, message: wire.CentralMsg) -> None:
        try:
            async with self._writing, asyncio.timeout(WRITE_WITHIN_S):
                await self._context.write(message.SerializeToString())
        except TimeoutError as error:
            raise CentralRefused("session.silent", "the peer does not read") from error


def _sum(counts: Iterable[int]) -> int:
    """Return the sum of what a gateway counts, within the 63 bits of every reader."""
    return min(sum(counts), limits.SEQ_MAX)


def _first(errors: BaseExceptionGroup[YujingError]) -> YujingError:
    for error in errors.exceptions:
        return error if isinstance(error, YujingError) else _first(error)
    raise AssertionError("an empty group")
