"""Schema parts: canonical bytes, one hash for one table, strict reading."""

import hashlib
import json

import pytest

from proto.columns import PointTypes
from proto.errors import BatchDamaged, LimitExceeded
from proto.point import Point, PointType
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint


def axis(*points: SchemaPoint) -> SchemaAxis:
    return SchemaAxis("bof1_plc", "bof_lance_plc", "fast", 100_000, 20_000, False, "plc", points)


FLOW = SchemaPoint(
    name="bof1_plc/lance_in_flow",
    tag="FT-101",
    title="氧枪进水流量",
    type=PointType.F32,
    unit="m3/h",
    range_low=0.0,
    range_high=500.0,
    parameter="bof.lance.cw_inlet_flow",
    process_unit="BOF-1",
)
POSITION = SchemaPoint(
    "bof1_plc/lance_position", "ZT-104", "枪位", PointType.U16, "mm", scale=0.1, offset=-5.5
)
PART = SchemaPart((axis(FLOW, POSITION),))


def test_a_part_returns_from_its_bytes() -> None:
    back = SchemaPart.parse(PART.to_bytes())
    assert back == PART
    assert back.hash == hashlib.sha256(PART.raw).digest()
    assert back.types == (PointType.F32, PointType.U16)
    assert isinstance(back.types, PointTypes)
    assert back.points == (FLOW, POSITION)


def test_the_bytes_are_sorted_and_numbers_are_integers_or_decimal_text() -> None:
    text = PART.raw.decode()
    assert " " not in text
    assert '"scale":"0.1"' in text
    assert '"offset":"-5.5"' in text
    assert '"range_high":500' in text
    body = json.loads(text)
    assert json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")) == text


def test_the_same_table_has_the_same_hash_and_any_change_another() -> None:
    assert SchemaPart((axis(FLOW, POSITION),)).hash == PART.hash
    assert SchemaPart((axis(POSITION, FLOW),)).hash != PART.hash
    assert SchemaPart((axis(FLOW), axis(POSITION))).hash != PART.hash


def test_keys_of_a_later_version_are_ignored_and_the_hash_stays_that_of_the_bytes() -> None:
    body = json.loads(PART.raw)
    body["later"] = 1
    body["axes"][0]["points"][0]["resolution"] = "0.1"
    raw = json.dumps(body).encode()
    back = SchemaPart.parse(raw)
    assert back.axes == PART.axes
    assert back.hash == hashlib.sha256(raw).digest() != PART.hash


def test_a_point_of_the_gateway_becomes_a_row_and_a_point_again() -> None:
    point = Point(
        "d/p", "T-1", "t", PointType.I32, "Pa", "none", "slow", 2.0, 1.0, 0.0, 9.0, "U", True
    )
    assert SchemaPoint.of(point).point("slow") == point


def test_a_part_holds_one_to_4096_points() -> None:
    SchemaPart((axis(*[POSITION] * 4096),))
    with pytest.raises(LimitExceeded, match=r"schema\.points"):
        SchemaPart((axis(*[POSITION] * 4097),))
    with pytest.raises(LimitExceeded):
        SchemaPart(())
    one = json.dumps(json.loads(PART.raw)["axes"][0]["points"][0]).encode()
    many = PART.raw.replace(b'"points":[', b'"points":[' + (one + b",") * 4095)
    with pytest.raises(BatchDamaged, match=r"schema\.limit"):
        SchemaPart.parse(many)


def broken(**changes: object) -> bytes:
    body = json.loads(PART.raw)
    place = body["axes"][0]["points"][0]
    for key, value in changes.items():
        if key in place:
            place[key] = value
        elif key in body["axes"][0]:
            body["axes"][0][key] = value
        else:
            body[key] = value
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        broken(k="gap"),
        broken(axes=7),
        broken(axes=[7]),
        broken(axes=[]),
        broken(points=[]),
        broken(points="no"),
        broken(points=[3]),
        broken(type="F32"),
        broken(type="f16"),
        broken(share="some"),
        broken(scale="much"),
        broken(scale="inf"),
        broken(scale=True),
        broken(scale=0.5),
        broken(range_low=[]),
        broken(life=1),
        broken(period_us=-1),
        broken(period_us="1"),
        broken(subscribed=None),
        broken(name=None),
    ],
)
def test_anything_else_is_damaged(raw: bytes) -> None:
    with pytest.raises(BatchDamaged):
        SchemaPart.parse(raw)
