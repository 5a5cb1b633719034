"""Which level of an alarm stands: limits with deadband and delays; bad data outrank a value.  Pure.

Each level has its own on- and off-delay, so that a value that rises from H to HH does not wait
twice.  A level clears only its deadband back; its memory survives BAD.
Source: `interlocks.md` 3.17.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.alarm.limits import RISING, AlarmSpec, LevelSpec
from edge.interlock import timers
from edge.interlock.reading import BAD, Image
from edge.interlock.timers import Delay
from proto.alarm import LEVEL_RANK, AlarmLevel

IDLE = Delay()
INVALID_ON_NS = 2 * 10**9
"""Placeholder: data that are bad for a moment (one rejected answer) are no alarm."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one alarm: per level, whether it is crossed, and its delays."""

    crossed: frozenset[AlarmLevel] = frozenset()
    delays: Mapping[AlarmLevel, Delay] = field(default_factory=dict)


def detect(
    spec: AlarmSpec, memory: Memory, image: Image, now_ns: int
) -> tuple[Memory, AlarmLevel | None]:
    """Return the memory after this instant, and the worst level that stands; None for none."""
    bad = image.quality[spec.column] == BAD
    crossed = memory.crossed if bad else _crossed(spec, memory.crossed, image.value[spec.column])
    active = {level.level: level.level in crossed for level in spec.levels}
    active[AlarmLevel.INVALID] = bad
    delays: dict[AlarmLevel, Delay] = {}
    for level, on in active.items():
        on_ns = spec.on_delay_ns
        if level is AlarmLevel.INVALID:
            on_ns = max(on_ns, INVALID_ON_NS)
        before = memory.delays.get(level, IDLE)
        delays[level] = timers.step(before, on, now_ns, on_ns, spec.off_delay_ns)
    return Memory(crossed, delays), worst(delays)


def detect_fact(
    memory: Memory, holds: bool, now_ns: int, on_ns: int
) -> tuple[Memory, AlarmLevel | None]:
    """Return the same for something that holds or does not hold."""
    before = memory.delays.get(AlarmLevel.TRUE, IDLE)
    if not holds and before == IDLE:
        return memory, None  # nothing was, nothing is: so it stands with nearly all of them
    delay = timers.step(before, holds, now_ns, on_ns, 0)
    delays = {AlarmLevel.TRUE: delay}
    return Memory(frozenset(), delays), worst(delays)


def worst(delays: Mapping[AlarmLevel, Delay]) -> AlarmLevel | None:
    """Return the highest level that is confirmed."""
    standing = [level for level, delay in delays.items() if delay.confirmed]
    return max(standing, key=lambda level: LEVEL_RANK[level], default=None)


def _crossed(spec: AlarmSpec, before: frozenset[AlarmLevel], value: float) -> frozenset[AlarmLevel]:
    return frozenset(
        level.level
        for level in spec.levels
        if _is_crossed(level, value, spec.deadband if level.level in before else 0.0)
    )


def _is_crossed(level: LevelSpec, value: float, band: float) -> bool:
    if level.limit is None:
        return value != 0.0
    if level.level in RISING:
        return value >= level.limit - band
    return value <= level.limit + band
