"""Builders for the uplink: frames, lanes that are held in memory, messages of the centre."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.uplink.session import Facts, Session
from proto.batch import Frame, Kind, Lane, Stamp, gateway_uid, seal
from proto.chain import LaneTip, advance, root
from proto.ledger import RangeSet
from proto.v1 import uplink_pb2 as wire

EPOCH = b"E" * 16
SESSION = b"S" * 16
SECOND = 10**9


def frame(lane: Lane, tip: LaneTip, *, epoch: bytes = EPOCH, size: int = 0) -> Frame:
    """The next frame of a lane; `size` bytes that do not compress."""
    kinds = {Lane.META: Kind.GAP, Lane.BULK: Kind.SAMPLES}
    name = b"%d-%d" % (lane, tip.next_seq)
    raw = hashlib.shake_256(name).digest(max(size, 40))
    return seal(
        Stamp(gateway_uid("610581-bof1a"), epoch, 0, 0, 1, 1),
        lane=lane,
        kind=kinds.get(lane, Kind.RECORDS),
        seq=tip.next_seq,
        sample_first=tip.next_sample,
        n=1,
        raw=raw,
        t_first_us=0,
        t_last_us=0,
        prev_hash=tip.prev_hash,
    )


@dataclass(slots=True)
class HeldLane:
    """A lane in memory: structurally a `LaneView`."""

    lane: Lane
    epoch: bytes = EPOCH
    held_lo: int = 1
    tip: LaneTip = field(default_factory=LaneTip)
    frames: dict[int, Frame] = field(default_factory=dict)
    stored: RangeSet = field(default_factory=RangeSet)
    apart: RangeSet = field(default_factory=RangeSet)
    refused: RangeSet = field(default_factory=RangeSet)

    @property
    def pending(self) -> RangeSet:
        if self.tip.tip_seq < self.held_lo:
            return RangeSet()
        gone = self.stored | self.apart | self.refused
        return gone.holes(self.held_lo, self.tip.tip_seq)

    @property
    def pending_samples(self) -> int:
        return self.pending.total

    @property
    def pending_bytes(self) -> int:
        return 300 * self.pending.total

    def grow(self, count: int = 1, *, size: int = 0) -> "HeldLane":
        for _ in range(count):
            made = frame(self.lane, self.tip, epoch=self.epoch, size=size)
            self.frames[made.header.seq] = made
            self.tip = advance(self.tip, made.header)
        return self


def held(lane: Lane, count: int = 0, *, epoch: bytes = EPOCH, size: int = 0) -> HeldLane:
    return HeldLane(lane, epoch, tip=root(lane, b"\1" * 32)).grow(count, size=size)


def lanes(*counts: tuple[Lane, int]) -> list[HeldLane]:
    return [held(lane, count) for lane, count in counts]


def facts() -> Facts:
    return Facts(SESSION, "0.1.0", 1, b"c" * 32, [b"s" * 32])


def welcome(
    stored: Sequence[wire.Range] = (),
    *,
    session: bytes = SESSION,
    proto: int = 1,
    pace: wire.Pace | None = None,
    wanted: Sequence[bytes] = (),
) -> bytes:
    return wire.CentralMsg(
        welcome=wire.Welcome(
            proto=proto, session=session, stored=stored, pace=pace, schemas_wanted=wanted
        )
    ).SerializeToString()


def ack(
    nth: int = 0,
    stored: Sequence[wire.Range] = (),
    items: Sequence[wire.Item] = (),
    pace: wire.Pace | None = None,
) -> bytes:
    return wire.CentralMsg(
        ack=wire.Ack(nth=nth, stored=stored, items=items, pace=pace)
    ).SerializeToString()


def range_of(frames: Sequence[Frame]) -> wire.Range:
    first, last = frames[0].header, frames[-1].header
    return wire.Range(
        epoch=first.epoch, lane=int(first.lane), lo=first.seq, hi=last.seq, hash_hi=last.hash
    )


def opened(now_ns: int = 0, *, pace: wire.Pace | None = None) -> Session:
    """A session with both calls open."""
    session = Session(facts(), now_ns)
    for kind in (wire.URGENT, wire.BULK):
        session.hello(kind, [], now_ns)
        session.received(kind, welcome(pace=pace), now_ns)
    return session
