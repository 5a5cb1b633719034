"""A ring that is written while it is read: each record once and whole, or counted as lost.

The writer moves word by word between any two requests, so records are seen half written; requests
fail, records come torn, the gateway restarts from its last commit, the ring laps.
"""

import random
import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.address import RegisterType
from devices.event_look import (
    AskIndex,
    AskRecords,
    Due,
    Failed,
    IndexRead,
    Output,
    Phase,
    RecordsRead,
    RingState,
)
from devices.event_record import Field, RingSpec, sequence_of
from devices.event_ring import step

BURST = 30  # requests of a look during which the writer goes on
WORDS = 5  # seq u32, code u16, value u32


def made(
    count: int, *, means: str = "next", counts_all: bool = False, total: bool = False
) -> RingSpec:
    return RingSpec(
        count=count,
        words=WORDS,
        chunk=4,
        seq=Field(RegisterType.UINT32, 0),
        code=Field(RegisterType.UINT16, 2),
        value=Field(RegisterType.UINT32, 3),
        is_next=means == "next",
        counts_all=counts_all,
        index_bits=32 if counts_all else 16,
        total_bits=32 if total else 0,
    )


@dataclass
class Controller:
    """Writes records word by word, then the running number, then the index."""

    spec: RingSpec
    written: int = 0
    epoch: int = 0
    index: int = 0
    total: int = 0
    slots: list[bytearray] = field(default_factory=list)
    pending: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.epoch += 1
        self.written = self.total = 0
        self.slots = [bytearray(2 * WORDS) for _ in range(self.spec.count)]
        self.pending = []
        self._publish()

    def record(self, seq: int) -> bytes:
        return struct.pack(">IHI", seq, self.epoch, (seq * 2654435761 + self.epoch) % 2**32)

    def _publish(self) -> None:
        number = self.written if self.spec.is_next else self.written - 1
        self.index = number % 2**32 if self.spec.counts_all else number % self.spec.count

    def move(self, steps: int) -> None:
        """Make so many small steps: a word, or the end of a record."""
        for _ in range(steps):
            if not self.pending:
                self.pending = [("word", at) for at in range(WORDS)] + [("total", 0), ("index", 0)]
            what, at = self.pending.pop(0)
            seq = self.written + 1
            if what == "word":
                slot = self.slots[self.written % self.spec.count]
                slot[2 * at : 2 * at + 2] = self.record(seq)[2 * at : 2 * at + 2]
            elif what == "total":
                self.total = seq
            else:
                self.written = seq
                self._publish()


@dataclass
class Gateway:
    """Drives `step`, keeps what it commits, restarts from it."""

    spec: RingSpec
    plc: Controller
    state: RingState = field(default_factory=RingState)
    taken: list[tuple[int, int]] = field(default_factory=list)
    replayed: list[bool] = field(default_factory=list)
    lost: int = 0
    restarts: int = 0
    requests: int = 0

    def feed(self, output: Output) -> None:
        for record in output.records:
            epoch = record.code
            assert record.data == struct.pack(
                ">IHI", record.seq, epoch, (record.seq * 2654435761 + epoch) % 2**32
            )
            self.taken.append((epoch, record.seq))
            self.replayed.append(record.replayed)
        self.lost += output.lost
        self.restarts += output.restarted

    def look(self, luck: random.Random | None = None, *, busy: int = 0, bad: float = 0.0) -> None:
        """One whole look; between requests the writer moves, requests fail or come torn."""
        self.state, output = step(self.spec, self.state, Due(0))
        for turn in range(1000):
            self.feed(output)
            ask = output.ask
            if ask is None:
                assert self.state.phase is Phase.IDLE
                return
            self.requests += 1
            if luck is not None:
                self.plc.move(luck.randint(0, busy) if turn < BURST else 0)
                if luck.random() < bad:
                    self.state, output = step(self.spec, self.state, Failed())
                    continue
            self.state, output = step(self.spec, self.state, self.answer(ask, luck, bad))
        raise AssertionError("the look never ends")

    def answer(
        self, ask: AskIndex | AskRecords, luck: random.Random | None, bad: float
    ) -> IndexRead | RecordsRead:
        if isinstance(ask, AskIndex):
            return IndexRead(self.plc.index, self.plc.total if self.spec.total_bits else None, 0, 1)
        assert ask.slot + ask.count <= self.spec.count
        assert 1 <= ask.count <= self.spec.chunk
        data = b"".join(self.plc.slots[ask.slot : ask.slot + ask.count])
        if luck is not None and luck.random() < bad and sequence_of(self.spec, data):
            noise = luck.randrange(1, 2**32)
            data = struct.pack(">I", sequence_of(self.spec, data) ^ noise) + data[4:]
        return RecordsRead(data, 0, 1)

    def restart(self) -> None:
        """The process ends; the cursor comes back from disk."""
        self.state = RingState(cursor=self.state.cursor)


SPECS = [
    made(8),
    made(16, means="last"),
    made(16, total=True),
    made(32, counts_all=True),
    made(32, means="last", counts_all=True),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SPECS),
    st.integers(0, 2**32),
    st.integers(0, 40),
    st.sampled_from((0.0, 0.1)),
)
def test_each_record_is_taken_once_or_counted_as_lost(
    spec: RingSpec, seed: int, busy: int, bad: float
) -> None:
    luck = random.Random(seed)
    plc = Controller(spec)
    gateway = Gateway(spec, plc)
    plc.move(luck.randint(0, 200))
    gateway.look()
    begun = plc.written
    for _ in range(12):
        plc.move(luck.choice((0, 7, 20, 60, spec.count * 7, spec.count * 25)))
        if luck.random() < 0.2:
            gateway.restart()
        gateway.look(luck, busy=busy, bad=bad)
    gateway.look()
    gateway.look()
    numbers = [seq for _, seq in gateway.taken]
    assert numbers == sorted(set(numbers))
    assert all(seq > begun for seq in numbers)
    assert len(numbers) + gateway.lost == plc.written - begun
    assert gateway.restarts == 0


@pytest.mark.parametrize("spec", SPECS)
def test_nothing_is_lost_below_the_length_of_the_ring(spec: RingSpec) -> None:
    plc = Controller(spec)
    gateway = Gateway(spec, plc)
    gateway.look()
    for burst in [1, spec.count - 2, 0, 3, spec.count - 1, 1, 1]:
        plc.move(7 * burst)
        gateway.look()
    assert (gateway.lost, len(gateway.taken)) == (0, plc.written)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("before", "after"), [(3, 2), (5, 5), (5, 9), (40, 1), (4, 0)])
def test_a_controller_that_begins_anew_is_read_from_its_first_record(
    spec: RingSpec, before: int, after: int
) -> None:
    plc = Controller(spec)
    gateway = Gateway(spec, plc)
    gateway.look()
    plc.move(7 * before)
    gateway.look()
    plc.reset()
    plc.move(7 * min(after, spec.count - 2))
    gateway.look()
    plc.move(7)
    gateway.look()
    gateway.look()
    new = min(after, spec.count - 2) + 1
    assert [each for each in gateway.taken if each[0] == 2] == [(2, n + 1) for n in range(new)]
    assert gateway.restarts == 1
    assert gateway.lost == max(before - spec.count + 1, 0)


def test_what_stood_in_the_ring_before_our_start_is_marked_as_replayed() -> None:
    spec = made(16, total=True)
    plc = Controller(spec)
    gateway = Gateway(spec, plc)
    gateway.look()
    plc.move(7 * 3)
    gateway.look()
    gateway.restart()
    plc.move(7 * 6)
    gateway.look()
    plc.move(7 * 2)
    gateway.look()
    assert gateway.replayed == [False] * 3 + [True] * 6 + [False] * 2


@pytest.mark.parametrize("spec", SPECS)
def test_an_overrun_is_counted_and_the_rest_is_read(spec: RingSpec) -> None:
    plc = Controller(spec)
    gateway = Gateway(spec, plc)
    gateway.look()
    plc.move(7 * (3 * spec.count + 5))
    gateway.look()
    assert gateway.lost == 2 * spec.count + 6
    assert [seq for _, seq in gateway.taken] == list(range(2 * spec.count + 7, 3 * spec.count + 6))


def test_numbers_run_over_without_a_restart() -> None:
    spec = made(16)
    plc = Controller(spec)
    plc.written = 2**32 - 20
    plc.written -= plc.written % 16
    plc._publish()
    gateway = Gateway(spec, plc)
    assert step(spec, RingState(), IndexRead(99, None, 0, 1))[0].phase is Phase.IDLE
    plc.move(7)
    gateway.look()
    for _ in range(3):
        plc.move(7 * 4)
        gateway.look()
    assert (gateway.lost, gateway.restarts, len(gateway.taken)) == (0, 0, 12)


def test_an_idle_ring_with_a_running_number_costs_one_request_a_look() -> None:
    spec = made(16, total=True)
    gateway = Gateway(spec, Controller(spec))
    gateway.look()
    gateway.requests = 0
    gateway.look()
    gateway.look()
    assert gateway.requests == 2


def test_catching_up_leaves_most_of_the_line_to_others() -> None:
    spec = made(16, total=True)
    state, _ = step(spec, RingState(), Due(0))
    _, output = step(spec, state, IndexRead(3, 3, 1_000, 4_000))
    assert output.not_before_ns == 4_000 + 7_000
