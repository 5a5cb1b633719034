"""One session with the centre: two calls, what is in flight, what is proven; no I/O.  Pure.

Rules of this file:
- Nothing but a Range of the centre (Welcome, Ack) or an Item marks a batch.
- `nth` counts the frames of one call that are disposed of: in flight = sent - nth.  It never
  goes back, and never beyond what was sent.
- Credits bound what is in flight, in messages and bytes; one larger message alone is allowed.
- Welcome comes first, once a call; BULK opens after URGENT's.

Theory of operation: the shell asks `can_send` and `pack`, hands over what it received, and calls
`tick`.  Events come back; errors of the peer are raised, and end the session.

    CLOSED --hello--> GREETING --Welcome--> OPEN --(Ack, TimeReply, frames, heartbeat)--> OPEN

Clause: batches.md 3.13.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from google.protobuf.message import DecodeError

from edge.claim import Claim, Key
from edge.uplink.model import LaneView
from proto import limits
from proto.batch import Frame, Lane
from proto.errors import CentralUnreachable, UplinkError
from proto.v1 import uplink_pb2 as wire

PROTO = 1
_NS = 1_000_000_000
WINDOW_MESSAGES, WINDOW_BYTES = 8, 128 * limits.KIB
WINDOW_MESSAGES_MAX, WINDOW_BYTES_MAX = 64, 4 * limits.MIB
HEARTBEAT_NS = 10 * _NS
CLOCK_NS = 60 * _NS  # an exchange at least so often, however busy URGENT is
WELCOME_NS = 10 * _NS
SILENCE_NS = 25 * _NS
ALARM_SILENCE_NS, ALARM_SILENCE_MAX_NS = 5 * _NS, 30 * _NS
STALL_NS = 60 * _NS


class CallState(Enum):
    """Where one call stands."""

    CLOSED = auto()
    GREETING = auto()
    OPEN = auto()


NEXT = {
    CallState.CLOSED: {"hello": CallState.GREETING},
    CallState.GREETING: {"welcome": CallState.OPEN},
    CallState.OPEN: {"ack": CallState.OPEN, "time": CallState.OPEN},
}


@dataclass(frozen=True, slots=True)
class Welcomed:
    """What the centre holds of the lanes that Hello named; authoritative."""

    kind: wire.StreamKind
    claims: tuple[Claim, ...]
    schemas_wanted: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Ranges that are durable at the centre."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Disputed:
    """One batch that the centre keeps aside (QUARANTINED) or holds otherwise (FORKED)."""

    key: Key
    status: wire.Status
    code: int


@dataclass(frozen=True, slots=True)
class ClockHeard:
    """Three of the four times of one exchange; the shell adds its own time of receipt."""

    sent_us: int
    central_recv_us: int
    central_send_us: int


Event = Welcomed | Acknowledged | Disputed | ClockHeard


@dataclass(frozen=True, slots=True)
class Facts:
    """What Hello says of this gateway besides its lanes."""

    session: bytes
    version: str
    boot_id: int
    config_hash: bytes
    schemas: Sequence[bytes]


@dataclass(slots=True)
class _Call:
    state: CallState = CallState.CLOSED
    sent: int = 0
    disposed: int = 0
    keys: OrderedDict[int, Key] = field(default_factory=OrderedDict)
    messages: deque[tuple[int, int]] = field(default_factory=deque)  # last nth, bytes
    bytes: int = 0
    window_messages: int = WINDOW_MESSAGES
    window_bytes: int = WINDOW_BYTES
    not_before_ns: int = 0
    moved_ns: int = 0


class Session:
    """Both calls of one session.

    Attributes:
        backfill_bytes_per_s: the centre's rate for history; 0 = no limit.
        round_trip_ns: smoothed; None before the first reply.
    """

    def __init__(self, facts: Facts, now_ns: int) -> None:
        self._facts = facts
        self._calls = {wire.URGENT: _Call(), wire.BULK: _Call()}
        self._began_ns = now_ns
        self._heard_ns = now_ns
        self._urgent_batch_ns = 0
        self._alarm_sent_ns: int | None = None
        self._beat_ns: int | None = None
        self._beats = 0
        self._beats_open: OrderedDict[int, int] = OrderedDict()  # id -> sent at
        self.backfill_bytes_per_s = 0
        self.round_trip_ns: int | None = None

    # Sending.

    def hello(self, kind: wire.StreamKind, lanes: Sequence[LaneView], now_ns: int) -> bytes:
        """Return the first message of a call."""
        self._step(kind, "hello")
        self._call(kind).moved_ns = now_ns
        tips = [
            wire.LaneTip(
                epoch=view.epoch,
                lane=int(view.lane),
                held_lo=view.held_lo,
                tip_seq=view.tip.tip_seq,
                tip_sample=view.tip.tip_sample,
                tip_hash=view.tip.prev_hash,
            )
            for view in lanes
        ]
        facts = self._facts
        hello = wire.Hello(
            proto_min=PROTO,
            proto_max=PROTO,
            kind=kind,
            session=facts.session,
            version=facts.version,
            boot_id=facts.boot_id,
            tips=tips,
            schemas=list(facts.schemas)[: limits.SCHEMAS_MAX],
            config_hash=facts.config_hash,
        )
        return wire.EdgeMsg(hello=hello).SerializeToString()

    def is_open(self, kind: wire.StreamKind) -> bool:
        """True after the Welcome of this call."""
        return self._call(kind).state is CallState.OPEN

    def held_back(self, kind: wire.StreamKind, now_ns: int) -> bool:
        """True while the centre asks to wait with everything but ALARM."""
        return now_ns < self._call(kind).not_before_ns

    def room(self, kind: wire.StreamKind) -> int:
        """Return the bytes of frames that the next message may have; 0 = none may go."""
        call = self._call(kind)
        if call.state is not CallState.OPEN or len(call.messages) >= call.window_messages:
            return 0
        left = call.window_bytes - call.bytes
        return min(max(left, 0), limits.FRAMES_BYTES_MAX)

    def fits(self, kind: wire.StreamKind, size: int) -> bool:
        """True when a message of `size` bytes of frames may go now."""
        call = self._call(kind)
        if call.state is not CallState.OPEN or len(call.messages) >= call.window_messages:
            return False
        return not call.messages or call.bytes + size <= call.window_bytes

    def pack(self, kind: wire.StreamKind, frames: Sequence[Frame], now_ns: int) -> bytes:
        """Return the message of these frames, and count them as in flight."""
        call = self._call(kind)
        assert frames, "a message has frames"
        assert call.state is CallState.OPEN, "frames go after the Welcome"
        size = 0
        for frame in frames:
            call.sent += 1
            header = frame.header
            call.keys[call.sent] = (header.epoch, header.lane, header.seq)
            size += len(frame.block) + len(frame.payload)
            if header.lane is Lane.ALARM and self._alarm_sent_ns is None:
                self._alarm_sent_ns = now_ns
        if not call.messages:
            call.moved_ns = now_ns
        call.messages.append((call.sent, size))
        call.bytes += size
        if kind == wire.URGENT:
            self._urgent_batch_ns = now_ns
        return wire.EdgeMsg(frames=wire.Frames(frame=[f.data for f in frames])).SerializeToString()

    def heartbeat(self, beat: wire.Heartbeat, *, now_ns: int) -> bytes:
        """Return the heartbeat as a message; its id is set here."""
        self._beats += 1
        self._beats_open[self._beats] = now_ns
        while len(self._beats_open) > 64:
            self._beats_open.popitem(last=False)
        self._beat_ns = now_ns
        fresh = wire.Heartbeat()
        fresh.CopyFrom(beat)
        fresh.id = self._beats
        return wire.EdgeMsg(heartbeat=fresh).SerializeToString()

    def beat_due(self, now_ns: int) -> bool:
        """True when a heartbeat must go: none yet, or 10 s without batch or heartbeat on URGENT."""
        if not self.is_open(wire.URGENT):
            return False
        if self._beat_ns is None or now_ns - self._beat_ns >= CLOCK_NS:
            return True
        return now_ns - max(self._beat_ns, self._urgent_batch_ns) >= HEARTBEAT_NS

    # Receiving.

    def received(self, kind: wire.StreamKind, data: bytes, now_ns: int) -> list[Event]:
        """Take one message of the centre.

        Raises:
            UplinkError: it is none, or one that has no place here.
        """
        self._heard_ns = now_ns
        try:
            message = wire.CentralMsg.FromString(data)
        except DecodeError as error:
            raise UplinkError("uplink.malformed", "the centre's message cannot be read") from error
        match message.WhichOneof("m"):
            case "welcome":
                self._step(kind, "welcome")
                return [self._welcome(kind, message.welcome, now_ns)]
            case "ack":
                self._step(kind, "ack")
                return self._ack(kind, message.ack, now_ns)
            case "time":
                self._step(kind, "time")
                return self._time(message.time, now_ns)
            case _:
                return []  # an offer of a later version: not ours to answer

    def tick(self, now_ns: int) -> None:
        """Look at the silences.

        Raises:
            CentralUnreachable: the line is dead as far as this side can tell; reconnect.
        """
        silence_ns = now_ns - self._heard_ns
        for kind, call in self._calls.items():
            if call.state is CallState.GREETING and now_ns - call.moved_ns > WELCOME_NS:
                name = wire.StreamKind.Name(kind)
                raise CentralUnreachable("uplink.no_welcome", f"no Welcome on {name} within 10 s")
            limit_ns = max(STALL_NS, 8 * (self.round_trip_ns or 0))
            if call.messages and now_ns - call.moved_ns > limit_ns:
                raise CentralUnreachable("uplink.stalled", "nothing is acknowledged any more")
        if silence_ns > SILENCE_NS and self._beats_open:
            raise CentralUnreachable("uplink.silent", "two heartbeats without an answer")
        if self._alarm_sent_ns is not None:
            trip_ns = self.round_trip_ns or 0
            limit_ns = min(max(ALARM_SILENCE_NS, 4 * trip_ns), ALARM_SILENCE_MAX_NS)
            if min(silence_ns, now_ns - self._alarm_sent_ns) > limit_ns:
                raise CentralUnreachable("uplink.alarm_unheard", "an alarm is not acknowledged")

    def is_silent(self, now_ns: int) -> bool:
        """True when `tick` ends the session."""
        try:
            self.tick(now_ns)
        except CentralUnreachable:
            return True
        return False

    def first_in_flight(self, kind: wire.StreamKind) -> Key | None:
        """Return the oldest batch that is not disposed of: whom a refusal concerns."""
        return next(iter(self._call(kind).keys.values()), None)

    def in_flight(self, kind: wire.StreamKind) -> int:
        """Return how many frames are not disposed of."""
        call = self._call(kind)
        return call.sent - call.disposed

    # Inside.

    def _call(self, kind: wire.StreamKind) -> _Call:
        return self._calls[kind]

    def _step(self, kind: wire.StreamKind, event: str) -> None:
        call = self._call(kind)
        after = NEXT[call.state].get(event)
        if after is None:
            raise UplinkError("uplink.order", f"{event} has no place in {call.state.name}")
        call.state = after

    def _welcome(self, kind: wire.StreamKind, welcome: wire.Welcome, now_ns: int) -> Welcomed:
        if welcome.proto != PROTO or welcome.session != self._facts.session:
            raise UplinkError("uplink.welcome", "Welcome of another session or protocol")
        self._call(kind).moved_ns = now_ns
        self._pace(kind, welcome.pace, now_ns)
        return Welcomed(kind, _claims(welcome.stored), tuple(welcome.schemas_wanted))

    def _ack(self, kind: wire.StreamKind, ack: wire.Ack, now_ns: int) -> list[Event]:
        call = self._call(kind)
        if ack.nth > call.sent:
            raise UplinkError("uplink.nth", f"Ack of frame {ack.nth}, {call.sent} were sent")
        events: list[Event] = []
        if ack.stored:
            events.append(Acknowledged(_claims(ack.stored)))
        for item in ack.items:
            key = call.keys.get(item.nth)
            if item.status in (wire.QUARANTINED, wire.FORKED) and key is not None:
                events.append(Disputed(key, item.status, item.code))
        self._dispose(call, ack.nth, now_ns)
        self._pace(kind, ack.pace, now_ns)
        return events

    def _dispose(self, call: _Call, nth: int, now_ns: int) -> None:
        if nth <= call.disposed:
            return
        call.disposed, call.moved_ns = nth, now_ns
        while call.keys and next(iter(call.keys)) <= nth:
            call.keys.popitem(last=False)
        while call.messages and call.messages[0][0] <= nth:
            call.bytes -= call.messages.popleft()[1]
        urgent = self._calls[wire.URGENT]
        if call is urgent and not any(key[1] is Lane.ALARM for key in call.keys.values()):
            self._alarm_sent_ns = None

    def _time(self, reply: wire.TimeReply, now_ns: int) -> list[Event]:
        sent_ns = self._beats_open.pop(reply.id, None)
        if sent_ns is None:
            return []
        for older in [number for number in self._beats_open if number < reply.id]:
            self._beats_open.pop(older)
        trip_ns = now_ns - sent_ns
        known = self.round_trip_ns
        self.round_trip_ns = trip_ns if known is None else known + (trip_ns - known) // 8
        return [ClockHeard(reply.edge_wall_us, reply.recv_us, reply.send_us)]

    def _pace(self, kind: wire.StreamKind, pace: wire.Pace, now_ns: int) -> None:
        call = self._call(kind)
        if pace.window_messages:
            call.window_messages = min(pace.window_messages, WINDOW_MESSAGES_MAX)
        if pace.window_bytes:
            call.window_bytes = min(pace.window_bytes, WINDOW_BYTES_MAX)
        if pace.backfill_bytes_per_s:
            self.backfill_bytes_per_s = pace.backfill_bytes_per_s
        if pace.not_before_ms:
            call.not_before_ns = now_ns + pace.not_before_ms * 1_000_000


def _claims(ranges: Sequence[wire.Range]) -> tuple[Claim, ...]:
    """Return the ranges that can be meant; a lane of a later version is passed over."""
    return tuple(
        Claim(one.epoch, Lane(one.lane), one.lo, one.hi, one.hash_hi)
        for one in ranges
        if one.lane <= Lane.RAW and 1 <= one.lo <= one.hi
    )
