"""The guard against a queueing line in virtual time: the table of `acquisition.md` 3.8.  Pure.

One line, an in-order device, 5 % of the answers late by 1-4 time-outs, 1 % lost.  The guard's own
`step` is driven with bytes; the oracle knows where and when each value was sampled.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from devices.modbus import guard
from devices.modbus.frame import Accepted, Framing, Request, read_request
from devices.modbus.guard_model import (
    Answer,
    Close,
    Connected,
    Deadline,
    Due,
    Failed,
    Phase,
    Received,
    Rules,
    Transmit,
    Unproved,
    Wait,
    start,
)
from tests.harness.coded import Unit, code, tick
from tests.harness.frames import adu, take

MS = 1_000_000
TIMEOUT_NS = 20 * MS
SERVICE_NS = 3 * MS
BOUND_NS = 4 * TIMEOUT_NS + 10 * MS
FENCES = tuple(read_request(1, 3, 0, n) for n in (1, 2, 3))

EQUAL = ((0, (20,)), (100, (20,)), (200, (20,)))
"""(first register, counts in turn) of each block."""
DISTINCT = ((0, (20,)), (100, (24,)), (200, (28,)))
ALTERNATING = ((0, (20, 21)), (100, (24, 25)), (200, (28, 29)))


@dataclass(frozen=True, slots=True)
class Case:
    """One run.

    Attributes:
        blocks: (first register, counts in turn).
        bound_ns: D that the guard is told.
        echo: the device answers FC 8.
        never: no probe is sent.
        late, lost: shares of the answers.
    """

    blocks: Sequence[tuple[int, Sequence[int]]]
    bound_ns: int = BOUND_NS
    echo: bool = True
    never: bool = False
    late: float = 0.05
    lost: float = 0.01


@dataclass
class Score:
    """What the guard handed on."""

    reads: int = 0
    good: int = 0
    wrong: int = 0
    old_as_new: int = 0


class Line:
    """The guard on one end, the device on the other, and a clock that jumps."""

    def __init__(self, case: Case, seed: int) -> None:
        self.now, self.score = 10**9, Score()
        self._case, self._draw = case, random.Random(seed)
        self._device = Unit(echo=case.echo)
        self._pending: deque[tuple[int, bytes]] = deque()
        self._last_due = 0
        self._rules = Rules(
            Framing.RTU,
            is_full=True,
            quiet_ns=3 * MS,
            answer_max_ns=case.bound_ns,
            is_probing=not case.never,
        )
        self._state = start()
        self._step(Connected(TIMEOUT_NS))

    def read(self, request: Request) -> tuple[Accepted | None, int]:
        """Read once; return what was accepted and when it was sent."""
        while True:
            fences = (*FENCES, request) if self._case.never else FENCES
            word = self._draw.getrandbits(16)
            actions = self._step(Due(request, TIMEOUT_NS, 1, word, fences))
            waits = [action for action in actions if isinstance(action, Wait)]
            if waits:
                self._advance(waits[0].until_ns)
                continue
            sent = self.now
            outcome = self._until_done()
            if outcome is not None:
                return outcome.verdict if isinstance(outcome, Answer) and isinstance(
                    outcome.verdict, Accepted
                ) else None, sent
            if self._draw.random() < 0.3:
                return None, sent  # unproved: this slot is BAD

    def _until_done(self) -> Answer | Failed | None:
        """Carry bytes until the request is answered or given up; None = it was a probe."""
        while True:
            deadline = self._state.deadline_ns
            if self._pending and self._pending[0][0] <= deadline:
                due, frame = self._pending.popleft()
                self.now = max(self.now, due)
                actions = self._step(Received(frame))
            else:
                self.now = max(self.now, deadline)
                actions = self._step(Deadline())
            for action in actions:
                if isinstance(action, Answer | Failed):
                    return action
                if isinstance(action, Unproved):
                    return None
                if isinstance(action, Close):
                    self._step(Connected(TIMEOUT_NS))
                    return None
            if self._state.phase is Phase.READY:
                return None

    def _advance(self, until: int) -> None:
        while self._pending and self._pending[0][0] <= until:
            due, frame = self._pending.popleft()
            self.now = max(self.now, due)
            self._step(Received(frame))
        self.now = max(self.now, until)

    def _step(self, event: object):
        self._state, actions = guard.step(self._state, self._rules, event, self.now)  # type: ignore[arg-type]
        for action in actions:
            if isinstance(action, Transmit):
                self._hear(action.data)
        return actions

    def _hear(self, data: bytes) -> None:
        request = take("rtu", bytearray(data))
        assert request is not None
        if self._draw.random() < self._case.lost:
            return
        late = self._draw.random() < self._case.late
        delay = SERVICE_NS + (int(self._draw.uniform(1, 4) * TIMEOUT_NS) if late else 0)
        due = max(self._last_due + MS // 2, self.now + delay)
        sampled = self.now + MS if self._draw.random() < 0.5 else due
        pdu = self._device.answer(request.unit, request.pdu, sampled)
        if pdu is not None:
            self._pending.append((due, adu("rtu", 0, request.unit, pdu)))
            self._last_due = due


def run(case: Case, reads: int, seed: int = 1) -> Score:
    """Return what the guard handed on in so many reads."""
    line = Line(case, seed)
    score = line.score
    for turn in range(reads):
        first, counts = case.blocks[turn % len(case.blocks)]
        quantity = counts[turn // len(case.blocks) % len(counts)]
        accepted, sent = line.read(read_request(1, 3, first, quantity))
        score.reads += 1
        line.now += 2 * MS
        if accepted is None:
            continue
        score.good += 1
        place, when = (int.from_bytes(accepted.data[at : at + 2], "big") for at in (0, 2))
        width = tick(line.now) - tick(sent) & 0xFFFF
        if place != code(3, 1, first):
            score.wrong += 1
        elif when - tick(sent) & 0xFFFF > width:
            score.old_as_new += 1
    return score
