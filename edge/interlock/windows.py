"""Memory of RATE, AVG and SINCE: advances by new samples, never by scans.  Pure.

One poll is seen by two scans, so a window takes a sample only when its stamp has risen.  RATE =
(newest - oldest) / true elapsed time; AVG = time-weighted mean; SINCE = seconds since its argument
became TRUE, 0 while FALSE.  Coverage below 80 % of the length is BAD (INIT), below 100 % UNCERTAIN.
Source: `interlocks.md` 3.4.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.interlock.expression import Window
from edge.interlock.reading import BAD, GOOD, INIT, UNCERTAIN, Reading

SAMPLES_MAX = 600
COVERAGE_MIN = 0.8


@dataclass(frozen=True, slots=True)
class Memory:
    """What one window remembers.

    Attributes:
        samples: (mono_ns, value) of GOOD and UNCERTAIN samples, oldest first.
        stamp: of the newest sample taken.
        true_ns: for SINCE, when the argument became TRUE.
    """

    samples: tuple[tuple[int, float], ...] = ()
    stamp: int = -1
    true_ns: int | None = None


def advance(spec: Window, memory: Memory, argument: Reading, now_ns: int) -> Memory:
    """Return the memory after the present value of the window's argument."""
    if spec.kind == "SINCE":
        if argument.quality == BAD:
            return memory
        since = (
            (memory.true_ns if memory.true_ns is not None else now_ns) if argument.value else None
        )
        return replace(memory, true_ns=since)
    if argument.quality == BAD or argument.stamp == memory.stamp:
        return memory
    samples = list(memory.samples)
    width = max(1, spec.length_ns // (SAMPLES_MAX - 2))
    if len(samples) >= 2 and samples[-1][0] // width == samples[-2][0] // width:
        samples.pop()  # a full window keeps the first sample of each bucket, and the newest
    samples.append((argument.mono_ns, argument.value))
    oldest = argument.mono_ns - spec.length_ns
    first = 0
    while first + 1 < len(samples) and samples[first + 1][0] <= oldest:
        first += 1  # the newest sample at or before the beginning of the window stays
    return Memory(tuple(samples[first:]), argument.stamp)


def value_of(spec: Window, memory: Memory, argument: Reading, now_ns: int) -> Reading:
    """Return what the window is worth now."""
    if argument.quality == BAD:
        return argument._replace(value=math.nan)
    if spec.kind == "SINCE":
        elapsed = 0.0 if memory.true_ns is None else (now_ns - memory.true_ns) / 1e9
        return argument._replace(value=elapsed)
    samples = memory.samples
    covered = (samples[-1][0] - samples[0][0]) / spec.length_ns if samples else 0.0
    if covered < COVERAGE_MIN:
        return argument._replace(value=math.nan, quality=BAD, reason=INIT)
    quality = argument.quality if covered >= 1.0 else UNCERTAIN
    reason = argument.reason if argument.quality != GOOD or covered >= 1.0 else INIT
    return argument._replace(value=_worth(spec, samples), quality=quality, reason=reason)


def _worth(spec: Window, samples: tuple[tuple[int, float], ...]) -> float:
    (first_ns, first), (last_ns, last) = samples[0], samples[-1]
    elapsed = last_ns - first_ns
    if spec.kind == "RATE":
        return (last - first) * spec.per_ns / elapsed
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(samples))
    return area / elapsed
