"""The wire pre-scan: fields are counted by their tags before protobuf makes any object.  Pure.

A mebibyte of empty sub-messages would be 500,000 objects; here it costs 33 steps and a refusal.
The scan never copies: it walks tags and lengths, and descends only into sub-messages that it knows.

Source: `batches.md` 3.13 and 6, `security.md` 3.5 (steps 6 and 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from proto import limits
from proto.errors import LimitExceeded, MessageMalformed

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10


class EdgeKind(IntEnum):
    """Which message of the gateway: its field number in `EdgeMsg`."""

    HELLO = 1
    FRAMES = 2
    HEARTBEAT = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """What a message may hold.

    Attributes:
        fields: wire type of each known field.
        repeated: how often a field may stand; a field not named stands at most once.
        inner: shape of a known sub-message.
    """

    fields: Mapping[int, int]
    repeated: Mapping[int, int] = field(default_factory=dict)
    inner: Mapping[int, "Shape"] = field(default_factory=dict)


_TIP = Shape({1: _BYTES, 2: _VARINT, 3: _VARINT, 4: _VARINT, 5: _VARINT, 6: _BYTES})
_PENDING = Shape(dict.fromkeys(range(1, 6), _VARINT))
_HELLO = Shape(
    {1: _VARINT, 2: _VARINT, 3: _VARINT, 4: _BYTES, 5: _BYTES, 6: _VARINT}
    | {7: _BYTES, 8: _BYTES, 9: _BYTES},
    repeated={7: limits.TIPS_MAX, 8: limits.SCHEMAS_MAX},
    inner={7: _TIP},
)
_FRAMES = Shape({1: _BYTES}, repeated={1: limits.FRAMES_PER_MESSAGE_MAX})
_HEARTBEAT = Shape(
    {1: _VARINT, 2: _VARINT, 3: _VARINT, 4: _VARINT, 5: _BYTES}
    | {6: _VARINT, 7: _VARINT, 8: _VARINT, 9: _VARINT},
    repeated={5: limits.TIPS_MAX},
    inner={5: _PENDING},
)
_EDGE = Shape({1: _BYTES, 2: _BYTES, 3: _BYTES}, inner={1: _HELLO, 2: _FRAMES, 3: _HEARTBEAT})


@dataclass(frozen=True, slots=True)
class EdgeShape:
    """What the scan saw: the kind, the frames' sizes in order, bytes in unknown fields."""

    kind: EdgeKind
    frame_bytes: tuple[int, ...]
    unknown_bytes: int


@dataclass(slots=True)
class _Tally:
    """Counts of one scan."""

    unknown_bytes: int = 0
    unknown_fields: int = 0
    kinds: list[int] = field(default_factory=list)
    frame_bytes: list[int] = field(default_factory=list)


def prescan_edge(data: bytes) -> EdgeShape:
    """Return the shape of a gateway's message, or refuse it before it is parsed.

    Raises:
        LimitExceeded: `wire.bytes`, `wire.frames`, `wire.fields` or `wire.unknown`.
        MessageMalformed: `wire.malformed`: no protobuf, a group, a known field of another wire
            type, no message inside or more than one.
    """
    if len(data) > limits.MESSAGE_BYTES_MAX:
        raise LimitExceeded("wire.bytes", f"{len(data)} bytes in one message")
    tally = _Tally()
    _scan(data, 0, len(data), _EDGE, tally)
    if len(tally.kinds) != 1:
        raise MessageMalformed("wire.malformed", f"{len(tally.kinds)} messages in one, one is due")
    kind = EdgeKind(tally.kinds[0])
    if kind is not EdgeKind.FRAMES and len(data) > limits.SMALL_MESSAGE_BYTES_MAX:
        raise LimitExceeded("wire.bytes", f"{len(data)} bytes in a {kind.name}")
    if len(tally.frame_bytes) > 1 and sum(tally.frame_bytes) > limits.FRAMES_BYTES_MAX:
        raise LimitExceeded("wire.frames", f"{sum(tally.frame_bytes)} bytes in several frames")
    if kind is EdgeKind.FRAMES and not tally.frame_bytes:
        raise MessageMalformed("wire.malformed", "a message of no frames")
    return EdgeShape(kind, tuple(tally.frame_bytes), tally.unknown_bytes)


def prescan_request(data: bytes) -> None:
    """Refuse a client's request of too many bytes or fields, or one that is no protobuf.

    Raises:
        LimitExceeded: `wire.bytes` or `wire.fields`.
        MessageMalformed: `wire.malformed`.
    """
    if len(data) > limits.SMALL_MESSAGE_BYTES_MAX:
        raise LimitExceeded("wire.bytes", f"{len(data)} bytes in a request")
    at, fields = 0, 0
    while at < len(data):
        _, _, at, _ = _field(data, at, len(data))
        fields += 1
        if fields > limits.TOP_LEVEL_FIELDS_MAX:
            raise LimitExceeded("wire.fields", f"more than {limits.TOP_LEVEL_FIELDS_MAX} fields")


def _scan(data: bytes, at: int, end: int, shape: Shape, tally: _Tally) -> None:
    seen: dict[int, int] = {}
    while at < end:
        start = at
        number, wire, at, inside = _field(data, at, end)
        expected = shape.fields.get(number)
        if expected is None:
            _count_unknown(tally, at - start)
            continue
        if wire != expected:
            raise MessageMalformed("wire.malformed", f"field {number} has wire type {wire}")
        seen[number] = seen.get(number, 0) + 1
        allowed = shape.repeated.get(number, 1)
        if seen[number] > allowed:
            noun = "frames" if shape is _FRAMES else "fields"
            raise LimitExceeded(f"wire.{noun}", f"field {number} more than {allowed} times")
        if shape is _EDGE:
            tally.kinds.append(number)
        elif shape is _FRAMES:
            _count_frame(tally, at - inside)
        if number in shape.inner:
            _scan(data, inside, at, shape.inner[number], tally)


def _count_unknown(tally: _Tally, size: int) -> None:
    tally.unknown_bytes += size
    tally.unknown_fields += 1
    if tally.unknown_bytes > limits.UNKNOWN_FIELDS_BYTES_MAX:
        raise LimitExceeded("wire.unknown", f"more than {limits.UNKNOWN_FIELDS_BYTES_MAX} bytes")
    if tally.unknown_fields > limits.TOP_LEVEL_FIELDS_MAX:
        raise LimitExceeded(
            "wire.fields", f"more than {limits.TOP_LEVEL_FIELDS_MAX} unknown fields"
        )


def _count_frame(tally: _Tally, size: int) -> None:
    if size > limits.FRAME_BYTES_MAX:
        raise LimitExceeded("wire.frames", f"a frame of {size} bytes")
    tally.frame_bytes.append(size)


def _field(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return field number, wire type, where the field ends, and where its content starts."""
    tag, at = _varint(data, at, end)
    number, wire = tag >> 3, tag & 7
    if not 1 <= number < 1 << 29:
        raise MessageMalformed("wire.malformed", f"field number {number}")
    if wire == _BYTES:
        length, inside = _varint(data, at, end)
        after = inside + length
    elif wire == _VARINT:
        inside = at
        after = _varint(data, at, end)[1]
    elif wire in (_FIXED64, _FIXED32):
        inside = at
        after = at + (8 if wire == _FIXED64 else 4)
    else:
        raise MessageMalformed("wire.malformed", f"wire type {wire}")
    if after > end:
        raise MessageMalformed("wire.malformed", f"field {number} is cut off")
    return number, wire, after, inside


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES_MAX):
        if at >= end:
            raise MessageMalformed("wire.malformed", "a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise MessageMalformed("wire.malformed", "a number of more than ten bytes")
