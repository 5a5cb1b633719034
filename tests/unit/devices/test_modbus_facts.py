"""What equipment taught us: the cost of reads, and the file that keeps it."""

import json
import random

import pytest

from devices.modbus.cost import PAIRS_KEPT, TCP, Cost, Meter, serial_wire
from devices.modbus.facts import Learnt, from_json, profile_hash, to_json
from devices.modbus.holes_model import Fact, FactKind
from tests.unit.devices.builders import bof

HOLE = Fact(FactKind.HOLE, 3, 50, 51, 2, 15)


def test_the_prior_of_a_serial_line_is_its_character_time() -> None:
    wire = serial_wire(9600, "8N1")
    assert wire.prior.register_ns == pytest.approx(2_083_333, abs=2)
    assert wire.prior.request_ns == pytest.approx(30_833_333, abs=20)
    assert serial_wire(9600, "8E1").prior.register_ns == pytest.approx(2_291_666, abs=2)


def test_above_19200_baud_the_silence_is_fixed() -> None:
    wire = serial_wire(115_200, "8E1")
    character = 11 * 10**9 // 115_200
    assert wire.prior.request_ns == 13 * character + 2 * 1_750_000 + 10_000_000


def test_sixteen_answers_teach_and_fifteen_do_not() -> None:
    meter = Meter()
    for at in range(15):
        meter.add(10 + at % 2, 30_000_000)
    assert meter.cost(TCP) == TCP.prior
    meter.add(11, 30_000_000)
    assert meter.cost(TCP).request_ns == 30_000_000


def test_the_slope_is_found_among_outliers() -> None:
    wire = serial_wire(9600, "8N1")
    chance = random.Random(7)
    meter = Meter()
    for at in range(64):
        late = 900_000_000 if at % 9 == 0 else 0
        n = chance.choice([4, 12, 30, 60])
        meter.add(n, 26_800_000 + 2_100_000 * n + chance.randrange(200_000) + late)
    cost = meter.cost(wire)
    assert cost.register_ns == pytest.approx(2_100_000, rel=0.03)
    assert cost.request_ns == pytest.approx(26_900_000, rel=0.03)


def test_the_slope_stays_within_what_the_wire_can_do() -> None:
    wire = serial_wire(9600, "8N1")
    fast, slow = Meter(), Meter()
    for n in range(4, 24):
        fast.add(n, 1_000)
        slow.add(n, n * 10**9)
    assert fast.cost(wire) == Cost(0, wire.slope_ns_min)
    assert slow.cost(wire).register_ns == wire.slope_ns_max


def test_one_count_alone_keeps_the_slope_of_the_prior() -> None:
    meter = Meter()
    for _ in range(20):
        meter.add(10, 50_000_000)
    wire = serial_wire(9600, "8N1")
    cost = meter.cost(wire)
    assert cost.register_ns == wire.prior.register_ns
    assert cost.time_ns(is_bits=False, quantity=10) == 50_000_000


def test_only_the_last_answers_count() -> None:
    meter = Meter()
    for _ in range(PAIRS_KEPT):
        meter.add(10, 90_000_000)
    for _ in range(PAIRS_KEPT):
        meter.add(10, 5_000_000)
    assert meter.cost(TCP).request_ns == 5_000_000 - 10 * TCP.prior.register_ns


def learnt() -> Learnt:
    return Learnt(
        "00ff", (HOLE, Fact(FactKind.LIMIT, 3, 0, 64, 3, 8)), {3: Cost(1, 2)}, 64, True, 7
    )


def test_what_was_learnt_is_read_as_it_was_written() -> None:
    before = {"bof1": learnt().dated("2026-11-23"), "bof2": Learnt("00")}
    after, wrong = from_json(to_json(before).encode())
    assert (after, wrong) == (before, [])


def test_a_day_is_put_on_what_has_none() -> None:
    old = Fact(FactKind.HOLE, 3, 9, 9, 2, 15, "2026-01-01")
    dated = Learnt("00", (old, HOLE)).dated("2026-11-23")
    assert [fact.date for fact in dated.facts] == ["2026-01-01", "2026-11-23"]


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"[]", b'{"schema": "learnt/2"}', b"[" * 100_000, b" " * 5_000_000]
)
def test_a_file_that_is_no_such_file_is_named_and_forgotten(data: bytes) -> None:
    found, wrong = from_json(data)
    assert found == {}
    assert len(wrong) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("fc", 16), ("first", -1), ("last", 70_000), ("kind", "trick"), ("first", True)],
)
def test_one_damaged_device_takes_no_other_with_it(key: str, value: object) -> None:
    body = json.loads(to_json({"bof1": learnt(), "bof2": learnt()}))
    body["devices"]["bof1"]["facts"][0][key] = value
    found, wrong = from_json(json.dumps(body).encode())
    assert list(found) == ["bof2"]
    assert len(wrong) == 1
    assert wrong[0].startswith("bof1")


def test_drift_is_news_from_a_tenth_on() -> None:
    before = Learnt("00", costs={3: Cost(1000, 100)})
    assert not Learnt("00", costs={3: Cost(1050, 100)}).is_news(before)
    assert Learnt("00", costs={3: Cost(1200, 100)}).is_news(before)
    assert Learnt("00", (HOLE,), {3: Cost(1000, 100)}).is_news(before)
    assert Learnt("01", costs={3: Cost(1000, 100)}).is_news(before)
    assert not Learnt("00").is_news(None)


def test_a_changed_profile_has_another_hash() -> None:
    profile = bof().profile
    changed = profile.model_copy(update={"version": profile.version + 1})
    assert profile_hash(profile) == profile_hash(bof().profile) != profile_hash(changed)
