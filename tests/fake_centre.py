"""A centre in memory that stores frames and acknowledges them, and can misbehave on purpose."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge.claim import Belief, Claim, Key
from edge.uplink.carriage import SessionEnded
from edge.uplink.model import LaneView
from proto.batch import Frame, Lane, open_frame
from proto.ledger import RangeSet
from proto.prescan import prescan_edge
from proto.v1 import uplink_pb2 as wire
from tests.uplink_builders import EPOCH, HeldLane

Stored = dict[tuple[bytes, int], dict[int, bytes]]


def ranges_held(
    stored: Stored, keys: Sequence[tuple[bytes, int]] | None = None
) -> list[wire.Range]:
    """Return what is held as runs, each with the hash of its last batch."""
    result = []
    for (epoch, lane), batches in stored.items():
        if keys is not None and (epoch, lane) not in keys:
            continue
        for low, high in RangeSet.of((seq, seq) for seq in batches):
            last = open_frame(batches[high]).header.hash
            result.append(wire.Range(epoch=epoch, lane=lane, lo=low, hi=high, hash_hi=last))
    return result


@dataclass(slots=True)
class Centre:
    """What the centre holds and how it behaves.

    Attributes:
        received: keys in order of arrival, both calls.
        refuse: a message that holds this key ends its call with INVALID_ARGUMENT.
        quarantine: this key is answered QUARANTINED.
        wrong_hash: acknowledges with another hash.
        silent: reads and says nothing more.
        refusal: every call ends at once with this status.
    """

    stored: Stored = field(default_factory=dict)
    received: list[Key] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    hellos: list[wire.Hello] = field(default_factory=list)
    beats: list[wire.Heartbeat] = field(default_factory=list)
    refuse: Key | None = None
    quarantine: Key | None = None
    wrong_hash: bool = False
    silent: bool = False
    refusal: str | None = None
    cut: bool = False
    pace: wire.Pace | None = None
    duplicates: int = 0
    mute: bool = False  # stores and does not acknowledge
    wires: list["Wire"] = field(default_factory=list)

    def connect(self) -> "Wire":
        self.wires.append(Wire(self))
        return self.wires[-1]

    def hang_up(self) -> None:
        """Break every connection at once."""
        for each in self.wires:
            for pipe in each.pipes:
                pipe.end("UNAVAILABLE")

    def held(self, keys: Sequence[tuple[bytes, int]]) -> list[wire.Range]:
        """Return what is held, or, with `wrong_hash`, a claim that cannot be true."""
        ranges = ranges_held(self.stored, keys)
        if self.wrong_hash:
            for one in ranges:
                one.hash_hi = b"?" * 32
        return ranges

    def store(self, frames: Sequence[bytes], first_nth: int) -> wire.CentralMsg:
        """Take the frames of one message and return the Ack."""
        items, keys = [], []
        for nth, data in enumerate(frames, first_nth):
            header = open_frame(data).header
            key = (header.epoch, header.lane, header.seq)
            self.received.append(key)
            if key == self.refuse:
                raise SessionEnded("INVALID_ARGUMENT", "malformed")
            if key == self.quarantine:
                items.append(wire.Item(nth=nth, status=wire.QUARANTINED, code=9))
                continue
            lane = self.stored.setdefault((header.epoch, int(header.lane)), {})
            self.duplicates += header.seq in lane
            lane[header.seq] = data
            keys.append((header.epoch, int(header.lane)))
        nth = first_nth + len(frames) - 1
        return wire.CentralMsg(ack=wire.Ack(stored=self.held(keys), items=items, nth=nth))


@dataclass(slots=True)
class Wire:
    """One connection in memory: structurally a `Carriage`."""

    centre: Centre
    pipes: list["WirePipe"] = field(default_factory=list)

    def open(self, kind: wire.StreamKind) -> "WirePipe":
        pipe = WirePipe(self.centre, kind)
        self.pipes.append(pipe)
        return pipe

    async def close(self) -> None:
        for pipe in self.pipes:
            pipe.end("CANCELLED")


class WirePipe:
    """One call in memory."""

    def __init__(self, centre: Centre, kind: wire.StreamKind) -> None:
        self.centre, self.kind = centre, kind
        self.frames = 0
        self.ended: str | None = None
        self.answers: asyncio.Queue[bytes | None] = asyncio.Queue()

    def end(self, status: str) -> None:
        if self.ended is None:
            self.ended = status
            self.answers.put_nowait(None)

    async def send(self, message: bytes) -> None:
        await asyncio.sleep(0.001)
        centre = self.centre
        if centre.refusal or centre.cut or self.ended:
            self.end(centre.refusal or self.ended or "UNAVAILABLE")
            raise SessionEnded(self.ended or "UNAVAILABLE", "ended", self.kind)
        if centre.silent:
            return
        prescan_edge(message)
        parsed = wire.EdgeMsg.FromString(message)
        try:
            answer = self._answer(parsed)
        except SessionEnded as error:
            self.end(error.status)
            return
        if answer is not None:
            self.answers.put_nowait(answer.SerializeToString())

    def _answer(self, message: wire.EdgeMsg) -> wire.CentralMsg | None:
        centre = self.centre
        match message.WhichOneof("m"):
            case "hello":
                hello = message.hello
                centre.hellos.append(hello)
                told = [(tip.epoch, tip.lane) for tip in hello.tips]
                return wire.CentralMsg(
                    welcome=wire.Welcome(
                        proto=1,
                        session=hello.session,
                        stored=centre.held(told),
                        pace=centre.pace,
                    )
                )
            case "heartbeat":
                beat = message.heartbeat
                centre.beats.append(beat)
                reply = wire.TimeReply(
                    id=beat.id,
                    edge_wall_us=beat.wall_us,
                    recv_us=beat.wall_us,
                    send_us=beat.wall_us,
                )
                return wire.CentralMsg(time=reply)
            case _:
                first = self.frames + 1
                frames = list(message.frames.frame)
                self.frames += len(frames)
                centre.messages.append(len(frames))
                answer = centre.store(frames, first)
                return None if centre.mute else answer

    async def receive(self) -> bytes:
        data = await self.answers.get()
        if data is None or self.centre.cut:
            raise SessionEnded(self.ended or "UNAVAILABLE", "ended", self.kind)
        return data


class HeldSource:
    """A log in memory: structurally a `Source`."""

    def __init__(self, *lanes: HeldLane, epoch: bytes = EPOCH) -> None:
        self._lanes = list(lanes)
        self._epoch = epoch
        self._grown = asyncio.Event()
        self.reopened: list[Belief] = []
        self.on_reopen: Callable[[], None] | None = None
        self.boot_id = 1
        self.damaged: set[Key] = set()

    @property
    def epoch(self) -> bytes:
        return self._epoch

    def grow(self, lane: Lane, count: int = 1) -> None:
        self.lane(lane).grow(count)
        self._grown.set()

    def lane(self, lane: Lane) -> HeldLane:
        return next(one for one in self._lanes if one.lane is lane and one.epoch == self._epoch)

    async def grown(self) -> None:
        await self._grown.wait()
        self._grown.clear()

    def lanes(self) -> list[HeldLane]:
        return self._lanes

    def schemas(self) -> list[bytes]:
        return [b"s" * 32]

    def schema_batches(self, wanted: Sequence[bytes]) -> list[int]:
        return [2] if wanted else []

    async def read(self, key: Key, high: int, *, frames: int, size: int) -> list[Frame]:
        await asyncio.sleep(0.001)
        epoch, lane, low = key
        held = next(one for one in self._lanes if (one.epoch, one.lane) == (epoch, lane))
        result: list[Frame] = []
        total = 0
        for seq in range(low, min(high, low + frames - 1) + 1):
            if (epoch, lane, seq) in self.damaged:
                break
            total += len(held.frames[seq].data)
            if result and total > size:
                break
            result.append(held.frames[seq])
        if not result:
            held.refused = held.refused.add(low, low)
        return result

    async def welcome(self, lanes: Sequence[LaneView], claims: Sequence[Claim]) -> Belief:
        for one in self._lanes:
            one.stored = RangeSet()
        return await self.acknowledge(claims)

    async def acknowledge(self, claims: Sequence[Claim]) -> Belief:
        for claim in claims:
            for one in self._lanes:
                if (one.epoch, one.lane) != (claim.epoch, claim.lane):
                    continue
                if claim.high > one.tip.tip_seq:
                    return Belief.BEYOND
                if one.frames[claim.high].header.hash != claim.hash_high:
                    return Belief.FORKED
                one.stored = one.stored.add(claim.low, claim.high)
        return Belief.HELD

    async def set_apart(self, key: Key, status: int) -> None:
        for one in self._lanes:
            if (one.epoch, one.lane) == key[:2]:
                one.apart = one.apart.add(key[2], key[2])

    async def refuse(self, key: Key) -> None:
        for one in self._lanes:
            if (one.epoch, one.lane) == key[:2]:
                one.refused = one.refused.add(key[2], key[2])

    async def reopen(self, belief: Belief, epoch: bytes) -> None:
        self.reopened.append(belief)
        if self.on_reopen is not None:
            self.on_reopen()
