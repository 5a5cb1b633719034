"""Records: strict JSON in and out, and the typed records of the house."""

import json
from typing import Any

import pytest

from proto import limits
from proto.alarm import AlarmLevel, AlarmPriority, AlarmState
from proto.alarm_record import AlarmRecord
from proto.batch import Lane
from proto.errors import BatchDamaged, LimitExceeded
from proto.gap import GapCause, GapEntry
from proto.interlock import Health, Protection, Running, Service, Verdict
from proto.interlock_record import EffectVerdict, InterlockRecord, InterlockState
from proto.meta_record import BootRecord, ClockRecord, EpochReason, EpochRecord
from proto.quality import Quality, Reason
from proto.records import decode_json, decode_records, encode_json, encode_records


def test_a_record_is_one_line_with_sorted_keys_and_no_blanks() -> None:
    raw = encode_records([{"t": 1, "k": "alarm.raised", "title": "氧枪漏水"}, {"k": "x"}])
    assert raw == '{"k":"alarm.raised","t":1,"title":"氧枪漏水"}\n{"k":"x"}\n'.encode()
    assert decode_records(raw) == [{"k": "alarm.raised", "t": 1, "title": "氧枪漏水"}, {"k": "x"}]


def test_unknown_kinds_and_keys_are_kept() -> None:
    record = {"k": "later.kind", "later": [1, {"a": None}], "f": 0.1}
    assert decode_records(encode_records([record])) == [record]


def test_big_integers_go_as_text_and_enumerations_as_their_values() -> None:
    body = {"k": "x", "big": 2**63, "edge": 2**53, "state": AlarmState.ACKED, "lane": Lane.RAW}
    back = decode_records(encode_records([body]))[0]
    assert back == {"k": "x", "big": str(2**63), "edge": 2**53, "state": "ACKED", "lane": 4}


def test_tuples_become_lists() -> None:
    assert encode_json({"a": (1, (2, 3))}) == b'{"a":[1,[2,3]]}'


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"k": ""},
        {"k": 1},
        {"k": "x", "v": float("nan")},
        {"k": "x", "v": float("inf")},
        {"k": "x", "v": b"bytes"},
        {"k": "x", "v": "\ud800"},
        {"k": "x", 5: 1},
    ],
)
def test_what_json_cannot_say_is_not_written(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_records([body])


def nested(depth: int) -> dict[str, object]:
    body: Any = 0
    for _ in range(depth - 1):
        body = [body]
    return {"k": "x", "v": body}


def test_sixteen_levels_are_written_and_read_and_seventeen_are_not() -> None:
    assert decode_records(encode_records([nested(16)])) == [nested(16)]
    with pytest.raises(LimitExceeded, match=r"record\.depth"):
        encode_records([nested(17)])
    with pytest.raises(BatchDamaged):
        decode_records(json.dumps(nested(17)).encode())


def test_counts_and_sizes_are_bounded_both_ways() -> None:
    with pytest.raises(LimitExceeded, match=r"record\.count"):
        encode_records([{"k": "x"}] * 1025)
    with pytest.raises(LimitExceeded, match=r"record\.count"):
        encode_records([])
    with pytest.raises(LimitExceeded, match=r"record\.bytes"):
        encode_records([{"k": "x", "v": "a" * limits.RECORD_BYTES_MAX}])
    with pytest.raises(LimitExceeded, match=r"record\.raw"):
        encode_records([{"k": "x", "v": "a" * 60_000}] * 20)
    assert len(decode_records(encode_records([{"k": "x"}] * 1024))) == 1024
    for raw in (b'{"k":"x"}\n' * 1025, b"\n" * 2**20, b" " * (2**20 + 1)):
        with pytest.raises(BatchDamaged, match=r"record\.limit"):
            decode_records(raw)
    with pytest.raises(BatchDamaged, match=r"record\.limit"):
        decode_records(b'{"k":"x","v":"' + b"a" * limits.RECORD_BYTES_MAX + b'"}')


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b'{"k":"x"}\n\n',
        b"[]",
        b"null",
        b'"k"',
        b"{}",
        b'{"k":1}',
        b'{"k":"x","k":"y"}',
        b'{"k":"x","v":{"a":1,"a":1}}',
        b'{"k":"x","v":NaN}',
        b'{"k":"x","v":-Infinity}',
        b'{"k":"x","v":1e999}',
        b'{"k":"x","v":9007199254740993}',
        b'{"k":"x","v":-9007199254740993}',
        b'{"k":"x","v":' + b"9" * 5000 + b"}",
        b'{"k":"x"}{"k":"y"}',
        b'{"k":"x"',
        b'{"k":"x","v":"\x01"}',
        b'{"k":"x","v":"\\ud800"}',
        b'{"\\udfff":1,"k":"x"}',
        b'\xef\xbb\xbf{"k":"x"}',
        b'{"k":"\xff"}',
        b'{"k":"x","v":' + b"[" * 60_000,
        b'{"k":"x","v":' + b'{"a":' * 10_000,
        b"{'k':'x'}",
        b'{"k":"x",}',
    ],
)
def test_anything_but_strict_json_is_damaged(raw: bytes) -> None:
    with pytest.raises(BatchDamaged):
        decode_records(raw)


def test_the_number_2_to_the_53_is_read() -> None:
    assert decode_json(b'{"v":9007199254740992}') == {"v": 2**53}


GAP = GapEntry(
    id="g1",
    cause=GapCause.DISK_FULL,
    epoch=bytes(range(16)),
    lane=Lane.BULK,
    n=500,
    t=(1, 99),
    seq=(4, 6),
    samples=(101, 600),
    points=((0, 3), (7, 7)),
    schema=b"s" * 32,
    hash_before=b"b" * 32,
)


def test_a_gap_returns_from_its_record() -> None:
    back = decode_records(encode_records([GAP.to_record()]))[0]
    assert GapEntry.from_record(back) == GAP
    whole = GapEntry("g2", GapCause.RESTART_UNCLEAN, bytes(16), Lane.BULK, 0, (-5, 5), False)
    assert GapEntry.from_record(whole.to_record()) == whole


def test_a_gap_names_points_of_its_own_part_only() -> None:
    assert GAP.names(b"s" * 32, 2)
    assert not GAP.names(b"s" * 32, 5)
    assert not GAP.names(b"t" * 32, 2)
    assert GapEntry("g", GapCause.CORRUPT, bytes(16), Lane.BULK, 1, (0, 1)).names(b"t" * 32, 9)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("k", "epoch"),
        ("id", ""),
        ("id", None),
        ("cause", "BORED"),
        ("cause", None),
        ("epoch", None),
        ("epoch", "00"),
        ("epoch", "zz" * 16),
        ("lane", 5),
        ("lane", True),
        ("n", -1),
        ("n", "5"),
        ("n_exact", 1),
        ("t", None),
        ("t", [2, 1]),
        ("t", [1]),
        ("seq", [0, 1]),
        ("samples", [1, 2, 3]),
        ("points", "some"),
        ("points", [[1]]),
        ("points", [[3, 1]]),
        ("schema", 7),
    ],
)
def test_a_gap_with_a_wrong_field_is_damaged(key: str, value: object) -> None:
    with pytest.raises(BatchDamaged, match=r"gap\.field"):
        GapEntry.from_record(GAP.to_record() | {key: value})


STATE = InterlockState(
    protection=Protection.TRIPPED,
    health=Health.PROTECTION_FAILED,
    health_reasons=("not acted",),
    service=Service.ARMED,
    running=Running.TRUE,
    shown="PROTECTION_FAILED",
    occurrence=3,
    first_out=("leak",),
    plant_tripped=False,
    plant_bypassed=None,
    plant_in_service=True,
    verdicts=(EffectVerdict("raise_lance", Verdict.NOT_ACTED, None),),
)


def interlock_record(**changes: object) -> dict[str, object]:
    record: dict[str, object] = {
        "k": "interlock.judged",
        "id": "i1",
        "t": 5,
        "m": 6,
        "interlock": "BOF1-LANCE",
        "title": "氧枪漏水 water leak",
        "clauses": ["O10-4.1"],
        "mode": "advisory",
        "occurrence": 3,
        "from": "NORMAL",
        "to": "TRIPPED",
        "cause": None,
        "matrix_hash": "ab",
        "scan_no": 9,
        "inputs": [],
        "t_uncertainty_us": 100,
        "state": STATE.to_body(),
        "effect": "raise_lance",
        "verdict": "NOT_ACTED",
        "response_ms": None,
    }
    return record | changes


def test_an_interlock_record_reads_with_its_whole_state() -> None:
    raw = encode_records([interlock_record()])
    read = InterlockRecord.from_record(decode_records(raw)[0])
    assert read.state == STATE
    assert (read.before, read.after, read.cause) == ("NORMAL", "TRIPPED", None)
    assert (read.effect, read.verdict, read.response_ms) == ("raise_lance", Verdict.NOT_ACTED, None)


def test_an_interlock_record_without_a_verdict_is_no_judgement() -> None:
    record = interlock_record(k="interlock.tripped", cause="leak")
    del record["effect"], record["verdict"], record["response_ms"]
    assert InterlockRecord.from_record(record).verdict is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", None), ("verdict", "MAYBE"), ("clauses", [1]), ("t", 1.5), ("occurrence", True)],
)
def test_an_interlock_record_with_a_wrong_field_is_damaged(key: str, value: object) -> None:
    with pytest.raises(BatchDamaged, match=r"record\.field"):
        InterlockRecord.from_record(interlock_record(**{key: value}))


def test_a_damaged_state_names_the_place() -> None:
    state = STATE.to_body() | {"plant": {"tripped": "yes"}}
    with pytest.raises(BatchDamaged, match=r"state\.plant\.tripped"):
        InterlockRecord.from_record(interlock_record(state=state))
    state = STATE.to_body() | {"verdicts": [{"effect": "e", "verdict": 4}]}
    with pytest.raises(BatchDamaged, match=r"state\.verdicts\[0\]\.verdict"):
        InterlockRecord.from_record(interlock_record(state=state))


ALARM = AlarmRecord(
    kind="alarm.raised",
    id="a1",
    time_us=5,
    mono_us=6,
    alarm="dust1_plc/hopper_temp",
    point="dust1_plc/hopper_temp",
    tag="TE-202",
    title="灰斗温度",
    priority=AlarmPriority.HIGH,
    clauses=("O10-11.3",),
    state=AlarmState.UNACKED,
    level=AlarmLevel.HH,
    occurrence=2,
    value=91.5,
    unit="Cel",
    limit=90.0,
    quality=Quality.UNCERTAIN,
    reason=Reason.STUCK,
)


def test_an_alarm_returns_from_its_record() -> None:
    assert AlarmRecord.from_record(decode_records(encode_records([ALARM.to_record()]))[0]) == ALARM
    numbers = ALARM.to_record() | {"quality": 1, "reason": 12, "level": None}
    read = AlarmRecord.from_record(numbers)
    assert (read.quality, read.reason, read.level) == (Quality.UNCERTAIN, Reason.STUCK, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [("quality", 3), ("quality", "FINE"), ("reason", 99), ("level", "X"), ("value", "7")],
)
def test_an_alarm_with_a_wrong_field_is_damaged(key: str, value: object) -> None:
    with pytest.raises(BatchDamaged, match=r"record\.field"):
        AlarmRecord.from_record(ALARM.to_record() | {key: value})


def test_the_records_of_lane_meta_return() -> None:
    epoch = EpochRecord(
        b"e" * 16, EpochReason.RESTORED, "610581-bof1a", b"p" * 16, 1, b"k" * 32, {"yujing": "0.1"}
    )
    boot = BootRecord(7, "uuid", 1, 2, {"format": "1"})
    clock = ClockRecord(7, 1, 5, 10, 20, "step")
    for made, kind in ((epoch, EpochRecord), (boot, BootRecord), (clock, ClockRecord)):
        back = decode_records(encode_records([made.to_record()]))[0]  # type: ignore[attr-defined]
        assert kind.from_record(back) == made  # type: ignore[attr-defined]
    plain = EpochRecord(b"e" * 16, EpochReason.NEW)
    assert EpochRecord.from_record(plain.to_record()) == plain
    with pytest.raises(BatchDamaged):
        EpochRecord.from_record(boot.to_record())
    with pytest.raises(BatchDamaged):
        EpochRecord.from_record(plain.to_record() | {"epoch": "00"})
