"""Quality of a sample: how far a value may be trusted, why not, what the device said.  Pure.

Severity follows OPC UA Part 8 (Good, Uncertain, Bad); the reason is ours, one enumeration for the
whole house.  The 16-bit code on disk and wire holds severity in bits 15-14, NO_VALUE in bit 13 and
the reason in bits 12-0.
"""

from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """How far a value may be trusted.  A higher number is worse."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Reason(IntEnum):
    """Why a value is not plainly GOOD.  Numbers are on disk: append only."""

    NONE = 0
    INIT = 1
    COMM_LOSS = 2
    PROTOCOL = 3
    DEVICE_ERROR = 4
    CONFIG = 5
    STALE = 6
    OVERRUN = 7
    OVERFLOW = 8
    NOT_A_NUMBER = 9
    OUT_OF_RANGE = 10
    RATE_OF_CHANGE = 11
    STUCK = 12
    CLAMPED = 13
    DEVIATION = 14
    SENSOR_FAULT = 15
    SUBSTITUTED = 16
    FORCED = 17
    SIMULATED = 18
    MAINTENANCE = 19
    CALIBRATION = 20
    REPLAYED = 21
    CLOCK = 22


class Detail(IntEnum):
    """Our own detail codes (0x0100-0x01FF); every other number is the device's own code."""

    NONE = 0
    TIMED_OUT = 0x0100
    LINK_DOWN = 0x0101
    UNIT_SUSPENDED = 0x0102
    SKIPPED_AFTER_FAILURE = 0x0103
    WRONG_TRANSACTION = 0x0104
    WRONG_UNIT = 0x0105
    WRONG_FUNCTION = 0x0106
    WRONG_BYTE_COUNT = 0x0107
    WRONG_LENGTH = 0x0108
    ALIVENESS_UNPROVEN = 0x0109
    LIFE_STOPPED = 0x010A
    NODE_UNKNOWN = 0x010B
    NOT_SYNCED = 0x010C
    CANARY = 0x010D
    RESTARTING = 0x010E
    MAP_UNPROVEN = 0x010F
    CERTIFICATE_DATE = 0x0110
    SLOT_HELD = 0x0111
    NOT_HEARD = 0x0112
    AMBIGUOUS = 0x0113
    TWO_MASTERS = 0x0114
    WRONG_CHECKSUM = 0x0115
    WRONG_ECHO = 0x0116
    FORBIDDEN_RANGE = 0x0117
    PUBLISH_LOST = 0x0118
    SERVER_NOT_RUNNING = 0x0119


class QualityCode(NamedTuple):
    """One quality, taken apart: severity, reason, whether the value beside it is only filler."""

    quality: Quality
    reason: Reason
    no_value: bool


NO_VALUE_BIT = 1 << 13
REASON_MASK = (1 << 13) - 1


def pack_quality(quality: Quality, reason: Reason, *, no_value: bool = False) -> int:
    """Return the 16-bit quality code of `batches.md` 3.4."""
    return (int(quality) << 14) | (NO_VALUE_BIT if no_value else 0) | int(reason)


def unpack_quality(code: int) -> QualityCode:
    """Take a 16-bit quality code apart.

    Raises:
        ValueError: the severity bits are 11, or the reason is unknown to this version.
    """
    return QualityCode(Quality(code >> 14), Reason(code & REASON_MASK), bool(code & NO_VALUE_BIT))


def worst(*qualities: Quality) -> Quality:
    """Return the worst of the given qualities; GOOD when there are none."""
    return max(qualities, default=Quality.GOOD)
