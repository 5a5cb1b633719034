"""Frozen mirrors and lost polls in virtual time, under the product's own life and assess.  Pure.

A mirror answers for ever, whether the controller behind it runs or not.  `freeze` asks how long its
points stay usable after the last movement; `run_days` whether a controller that runs is ever called
stopped when polls are lost.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devices.driver import BlockColumns, Moves
from edge.acquisition import life
from edge.acquisition.assess import assess, limits
from edge.acquisition.life import Life, LifeEvent, LifeSpec, LifeState
from proto.quality import Quality
from tests.unit.devices.builders import point

SECOND = 10**9
POINTS = 20
_LIMITS = limits([point(f"p{at}") for at in range(POINTS)])


@dataclass(frozen=True, slots=True)
class Signal:
    """How a controller moves its life signal, and how it is read."""

    moves: Moves
    update_ns: int
    poll_ns: int

    def raw(self, now_ns: int) -> int:
        """Return what the signal shows."""
        steps = now_ns // self.update_ns
        return {"toggle": steps & 1, "second": now_ns // SECOND % 60}.get(
            self.moves, steps & 0xFFFF
        )

    def spec(self) -> LifeSpec:
        """Return what the plan promises of it."""
        modulus = 1 << 16 if self.moves == "counter" else 0
        within = life.within_ns(self.poll_ns, self.update_ns)
        return LifeSpec(self.moves, within, self.poll_ns, modulus)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What came of one mirror: how long it stayed usable, and what was allowed."""

    signal: Signal
    usable_ns: int
    allowed_ns: int
    is_good_again: bool

    @property
    def is_met(self) -> bool:
        """True when all its points were BAD in time, and stayed so."""
        return self.usable_ns <= self.allowed_ns and not self.is_good_again


def signals(count: int, seed: int) -> Sequence[Signal]:
    """Return life signals as plants have them, read from 0.1 to 5 s.

    A toggle is read twice a flip at least: a slower reading is refused by `check`.
    """
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        moves: Moves = draw.choice(("counter", "toggle", "second"))
        poll = draw.choice((100, 200, 500, 1000, 2000, 5000)) * 1_000_000
        update = SECOND if moves == "second" else draw.choice((2, 3, 4)) * poll
        found.append(Signal(moves, update, poll))
    return found


def freeze(signal: Signal, seed: int) -> Frozen:
    """Freeze a mirror after a while; it refreshes its dead copy once when it reconnects."""
    draw = random.Random(seed)
    spec, state, now = signal.spec(), LifeState(), draw.randrange(signal.poll_ns)
    stops = now + 30 * (signal.update_ns + signal.poll_ns)
    refresh = stops + draw.choice((2, 20)) * spec.within_ns if draw.random() < 0.5 else 1 << 62
    last_usable, good_again = stops, False
    while now < stops + 25 * spec.within_ns:
        shown = signal.raw(min(now, stops) if now < refresh else stops + signal.update_ns)
        state, _ = life.step(state, shown, now, spec)
        now_ns, now = now, now + signal.poll_ns + draw.randrange(-1, 2) * signal.poll_ns // 50
        if now_ns < stops:
            continue
        quality = _row(state, now_ns)
        if (quality != Quality.BAD).any() and now_ns < refresh:
            last_usable = now_ns
        good_again |= now_ns >= refresh and bool((quality == Quality.GOOD).any())
    return Frozen(
        signal, last_usable - stops, spec.within_ns + signal.poll_ns * 51 // 50, good_again
    )


def run_days(signal: Signal, days: float, lost: float, seed: int) -> tuple[int, int, float]:
    """Return polls, false stops, and the share of usable rows that were GOOD, with polls lost."""
    draw = random.Random(seed)
    spec, state = signal.spec(), LifeState()
    now, end = 0, int(days * 86_400 * SECOND)
    polls = stops = alive = heard = 0
    jitter = signal.poll_ns // 100
    due = 0
    while due < end:
        due += signal.poll_ns
        now = due + draw.randrange(jitter)
        polls += 1
        if draw.random() < lost:
            state = life.expire(state, now, spec)
            continue
        state, event = life.step(state, signal.raw(now), now, spec)
        stops += event is LifeEvent.STOPPED
        heard += 1
        alive += state.life is Life.ALIVE
    return polls, stops, alive / heard


def _row(state: LifeState, now_ns: int) -> np.ndarray:  # type: ignore[type-arg]
    """Return the quality of every point of a block that the mirror answered."""
    columns = BlockColumns(
        np.ones(POINTS, np.int64),
        np.ones(POINTS),
        np.zeros(POINTS, np.uint8),
        np.zeros(POINTS, np.uint8),
        np.zeros(POINTS, np.bool_),
        np.zeros(POINTS, np.uint32),
        np.zeros(POINTS, np.int64),
        now_ns,
        now_ns,
    )
    return assess(_LIMITS, columns, life.overlay(state, now_ns)).quality
