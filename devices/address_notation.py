"""Addresses as a maker writes them, by the rules of a preset: read and written.  Pure.

`PresetNotation` is a `point_address.Notation`: text to table, address, bit and the rule that gave
them.  `write` is its inverse; what a preset cannot name it does not write.
Source: `acquisition.md` 3.19.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.point_address import ADDRESS_MAX, Place
from devices.preset import Preset, Rule

_HEX = re.compile(r"(?:0X([0-9A-F]{1,4})|([0-9A-F]{1,5})H|16#([0-9A-F]{1,4}))")
_TEXT = re.compile(r"%?(?:DB([0-9]{1,5})\.(DB[WDX]))?([A-Z]{0,3})([0-9]{1,6})(?:\.([0-9]{1,2}))?")
_DIGITS = {"decimal": 10, "octal": 8, "hex": 16}


class _Parts(NamedTuple):
    """A text taken apart: letters, number as written, bit, number of the data block."""

    letters: str
    digits: str
    bit: int | None
    block: int | None


@dataclass(frozen=True, slots=True)
class PresetNotation:
    """A preset with the data of a site; reads texts, and writes addresses as the maker does."""

    preset: Preset
    site: Mapping[str, int]

    @property
    def order(self) -> Order:
        """Byte order that the family uses; a list takes it where it states none."""
        return self.preset.order

    def __call__(self, text: str, table: Table | None) -> Place:
        """Return where `text` points.

        Raises:
            ValueError: `text` is not defined in this preset.
        """
        parts = _parts(text.upper(), self.preset)
        rules = [rule for rule in self.preset.rules if rule.name == parts.letters]
        if not rules:
            raise self._undefined(text, f"names: {', '.join(r.name for r in self.preset.rules)}")
        reasons: list[str] = []
        for rule in rules:
            try:
                return self._place(text, rule, parts, table)
            except ValueError as error:
                reasons.append(str(error))
        raise self._undefined(text, reasons[-1])

    def _undefined(self, text: str, why: str) -> ValueError:
        return ValueError(
            f"{text} is not defined in preset {self.preset.preset}: {why} 地址写法不符"
        )

    def _place(self, text: str, rule: Rule, parts: _Parts, table: Table | None) -> Place:
        number = _number(parts.digits, rule)
        if not rule.first <= number <= rule.last:
            raise ValueError(
                f"{rule.name} goes from {_shown(rule, rule.first)} to {_shown(rule, rule.last)}"
            )
        if rule.block and parts.block != self._stated("db"):
            raise ValueError(f"the map is data block {self._stated('db')}")
        own = rule.table or table
        if own is None:
            raise ValueError("state 寄存器区 (coil, discrete, holding, input)")
        if table is not None and table is not own:
            raise ValueError(f"it is {own}, the list says {table}")
        first = self._stated(rule.minus) if rule.minus else rule.first
        plus = self._stated(rule.plus) if rule.plus else 0
        offset, bit = _offset(rule, number - first, parts.bit)
        address = rule.base + offset + plus
        if not 0 <= address <= ADDRESS_MAX:
            raise ValueError(f"address {address} is outside 0 to {ADDRESS_MAX}")
        said = f"{text} = {own} {address}" + ("" if bit is None else f" bit {bit}")
        kind = RegisterType.BOOL if bit is not None else rule.type
        return Place(own, address, bit, f"{said} ({self.preset.preset})", kind)

    def _stated(self, key: str) -> int:
        if key not in self.site:
            raise ValueError(f'state it: preset = "{self.preset.preset} {key}=…"')
        return self.site[key]

    def write(self, address: ModbusAddress) -> str | None:
        """Return `address` as the maker writes it; None where this preset has no name for it."""
        for rule in sorted(self.preset.rules, key=lambda rule: rule.registers is None):
            text = self._written(rule, address)
            if text is not None:
                place = self._read_back(text, address.table)
                if place is not None and (place.table, place.address, place.bit) == (
                    address.table,
                    address.address,
                    address.bit,
                ):
                    return text
        return None

    def _read_back(self, text: str, table: Table) -> Place | None:
        try:
            return self(text, table)
        except ValueError:
            return None

    def _written(self, rule: Rule, address: ModbusAddress) -> str | None:
        if rule.table not in (None, address.table) or not _fits(rule, address):
            return None
        if any(key and key not in self.site for key in (rule.minus, rule.plus)):
            return None
        plus = self.site[rule.plus] if rule.plus else 0
        offset = address.address - rule.base - plus
        number, bit = _back(rule, offset, address.bit)
        if number is None:
            return None
        number += self.site[rule.minus] if rule.minus else rule.first
        if not rule.first <= number <= rule.last:
            return None
        tail = "" if bit is None else f".{bit}"
        block = f"DB{self.site['db']}." if rule.block and "db" in self.site else ""
        return f"{block}{rule.name}{_shown(rule, number)}{tail}"


def _parts(text: str, preset: Preset) -> _Parts:
    hexadecimal = _HEX.fullmatch(text)
    if hexadecimal is not None and any(rule.number == "hex" for rule in preset.rules):
        return _Parts("", next(part for part in hexadecimal.groups() if part), None, None)
    found = _TEXT.fullmatch(text)
    if found is None or (found[1] and found[3]):
        raise ValueError(f"{text} is not defined in preset {preset.preset} 地址写法不符")
    letters = found[2] or found[3]
    bit = None if found[5] is None else int(found[5])
    return _Parts(letters, found[4], bit, int(found[1]) if found[1] else None)


def _number(digits: str, rule: Rule) -> int:
    try:
        return int(digits, _DIGITS[rule.number])
    except ValueError:
        raise ValueError(f"{rule.name} counts in {rule.number}: {digits} is none") from None


def _shown(rule: Rule, number: int) -> str:
    if rule.number == "hex":
        return f"0x{number:X}"
    return f"{number:o}" if rule.number == "octal" else str(number)


def _offset(rule: Rule, number: int, bit: int | None) -> tuple[int, int | None]:
    """Return the offset of the address, and the bit in its register."""
    if rule.bits == "none" and bit is not None:
        raise ValueError(f"{rule.name} has no bits")
    if rule.bits in ("none", "word"):
        if bit is not None and bit > 15:
            raise ValueError(f"bit {bit} is beyond 15")
        scaled = number * rule.times
        if scaled % rule.per:
            raise ValueError(f"{rule.name} stands at every second byte")
        return scaled // rule.per, bit
    if bit is None or bit > 7:
        raise ValueError(f"{rule.name} names a byte and its bit 0 to 7")
    if rule.bits == "flat":
        return 8 * number + bit, None
    is_high = number % 2 == (0 if rule.bits == "even_high" else 1)
    return number // 2, bit + 8 if is_high else bit


def _back(rule: Rule, offset: int, bit: int | None) -> tuple[int | None, int | None]:
    """Return number and bit as written; the inverse of `_offset`."""
    if offset < 0:
        return None, None
    if rule.bits in ("none", "word"):
        scaled = offset * rule.per
        return (None, None) if scaled % rule.times else (scaled // rule.times, bit)
    if rule.bits == "flat":
        return offset // 8, offset % 8
    if bit is None:
        return None, None
    is_even = (bit >= 8) == (rule.bits == "even_high")
    return 2 * offset + (0 if is_even else 1), bit % 8


def _fits(rule: Rule, address: ModbusAddress) -> bool:
    """Return True where a name of this rule may stand for a value of this size."""
    if address.bit is not None:
        return rule.bits in ("word", "even_high", "odd_high")
    if rule.bits in ("even_high", "odd_high"):
        return False
    return rule.registers is None or rule.registers == min(address.length, 2)
