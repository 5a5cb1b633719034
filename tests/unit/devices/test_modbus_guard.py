"""Which answers pass: every check of G1, byte by byte, on frames written by hand."""

import pytest

from devices.modbus.guard import (
    Accepted,
    Asked,
    Incomplete,
    Refused,
    Rejected,
    asked,
    is_older_frames,
    judge,
)
from proto.quality import Detail

# Unit 0x11, holding registers 107-109 (Modbus Application Protocol V1.1b3, 6.3), transaction 5.
QUESTION = bytes.fromhex("0005 0000 0006 11 03 006B 0003")
ANSWER = bytes.fromhex("0005 0000 0009 11 03 06 022B 0000 0064")
DATA = bytes.fromhex("022B 0000 0064")
ASKED = Asked(transaction=5, unit=0x11, function=3, start=107, quantity=3)


def test_the_question_is_read_from_the_bytes_that_leave() -> None:
    assert asked(QUESTION) == ASKED


def test_the_right_answer_passes_with_its_data() -> None:
    assert judge(ASKED, ANSWER) == Accepted(DATA)


def test_every_beginning_of_the_right_answer_waits_for_more() -> None:
    assert {judge(ASKED, ANSWER[:n]) for n in range(len(ANSWER))} == {Incomplete()}


def test_bits_are_counted_in_bytes() -> None:
    question = Asked(transaction=1, unit=1, function=2, start=0, quantity=10)
    answer = bytes.fromhex("0001 0000 0005 01 02 02 FF03")
    assert judge(question, answer) == Accepted(b"\xff\x03")


def test_an_exception_is_the_devices_own_word() -> None:
    assert judge(ASKED, bytes.fromhex("0005 0000 0003 11 83 02")) == Refused(2)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("0006 0000 0009 11 03 06 022B 0000 0064", Detail.WRONG_TRANSACTION),
        ("0000 0000 0009 11 03 06 022B 0000 0064", Detail.WRONG_TRANSACTION),
        ("0005 0001 0009 11 03 06 022B 0000 0064", Detail.WRONG_LENGTH),  # protocol id
        ("0005 0000 0009 12 03 06 022B 0000 0064", Detail.WRONG_UNIT),
        ("0005 0000 0009 11 04 06 022B 0000 0064", Detail.WRONG_FUNCTION),
        ("0005 0000 0003 11 84 02", Detail.WRONG_FUNCTION),  # exception to another function
        ("0005 0000 0007 11 03 04 022B 0000", Detail.WRONG_BYTE_COUNT),  # one register short
        ("0005 0000 000B 11 03 08 022B 0000 0064 0001", Detail.WRONG_BYTE_COUNT),
        ("0005 0000 0003 11 03 00", Detail.WRONG_BYTE_COUNT),  # no register, no exception
        ("0005 0000 0009 11 03 05 022B 0000 0064", Detail.WRONG_BYTE_COUNT),
        ("0005 0000 0008 11 03 06 022B 0000 0064", Detail.WRONG_LENGTH),  # length field lies
        ("0005 0000 000A 11 03 06 022B 0000 0064", Detail.WRONG_LENGTH),
        ("0005 0000 0009 11 03 06 022B 0000 0064 00", Detail.WRONG_LENGTH),  # a byte behind
        ("0005 0000 0009 11 03 06 022B 0000 0064" * 2, Detail.WRONG_LENGTH),  # twice
        ("0005 0000 0004 11 83 02 00", Detail.WRONG_LENGTH),
        ("0005 0000 0002 11 83", Detail.WRONG_LENGTH),
        ("0005 0000 FFFF 11 03 06", Detail.WRONG_LENGTH),
        ("00 0005 0000 0009 11 03 06 022B 0000 0064", Detail.WRONG_LENGTH),  # a byte before
    ],
)
def test_an_answer_that_fails_a_check_is_rejected_with_the_check(
    answer: str, detail: Detail
) -> None:
    verdict = judge(ASKED, bytes.fromhex(answer))
    assert isinstance(verdict, Rejected)
    assert verdict.detail is detail


def test_a_whole_older_frame_is_dropped_and_the_answer_behind_it_passes() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert judge(ASKED, late) == Incomplete(dropped=1)
    assert judge(ASKED, late + ANSWER[:3]) == Incomplete(dropped=1)
    assert judge(ASKED, late + late + ANSWER) == Accepted(DATA, dropped=2)


def test_an_older_frame_in_pieces_is_waited_for() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert {judge(ASKED, late[:n]) for n in range(len(late))} == {Incomplete()}


def test_only_whole_frames_of_older_questions_may_come_unasked() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert is_older_frames(5, late)
    assert is_older_frames(5, ANSWER)
    assert not is_older_frames(3, late)
    assert not is_older_frames(5, late[:-1])
    assert not is_older_frames(5, b"\0")


def test_no_answer_but_the_right_one_ever_gives_data() -> None:
    """Every answer that differs in one bit is an exception, or no answer at all."""
    for at in range(8 * 9):
        damaged = bytearray(ANSWER)
        damaged[at // 8] ^= 1 << (at % 8)
        assert not isinstance(judge(ASKED, bytes(damaged)), Accepted)
