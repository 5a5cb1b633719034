"""Presets: how the makers of controllers number their registers, as data.  Pure.

A preset is a list of rules, each for one kind of name (`D`, `MW`, `X`).  Its figures are practice,
not checked on hardware, unless its grade says more.  What only the site knows (number of the data
block, base of an area) stands behind the preset's name: `s7 db=10 y0=0`.
Source: `acquisition.md` 3.19.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from devices.address import Order, RegisterType, Table
from devices.model_faults import read_toml, validate
from devices.profile_values import Model, Name, OrderName, Text
from proto.errors import Fault, ProfileError

Bits = Literal["none", "word", "even_high", "odd_high", "flat"]
SITE = re.compile(r"([a-z0-9_]{1,32})((?: [A-Za-z][A-Za-z0-9]{0,7}=[0-9]{1,5}){0,8})")


class Rule(Model):
    """One kind of name and where it leads: base + (number - first) * times / per.

    Attributes:
        name: letters before the number; a `%` before them may be missing.
        number: how the number is written.
        table: where it leads; None = as the list states it.
        base: address of the first number.
        times, per: addresses a number.
        first, last: numbers that exist.
        registers: that such a value takes; None = as its type says.
        type: type that the name itself states.
        bits: `none`; `word` = `.b` counts 0-15 in the register; `even_high` = number is a byte, the
            even one is the high byte of its register; `odd_high` = the odd one is; `flat` = number
            is a byte of a bit table, eight bits each.
        minus: name of site data that takes the place of `first`.
        plus: name of site data that is added to the address.
        block: True for names inside a data block: `DB10.DBW4`; the block is the site's `db`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Z]{0,3}$")]
    number: Literal["decimal", "octal", "hex"] = "decimal"
    table: Table | None = None
    base: Annotated[int, Field(ge=0, le=0xFFFF)] = 0
    times: Annotated[int, Field(ge=1, le=8)] = 1
    per: Annotated[int, Field(ge=1, le=2)] = 1
    first: Annotated[int, Field(ge=0, le=0xFFFF)] = 0
    last: Annotated[int, Field(ge=0, le=0xFFFFF)] = 0xFFFF
    registers: Annotated[int, Field(ge=1, le=2)] | None = None
    type: RegisterType | None = None
    bits: Bits = "none"
    minus: str = ""
    plus: str = ""
    block: bool = False

    @property
    def reach(self) -> int:
        """The last address, where the site adds nothing."""
        span = self.last - self.first
        match self.bits:
            case "flat":
                return self.base + 8 * span + 7
            case "even_high" | "odd_high":
                return self.base + span // 2
            case _:
                return self.base + span * self.times // self.per


class Preset(Model):
    """The numbering of one family of controllers.

    Attributes:
        preset: its name, and the name of its file.
        title: what people read.
        source: where the rules come from.
        grade: bronze = nobody has seen it on hardware.
        order: byte order that the family uses.
        note: traps.
        rules: how each kind of name is read.
    """

    preset: Name
    title: Text
    source: Text
    grade: Literal["bronze", "silver", "gold", "platinum"] = "bronze"
    order: OrderName = Order.ABCD
    note: Annotated[str, Field(max_length=1000)] = ""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Stated:
    """A preset as a site writes it: `s7 db=10 y0=0`."""

    name: str
    site: Mapping[str, int]


def parse_stated(text: str) -> Stated:
    """Return name and site data of `s7 db=10 y0=0`.

    Raises:
        ValueError: it is not written so.
    """
    found = SITE.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(f'"{text}": write a preset as s7 db=10 y0=0')
    pairs = [pair.split("=") for pair in found[2].split()]
    return Stated(found[1], {key: int(value) for key, value in pairs})


def parse_preset(text: str, file: str) -> Preset:
    """Return the preset in a TOML text.

    Raises:
        ProfileError: every fault at once.
    """
    data, faults = read_toml(text, file)
    preset = None
    if not faults:
        preset, faults = validate(Preset, data, file)
    if preset is None or faults:
        raise ProfileError(faults)
    faults = [
        Fault(f"{file}: rules[{at}]", "address.preset", "reaches beyond address 65535")
        for at, rule in enumerate(preset.rules)
        if not rule.minus and rule.reach > 0xFFFF
    ]
    if faults:
        raise ProfileError(faults)
    return preset
