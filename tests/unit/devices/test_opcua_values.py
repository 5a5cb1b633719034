"""OPC UA: status codes, variants, plan of blocks."""

import math

import pytest
from asyncua.ua import StatusCodes

from devices.address import NodeType
from devices.opcua.plan import OpcUaRequest, plan_blocks
from devices.opcua.status_code import NAMES, is_session_gone, judge, name
from devices.opcua.value import decode
from proto.point import PointType
from proto.quality import Quality, Reason
from tests.unit.devices.builders import dust, node

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


def test_our_names_are_the_standards_numbers() -> None:
    assert {each: getattr(StatusCodes, each) for each in NAMES} == dict(NAMES)


@pytest.mark.parametrize(
    ("code", "quality", "reason"),
    [
        (0x00000000, GOOD, Reason.NONE),
        (0x00960000, UNCERTAIN, Reason.SUBSTITUTED),  # GoodLocalOverride
        (0x00000480, UNCERTAIN, Reason.OVERFLOW),  # Good with the overflow bit
        (0x00000080, GOOD, Reason.NONE),  # no data value information: not an overflow
        (0x40910000, UNCERTAIN, Reason.SUBSTITUTED),
        (0x40900000, UNCERTAIN, Reason.STALE),
        (0x40950000, UNCERTAIN, Reason.DEVICE_ERROR),
        (0x80310000, BAD, Reason.COMM_LOSS),
        (0x800A0000, BAD, Reason.COMM_LOSS),
        (0x808C0000, BAD, Reason.SENSOR_FAULT),
        (0x803C0000, BAD, Reason.OUT_OF_RANGE),
        (0x80340000, BAD, Reason.CONFIG),
        (0x80740000, BAD, Reason.CONFIG),
        (0x808B0000, BAD, Reason.DEVICE_ERROR),
        (0x80310480, BAD, Reason.COMM_LOSS),
        (0xC0000000, BAD, Reason.DEVICE_ERROR),  # reserved severity counts as bad
    ],
)
def test_a_status_code_is_severity_and_reason(code: int, quality: Quality, reason: Reason) -> None:
    assert judge(code) == (quality, reason)


def test_a_code_has_a_name_or_its_number() -> None:
    assert (name(0x808C0000), name(0x12340000)) == ("BadSensorFailure", "0x12340000")
    assert is_session_gone(0x80250000)
    assert not is_session_gone(0x80340000)


@pytest.mark.parametrize(
    ("kind", "sent", "number", "raw"),
    [
        (NodeType.BOOLEAN, "Boolean", True, 1),
        (NodeType.SBYTE, "SByte", -128, -128),
        (NodeType.BYTE, "Byte", 255, 255),
        (NodeType.INT16, "Int16", -32768, -32768),
        (NodeType.UINT32, "UInt32", 2**32 - 1, 2**32 - 1),
        (NodeType.UINT64, "UInt64", 2**64 - 1, -1),
        (NodeType.INT64, "Int64", -(2**63), -(2**63)),
        (NodeType.FLOAT, "Float", 412.5, 0x43CE4000),
        (NodeType.DOUBLE, "Double", 63.5, 0x404FC00000000000),
    ],
)
def test_every_type_keeps_its_raw_code(kind: NodeType, sent: str, number: float, raw: int) -> None:
    value = decode(kind, sent, number, 0)
    assert (value.raw, value.value, value.quality) == (raw, float(number), GOOD)


@pytest.mark.parametrize(
    ("kind", "sent", "number"),
    [
        (NodeType.DOUBLE, "Float", 1.5),
        (NodeType.DOUBLE, "Int32", 1),
        (NodeType.BOOLEAN, "Byte", 1),
        (NodeType.INT16, "Boolean", True),
        (NodeType.INT16, "Int16", 40000),
        (NodeType.DOUBLE, "Double", [1.5, 2.5]),
        (NodeType.DOUBLE, "String", "1.5"),
        (NodeType.FLOAT, "Float", 1e300),
    ],
)
def test_another_type_than_declared_is_never_a_value(
    kind: NodeType, sent: str, number: object
) -> None:
    value = decode(kind, sent, number, 0)
    assert (value.quality, value.reason, value.no_value) == (BAD, Reason.CONFIG, True)
    assert value.detail == 0x80740000


def test_a_number_under_a_bad_status_is_kept_aside() -> None:
    value = decode(NodeType.DOUBLE, "Double", 63.5, 0x808C0000)
    assert (value.value, value.no_value) == (63.5, False)
    assert (value.quality, value.reason, value.detail) == (BAD, Reason.SENSOR_FAULT, 0x808C0000)


@pytest.mark.parametrize(("status", "detail"), [(0, 0x809B0000), (0x80310000, 0x80310000)])
def test_a_variant_without_a_value_is_bad_whatever_its_status(status: int, detail: int) -> None:
    value = decode(NodeType.DOUBLE, "Null", None, status)
    assert (value.quality, value.no_value, value.detail) == (BAD, True, detail)
    assert math.isnan(value.value)


def test_no_number_and_fault_values_are_bad() -> None:
    nan = decode(NodeType.DOUBLE, "Double", math.nan, 0)
    fault = decode(NodeType.INT16, "Int16", -1, 0, fault_values=(-1.0,))
    assert (nan.quality, nan.reason) == (BAD, Reason.NOT_A_NUMBER)
    assert (fault.quality, fault.reason) == (BAD, Reason.SENSOR_FAULT)


def test_scale_and_offset_make_the_engineering_value() -> None:
    assert decode(NodeType.INT16, "Int16", 10, 0, scale=0.5, offset=-1.0).value == 4.0


def test_causes_are_read_and_the_rest_is_reported() -> None:
    blocks = plan_blocks(dust())
    assert [block.describe() for block in blocks] == [
        "dust1_plc fast read 9 points: Read of 9 nodes, maxAge 0",
        "dust1_plc normal subscribed 1 points: subscription of 1 items",
    ]


def test_a_block_never_exceeds_what_one_call_may_ask() -> None:
    settings = dust()
    bindings = tuple(node(f"d/p{i}", f"nsu=urn:x;i={i}", NodeType.DOUBLE) for i in range(250))
    many = type(settings)("d", 0, settings.profile, bindings, settings.poll_ns)
    blocks = plan_blocks(many)
    sizes = [len(block.points) for block in blocks]
    assert sizes == [100, 100, 50]
    assert all(isinstance(block.request, OpcUaRequest) for block in blocks)
    assert blocks[0].points[0].type is PointType.F64
