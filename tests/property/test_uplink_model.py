"""The session and its order against a lossy line and a centre, as a stateful model.

Whatever is cut, lost, sent twice or restored: what is marked is held by the centre, credits never
leak, and in the end everything is marked.
"""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from edge.claim import Claim
from edge.uplink.lanes import Lanes
from edge.uplink.session import Acknowledged, Session, Welcomed
from proto.batch import Lane
from proto.ledger import RangeSet
from proto.v1 import uplink_pb2 as wire
from tests.fake_centre import Stored, ranges_held
from tests.uplink_builders import EPOCH, HeldLane, facts, held

KINDS = (wire.URGENT, wire.BULK)
SENT = (Lane.META, Lane.ALARM, Lane.EVENT, Lane.BULK)


class UplinkModel(RuleBasedStateMachine):
    """The edge's real cores, a line that loses, a centre that stores."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = [held(lane, 2) for lane in SENT]
        self.stored: Stored = {}
        self.now_ns = 0
        self.restored = False
        self.connect()

    def connect(self) -> None:
        self.session = Session(facts(), self.now_ns)
        self.order = Lanes(lambda: list(self.lanes), epoch=EPOCH, now_ns=self.now_ns)
        self.up: dict[int, deque[bytes]] = {kind: deque() for kind in KINDS}
        self.down: dict[int, deque[bytes]] = {kind: deque() for kind in KINDS}
        self.taken = dict.fromkeys(KINDS, 0)
        self.greeted = dict.fromkeys(KINDS, False)
        for kind in KINDS:
            self.up[kind].append(self.session.hello(kind, self.lanes, self.now_ns))

    def lane(self, lane: Lane) -> HeldLane:
        return next(one for one in self.lanes if one.lane is lane)

    # What happens.

    @rule(lane=st.sampled_from(SENT), count=st.integers(1, 40), size=st.sampled_from([0, 9_000]))
    def grow(self, lane: Lane, count: int, size: int) -> None:
        self.lane(lane).grow(count if size == 0 else min(count, 5), size=size)

    @rule(kind=st.sampled_from(KINDS))
    def send(self, kind: wire.StreamKind) -> None:
        self.now_ns += 1_000_000
        room = self.session.room(kind)
        if room == 0 and not self.session.fits(kind, 0):
            return
        pick = self.order.urgent() if kind == wire.URGENT else self.order.bulk(self.now_ns)
        if pick is None:
            return
        log, frames, total = self.lane(pick.lane), [], 0
        for seq in range(pick.low, pick.high + 1):
            total += len(log.frames[seq].data)
            if frames and total > max(room, 1):
                break
            frames.append(log.frames[seq])
        size = sum(len(frame.data) for frame in frames)
        if self.session.fits(kind, size):
            self.up[kind].append(self.session.pack(kind, frames, self.now_ns))
            self.order.sent(pick, frames[-1].header.seq, size, self.now_ns)

    @rule(kind=st.sampled_from(KINDS))
    def reach_the_centre(self, kind: wire.StreamKind) -> None:
        if self.up[kind]:
            message = wire.EdgeMsg.FromString(self.up[kind].popleft())
            self.down[kind].append(self.answer(kind, message).SerializeToString())

    def answer(self, kind: wire.StreamKind, message: wire.EdgeMsg) -> wire.CentralMsg:
        if message.WhichOneof("m") == "hello":
            told = [(tip.epoch, tip.lane) for tip in message.hello.tips]
            ranges = ranges_held(self.stored, told)
            return wire.CentralMsg(
                welcome=wire.Welcome(proto=1, session=message.hello.session, stored=ranges)
            )
        keys = []
        for data in message.frames.frame:
            frame = next(
                f for one in self.lanes for f in one.frames.values() if f.data == bytes(data)
            )
            key = (frame.header.epoch, int(frame.header.lane))
            self.stored.setdefault(key, {})[frame.header.seq] = frame.data
            keys.append(key)
        self.taken[kind] += len(message.frames.frame)
        ranges = ranges_held(self.stored, keys)
        return wire.CentralMsg(ack=wire.Ack(nth=self.taken[kind], stored=ranges))

    @rule(kind=st.sampled_from(KINDS))
    def reach_the_edge(self, kind: wire.StreamKind) -> None:
        if not self.down[kind]:
            return
        for event in self.session.received(kind, self.down[kind].popleft(), self.now_ns):
            if isinstance(event, Welcomed) and kind == wire.URGENT:
                for one in self.lanes:
                    one.stored = RangeSet()
                self.restored = False
            if isinstance(event, Welcomed | Acknowledged):
                self.mark(event.claims)

    def mark(self, claims: tuple[Claim, ...]) -> None:
        for claim in claims:
            log = self.lane(claim.lane)
            assert log.frames[claim.high].header.hash == claim.hash_high
            log.stored = log.stored.add(claim.low, claim.high)

    @rule(kind=st.sampled_from(KINDS))
    def the_last_answer_comes_twice(self, kind: wire.StreamKind) -> None:
        data = self.down[kind][-1] if self.down[kind] else None
        if data is not None and wire.CentralMsg.FromString(data).WhichOneof("m") == "ack":
            self.down[kind].append(data)

    @rule()
    def cut(self) -> None:
        self.connect()

    @precondition(lambda self: any(self.stored.values()))
    @rule(data=st.data())
    def the_centre_is_restored(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(k for k, v in self.stored.items() if v)))
        keep = data.draw(st.integers(0, len(self.stored[key])))
        held_before = sorted(self.stored[key].items())
        self.stored[key] = dict(held_before[:keep])
        self.restored = True
        self.connect()

    # What must hold.

    @invariant()
    def what_is_marked_is_held_by_the_centre(self) -> None:
        if self.restored:
            return  # until the next Welcome says what the centre has lost
        for one in self.lanes:
            there = self.stored.get((one.epoch, int(one.lane)), {})
            for low, high in one.stored:
                assert all(there.get(seq) == one.frames[seq].data for seq in range(low, high + 1))

    @invariant()
    def credits_bound_what_is_in_flight(self) -> None:
        for kind in KINDS:
            frames = [
                m for m in self.up[kind] if wire.EdgeMsg.FromString(m).WhichOneof("m") == "frames"
            ]
            assert len(frames) <= 8
            assert self.session.in_flight(kind) >= 0

    def teardown(self) -> None:
        """The line holds: everything is marked, and every credit has come back."""
        self.connect()
        for _ in range(2_000):
            for kind in KINDS:
                self.send(kind)
                self.reach_the_centre(kind)
                self.reach_the_edge(kind)
            if not any(one.pending for one in self.lanes) and not any(self.up.values()):
                break
        assert not any(one.pending for one in self.lanes)
        for kind in KINDS:
            while self.up[kind] or self.down[kind]:
                self.reach_the_centre(kind)
                self.reach_the_edge(kind)
            assert self.session.in_flight(kind) == 0
            assert self.session.room(kind) == 128 * 1024


TestUplinkModel = UplinkModel.TestCase
TestUplinkModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
