"""Times as controllers write them: the worked example of each form, and what is no time."""

import struct

import pytest

from devices.address import Order, RegisterType
from devices.device_time import decode_time, time_text, time_us

WHEN = 1_795_451_405_500_000  # 2026-11-23 16:30:05.5, worked out by hand
FORMS = [
    (RegisterType.S7_DTL, "07EA 0B17 0210 1E05 1DCD 6500"),
    (RegisterType.S7_DATE_TIME, "2611 2316 3005 5002"),
    (RegisterType.CP56, "7C15 1E10 170B 1A00"),
    (RegisterType.YMDHMS_MS, "07EA 000B 0017 0010 001E 0005 01F4"),
    (RegisterType.UNIX_MS, "0000 01A2 093E 44BC"),
]


@pytest.mark.parametrize(("kind", "words"), FORMS)
def test_each_form_decodes_its_example(kind: RegisterType, words: str) -> None:
    assert decode_time(kind, bytes.fromhex(words)) == WHEN


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order.CDAB, "44BC 093E 01A2 0000"),
        (Order.BADC, "0000 A201 3E09 BC44"),
        (Order.DCBA, "BC44 3E09 A201 0000"),
    ],
)
def test_milliseconds_follow_the_order_of_the_device(order: Order, words: str) -> None:
    assert decode_time(RegisterType.UNIX_MS, bytes.fromhex(words), order) == WHEN


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (RegisterType.S7_DTL, "07EA 0D17 0210 1E05 1DCD 6500"),  # month 13
        (RegisterType.S7_DTL, "07EA 021E 0210 1E05 1DCD 6500"),  # 30 February
        (RegisterType.S7_DTL, "0000 0000 0000 0000 0000 0000"),  # a clock that was never set
        (RegisterType.S7_DTL, "07EA 0B17 0210 1E05 FFFF FFFF"),  # more than a second
        (RegisterType.S7_DATE_TIME, "26A1 2316 3005 5002"),  # no decimal digit
        (RegisterType.CP56, "7C15 9E10 170B 1A00"),  # marked invalid
        (RegisterType.CP56, "60EA 1E10 170B 1A00"),  # 60,000 ms
        (RegisterType.YMDHMS_MS, "07EA 000B 0017 0018 001E 0005 01F4"),  # hour 24
        (RegisterType.YMDHMS_MS, "07EA 000B 0017 0010 001E 0005 03E8"),  # 1,000 ms
        (RegisterType.UNIX_MS, "FFFF FFFF FFFF FFFF"),
    ],
)
def test_what_is_no_time_is_none(kind: RegisterType, words: str) -> None:
    assert decode_time(kind, bytes.fromhex(words)) is None


def test_the_year_of_a_bcd_time_turns_at_90() -> None:
    old = decode_time(RegisterType.S7_DATE_TIME, bytes.fromhex("9001 0100 0000 0002"))
    new = decode_time(RegisterType.S7_DATE_TIME, bytes.fromhex("8901 0100 0000 0002"))
    assert old == time_us("1990-01-01 00:00:00")
    assert new == time_us("2089-01-01 00:00:00")


def test_a_time_is_written_as_the_device_shows_it() -> None:
    assert time_us("2026-11-23 16:30:05.5") == WHEN
    assert time_text(WHEN) == "2026-11-23 16:30:05.500000"
    with pytest.raises(ValueError, match="2026-11-23"):
        time_us("yesterday")


def test_only_times_are_decoded_as_times() -> None:
    with pytest.raises(ValueError, match="is no time"):
        decode_time(RegisterType.UINT16, struct.pack(">H", 1))
