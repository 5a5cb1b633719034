"""Values of any profile, as a living device would show them: they wander, its life moves.  Pure.

Without a model of the plant nothing hangs together: good for registers, orders, types and clocks,
not for alarms.  At rest every point shows the value of its worked example.
"""

import math
from datetime import datetime, timedelta

from devices.profile import ModbusPoint, OpcUaPoint, Profile
from devices.profile_point import PointModel
from simulators.physics.noise import normal
from simulators.plants.model import Value, Values

TICK_MS = 100
WANDER_S = 60.0
"""Period in which a value goes once through the middle half of its range."""
_WIDTHS = {"int16": 15, "uint16": 16, "int32": 31, "uint32": 32, "int64": 63, "uint64": 64}
SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a device clock has no zone


def still(profile: Profile) -> Values:
    """Return the values of the worked examples."""
    return {point.name: _example(point) for point in profile.points}


def walk(profile: Profile, tick: int, wall_us: int, seed: int) -> Values:
    """Return the values after `tick` steps of 100 ms, at the wall time `wall_us`."""
    points: tuple[ModbusPoint | OpcUaPoint, ...] = profile.points
    return {
        point.name: _value(point, channel, tick, wall_us, seed)
        for channel, point in enumerate(points)
    }


def _value(
    point: ModbusPoint | OpcUaPoint, channel: int, tick: int, wall_us: int, seed: int
) -> Value:
    if _is_time(point):
        return wall_us
    match point.moves:
        case "counter":
            return (int(_example(point)) + tick) % (1 << _WIDTHS.get(str(point.at.type), 16))
        case "second":
            return wall_us // SECOND_US % 60
        case "toggle":
            assert point.period_ns is not None
            return wall_us * 2000 // point.period_ns % 2 == 1
        case None:
            pass
    example = _example(point)
    if isinstance(example, bool) or point.digest is not None or point.enum or point.range is None:
        return example
    return _wander(point, channel, tick, seed)


def _wander(point: PointModel, channel: int, tick: int, seed: int) -> float:
    """Return a value in the middle half of the range, with a little noise."""
    assert point.range is not None
    low, high = point.range
    turn = 2 * math.pi * (tick * TICK_MS / 1000 / WANDER_S + channel / 7)
    share = 0.5 + 0.25 * math.sin(turn) + 0.002 * normal(seed, channel, tick)
    return low + min(max(share, 0.0), 1.0) * (high - low)


def _is_time(point: ModbusPoint | OpcUaPoint) -> bool:
    return isinstance(point, ModbusPoint) and point.at.type.is_time


def _example(point: ModbusPoint | OpcUaPoint) -> Value:
    value = point.vector.value
    if isinstance(value, str):
        return (datetime.fromisoformat(value) - EPOCH) // timedelta(microseconds=1)
    return value
