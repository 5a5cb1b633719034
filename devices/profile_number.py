"""How the raw numbers of a point become values: scale and offset, or a current loop.  Pure."""

from typing import NamedTuple

from devices.loop_current import convert
from devices.profile_point import PointModel


class Number(NamedTuple):
    """value = raw * scale + offset; raw outside `current` means a broken loop, None = no loop."""

    scale: float
    offset: float
    current: tuple[float, float] | None


def conversion(point: PointModel) -> Number:
    """Return how the numbers of `point` are read; a loop in the unit mA stays in mA."""
    if point.signal is None:
        return Number(point.scale, point.offset, None)
    low, high = point.range if point.range is not None and point.unit != "mA" else (None, None)
    made = convert(point.signal, point.scale, point.offset, low, high)
    return Number(made.scale, made.offset, made.current)
