"""Which answers pass: every check of G1, byte by byte, on frames written by hand, both framings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.modbus.frame import (
    Accepted,
    Framing,
    Incomplete,
    Refused,
    Rejected,
    Request,
    adu,
    crc16,
    echo_request,
    ends_with_answer,
    judge,
    older_frames,
    read_request,
    write_request,
)
from proto.quality import Detail
from tests.harness.frames import crc

# Unit 0x11, holding registers 107-109 (Modbus Application Protocol V1.1b3, 6.3), transaction 5.
REQUEST = read_request(0x11, 3, 107, 3)
ANSWER = bytes.fromhex("0005 0000 0009 11 03 06 022B 0000 0064")
DATA = bytes.fromhex("022B 0000 0064")
# The same on a serial line; the checksum is that of the harness, which shares no code with ours.
BODY = ANSWER[6:]
RTU = BODY + crc(BODY)


def mbap(answer: str | bytes, transaction: int = 5, **how: bool) -> object:
    """The verdict on an answer over TCP."""
    data = bytes.fromhex(answer) if isinstance(answer, str) else answer
    return judge(REQUEST, Framing.MBAP, transaction, data, **how)


def rtu(answer: str | bytes, request: Request = REQUEST) -> object:
    """The verdict on an answer over a serial line; a text gets its checksum."""
    data = _sealed(answer) if isinstance(answer, str) else answer
    return judge(request, Framing.RTU, 0, data)


def _sealed(text: str) -> bytes:
    body = bytes.fromhex(text)
    return body + crc(body)


def test_requests_are_the_bytes_of_the_standard() -> None:
    assert adu(REQUEST, Framing.MBAP, 5) == bytes.fromhex("0005 0000 0006 11 03 006B 0003")
    assert adu(REQUEST, Framing.RTU, 5) == bytes.fromhex("11 03 006B 0003 7687")
    assert adu(echo_request(1, 0xA537), Framing.RTU, 0)[:-2] == bytes.fromhex("01 08 0000 A537")
    assert write_request(1, 5, 0xAC, [1]).pdu == bytes.fromhex("05 00AC FF00")
    assert write_request(1, 6, 1, [3]).pdu == bytes.fromhex("06 0001 0003")
    ten = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]
    assert write_request(1, 15, 0x13, ten).pdu == bytes.fromhex("0F 0013 000A 02 CD01")
    assert write_request(1, 16, 1, [10, 258]).pdu == bytes.fromhex("10 0001 0002 04 000A 0102")


def test_the_right_answer_passes_with_its_data() -> None:
    assert mbap(ANSWER) == Accepted(DATA)
    assert rtu(RTU) == Accepted(DATA)


def test_every_beginning_of_the_right_answer_waits_for_more() -> None:
    assert {mbap(ANSWER[:n]) for n in range(len(ANSWER))} == {Incomplete()}
    assert {rtu(RTU[:n]) for n in range(len(RTU))} == {Incomplete()}
    refused = _sealed("11 83 02")
    assert {rtu(refused[:n]) for n in range(len(refused))} == {Incomplete()}


def test_bits_are_counted_in_bytes() -> None:
    request = read_request(1, 2, 0, 10)
    answer = bytes.fromhex("0001 0000 0005 01 02 02 FF03")
    assert judge(request, Framing.MBAP, 1, answer) == Accepted(b"\xff\x03")


def test_an_exception_is_the_devices_own_word() -> None:
    assert mbap("0005 0000 0003 11 83 02") == Refused(2)
    assert rtu("11 83 02") == Refused(2)


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
def test_an_mbap_answer_that_fails_a_check_is_rejected_with_the_check(
    answer: str, detail: Detail
) -> None:
    verdict = mbap(answer)
    assert isinstance(verdict, Rejected)
    assert verdict.detail is detail


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (RTU[:-1] + bytes([RTU[-1] ^ 1]), Detail.WRONG_CHECKSUM),
        (RTU[:4] + bytes([RTU[4] ^ 1]) + RTU[5:], Detail.WRONG_CHECKSUM),
        (_sealed("11 83 02")[:-1] + b"\0", Detail.WRONG_CHECKSUM),
        ("12 03 06 022B 0000 0064", Detail.WRONG_UNIT),
        ("11 04 06 022B 0000 0064", Detail.WRONG_FUNCTION),
        ("11 03 04 022B 0000", Detail.WRONG_BYTE_COUNT),  # another block's late answer
        ("11 03 00", Detail.WRONG_BYTE_COUNT),
        (RTU + b"\0", Detail.WRONG_LENGTH),
        (RTU + RTU, Detail.WRONG_LENGTH),
        (b"\0" + RTU, Detail.WRONG_UNIT),
        ("11 83 02 00", Detail.WRONG_LENGTH),
    ],
)
def test_an_rtu_answer_that_fails_a_check_is_rejected_with_the_check(
    answer: str | bytes, detail: Detail
) -> None:
    verdict = rtu(answer)
    assert isinstance(verdict, Rejected)
    assert verdict.detail is detail


def test_transaction_zero_passes_only_where_the_profile_says_so() -> None:
    zero = b"\0\0" + ANSWER[2:]
    assert isinstance(mbap(zero), Rejected)
    assert mbap(zero, tid_zero=True) == Accepted(DATA)
    assert isinstance(mbap(ANSWER, tid_zero=True), Rejected)


def test_a_device_with_another_name_passes_only_where_the_profile_says_so() -> None:
    alias = read_request(0x11, 3, 107, 3, answer_unit=1)
    answer = ANSWER[:6] + b"\x01" + ANSWER[7:]
    assert isinstance(mbap(answer), Rejected)
    assert judge(alias, Framing.MBAP, 5, answer) == Accepted(DATA)
    assert adu(alias, Framing.MBAP, 5)[6] == 0x11


def test_the_echo_of_a_write_repeats_address_and_quantity() -> None:
    request = write_request(1, 16, 1, [10, 258])
    assert rtu("01 10 0001 0002", request) == Accepted(b"")
    for wrong in ("01 10 0002 0002", "01 10 0001 0003"):
        verdict = rtu(wrong, request)
        assert isinstance(verdict, Rejected)
        assert verdict.detail is Detail.WRONG_ECHO


def test_a_whole_older_frame_is_dropped_and_the_answer_behind_it_passes() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert mbap(late) == Incomplete(dropped=1)
    assert mbap(late + ANSWER[:3]) == Incomplete(dropped=1)
    assert mbap(late + late + ANSWER) == Accepted(DATA, dropped=2)


def test_an_older_frame_in_pieces_is_waited_for() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert {mbap(late[:n]) for n in range(len(late))} == {Incomplete()}


def test_ids_wrap_and_the_one_before_the_wrap_is_older() -> None:
    late = bytes.fromhex("FFFF 0000 0005 11 03 02 BEEF")
    answer = b"\x00\x01" + ANSWER[2:]
    assert mbap(late + answer, transaction=1) == Accepted(DATA, dropped=1)


def test_only_whole_frames_of_older_questions_may_come_unasked() -> None:
    late = bytes.fromhex("0004 0000 0005 11 03 02 BEEF")
    assert older_frames(5, late) == 1
    assert older_frames(5, ANSWER + late) == 2
    assert older_frames(3, late) is None
    assert older_frames(5, late[:-1]) is None
    assert older_frames(5, b"\0") is None


def test_a_proof_may_stand_behind_older_bytes_and_nothing_behind_it() -> None:
    echo = echo_request(0x11, 0xBEEF)
    right = _sealed("11 08 0000 BEEF")
    assert ends_with_answer(echo, Framing.RTU, 0, RTU + right) == Accepted(b"")
    assert ends_with_answer(echo, Framing.RTU, 0, RTU + right[:-1]) is None
    assert ends_with_answer(echo, Framing.RTU, 0, right + RTU) is None
    assert ends_with_answer(echo, Framing.RTU, 0, _sealed("11 08 0000 BEEE")) is None
    assert ends_with_answer(echo, Framing.RTU, 0, RTU + _sealed("11 88 01")) == Refused(1)


@given(st.binary(max_size=300))
def test_the_checksum_is_that_of_the_independent_table(data: bytes) -> None:
    assert crc16(data).to_bytes(2, "little") == crc(data)
    assert crc16(data + crc(data)) == 0


@pytest.mark.parametrize(("framing", "right"), [(Framing.MBAP, ANSWER), (Framing.RTU, RTU)])
def test_no_answer_that_differs_in_a_bit_of_its_frame_gives_data(
    framing: Framing, right: bytes
) -> None:
    checked = 8 * (9 if framing is Framing.MBAP else len(right))
    for at in range(checked):
        damaged = bytearray(right)
        damaged[at // 8] ^= 1 << (at % 8)
        assert not isinstance(judge(REQUEST, framing, 5, bytes(damaged)), Accepted)
