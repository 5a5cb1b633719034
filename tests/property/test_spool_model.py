"""The real spool on real files as a stateful model: append, acknowledge, crash, restart.

After every step: what was committed is there with the same bytes, numbers are dense, the chain
verifies, and every batch is pending or disposed of, never both, never neither.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge.claim import Belief, Claim
from edge.spool.lanelog import Disposed
from edge.spool.store import Spool
from proto.batch import Lane, open_frame
from proto.chain import LaneTip, verify_run
from proto.ledger import RangeSet
from tests.spool_builders import SetClock, bulk, record, spool

LANES = (Lane.ALARM, Lane.EVENT, Lane.BULK)
QUOTA = 10**9


class SpoolModel(RuleBasedStateMachine):
    """The real store, and what must be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="yujing-spool-"))
        self.generation = 0
        self.clock = SetClock()
        self.frames: dict[Lane, list[bytes]] = {lane: [] for lane in LANES}
        self.stored: dict[Lane, RangeSet] = {lane: RangeSet() for lane in LANES}
        self.persisted = dict(self.stored)
        self.refused: dict[Lane, RangeSet] = {lane: RangeSet() for lane in LANES}
        self.store = self.open()
        self.epoch = self.store.core.epoch

    @property
    def directory(self) -> Path:
        return self.folder / f"spool-{self.generation}"

    def open(self) -> Spool:
        return self.runner.run(spool(self.directory, self.clock, quota=QUOTA))

    @rule(lanes=st.lists(st.sampled_from(LANES), min_size=1, max_size=4))
    def append(self, lanes: list[Lane]) -> None:
        self.clock.advance(10**8)
        now = self.clock.now()
        group = [
            bulk(now, rows=3) if lane is Lane.BULK else record(now, lane=lane) for lane in lanes
        ]
        before = {lane: self.store.lanes()[lane].tip.tip_seq for lane in LANES}
        self.runner.run(self.store.append(group))
        for lane in LANES:
            log = self.store.lanes()[lane]
            new = self.runner.run(
                self.store.read(log, before[lane] + 1, log.tip.tip_seq, frames=99, size=2**24)
                if log.tip.tip_seq > before[lane]
                else _nothing()
            )
            self.frames[lane] += [frame.data for frame in new]

    @rule(lane=st.sampled_from(LANES), data=st.data())
    def acknowledge(self, lane: Lane, data: st.DataObject) -> None:
        if not self.frames[lane]:
            return
        low = data.draw(st.integers(1, len(self.frames[lane])))
        high = data.draw(st.integers(low, len(self.frames[lane])))
        true = data.draw(st.booleans())
        own = open_frame(self.frames[lane][high - 1]).header.hash
        claim = Claim(self.epoch, lane, low, high, own if true else b"?" * 32)
        belief = self.runner.run(self.store.acknowledge([claim]))
        assert belief is (Belief.HELD if true else Belief.FORKED)
        if true:
            new = RangeSet(((low, high),)) - self.refused[lane]
            self.stored[lane] = self.stored[lane] | new

    @rule(lane=st.sampled_from(LANES), data=st.data())
    def refuse(self, lane: Lane, data: st.DataObject) -> None:
        if not self.frames[lane]:
            return
        seq = data.draw(st.integers(1, len(self.frames[lane])))
        self.runner.run(self.store.refuse(self.epoch, lane, seq))
        if seq not in self.stored[lane]:
            self.refused[lane] = self.refused[lane].add(seq, seq)
            self.persisted[lane] = self.stored[lane]  # the gap and all marks: one transaction

    @rule(lane=st.sampled_from(LANES), data=st.data())
    def welcome(self, lane: Lane, data: st.DataObject) -> None:
        high = data.draw(st.integers(0, len(self.frames[lane])))
        claims = []
        if high:
            own = open_frame(self.frames[lane][high - 1]).header.hash
            claims = [Claim(self.epoch, lane, 1, high, own)]
        log = self.store.lanes()[lane]
        assert self.runner.run(self.store.welcome([log], claims)) is Belief.HELD
        told = RangeSet(((1, high),)) if high else RangeSet()
        self.stored[lane] = told - self.refused[lane]

    @rule()
    def persist(self) -> None:
        self.runner.run(self.store.persist())
        self.persisted = dict(self.stored)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close(clean=True))
        self.persisted = dict(self.stored)
        self.store = self.open()
        assert self.store.restart is None or self.store.restart.clean

    @rule()
    def crash(self) -> None:
        before = self.directory
        self.generation += 1
        shutil.copytree(before, self.directory)
        self.runner.run(self.store.abandon())
        shutil.rmtree(before)
        self.stored = dict(self.persisted)
        self.store = self.open()

    @invariant()
    def the_epoch_goes_on(self) -> None:
        assert self.store.core.epoch == self.epoch

    @invariant()
    def everything_that_was_committed_is_there(self) -> None:
        for lane in LANES:
            log = self.store.lanes()[lane]
            assert log.tip.tip_seq == len(self.frames[lane])
            if self.frames[lane]:
                first = open_frame(self.frames[lane][0]).header
                begin = LaneTip(1, 1, first.prev_hash)
                headers = [open_frame(data).header for data in self.frames[lane]]
                assert verify_run(begin, headers).tip == log.tip

    @invariant()
    def every_batch_is_pending_or_disposed_of(self) -> None:
        for lane in LANES:
            log, count = self.store.lanes()[lane], len(self.frames[lane])
            gone = self.stored[lane] | self.refused[lane]
            assert log.marked(Disposed.STORED) == self.stored[lane]
            assert log.pending == (gone.holes(1, count) if count else RangeSet())
            waiting = [
                open_frame(self.frames[lane][seq - 1]).header.n
                for low, high in log.pending
                for seq in range(low, high + 1)
            ]
            assert log.pending_samples == sum(waiting)

    def teardown(self) -> None:
        for lane in LANES:
            log = self.store.lanes()[lane]
            found = self.runner.run(
                self.store.read(log, 1, log.tip.tip_seq, frames=9_999, size=2**30)
                if log.tip.tip_seq
                else _nothing()
            )
            assert [frame.data for frame in found] == self.frames[lane]
        self.runner.run(self.store.close(clean=True))
        self.runner.close()
        shutil.rmtree(self.folder)


async def _nothing() -> list:  # type: ignore[type-arg]
    return []


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink on real files takes minutes
)
