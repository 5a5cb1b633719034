"""The point table as it travels: one part of at most 4,096 points, canonical bytes, hash.  Pure.

A BULK batch holds points of one part, numbered from 0 in axis order, and names the part by the hash
of its bytes.  Sorted keys, no blanks, numbers as integers or decimal text, so that the same part
has the same hash everywhere.  Unknown keys of a later version are kept in `raw` and ignored.

Source: `batches.md` 3.5.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proto import limits, records
from proto.axis import PointTypes
from proto.errors import BatchDamaged, LimitExceeded
from proto.point import Point, PointType, Share


@dataclass(frozen=True, slots=True)
class SchemaPoint:
    """One point of the table; fields as in `proto.point.Point`."""

    name: str
    tag: str
    title: str
    type: PointType
    unit: str
    scale: float = 1.0
    offset: float = 0.0
    range_low: float | None = None
    range_high: float | None = None
    parameter: str = "none"
    process_unit: str = ""
    life: bool = False
    share: Share = Share.FULL

    @classmethod
    def of(cls, point: Point) -> "SchemaPoint":
        """Return the table's row for a point of the gateway."""
        return cls(
            name=point.name,
            tag=point.tag,
            title=point.title,
            type=point.type,
            unit=point.unit,
            scale=point.scale,
            offset=point.offset,
            range_low=point.range_low,
            range_high=point.range_high,
            parameter=point.parameter,
            process_unit=point.process_unit,
            life=point.life,
        )

    def point(self, poll: str) -> Point:
        """Return the point; `poll` is its axis's poll class."""
        return Point(
            name=self.name,
            tag=self.tag,
            title=self.title,
            type=self.type,
            unit=self.unit,
            parameter=self.parameter,
            poll=poll,
            scale=self.scale,
            offset=self.offset,
            range_low=self.range_low,
            range_high=self.range_high,
            process_unit=self.process_unit,
            life=self.life,
        )


@dataclass(frozen=True, slots=True)
class SchemaAxis:
    """Points that share times: one device block, or one subscribed point.

    `path` says how far from the controller was read: plc, scada, historian, mirror, logger.
    """

    device: str
    profile: str
    poll: str
    period_us: int
    phase_us: int
    subscribed: bool
    path: str
    points: tuple[SchemaPoint, ...]


class TablePart(Protocol):
    """One part as who writes batches needs it; `SchemaPart` is one."""

    @property
    def hash(self) -> bytes:
        """SHA-256 of `raw`, the `schema_hash` of batches."""

    @property
    def types(self) -> PointTypes:
        """Type by point number, for the codec."""

    @property
    def raw(self) -> bytes:
        """The payload of the SCHEMA batch."""


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """One part: axes in device-block order, its bytes and their hash.

    Attributes:
        axes: points are numbered from 0 in this order.
        raw: the bytes; computed unless they came from elsewhere.
        hash: SHA-256 of `raw`, the `schema_hash` of batches.
        types: type by point number, for the codec.
    """

    axes: tuple[SchemaAxis, ...]
    raw: bytes = b""
    hash: bytes = field(init=False)
    types: PointTypes = field(init=False)

    def __post_init__(self) -> None:
        types = PointTypes(point.type for axis in self.axes for point in axis.points)
        if not 1 <= len(types) <= limits.POINTS_PER_PART_MAX:
            raise LimitExceeded("schema.points", f"{len(types)} points in one part")
        if not self.raw:
            object.__setattr__(self, "raw", _encode(self.axes))
        object.__setattr__(self, "hash", hashlib.sha256(self.raw).digest())
        object.__setattr__(self, "types", types)

    @property
    def points(self) -> tuple[SchemaPoint, ...]:
        """All points by number."""
        return tuple(point for axis in self.axes for point in axis.points)

    def to_bytes(self) -> bytes:
        """Return the payload of the SCHEMA batch."""
        return self.raw

    @classmethod
    def parse(cls, raw: bytes) -> "SchemaPart":
        """Return the part in the payload of a SCHEMA batch; its hash is that of these bytes.

        Raises:
            BatchDamaged: `schema.limit`, `record.json` or `schema.field`; nothing else.
        """
        if len(raw) > limits.RAW_BYTES_MAX:
            raise BatchDamaged("schema.limit", f"{len(raw)} bytes")
        body = records.decode_json(raw)
        axes = body.get("axes")
        if body.get("k") != records.SCHEMA or not isinstance(axes, list):
            raise _bad("k or axes")
        made = tuple(_axis(item) for item in axes)
        count = sum(len(axis.points) for axis in made)
        if not 1 <= count <= limits.POINTS_PER_PART_MAX or not all(axis.points for axis in made):
            raise BatchDamaged("schema.limit", f"{count} points in one part")
        return cls(made, raw)


def _encode(axes: tuple[SchemaAxis, ...]) -> bytes:
    body = {"k": records.SCHEMA, "v": 1, "axes": [_axis_body(axis) for axis in axes]}
    return records.encode_json(body)


def _axis_body(axis: SchemaAxis) -> dict[str, object]:
    return {
        "device": axis.device,
        "profile": axis.profile,
        "poll": axis.poll,
        "period_us": axis.period_us,
        "phase_us": axis.phase_us,
        "subscribed": axis.subscribed,
        "path": axis.path,
        "points": [_point_body(point) for point in axis.points],
    }


def _point_body(point: SchemaPoint) -> dict[str, object]:
    return {
        "name": point.name,
        "tag": point.tag,
        "title": point.title,
        "type": point.type.value,
        "unit": point.unit,
        "scale": _number(point.scale),
        "offset": _number(point.offset),
        "range_low": None if point.range_low is None else _number(point.range_low),
        "range_high": None if point.range_high is None else _number(point.range_high),
        "parameter": point.parameter,
        "process_unit": point.process_unit,
        "life": point.life,
        "share": point.share.value,
    }


def _number(value: float) -> int | str:
    """Return the one form of a number: an integer, or the shortest decimal text that returns it."""
    if not math.isfinite(value):
        raise ValueError(f"{value} in a point table")
    whole = int(value)
    small = abs(whole) < limits.JSON_INTEGER_MAX
    return whole if whole == value and small else repr(float(value))


def _axis(item: object) -> SchemaAxis:
    body = _mapping(item)
    points = body.get("points")
    if not isinstance(points, list):
        raise _bad("points")
    return SchemaAxis(
        device=_text(body, "device"),
        profile=_text(body, "profile"),
        poll=_text(body, "poll"),
        period_us=_count(body, "period_us"),
        phase_us=_count(body, "phase_us"),
        subscribed=_flag(body, "subscribed"),
        path=_text(body, "path"),
        points=tuple(_point(point) for point in points),
    )


def _point(item: object) -> SchemaPoint:
    body = _mapping(item)
    return SchemaPoint(
        name=_text(body, "name"),
        tag=_text(body, "tag"),
        title=_text(body, "title"),
        type=_type(body),
        unit=_text(body, "unit"),
        scale=_real(body, "scale"),
        offset=_real(body, "offset"),
        range_low=None if body.get("range_low") is None else _real(body, "range_low"),
        range_high=None if body.get("range_high") is None else _real(body, "range_high"),
        parameter=_text(body, "parameter"),
        process_unit=_text(body, "process_unit"),
        life=_flag(body, "life"),
        share=_share(body),
    )


def _bad(name: str) -> BatchDamaged:
    return BatchDamaged("schema.field", f"{name} of a schema part is missing or wrong")


def _mapping(item: object) -> Mapping[str, object]:
    if not isinstance(item, dict):
        raise _bad("an object")
    return item


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _bad(name)
    return value


def _type(body: Mapping[str, object]) -> PointType:
    try:
        return PointType(_text(body, "type"))
    except ValueError:
        raise _bad("type") from None


def _share(body: Mapping[str, object]) -> Share:
    try:
        return Share(_text(body, "share"))
    except ValueError:
        raise _bad("share") from None


def _flag(body: Mapping[str, object], name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise _bad(name)
    return value


def _count(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad(name)
    return value


def _real(body: Mapping[str, object], name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _bad(name)
    try:
        number = float(value)
    except ValueError:
        raise _bad(name) from None
    if not math.isfinite(number):
        raise _bad(name)
    return number
