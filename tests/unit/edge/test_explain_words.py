"""The text of `explain`: where a value comes from, why it is bad, what to look at."""

from edge.commands.explain_words import point_lines

NOW = 1_700_000_000_000_000
BODY: dict[str, object] = {
    "schema": "explain-point/1",
    "point": "bearing_1/t",
    "tag": "TT-102",
    "unit": "Cel",
    "value": 78.5,
    "quality": "BAD",
    "reason": "COMM_LOSS",
    "detail": 0x0102,
    "age_ms": 107_000,
    "now_us": NOW,
    "line": {"name": "rs485-1", "kind": "modbus-rtu", "address": "/dev/ttyS0"},
    "device": {"name": "bearing_1", "path": "plc", "place": "device.1"},
    "profile": "bearing_monitor",
    "register": "holding 104 float32 ABCD",
    "axis": 7,
    "block_number": 4,
    "profile_version": 1,
    "slot": 41872,
    "line_state": "partly",
    "unit_state": {
        "device": "bearing_1",
        "state": "SUSPENDED",
        "since_us": NOW - 107_000_000,
        "failures": 3,
        "next_probe_s": 4.2,
        "in_use": None,
        "sources": [
            {"source": "bearing_1", "life": "ALIVE", "moves": "counter", "moved_s": 107.0},
        ],
    },
    "source": "bearing_1",
    "neighbours_up": ["dp_1"],
    "neighbours_down": [],
    "clock": {"offset_us": 3_200_000, "uncertainty_us": 40_000},
    "interlocks": [{"interlock": "FUR-03", "cause": "C2"}],
    "alarms": ["TT-102.HH"],
    "configuration": 42,
    "plan": "9c41f0",
}


def test_a_bad_point_says_why_since_when_and_who_else_answers() -> None:
    lines = point_lines(BODY, "en", "Asia/Shanghai")
    assert lines == [
        "TT-102 is BAD: COMM_LOSS, unit suspended; "
        "last value 78.5 Cel at 06:11:33 (age 1 min 47 s)",
        "  line rs485-1: up, some units are silent; unit bearing_1: suspended since 06:11:33; "
        "3 failures in a row; 4 s until the next probe; others on the line answer: dp_1",
        "  edge.toml device.1 -> bearing_monitor v1 -> holding 104 float32 ABCD, block 4, "
        "slot 41872",
        "  path plc, source bearing_1 alive (107.0 s since it last moved), clock +3.2 s ± 40 ms",
        "  used by interlock FUR-03 (cause C2), alarm TT-102.HH   configuration 42   plan 9c41f0",
    ]


def test_the_same_in_chinese() -> None:
    text = "\n".join(point_lines(BODY, "zh", "Asia/Shanghai"))
    for word in (
        "设备已挂起",
        "次连续失败",
        "同线其他设备有应答",
        "联锁 FUR-03",
        "读取计划 9c41f0",
    ):
        assert word in text


def test_a_good_point_shows_its_age_and_a_point_without_a_gateway_its_way() -> None:
    good = BODY | {"quality": "GOOD", "reason": "NONE", "detail": 0, "age_ms": 412}
    assert point_lines(good, "en")[0] == "TT-102  78.5 Cel  GOOD   age 412 ms"
    cold = {key: value for key, value in BODY.items() if key != "quality"}
    assert len(point_lines(cold, "en")) == 2


def test_a_point_that_was_never_read_says_so_and_a_foreign_code_is_shown() -> None:
    never = BODY | {"value": None, "age_ms": None, "reason": "DEVICE_ERROR", "detail": 2}
    assert (
        point_lines(never, "en")[0] == "TT-102 is BAD: DEVICE_ERROR / 2; never read since the start"
    )
