"""A foreign master, a queueing slave and a listener, in virtual time.  Pure.

The table of the passive tap in `acquisition.md` 3.3: 5 % of the answers come 1-4 time-outs late,
1 % are lost; the slave answers in order, the master asks on in a fixed time-slot.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from devices.modbus import tap
from devices.modbus.tap_frames import Question
from tests.harness.coded import code, registers, tick
from tests.harness.frames import adu

MS = 1_000_000
TIMEOUT_NS = 20 * MS
SERVICE_NS = 3 * MS
BOUND_NS = 4 * TIMEOUT_NS + 10 * MS
"""The longest time that an answer of this model takes."""

DISTINCT = (Question(1, 3, 0, 10), Question(1, 3, 100, 20), Question(1, 3, 200, 30))
EQUAL = (Question(1, 3, 0, 20), Question(1, 3, 100, 20), Question(1, 3, 200, 20))
REPEATED = (Question(1, 3, 0, 20),)


@dataclass
class Score:
    """What a rule made of the answers: used ones that were wrong, or older than they say."""

    answers: int = 0
    used: int = 0
    wrong: int = 0
    old_as_new: int = 0

    @property
    def refused(self) -> float:
        """Share of the answers that were not used."""
        return 1 - self.used / self.answers

    def judge(self, ask: Question, data: bytes, sent_ns: int, received_ns: int) -> None:
        """Judge data that a rule gave to `ask`, sampled between two times."""
        self.used += 1
        place, when = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if place != code(ask.function, ask.unit, ask.start):
            self.wrong += 1
        elif not tick(sent_ns) <= when <= tick(received_ns) and tick(sent_ns) <= tick(received_ns):
            self.old_as_new += 1


@dataclass(frozen=True, slots=True)
class Bus:
    """One run.

    Attributes:
        asks: what the master asks in turn.
        pause_ns: of the master after each turn.
        late, lost: shares of the answers.
        noise: share of frames that only the listener hears wrongly.
        bound_ns: D that the listener is told.
    """

    asks: Sequence[Question]
    pause_ns: int = 0
    late: float = 0.05
    lost: float = 0.01
    noise: float = 0.0
    bound_ns: int = BOUND_NS


def run(bus: Bus, answers: int, seed: int = 1) -> tuple[Score, Score]:
    """Return the scores of the rule "newest request of equal count" and of ours."""
    listener = _Listener(bus, random.Random(seed))
    draw = random.Random(seed + 1)
    pending: deque[tuple[int, Question, int]] = deque()  # due, question, sampled: in order
    now, last_due, turn = 10**9, 0, 0
    while listener.ours.answers < answers:
        ask = bus.asks[turn % len(bus.asks)]
        turn += 1
        listener.ask(ask, now)
        if draw.random() >= bus.lost:
            late = draw.random() < bus.late
            delay = SERVICE_NS + (int(draw.uniform(1, 4) * TIMEOUT_NS) if late else 0)
            due = max(last_due + MS // 2, now + delay)
            pending.append((due, ask, now + MS if draw.random() < 0.5 else due))
            last_due = due
        now += TIMEOUT_NS + (bus.pause_ns if turn % len(bus.asks) == 0 else 0)
        while pending and pending[0][0] <= now:
            listener.answer(*pending.popleft())
    return listener.newest, listener.ours


class _Listener:
    """Hears both directions, with noise of its own, and keeps two scores."""

    def __init__(self, bus: Bus, draw: random.Random) -> None:
        self.newest, self.ours = Score(), Score()
        self._draw, self._noise = draw, bus.noise
        self._tap = tap.Tap(bus.bound_ns)
        self._recent: dict[int, tuple[Question, int]] = {}

    def ask(self, ask: Question, now: int) -> None:
        self._recent[ask.byte_count] = (ask, now)
        self._tap, _ = tap.step(self._tap, self._flip(adu("rtu", 0, ask.unit, _pdu(ask))), now)

    def answer(self, due: int, asked: Question, sampled: int) -> None:
        data = registers(asked.function, asked.unit, asked.start, asked.quantity, sampled)
        self.newest.answers += 1
        self.ours.answers += 1
        ask, sent = self._recent[len(data)]
        self.newest.judge(ask, data, sent, due)
        frame = adu("rtu", 0, asked.unit, bytes([asked.function, len(data)]) + data)
        self._tap, events = tap.step(self._tap, self._flip(frame), due)
        for event in events:
            if isinstance(event, tap.Pair) and event.verdict is tap.Verdict.PAIRED:
                self.ours.judge(event.ask, event.data, event.sent_ns, event.received_ns)

    def _flip(self, frame: bytes) -> bytes:
        draw = self._draw
        if draw.random() >= self._noise:
            return frame
        at = draw.randrange(len(frame))
        kind = draw.randrange(3)
        if kind == 0:
            return frame[:at] + bytes([frame[at] ^ 1 << draw.randrange(8)]) + frame[at + 1 :]
        if kind == 1:
            return frame[: max(1, at)]
        return frame[:at] + draw.randbytes(draw.randrange(1, 9)) + frame[at:]


def _pdu(ask: Question) -> bytes:
    return bytes([ask.function]) + ask.start.to_bytes(2, "big") + ask.quantity.to_bytes(2, "big")
