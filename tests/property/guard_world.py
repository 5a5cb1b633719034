"""A line in virtual time: a device that queues and answers in order, late now and then, or never.

Every register tells where it comes from and which request it answers, so that a wrong register and
an old value are seen for what they are.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from devices.modbus import guard
from devices.modbus.frame import (
    Accepted,
    Framing,
    Request,
    adu,
    crc16,
    echo_request,
    read_request,
)
from devices.modbus.guard_model import (
    Answer,
    Close,
    Connected,
    Deadline,
    Due,
    Failed,
    Lost,
    Proved,
    Received,
    Rules,
    State,
    Transmit,
    Unproved,
    Wait,
    start,
)

MS = 10**6
TIMEOUT_NS = 20 * MS
SERVICE_NS = 5 * MS
LATE_MAX = 4
"""Time-outs that an answer may be late."""
BOUND_NS = SERVICE_NS + LATE_MAX * TIMEOUT_NS
ADDRESSES = (0, 1000, 2000, 3000)


@dataclass
class Device:
    """Answers in order, each after its service time; some late, some never.

    Attributes:
        late, lost: how often.
        has_echo: it knows function 8.
        out: (time, bytes) of what it will send.
        served: how many requests it took.
    """

    chance: random.Random
    late: float = 0.05
    lost: float = 0.01
    has_echo: bool = True
    out: deque[tuple[int, bytes]] = field(default_factory=deque)
    served: int = 0
    free_ns: int = 0

    def take(self, data: bytes, now_ns: int) -> None:
        """Queue one request."""
        self.served += 1
        begun = max(now_ns, self.free_ns)
        done = begun + SERVICE_NS
        if self.chance.random() < self.late:
            done += int(self.chance.uniform(1, LATE_MAX) * TIMEOUT_NS)
        self.free_ns = done
        if self.chance.random() >= self.lost:
            self.out.append((done, self._answer(data)))

    def _answer(self, data: bytes) -> bytes:
        unit, function = data[0], data[1]
        if function == 8:
            body = data[:-2] if self.has_echo else bytes((unit, 0x88, 1))
        else:
            start_at, n = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
            words = [start_at + i if i % 2 == 0 else self.served % 65536 for i in range(n)]
            body = bytes((unit, function, 2 * n)) + b"".join(w.to_bytes(2, "big") for w in words)
        return body + crc16(body).to_bytes(2, "little")


@dataclass
class Tally:
    """What became of the reads."""

    good: int = 0
    wrong: int = 0
    old: int = 0
    bad: int = 0
    probes: int = 0


@dataclass
class World:
    """One driver's view of the line: our guard, and the device, in one virtual time."""

    rules: Rules
    device: Device
    chance: random.Random
    state: State = field(default_factory=start)
    now_ns: int = 1
    tally: Tally = field(default_factory=Tally)
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    outcome: object = None
    d_fixed_ns: int | None = None
    step: object = guard.step

    def connect(self) -> None:
        """Open the line."""
        self._step(Connected(TIMEOUT_NS))

    def read(self, request: Request, fences: Sequence[Request] = ()) -> object:
        """Read once: wait, prove, ask, as the driver does; return what came of it."""
        while True:
            self.outcome = None
            due = Due(request, TIMEOUT_NS, 1, self.chance.getrandbits(16), tuple(fences))
            is_synced = guard.is_synced(self.state, self.rules, 1)
            self._step(due)
            if isinstance(self.outcome, Wait):
                self._pass_until(self.outcome.until_ns)
                continue
            if not is_synced:
                self.tally.probes += 1
            while self.outcome is None:
                self._advance(self.state.deadline_ns)
            if isinstance(self.outcome, Close):
                self._pass_until(self.outcome.until_ns)
                self.connect()
                return self.outcome
            if isinstance(self.outcome, Proved) and self.rules.is_probing:
                continue
            return self.outcome

    def judge(self, request: Request, served: int) -> None:
        """Read once and count what the value says of itself."""
        outcome = self.outcome
        if not isinstance(outcome, Answer) or not isinstance(outcome.verdict, Accepted):
            self.tally.bad += 1
            return
        data = outcome.verdict.data
        where, which = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if where != int.from_bytes(request.pdu[1:3], "big"):
            self.tally.wrong += 1
        elif which != served % 65536:
            self.tally.old += 1
        else:
            self.tally.good += 1

    def _pass_until(self, until_ns: int) -> None:
        while self.now_ns < until_ns:
            self._advance(until_ns)

    def _advance(self, until_ns: int) -> None:
        """Go to the next thing that happens, at most to `until_ns`."""
        if self.device.out and self.device.out[0][0] < until_ns:
            at_ns, data = self.device.out.popleft()
            self.now_ns = max(self.now_ns, at_ns)
            self._step(Received(data))
            return
        self.now_ns = until_ns
        self._step(Deadline())

    def _step(self, event: object) -> None:
        self.state, actions = self.step(self.state, self.rules, event, self.now_ns)  # type: ignore[operator]
        for action in actions:
            match action:
                case Transmit(data):
                    self.sent.append((self.now_ns, data))
                    self.device.take(data, self.now_ns)
                case Wait() | Answer() | Failed() | Proved() | Unproved() | Close():
                    self.outcome = action
                case _:
                    pass


def blocks(counts: Sequence[int]) -> list[Request]:
    """One read per address with the counts given in turn."""
    return [read_request(1, 3, at, n) for at, n in zip(ADDRESSES, counts, strict=True)]


FENCES = tuple(read_request(1, 3, 0, k) for k in (1, 2, 3))


def run(
    reads: int,
    rules: Rules,
    *,
    counts: Sequence[Sequence[int]],
    seed: int = 1,
    has_echo: bool = True,
    fences: Sequence[Request] = FENCES,
    fix_d: bool = False,
    step: object = guard.step,
) -> Tally:
    """Read `reads` blocks in turn; `counts` alternate by the cycle.

    `fix_d`: lateness is not learnt, as in the table of the page.
    """
    chance = random.Random(seed)
    device = Device(chance, has_echo=has_echo)
    world = World(rules, device, random.Random(seed + 1), step=step)
    world.connect()
    plans = [blocks(row) for row in counts]
    for i in range(reads):
        request = plans[(i // len(ADDRESSES)) % len(plans)][i % len(ADDRESSES)]
        world.read(request, fences)
        world.judge(request, device.served)
        if fix_d:
            units = {u: known._replace(d_ns=0) for u, known in world.state.units.items()}
            world.state = world.state._replace(lateness_ns=0, units=units)
        world.now_ns += MS
        _flush(world)
    return world.tally


def _flush(world: World) -> None:
    """Hand over what came while nobody read."""
    while world.device.out and world.device.out[0][0] <= world.now_ns:
        _, data = world.device.out.popleft()
        world._step(Received(data))


def unguarded(reads: int, counts: Sequence[int], *, seed: int = 1) -> Tally:
    """A client that takes the next frame of the right length for its answer, as libraries do."""
    chance = random.Random(seed)
    device, tally, now_ns = Device(chance), Tally(), 1
    plan = blocks(counts)
    for i in range(reads):
        request = plan[i % len(plan)]
        device.take(adu(request, Framing.RTU, 0), now_ns)
        served = device.served
        answer, now_ns = _first_fitting(device, request, now_ns)
        if answer is None:
            tally.bad += 1
        elif int.from_bytes(answer[3:5], "big") != int.from_bytes(request.pdu[1:3], "big"):
            tally.wrong += 1
        elif int.from_bytes(answer[5:7], "big") != served % 65536:
            tally.old += 1
        else:
            tally.good += 1
        now_ns += MS
    return tally


def _first_fitting(device: Device, request: Request, now_ns: int) -> tuple[bytes | None, int]:
    deadline_ns = now_ns + TIMEOUT_NS
    while device.out and device.out[0][0] < deadline_ns:
        at_ns, data = device.out.popleft()
        if len(data) == request.answer_bytes + 3:
            return data, max(now_ns, at_ns)
    return None, deadline_ns


__all__ = [
    "BOUND_NS",
    "FENCES",
    "Device",
    "Lost",
    "Tally",
    "World",
    "blocks",
    "echo_request",
    "replace",
    "run",
    "unguarded",
]
