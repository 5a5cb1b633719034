"""Keys of profiles beyond points: quirks, currents, life, texts, clock, canary, event ring."""

import pytest

from devices import catalog
from devices.address import Order, RegisterType
from devices.binding import bind, bind_texts, slot_of
from devices.event_record import ring_spec
from devices.kinds import Kind
from devices.profile import ModbusProfile, Profile
from devices.profile_check import parse_profile
from devices.registers import compile_layout, gather
from proto.errors import ProfileError
from proto.quality import Quality, Reason
from tests.unit.devices.builders import MODBUS_TEXT, PARAMETERS

KINDS = {"test_kind": Kind(kind="test_kind", title="t", clauses=("O10-4.4",), requires=("a.flow",))}
RING = """
[event_ring]
index   = { at = { table = "holding", address = 100 }, means = "next" }
records = { table = "holding", start = 110, words = 8, count = 16 }
fields  = { seq = "uint16@0", code = "int16@1", time = "unix_ms@2", value = "float32@6" }
order   = "ABCD"
stamp   = { by = "scan", resolution = "10ms" }
[event_ring.vector]
registers = [7, 2, 0, 0x01A2, 0x093E, 0x44BC, 0x42BE, 0x8000]
seq = 7
code = 2
time = "2026-11-23 16:30:05.5"
value = 95.25
"""
TEXT = """
[[texts]]
name   = "serial"
title  = "编号"
at     = { table = "holding", address = 40, bytes = 4, first = "low" }
vector = { registers = [0x4C47, 0x3432], text = "GL24" }
"""


def read(text: str) -> Profile:
    return parse_profile(text, "p.toml", PARAMETERS, KINDS)


def faults(text: str) -> list[str]:
    with pytest.raises(ProfileError) as refused:
        read(text)
    return [str(fault) for fault in refused.value.faults]


def flow(**changes: str) -> str:
    """The profile with more keys on its only point."""
    lines = "".join(f"{key} = {value}\n" for key, value in changes.items())
    return MODBUS_TEXT.replace('poll = "fast"\n', f'poll = "fast"\n{lines}')


def options(text: str) -> str:
    """The profile with more keys in its table [modbus]."""
    return MODBUS_TEXT.replace('order = "CDAB"\n', f'order = "CDAB"\n{text}\n')


def state(**changes: str) -> str:
    """A second point, an integer, with these keys."""
    keys = {
        "name": '"state"',
        "title": '"状态"',
        "parameter": '"a.state"',
        "unit": '"1"',
        "poll": '"fast"',
        "at": '{ table = "holding", address = 9, type = "uint16" }',
        "vector": "{ registers = [7], value = 7.0 }",
    } | changes
    return MODBUS_TEXT + "\n[[points]]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def test_every_quirk_of_the_page_can_be_written() -> None:
    text = options(
        'max_registers = 64\nmax_bits = 256\nanswer_max = "250ms"\nports = [502, 503]\n'
        "quirks = { tid_zero = true, unit_alias = 3, one_point_per_request = true, no_fc8 = true,"
        " local_echo = true, behind_gateway = false, close_after_each = true,"
        ' write_single_only = true, pause_after_connect = "1s", pause_between = "5ms",'
        " max_connections = 2 }\n"
        'canary = { table = "holding", address = 58, equals = 0x1A2B }'
    )
    profile = read(text)
    assert isinstance(profile, ModbusProfile)
    made = profile.modbus
    assert (made.answer_max_ns, made.ports) == (250_000_000, (502, 503))
    assert (made.quirks.pause_after_connect_ns, made.quirks.pause_between_ns) == (10**9, 5_000_000)
    assert (made.quirks.unit_alias, made.quirks.behind_gateway) == (3, False)
    assert made.canary is not None
    assert made.canary.equals == 0x1A2B


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (options("quirks = { no_fc7 = true }"), "modbus.quirks.no_fc7: config.unknown_key"),
        (options("answer_max = 250"), "modbus.answer_max: config.value"),
        (options('answer_max = "1min"'), "modbus.answer_max: config.value"),
        (options('canary = { table = "holding", address = 1 }'), "modbus.canary: profile.canary"),
        (options("ports = [502, 502]"), "modbus.ports: profile.duplicate"),
        (options("max_registers = 126"), "modbus.max_registers: config.value"),
        (flow(order='"CDAB"'), "points[0].order: config.unknown_key"),
        (flow(rate_max="0.0"), "points[0].rate_max: config.value"),
        (flow(clamped="[5.0, 5.0]"), "points[0].clamped: profile.range"),
        (flow(stuck_after='"10"'), "points[0].stuck_after: config.value"),
        (flow(stuck_after='"999999999h"'), "points[0].stuck_after: config.value"),
        (flow(moves='"counter"', life="true"), "points[0].moves: profile.life flow: a counter"),
        (flow(digest='"program"'), "points[0].digest: profile.digest"),
        (flow(active="true"), "points[0].active: profile.life"),
        (flow(enum='{ low = "x" }'), "points[0].enum: profile.enum"),
        (state(moves='"toggle"', life="true"), "points[1].period: profile.life"),
        (state(period='"2s"'), "points[1].period: profile.life"),
        (
            state(signal="{ low = 20.0, high = 4.0 }", unit='"mA"'),
            "points[1].signal: profile.signal",
        ),
        (state(signal="{ }"), "points[1].range: profile.signal"),
        ('clock = { point = "nothing" }\n' + MODBUS_TEXT, "clock.point: profile.clock no point"),
        (MODBUS_TEXT + TEXT.replace('"low"', '"high"'), 'first = "low" would fit'),
        (MODBUS_TEXT + TEXT.replace('"serial"', '"flow"'), "texts[0].name: profile.duplicate"),
        (MODBUS_TEXT + TEXT.replace("[0x4C47, 0x3432]", "[0x4C47]"), "profile.vector_shape"),
        (
            MODBUS_TEXT + RING.replace("order ", "needs_write = true\norder "),
            "profile.ring_needs_write",
        ),
        (MODBUS_TEXT + RING.replace("value = 95.25", "value = 95.5"), "profile.vector_wrong"),
        (MODBUS_TEXT + RING.replace("seq = 7\n", "seq = 8\n"), "event_ring.vector.seq"),
        (MODBUS_TEXT + RING.replace("float32@6", "float32@7"), "value reaches beyond the 8 words"),
        (MODBUS_TEXT + RING.replace("unix_ms@2", "uint32@2"), "event_ring.fields.time"),
        (MODBUS_TEXT + RING.replace("start = 110", "start = 65500"), "beyond address 65535"),
        (MODBUS_TEXT + RING.replace('"scan"', '"interrupt"'), "need the document"),
        (MODBUS_TEXT + RING.replace("count = 16", 'count = 24, wrap = "total"'), "divides 65536"),
        (
            MODBUS_TEXT
            + RING.replace('table = "holding", address = 100', 'node = "nsu=urn:x;s=Index"'),
            "event_ring.index.at: profile.ring modbus: give table and address",
        ),
        (
            options("max_registers = 4") + RING,
            "a record is longer than one request of 4 registers",
        ),
        (
            MODBUS_TEXT + RING + '[event_ring.codes]\n2 = { title = "t", point = "nothing" }\n',
            "code 2: no point nothing",
        ),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_with_its_place(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text)), faults(text)


def test_names_of_64_bits_are_orders_too() -> None:
    text = state(
        at='{ table = "holding", address = 20, type = "uint64", order = "GHEFCDAB" }',
        vector="{ registers = [0x04CB, 0x71FB, 0x011F, 0x0000], value = 1234567890123.0 }",
    )
    profile = read(text)
    assert isinstance(profile, ModbusProfile)
    assert profile.address(profile.points[1]).order is Order.CDAB


def test_a_binding_carries_what_the_profile_says_of_a_point() -> None:
    text = state(
        signal="{ }",
        range="[0.0, 500.0]",
        scale="0.001",
        rate_max="5.0",
        stuck_after='"10min"',
        clamped="[0.0, 500.0]",
        together='"a"',
        enum='{ 7 = "seven" }',
        vector="{ registers = [12000], value = 250.0 }",
    )
    point = bind("d", read(text))[1]
    assert (point.rate_max, point.stuck_after_ns) == (5.0, 600 * 10**9)
    assert (point.clamped, point.current) == ((0.0, 500.0), (3600.0, 21000.0))
    assert (point.together, point.enum) == ("a", {"7": "seven"})
    assert point.point.scale == pytest.approx(500 / 16 * 0.001)
    decoded = gather(b"\x00\x00", compile_layout([slot_of(point)], 9, 1))
    assert (decoded.quality[0], decoded.reason[0]) == (Quality.BAD, Reason.SENSOR_FAULT)


def test_a_loop_in_milliamperes_stays_in_milliamperes() -> None:
    point = bind("m", catalog.find("current_module_8"))[0]
    assert (point.point.scale, point.point.offset) == (0.001, 0.0)
    assert point.current == (3600.0, 21000.0)


def test_a_text_is_bound_beside_the_points_and_never_as_one() -> None:
    profile = read(MODBUS_TEXT + TEXT)
    assert [each.point.name for each in bind("d", profile)] == ["d/flow"]
    [text] = bind_texts("d", profile)
    assert (text.name, text.digest) == ("d/serial", "identity")


def test_a_ring_is_ready_to_be_read() -> None:
    profile = read(MODBUS_TEXT + RING)
    assert profile.event_ring is not None
    spec = ring_spec(profile.event_ring, Order.CDAB, 120)
    assert (spec.count, spec.words, spec.chunk, spec.order) == (16, 8, 15, Order.ABCD)
    assert spec.time is not None
    assert spec.time.type is RegisterType.UNIX_MS


def test_a_time_has_a_worked_example_as_the_device_shows_it() -> None:
    words = "[0x07EA, 0x0B17, 0x0210, 0x1E05, 0x1DCD, 0x6500]"
    at = '{ table = "holding", address = 20, type = "s7_dtl" }'
    good = f'{{ registers = {words}, value = "2026-11-23 16:30:05.5" }}'
    assert len(read(state(at=at, vector=good)).points) == 2
    wrong = good.replace("05.5", "06.5")
    assert "profile.vector_wrong" in faults(state(at=at, vector=wrong))[0]
    number = f"{{ registers = {words}, value = 5.0 }}"
    assert "profile.vector_shape" in faults(state(at=at, vector=number))[0]
