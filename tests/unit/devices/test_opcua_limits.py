"""Limits of servers, queues, what hangs over values, and rows by gather."""

import numpy as np
import pytest

from devices.address import NodeType
from devices.driver import bad_columns
from devices.opcua import limits
from devices.opcua.condition import Condition, cap_of, capped, must_wait
from devices.opcua.gather import Gather, Odd, layer
from devices.opcua.known_servers import load_profiles
from devices.opcua.plan import NodeItem
from devices.opcua.value import nothing
from proto.quality import Detail, Quality, Reason


def test_every_server_profile_names_its_source_and_grade() -> None:
    profiles = load_profiles()
    assert {"s7_1200", "s7_1500", "kepware", "prosys", "codesys"} <= {p.name for p in profiles}
    assert all(p.source and p.grade in "ABC" for p in profiles)


def test_a_server_is_known_by_manufacturer_and_product() -> None:
    profiles = load_profiles()
    assert limits.choose(profiles, "Siemens AG", "SIMATIC S7-1500").name == "s7_1500"
    assert limits.choose(profiles, "Kepware", "KEPServerEX").per_call == 1000
    assert limits.choose(profiles, "HollySys", "M6") is limits.UNKNOWN


def test_a_limit_is_the_smallest_that_anybody_states() -> None:
    assert limits.pace(500, 100) == limits.Pace(100, 100, is_stated=True)
    assert limits.pace(0, 100).size == 100
    assert limits.pace(0, 0) == limits.Pace(50, 1000, is_stated=False)


def test_an_unknown_server_is_asked_for_more_while_it_answers_fast() -> None:
    pace = limits.pace()
    for _ in range(10):
        pace = limits.answered(pace, pace.size, limits.FAST_NS - 1)
    assert pace.size == 1000
    slow = limits.answered(limits.pace(), 50, limits.FAST_NS)
    assert slow.size == 50
    assert limits.answered(limits.pace(), 49, 1).size == 50  # says nothing of a full request
    assert limits.answered(limits.pace(100), 100, 1).size == 100


def test_a_request_called_too_big_is_halved_for_good() -> None:
    pace = limits.too_many(limits.pace(100), 100)
    assert (pace.size, pace.most) == (50, 50)
    unknown = limits.too_many(limits.pace(), 50)
    assert limits.answered(unknown, 25, 1).size == 25
    assert limits.too_many(limits.Pace(1, 1, is_stated=False), 1).size == 1


def test_queues_hold_a_publish_and_bridge_a_cut() -> None:
    assert limits.queue_size(1000, 1000, 30_000) == 30
    assert limits.queue_size(1000, 100, 500) == 11
    assert limits.queue_size(100, 50, 30_000, server_max=100) == 100


def test_a_wrong_server_profile_is_refused() -> None:
    text = b'manufacturer = "a"\nproduct = "b"\nsource = "c"\ngrade = "A"\n'
    assert limits.parse_profile("x", text).per_call == 0
    for wrong in (b"per_call = -1\n", b"speed = 1\n", b'filters = "no"\n', b"per_call = true\n"):
        with pytest.raises(ValueError, match="x: "):
            limits.parse_profile("x", text + wrong)


@pytest.mark.parametrize(
    ("condition", "quality", "reason", "detail"),
    [
        (Condition(state=3), Quality.BAD, Reason.DEVICE_ERROR, Detail.SERVER_NOT_RUNNING),
        (Condition(level=1), Quality.BAD, Reason.DEVICE_ERROR, 1),
        (Condition(level=199), Quality.UNCERTAIN, Reason.DEVICE_ERROR, 199),
        (Condition(is_lapsed=True), Quality.UNCERTAIN, Reason.CONFIG, Detail.CERTIFICATE_DATE),
        (Condition(level=200), Quality.GOOD, Reason.NONE, 0),
    ],
)
def test_what_hangs_over_a_server_hangs_over_its_values(
    condition: Condition, quality: Quality, reason: Reason, detail: int
) -> None:
    columns = bad_columns(2, Reason.SENSOR_FAULT, 9, 1)
    columns.quality[0], columns.reason[0], columns.detail[0] = Quality.GOOD, Reason.NONE, 0
    shown = capped(columns, cap_of(condition))
    assert (shown.quality[0], shown.reason[0], shown.detail[0]) == (quality, reason, detail)
    assert (shown.reason[1], shown.detail[1]) == (Reason.SENSOR_FAULT, 9)
    assert columns.quality[0] == Quality.GOOD  # the original is nobody's to change


def test_only_level_zero_wants_to_be_left_alone() -> None:
    assert must_wait(Condition(level=0))
    assert not must_wait(Condition(level=1))


def test_a_gather_makes_one_row_of_plain_and_odd_values() -> None:
    items = [
        NodeItem("nsu=u;s=a", NodeType.DOUBLE, scale=2.0, offset=1.0),
        NodeItem("nsu=u;s=b", NodeType.FLOAT),
        NodeItem("nsu=u;s=c", NodeType.INT32),
        NodeItem("nsu=u;s=d", NodeType.BOOLEAN),
        NodeItem("nsu=u;s=e", NodeType.DOUBLE),
        NodeItem("nsu=u;s=f", NodeType.DOUBLE),
    ]
    found = layer()
    for slot, number in ((0, 1.5), (1, 412.5), (5, float("nan"))):
        found.floats.slots.append(slot)
        found.floats.numbers.append(number)
        found.floats.times_us.append(100 + slot)
    for slot, whole in ((2, -7), (3, True)):
        found.integers.slots.append(slot)
        found.integers.numbers.append(whole)
        found.integers.times_us.append(100 + slot)
    found.odd.append(Odd(4, nothing(Quality.BAD, Reason.SENSOR_FAULT, 5), 104))
    before = bad_columns(6, Reason.INIT, 0, 1)
    row = Gather(items).row(before, found, 77)
    assert row.value[:4].tolist() == [4.0, 412.5, -7.0, 1.0]
    assert row.raw[1] == 0x43CE4000
    assert row.raw[2:4].tolist() == [-7, 1]
    assert row.reason.tolist() == [0, 0, 0, 0, Reason.SENSOR_FAULT, Reason.NOT_A_NUMBER]
    assert row.no_value.tolist() == [False] * 4 + [True, False]
    assert row.source_us.tolist() == [100, 101, 102, 103, 104, 105]
    assert row.receive_mono_ns == 77
    assert np.all(before.no_value)
