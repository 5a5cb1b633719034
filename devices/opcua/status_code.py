"""OPC UA status codes: severity, our reason, and the code kept as the device's own word.  Pure.

Clause: OPC UA Part 4, 7.39 (bits 31-30 severity, bit 10 data value information, bit 7 overflow);
Part 8, 6.3 (qualities of process data).
"""

from collections.abc import Mapping
from typing import Final

from proto.quality import Quality, Reason

GOOD: Final = 0x00000000
BAD_TIMEOUT: Final = 0x800A0000
BAD_NODE_ID_INVALID: Final = 0x80330000
BAD_NODE_ID_UNKNOWN: Final = 0x80340000
BAD_TOO_MANY_OPERATIONS: Final = 0x80100000
BAD_USER_ACCESS_DENIED: Final = 0x801F0000
BAD_NOT_READABLE: Final = 0x803A0000
BAD_TOO_MANY_ITEMS: Final = 0x80DB0000
BAD_MESSAGE_NOT_AVAILABLE: Final = 0x807B0000
BAD_TYPE_MISMATCH: Final = 0x80740000
BAD_NO_DATA: Final = 0x809B0000

NAMES: Final[Mapping[str, int]] = {
    "Good": GOOD,
    "GoodLocalOverride": 0x00960000,
    "Uncertain": 0x40000000,
    "UncertainNoCommunicationLastUsableValue": 0x408F0000,
    "UncertainLastUsableValue": 0x40900000,
    "UncertainSubstituteValue": 0x40910000,
    "UncertainInitialValue": 0x40920000,
    "UncertainSensorNotAccurate": 0x40930000,
    "UncertainEngineeringUnitsExceeded": 0x40940000,
    "UncertainSubNormal": 0x40950000,
    "Bad": 0x80000000,
    "BadInternalError": 0x80020000,
    "BadCommunicationError": 0x80050000,
    "BadTimeout": BAD_TIMEOUT,
    "BadServerNotConnected": 0x800D0000,
    "BadTooManyOperations": BAD_TOO_MANY_OPERATIONS,
    "BadUserAccessDenied": BAD_USER_ACCESS_DENIED,
    "BadNoCommunication": 0x80310000,
    "BadWaitingForInitialData": 0x80320000,
    "BadNodeIdInvalid": BAD_NODE_ID_INVALID,
    "BadNodeIdUnknown": BAD_NODE_ID_UNKNOWN,
    "BadAttributeIdInvalid": 0x80350000,
    "BadNotReadable": BAD_NOT_READABLE,
    "BadOutOfRange": 0x803C0000,
    "BadTypeMismatch": BAD_TYPE_MISMATCH,
    "BadConfigurationError": 0x80890000,
    "BadNotConnected": 0x808A0000,
    "BadDeviceFailure": 0x808B0000,
    "BadSensorFailure": 0x808C0000,
    "BadOutOfService": 0x808D0000,
    "BadNoData": BAD_NO_DATA,
}
"""Codes that profiles may name and that this page gives a reason of its own (Part 6, A.2)."""

_REASONS: Final[Mapping[str, Reason]] = {
    "GoodLocalOverride": Reason.SUBSTITUTED,
    "UncertainSubstituteValue": Reason.SUBSTITUTED,
    "UncertainNoCommunicationLastUsableValue": Reason.COMM_LOSS,
    "UncertainLastUsableValue": Reason.STALE,
    "UncertainInitialValue": Reason.INIT,
    "BadCommunicationError": Reason.COMM_LOSS,
    "BadNoCommunication": Reason.COMM_LOSS,
    "BadNotConnected": Reason.COMM_LOSS,
    "BadServerNotConnected": Reason.COMM_LOSS,
    "BadTimeout": Reason.COMM_LOSS,
    "BadSensorFailure": Reason.SENSOR_FAULT,
    "BadOutOfRange": Reason.OUT_OF_RANGE,
    "BadNodeIdInvalid": Reason.CONFIG,
    "BadNodeIdUnknown": Reason.CONFIG,
    "BadAttributeIdInvalid": Reason.CONFIG,
    "BadTypeMismatch": Reason.CONFIG,
    "BadConfigurationError": Reason.CONFIG,
    "BadWaitingForInitialData": Reason.INIT,
}
_REASON_OF: Final = {NAMES[name] >> 16: reason for name, reason in _REASONS.items()}
_NAME_OF: Final = {code >> 16: name for name, code in NAMES.items()}

_SESSION_GONE: Final = frozenset(
    {
        0x800C,  # BadShutdown
        0x800D,  # BadServerNotConnected
        0x800E,  # BadServerHalted
        0x8022,  # BadSecureChannelIdInvalid
        0x8025,  # BadSessionIdInvalid
        0x8026,  # BadSessionClosed
        0x8027,  # BadSessionNotActivated
        0x8086,  # BadSecureChannelClosed
        0x8087,  # BadSecureChannelTokenUnknown
        0x80AE,  # BadConnectionClosed
    }
)

_DATA_VALUE_INFO: Final = 0x0400
_OVERFLOW: Final = 0x0080


def judge(code: int) -> tuple[Quality, Reason]:
    """Return severity and reason of a status code; `detail` is the code itself."""
    reason = _REASON_OF.get(code >> 16, Reason.DEVICE_ERROR)
    match code >> 30:
        case 0 if reason is Reason.SUBSTITUTED:
            return Quality.UNCERTAIN, reason
        case 0 if code & _DATA_VALUE_INFO and code & _OVERFLOW:
            return Quality.UNCERTAIN, Reason.OVERFLOW
        case 0:
            return Quality.GOOD, Reason.NONE
        case 1:
            return Quality.UNCERTAIN, reason
        case _:
            return Quality.BAD, reason


def is_bad(code: int) -> bool:
    """True for every code of severity Bad, and for the reserved severity 11."""
    return bool(code & 0x8000_0000)


def has_overflowed(code: int) -> bool:
    """True where the server had to drop older values of this item (Part 4, 7.39.1)."""
    return bool(code & _DATA_VALUE_INFO and code & _OVERFLOW)


def is_session_gone(code: int) -> bool:
    """True for codes that end a session or its channel: nothing more will be answered on it."""
    return code >> 16 in _SESSION_GONE


def name(code: int) -> str:
    """Return the name of a status code, or its number in hexadecimal."""
    return _NAME_OF.get(code >> 16, f"0x{code:08X}")
