"""Addresses as point lists write them, read by a stated rule: text to table, address, bit.  Pure.

The base is stated, never inferred: an address that is off by one register looks plausible.  A
notation reads what its rule defines and refuses the rest; vendors' presets are notations too.
Source: `acquisition.md` 3.15, 3.19.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from devices.address import RegisterType, Table

ADDRESS_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text points, and by which rule; `type` where the notation itself says it."""

    table: Table
    address: int
    bit: int | None
    rule: str
    type: RegisterType | None = None


class Notation(Protocol):
    """One way of writing addresses: a base, or a preset of a controller."""

    def __call__(self, text: str, table: Table | None) -> Place:
        """Return where `text` points.

        Args:
            text: NFKC, without blanks.
            table: as the list states it; None when it does not.

        Raises:
            ValueError: `text` is not defined in this notation; the message says what would be.
        """


class NoBase(ValueError):
    """Nobody has stated what the numbers of a list count from."""


_PLAIN = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,2}))?")
_HEX = re.compile(r"(?:0[xX]([0-9A-Fa-f]{1,4})|([0-9A-Fa-f]{1,5})[hH]|16#([0-9A-Fa-f]{1,4}))")
_MODICON_TABLES = {"0": Table.COIL, "1": Table.DISCRETE, "3": Table.INPUT, "4": Table.HOLDING}


def protocol(text: str, table: Table | None) -> Place:
    """Read zero-based protocol addresses: `0`, `100.5` (bit 5), `0x64`, `64H`, `16#64`."""
    return _counted(text, table, 0, "protocol")


def one(text: str, table: Table | None) -> Place:
    """Read addresses that count from 1, as many manuals do."""
    return _counted(text, table, 1, "one")


def modicon5(text: str, table: Table | None) -> Place:
    """Read `40001` as holding 0; 0, 1, 3 at the front are coils, discrete inputs, inputs."""
    return _modicon(text, table, 5)


def modicon6(text: str, table: Table | None) -> Place:
    """Read `400001` as holding 0; reaches every address."""
    return _modicon(text, table, 6)


def unstated(text: str, table: Table | None) -> Place:
    """Refuse, and say which base is likely.

    Raises:
        NoBase: always.
    """
    found = _PLAIN.fullmatch(text)
    digits = found[1] if found else ""
    if len(digits) in (5, 6) and digits[0] in _MODICON_TABLES and digits[0] != "0":
        message = f'{text} looks like Modicon numbering; state base = "modicon{len(digits)}"'
    elif found or _HEX.fullmatch(text):
        message = f'{text}: state base = "protocol" (the first register is 0) or "one" (it is 1)'
    else:
        message = f"{text} is the notation of a controller; state preset"
    raise NoBase(f"{message} 地址基准未声明")


BASES: Mapping[str, Notation] = {
    "protocol": protocol,
    "one": one,
    "modicon5": modicon5,
    "modicon6": modicon6,
}


def _counted(text: str, table: Table | None, first: int, rule: str) -> Place:
    if table is None:
        raise ValueError("state 寄存器区 (coil, discrete, holding, input)")
    number, bit = _number(text)
    return Place(table, _within(number - first, text), bit, f"{text} - {first} ({rule})")


def _number(text: str) -> tuple[int, int | None]:
    hexadecimal = _HEX.fullmatch(text)
    if hexadecimal is not None:
        return int(next(part for part in hexadecimal.groups() if part), 16), None
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no register number; notation of a controller needs preset')
    return int(found[1]), None if found[2] is None else int(found[2])


def _modicon(text: str, table: Table | None, digits: int) -> Place:
    found = _PLAIN.fullmatch(text)
    if found is None or len(found[1]) != digits or found[1][0] not in _MODICON_TABLES:
        example = "4" + "1".zfill(digits - 1)
        lost = "; leading zeros lost? format the column as text" if found else ""
        raise ValueError(f'"{text}" is not defined in modicon{digits}: write {example}{lost}')
    own = _MODICON_TABLES[found[1][0]]
    if table is not None and table is not own:
        raise ValueError(f"{text} is {own} in modicon{digits}, the list says {table}")
    address = _within(int(found[1][1:]) - 1, text)
    bit = None if found[2] is None else int(found[2])
    start = f"{found[1][0]}{'1'.zfill(digits - 1)}"
    return Place(own, address, bit, f"{found[1]} - {start} (modicon{digits})")


def _within(address: int, text: str) -> int:
    if not 0 <= address <= ADDRESS_MAX:
        raise ValueError(f"{text} is address {address}, outside 0 to {ADDRESS_MAX}")
    return address
