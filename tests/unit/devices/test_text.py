"""Texts in registers: both byte orders, fillers, and bytes that are no text."""

import pytest

from devices.address import Table
from devices.text import Encoding, TextAddress, decode_text


def at(length: int, *, low: bool = False, encoding: Encoding = "ascii") -> TextAddress:
    return TextAddress(Table.HOLDING, 0, length, low, encoding)


@pytest.mark.parametrize(
    ("registers", "where", "text"),
    [
        ((0x474C, 0x3234), at(4), "GL24"),
        ((0x4C47, 0x3432), at(4, low=True), "GL24"),
        ((0x474C, 0x3200), at(4), "GL2"),
        ((0x474C, 0x3241), at(3), "GL2"),
        ((0x4142, 0x0041), at(4), "AB"),
        ((0x4142, 0x2020), at(4), "AB"),
        ((0x4142, 0xFFFF), at(4), "AB"),
        ((0x0000, 0x4142), at(4), ""),
        ((0xD7B4, 0xCCAC), at(4, encoding="gb18030"), "状态"),
        ((0xE78A, 0xB600), at(4, encoding="utf-8"), "状"),
        ((0x4101, 0x4242), at(4), None),
        ((0xD7B4, 0xCCAC), at(4), None),
        ((0x1234, 0x8765), at(4), None),
    ],
)
def test_a_text_is_read_or_is_none(
    registers: tuple[int, ...], where: TextAddress, text: str | None
) -> None:
    assert decode_text(registers, where) == text


def test_an_odd_number_of_bytes_takes_a_whole_register_more() -> None:
    assert (at(7).length, at(8).length) == (4, 4)
