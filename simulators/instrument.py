"""A transmitter: lag, noise, range clamp; frozen, it repeats exactly its last value.  Pure."""

import math
from dataclasses import dataclass

from simulators.physics.noise import normal


@dataclass(frozen=True, slots=True)
class Instrument:
    """One transmitter.

    Attributes:
        point: name of the point that it feeds.
        lag_s: first-order lag; 0 = none.
        noise: standard deviation in the point's unit.
        low: lower end of its range.
        high: upper end of its range.
        step: resolution in the point's unit; 0 = as fine as a float.
    """

    point: str
    lag_s: float
    noise: float
    low: float
    high: float
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the element has followed so far, and what is shown; both in the point's unit."""

    followed: float
    shown: float


def first_reading(instrument: Instrument, truth: float) -> Reading:
    """Return the reading of a transmitter that has settled on `truth`."""
    return Reading(truth, _clamp(instrument, truth))


def read(
    instrument: Instrument,
    last: Reading,
    truth: float,
    *,
    frozen: bool,
    seed: int,
    channel: int,
    tick: int,
    dt_s: float,
) -> Reading:
    """Return the next reading; a frozen transmitter repeats its last value, to the bit."""
    near = 1.0 if instrument.lag_s <= 0.0 else 1.0 - math.exp(-dt_s / instrument.lag_s)
    followed = last.followed + (truth - last.followed) * near
    if frozen:
        return Reading(followed, last.shown)
    noisy = followed + instrument.noise * normal(seed, channel, tick)
    return Reading(followed, _clamp(instrument, noisy))


def _clamp(instrument: Instrument, value: float) -> float:
    if instrument.step > 0.0:
        value = round(value / instrument.step) * instrument.step
    return min(max(value, instrument.low), instrument.high)
