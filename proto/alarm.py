"""Alarm states, levels and priorities (ISA-18.2 / IEC 62682).  Pure.

An alarm is at one point and for the plant's operator; a warning (预警) is another object.
"""

from enum import IntEnum, StrEnum


class AlarmState(StrEnum):
    """Where one alarm stands; flags (shelved, suppressed, out of service) lie over the state."""

    NORMAL = "NORMAL"
    UNACKED = "UNACKED"
    ACKED = "ACKED"
    RETURNED = "RETURNED"
    LATCHED_UNACKED = "LATCHED_UNACKED"
    LATCHED_ACKED = "LATCHED_ACKED"


class AlarmLevel(StrEnum):
    """The level of an alarm; INVALID (bad data) outranks every value."""

    LL = "LL"
    L = "L"
    H = "H"
    HH = "HH"
    TRUE = "TRUE"
    INVALID = "INVALID"


class AlarmPriority(StrEnum):
    """Priority after OPC UA severity bands 1-250, -500, -750, -1000."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class WarningLevel(IntEnum):
    """The four colours of a warning (蓝黄橙红); NONE when nothing is open."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


STANDING = frozenset(state for state in AlarmState if state is not AlarmState.NORMAL)
ACTIVE = frozenset({AlarmState.UNACKED, AlarmState.ACKED})

LEVEL_RANK = {
    AlarmLevel.L: 1,
    AlarmLevel.H: 1,
    AlarmLevel.TRUE: 1,
    AlarmLevel.LL: 2,
    AlarmLevel.HH: 2,
    AlarmLevel.INVALID: 3,
}
PRIORITY_RANK = {
    AlarmPriority.LOW: 1,
    AlarmPriority.MEDIUM: 2,
    AlarmPriority.HIGH: 3,
    AlarmPriority.URGENT: 4,
}
