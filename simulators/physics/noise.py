"""Noise keyed by (seed, channel, tick): free of order, restartable anywhere.  Pure.

splitmix64 gives the bits, Box-Muller the normal distribution (`certification.md` 3.2).
"""

import math

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # splitmix64: odd integer nearest to 2**64 / golden ratio
_CHANNEL = 0xD1B54A32D192ED03  # another odd constant, so that channel and tick do not alias


def splitmix64(state: int) -> int:
    """Return the output of splitmix64 for one 64-bit state."""
    z = (state + _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def bits(seed: int, channel: int, tick: int) -> int:
    """Return 64 bits that depend on nothing but the three numbers."""
    key = splitmix64(((seed & _MASK) ^ (channel * _CHANNEL)) & _MASK)
    return splitmix64((key + tick * _GOLDEN) & _MASK)


def uniform(seed: int, channel: int, tick: int) -> float:
    """Return a number in [0, 1)."""
    return (bits(seed, channel, tick) >> 11) * 2.0**-53


def normal(seed: int, channel: int, tick: int) -> float:
    """Return a draw of the standard normal distribution."""
    first = bits(seed, channel, tick)
    second = splitmix64(first ^ _CHANNEL)
    radius = math.sqrt(-2.0 * math.log(((first >> 11) + 1) * 2.0**-53))
    return radius * math.cos(2.0 * math.pi * ((second >> 11) * 2.0**-53))
