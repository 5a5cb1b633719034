"""The passive tap: values only from proved pairs, whatever is late, lost or heard wrongly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.modbus import tap
from devices.modbus.tap import Pair, Tap, Verdict, WriteHeard
from devices.modbus.tap_frames import BUFFER_MAX, Answer, Question, Refusal, Write, checksum, find
from tests.harness.frames import adu, crc
from tests.harness.tap_model import (
    BOUND_NS,
    DISTINCT,
    EQUAL,
    MS,
    REPEATED,
    Bus,
    run,
)

PAUSE_NS = BOUND_NS + 10 * MS
S = 1_000_000_000


def ask(unit: int, function: int, start: int, quantity: int) -> bytes:
    pdu = bytes([function]) + start.to_bytes(2, "big") + quantity.to_bytes(2, "big")
    return adu("rtu", 0, unit, pdu)


def answer(unit: int, function: int, data: bytes) -> bytes:
    return adu("rtu", 0, unit, bytes([function, len(data)]) + data)


class Ear:
    """A tap with a clock; the first D has passed."""

    def __init__(self, bound_ms: int = 100) -> None:
        self.state = Tap(bound_ms * MS)
        self.now = S
        self.hear(answer(9, 3, b"\0\1"))
        self.now += 10 * S

    def hear(self, data: bytes, after_ms: float = 5) -> list[tap.Event]:
        self.now += int(after_ms * MS)
        self.state, events = tap.step(self.state, data, self.now)
        return events

    def pair(self, data: bytes, after_ms: float = 5) -> Pair:
        [event] = self.hear(data, after_ms)
        assert isinstance(event, Pair)
        return event


def test_the_checksum_is_that_of_a_serial_line() -> None:
    assert checksum(bytes.fromhex("010300000001")).to_bytes(2, "little").hex() == "840a"
    assert checksum(b"123456789") == 0x4B37


def test_an_answer_right_behind_its_request_is_a_value_with_a_span() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 100, 2))
    sent = ear.now
    pair = ear.pair(answer(1, 3, b"\1\2\3\4"))
    assert (pair.verdict, pair.ask, pair.data) == (
        Verdict.PAIRED,
        Question(1, 3, 100, 2),
        b"\1\2\3\4",
    )
    assert pair.sent_ns <= sent < pair.received_ns == ear.now


def test_request_and_answer_read_at_once_still_have_a_span() -> None:
    ear = Ear()
    pair = ear.pair(ask(1, 3, 100, 1) + answer(1, 3, b"\1\2"))
    assert pair.verdict is Verdict.PAIRED
    assert pair.received_ns - pair.sent_ns == tap.JITTER_NS


def test_bytes_one_by_one_are_the_same_frames() -> None:
    ear = Ear()
    events = [
        event
        for byte in ask(1, 3, 7, 3) + answer(1, 3, b"\0\1\0\2\0\3")
        for event in ear.hear(bytes([byte]), 0.2)
    ]
    assert [event.verdict for event in events if isinstance(event, Pair)] == [Verdict.PAIRED]


def test_two_open_questions_of_equal_length_are_ambiguous_and_both_are_named() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 0, 2))
    ear.hear(ask(1, 3, 50, 2), 20)
    pair = ear.pair(answer(1, 3, b"\0\1\0\2"))
    assert pair.verdict is Verdict.AMBIGUOUS
    assert pair.asks == (Question(1, 3, 0, 2), Question(1, 3, 50, 2))


def test_a_late_answer_of_an_older_question_is_not_used_although_its_length_is_unique() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 0, 2))
    ear.hear(ask(1, 3, 50, 4), 20)
    assert ear.pair(answer(1, 3, b"\0\1\0\2")).verdict is Verdict.AMBIGUOUS
    assert ear.pair(answer(1, 3, bytes(8))).verdict is Verdict.PAIRED


def test_one_question_repeated_is_proved_with_the_span_from_the_oldest() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 0, 2))
    first = ear.now
    ear.hear(ask(1, 3, 0, 2), 40)
    pair = ear.pair(answer(1, 3, b"\0\1\0\2"))
    assert pair.verdict is Verdict.PAIRED
    assert pair.sent_ns <= first


def test_questions_to_other_units_do_not_disturb() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 0, 2))
    ear.hear(ask(2, 3, 50, 2), 1)
    assert ear.pair(answer(2, 3, bytes(4))).ask == Question(2, 3, 50, 2)
    assert ear.pair(answer(1, 3, bytes(4))).ask == Question(1, 3, 0, 2)


def test_an_answer_to_nothing_and_one_later_than_the_bound_are_not_used() -> None:
    ear = Ear()
    assert ear.pair(answer(1, 3, bytes(4))).verdict is Verdict.UNASKED
    ear.hear(ask(1, 3, 0, 2))
    assert ear.pair(answer(1, 3, bytes(4)), 200).verdict is Verdict.UNASKED


def test_for_the_bound_after_lost_bytes_nothing_counts_for_a_request_may_be_among_them() -> None:
    ear = Ear(bound_ms=100)
    ear.hear(ask(1, 3, 0, 2))
    broken = bytearray(ask(1, 3, 50, 2))
    broken[3] ^= 1
    ear.hear(bytes(broken), 20)
    events = ear.hear(answer(1, 3, bytes(4))) + ear.hear(ask(1, 3, 0, 2), 150)
    assert [event.verdict for event in events if isinstance(event, Pair)] == [Verdict.AMBIGUOUS]
    ear.hear(ask(1, 3, 0, 2), 150)
    assert ear.pair(answer(1, 3, bytes(4))).verdict is Verdict.PAIRED


def test_nothing_counts_for_the_bound_after_the_first_byte_heard() -> None:
    state, events = tap.step(Tap(100 * MS), ask(1, 3, 0, 1) + answer(1, 3, b"\0\7"), S)
    assert [event.verdict for event in events if isinstance(event, Pair)] == [Verdict.AMBIGUOUS]
    assert state.frames == 2


def test_a_refusal_is_the_devices_own_word() -> None:
    ear = Ear()
    ear.hear(ask(1, 3, 0, 2))
    pair = ear.pair(adu("rtu", 0, 1, b"\x83\x02"))
    assert (pair.verdict, pair.exception, pair.data) == (Verdict.REFUSED, 2, b"")


def test_three_bytes_of_bits_that_read_as_a_request_are_refused_and_kept_as_a_request() -> None:
    ear = Ear()
    ear.hear(ask(1, 1, 0, 20))
    frame = answer(1, 1, b"\x10\x00\x05")  # read the other way: 5 coils from 0x0310
    assert ear.pair(frame).verdict is Verdict.AMBIGUOUS
    assert Question(1, 1, 0x0310, 5) in ear.state.paces
    ear.hear(ask(1, 1, 0, 20), 300)
    assert ear.pair(answer(1, 1, b"\xff\xff\x0f")).verdict is Verdict.PAIRED  # no lawful quantity


@pytest.mark.parametrize(
    ("request_pdu", "echo_pdu", "write"),
    [
        ("0500 0aff00", "0500 0aff00", Write(1, 5, 10, 1, (1,))),
        ("0600 141234", "0600 141234", Write(1, 6, 20, 1, (0x1234,))),
        ("1000 1e00 0204 00010002", "1000 1e0002", Write(1, 16, 30, 2, (1, 2))),
        ("0f00 280003 0105", "0f00 280003", Write(1, 15, 40, 3, (1, 0, 1))),
    ],
)
def test_a_write_of_the_other_master_is_an_event(
    request_pdu: str, echo_pdu: str, write: Write
) -> None:
    ear = Ear()
    assert ear.hear(adu("rtu", 0, 1, bytes.fromhex(request_pdu.replace(" ", "")))) == []
    at = ear.now
    events = ear.hear(adu("rtu", 0, 1, bytes.fromhex(echo_pdu.replace(" ", ""))))
    assert events == [WriteHeard(write, at, is_confirmed=True)]


def test_a_write_without_an_echo_is_told_when_the_next_one_comes() -> None:
    ear = Ear()
    ear.hear(adu("rtu", 0, 1, bytes.fromhex("0600141234")))
    [event] = ear.hear(adu("rtu", 0, 1, bytes.fromhex("0600141235")), 500)
    assert event == WriteHeard(Write(1, 6, 20, 1, (0x1234,)), event.at_ns, is_confirmed=False)


def test_the_period_is_learnt_and_silence_is_judged_by_it() -> None:
    ear = Ear()
    asked = Question(1, 3, 0, 1)
    for _ in range(6):
        ear.hear(ask(1, 3, 0, 1), 495)
        ear.hear(answer(1, 3, b"\0\1"))
    assert ear.state.paces[asked].period_ns == 500 * MS
    assert not tap.overdue(ear.state, asked, ear.now, ear.now + 1400 * MS, 60 * S)
    assert tap.overdue(ear.state, asked, ear.now, ear.now + 1600 * MS, 60 * S)
    assert not tap.overdue(ear.state, Question(1, 3, 9, 1), ear.now, ear.now + 1600 * MS, S)


def test_babble_is_bounded_in_memory_and_the_next_frames_are_found() -> None:
    ear = Ear()
    for _ in range(50):
        ear.hear(b"\x01\x03\xfe\xff" * 200, 1)
        assert len(ear.state.buffer) <= BUFFER_MAX
    ear.hear(ask(1, 3, 0, 2), 300)
    assert ear.pair(answer(1, 3, bytes(4)), 5).verdict is Verdict.PAIRED
    assert ear.state.noise_bytes > 35_000


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_survived_and_every_byte_is_a_frame_noise_or_still_waiting(
    chunks: list[bytes],
) -> None:
    state, now = Tap(100 * MS), S
    for chunk in chunks:
        now += MS
        state, _ = tap.step(state, chunk, now)
    total = sum(len(chunk) for chunk in chunks)
    framed = state.at - state.noise_bytes
    assert 0 <= framed <= total
    assert state.at + len(state.buffer) == total


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=30), st.integers(1, 20))
def test_a_frame_behind_noise_is_found(noise: bytes, quantity: int) -> None:
    frame = answer(7, 3, bytes(2 * quantity))
    found = [heard.frame for heard in find(noise + frame, is_final=True)]
    assert found == [] or found[-1] == Answer(7, 3, bytes(2 * quantity)) or len(noise) > 2


def test_a_refusal_frame_is_told_from_its_neighbours() -> None:
    data = ask(1, 3, 0, 1) + b"\x01\x83\x02" + crc(b"\x01\x83\x02") + ask(1, 4, 0, 1)
    assert [heard.frame for heard in find(data)] == [
        Question(1, 3, 0, 1),
        Refusal(1, 3, 2),
        Question(1, 4, 0, 1),
    ]


TABLE = {
    "distinct counts": (Bus(DISTINCT), 0.15),
    "equal counts": (Bus(EQUAL), 1.0),
    "equal counts, a pause each cycle": (Bus(EQUAL, pause_ns=PAUSE_NS), 0.15),
    "one request repeated": (Bus(REPEATED), 0.01),
    "distinct counts, noise": (Bus(DISTINCT, noise=0.02), 0.4),
    "equal counts, a pause each cycle, noise": (Bus(EQUAL, pause_ns=PAUSE_NS, noise=0.02), 0.3),
}


@pytest.mark.parametrize("name", TABLE)
def test_five_per_cent_late_and_one_lost_give_no_wrong_value(name: str) -> None:
    bus, refused = TABLE[name]
    newest, ours = run(bus, 12_000)
    assert (ours.wrong, ours.old_as_new) == (0, 0)
    assert ours.refused <= refused
    assert newest.wrong + newest.old_as_new > 50, "the rule `newest request` must fail here"


def test_half_of_the_true_bound_is_not_enough() -> None:
    _, ours = run(Bus(EQUAL, bound_ns=BOUND_NS // 2), 12_000)
    assert ours.wrong > 50
    _, ours = run(Bus(DISTINCT, bound_ns=BOUND_NS // 2), 12_000)
    assert ours.old_as_new > 20


def test_a_clean_line_gives_every_pair() -> None:
    for bus in (Bus(DISTINCT, late=0, lost=0), Bus(EQUAL, PAUSE_NS, late=0, lost=0)):
        _, ours = run(bus, 10_000)
        assert (ours.wrong, ours.old_as_new) == (0, 0)
        assert ours.refused < 0.001
