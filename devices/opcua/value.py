"""One OPC UA value: a variant and its status code to raw, value, quality, reason, detail.  Pure.

The declared type is binding: a server that sends another built-in type sends another quantity,
until a person has looked.  A number under a BAD status is kept aside (raw and value), never used as
good.

Clause: OPC UA Part 4, 7.11 (DataValue); Part 6, 5.1.2 (built-in types).
"""

import math
import struct
from typing import NamedTuple

from devices.address import NodeType
from devices.opcua.status_code import BAD_NO_DATA, BAD_TYPE_MISMATCH, judge
from proto.quality import Quality, Reason

_RANGES = {
    NodeType.SBYTE: (-(1 << 7), 1 << 7),
    NodeType.BYTE: (0, 1 << 8),
    NodeType.INT16: (-(1 << 15), 1 << 15),
    NodeType.UINT16: (0, 1 << 16),
    NodeType.INT32: (-(1 << 31), 1 << 31),
    NodeType.UINT32: (0, 1 << 32),
    NodeType.INT64: (-(1 << 63), 1 << 63),
    NodeType.UINT64: (0, 1 << 64),
}


class NodeValue(NamedTuple):
    """One value as it goes into the columns; see `devices.driver.BlockColumns`."""

    raw: int
    value: float
    quality: Quality
    reason: Reason
    no_value: bool
    detail: int


def decode(
    declared: NodeType,
    sent: str,
    number: object,
    status: int,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    fault_values: tuple[float, ...] = (),
) -> NodeValue:
    """Return what a variant says.

    Args:
        declared: built-in type of the profile.
        sent: built-in type of the variant, as the standard writes it (`Double`); "" or "Null" for
            a variant without a value.
        number: the value of the variant.
        status: status code of the data value.
        scale: value = number * scale + offset.
        offset: see there.
        fault_values: numbers that mean "sensor broken".
    """
    quality, reason = judge(status)
    if number is None or sent.lower() in ("", "null"):
        if quality is not Quality.BAD:
            return nothing(Quality.BAD, Reason.DEVICE_ERROR, status or BAD_NO_DATA)
        return nothing(quality, reason, status)
    raw = _raw(declared, number) if sent.lower() == declared else None
    if raw is None:
        if quality is not Quality.BAD:
            return nothing(Quality.BAD, Reason.CONFIG, BAD_TYPE_MISMATCH)
        return nothing(quality, reason, status)
    assert isinstance(number, int | float)
    value = float(number) * scale + offset
    if quality is not Quality.BAD:
        if not math.isfinite(value):
            quality, reason = Quality.BAD, Reason.NOT_A_NUMBER
        elif number in fault_values:
            quality, reason = Quality.BAD, Reason.SENSOR_FAULT
    return NodeValue(raw, value, quality, reason, no_value=False, detail=status)


def nothing(quality: Quality, reason: Reason, detail: int) -> NodeValue:
    """Return a point without a value, and why it has none."""
    return NodeValue(0, math.nan, quality, reason, no_value=True, detail=detail)


def _raw(declared: NodeType, number: object) -> int | None:
    """Return the raw code as it travels, or None when `number` is not of the declared type."""
    match declared:
        case NodeType.BOOLEAN:
            return int(number) if isinstance(number, bool) else None
        case NodeType.DOUBLE if isinstance(number, float):
            return int(struct.unpack("<q", struct.pack("<d", number))[0])
        case NodeType.FLOAT if isinstance(number, float):
            return _float32(number)
        case NodeType.FLOAT | NodeType.DOUBLE:
            return None
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    low, high = _RANGES[declared]
    if not low <= number < high:
        return None
    return number - (1 << 64) if number >= 1 << 63 else number


def _float32(number: float) -> int | None:
    """Return the bits of a single; None for a double that is too big to have come as one."""
    try:
        return int(struct.unpack("<I", struct.pack("<f", number))[0])
    except OverflowError:
        return None
