"""The small pure parts of a Modbus line: packets of modems, slots, time-outs, who is guarded."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.modbus import slot
from devices.modbus.dial_in_frames import Registration, is_disputed, packet_bytes, stripper
from devices.modbus.frame import Framing
from devices.modbus.line_settings import (
    ModbusLine,
    SerialEndpoint,
    TcpEndpoint,
    is_full_guard,
    rules_of,
)
from devices.modbus.pace import Pace, serial_timeout_ns
from devices.modbus.slot import Record, Slot
from tests.harness.frames import crc
from tests.unit.devices.builders import modbus_settings, register

BEAT = b"\xfeHB\xfe"
BODY = bytes.fromhex("01 03 08 FE48 42FE 0102 0304")  # the heartbeat's bytes are data here
FRAME = BODY + crc(BODY)
MS = 10**6


def cleaned(chunks: Sequence[bytes]) -> tuple[bytes, int]:
    state, out, removed = stripper(Framing.RTU, BEAT), b"", 0
    for chunk in chunks:
        found = state.feed(chunk)
        state, out, removed = found.state, out + found.data, removed + found.removed
    return out, removed


@pytest.mark.parametrize(
    ("stream", "removed"),
    [(FRAME, 0), (BEAT + FRAME, 1), (FRAME + BEAT, 1), (BEAT * 2 + FRAME + BEAT + FRAME, 3)],
)
def test_a_heartbeat_is_removed_around_frames_and_never_within_however_it_is_cut(
    stream: bytes, removed: int
) -> None:
    left = FRAME * stream.count(FRAME)
    for at in range(len(stream) + 1):
        assert cleaned([stream[:at], stream[at:]]) == (left, removed)
    assert cleaned([bytes([byte]) for byte in stream]) == (left, removed)


def test_a_heartbeat_cut_by_our_request_is_still_a_heartbeat() -> None:
    found = stripper(Framing.RTU, BEAT).feed(BEAT[:2])
    after = found.state.sent().feed(BEAT[2:] + FRAME)
    assert (found.data, after.data, after.removed) == (b"", FRAME, 1)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_bytes_are_invented_and_little_is_held(chunks: list[bytes]) -> None:
    state, out = stripper(Framing.MBAP, BEAT, b"DTU1"), b""
    for chunk in chunks:
        found = state.feed(chunk)
        state, out = found.state, out + found.data
        assert len(state.held) < len(BEAT)
    assert len(out) <= sum(map(len, chunks))


def test_registrations_are_known_by_their_kind() -> None:
    imei = Registration("imei", b"861234567890123")
    assert packet_bytes(imei, b"IMEI=861234567890123;") == 21
    assert packet_bytes(imei, b"18612345678901239") == 0  # more digits than an IMEI has
    assert packet_bytes(imei, b"861234567890124") == 0
    assert packet_bytes(Registration("literal", b"AB"), b"AB" + BEAT) == 2
    assert packet_bytes(Registration("prefix", b"AB"), b"ABcd") == 4
    assert packet_bytes(Registration("prefix", b"AB"), b"AB" + b"x" * 63) == 0


def test_more_than_three_changes_in_a_minute_are_a_dispute() -> None:
    second = 10**9
    assert not is_disputed([0, second, 2 * second], 3 * second)
    assert is_disputed([0, second, 2 * second, 3 * second], 3 * second)
    assert not is_disputed([0, second, 2 * second, 63 * second], 63 * second)


def test_a_slot_is_held_after_three_refusals_where_it_answered_and_freed_by_an_answer() -> None:
    state = Slot((502, 503))
    state, held = slot.failed(state, "refused", 1)
    assert (state.port, held) == (503, False)
    state, _ = slot.answered(state, 2)
    assert state.record.answered == (503,)
    found = []
    for now_ns in (10, 20, 30, 40):
        state, held = slot.failed(state, "refused", now_ns)
        found.append((held, state.is_held, state.port))
    assert found == [
        (False, False, 502),
        (False, False, 503),
        (True, True, 502),
        (False, True, 503),
    ]
    state, held_ns = slot.answered(state, 130)
    assert (held_ns, state.is_held) == (100, False)


def test_another_failure_between_them_begins_the_count_anew() -> None:
    state = Slot((502,), record=Record(answered=(502,)))
    for how in ("refused", "closed", "other", "silent", "refused"):
        state, held = slot.failed(state, how, 0)
        assert not held
    assert slot.failed(state, "refused", 0)[1]


def test_the_local_port_changes_after_a_clean_end_only() -> None:
    fresh = Slot((502,), (40_001, 40_002))
    assert fresh.local_port == 40_001
    opened = slot.opening(fresh)
    assert opened.local_port == 40_001  # a power cut here: the same port meets the dead connection
    assert slot.closed(opened).local_port == 40_002
    assert Slot((502,)).local_port == 0


def test_a_time_out_is_four_times_the_p99_within_its_limits() -> None:
    pace = Pace(500 * MS)
    assert pace.timeout_ns == 500 * MS
    for _ in range(16):
        pace.add(10 * MS)
    assert pace.timeout_ns == 200 * MS
    for _ in range(256):
        pace.add(120 * MS)
    assert pace.timeout_ns == 480 * MS
    for _ in range(256):
        pace.add(400 * MS)
    assert pace.timeout_ns == 1000 * MS


def test_a_serial_time_out_is_twice_the_frames_and_what_the_device_may_think() -> None:
    port = SerialEndpoint("/dev/ttyS0", 9600)
    assert port.char_ns == 11 * 10**9 // 9600
    assert port.gap_ns == 7 * port.char_ns // 2
    assert SerialEndpoint("/dev/ttyS0", 115_200).gap_ns == 1_750_000
    assert serial_timeout_ns(port, 8, 255, 300 * MS) == 2 * 263 * port.char_ns + 300 * MS


@pytest.mark.parametrize(
    ("units", "options", "said", "is_full"),
    [
        ((1,), "", None, False),
        ((255,), "", None, False),
        ((7,), "", None, True),
        ((1, 2), "", None, True),
        ((7,), "", False, False),
        ((1,), "", True, True),
        ((7,), "quirks = { behind_gateway = false }", None, False),
        ((1,), "quirks = { behind_gateway = true }", None, True),
        ((1,), "quirks = { tid_zero = true }", False, True),
        ((1,), "quirks = { tid_zero = true, close_after_each = true }", None, False),
        ((1,), "quirks = { tid_zero = true, close_after_each = true }", True, True),
    ],
)
def test_direct_mbap_is_one_device_whose_ids_are_its_own(
    units: tuple[int, ...], options: str, said: bool | None, is_full: bool
) -> None:
    endpoint = TcpEndpoint("127.0.0.1", (502,))
    line = ModbusLine("l", endpoint, behind_gateway=said)
    point = [register("plc/a", 0)]
    devices = [modbus_settings(point, unit_id=unit, options=options) for unit in units]
    assert is_full_guard(line, devices) is is_full
    assert is_full_guard(ModbusLine("l", endpoint, Framing.RTU), devices)


def test_the_longest_declared_bound_is_the_lines() -> None:
    device = modbus_settings([register("plc/a", 0)], options='answer_max = "2s"')
    line = ModbusLine("l", TcpEndpoint("h", (502,)), answer_max_ns=10**9, probing="never")
    rules = rules_of(line, [device], device)
    assert (rules.answer_max_ns, rules.is_probing) == (2 * 10**9, False)
