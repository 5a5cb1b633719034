"""Texts in registers: serial numbers, versions, digests.  Pure.

Two characters a register, the high byte first or the low one.  A text ends at its first NUL; blanks
and 0xFF fillers at the end are no part of it.  Numbers alone travel as samples: a text becomes an
event record when it changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from devices.address import Table

TEXT_BYTES_MAX = 128
Encoding = Literal["ascii", "utf-8", "gb18030"]
Role = Literal["identity", "program", "setpoint"]


@dataclass(frozen=True, slots=True)
class TextAddress:
    """Where a text stands in a Modbus device.

    Attributes:
        table: holding or input.
        address: zero-based protocol address of the first register.
        bytes: length of the field in bytes.
        low_first: True when the low byte of a register comes first.
        encoding: of the bytes.
    """

    table: Table
    address: int
    bytes: int
    low_first: bool = False
    encoding: Encoding = "ascii"

    @property
    def length(self) -> int:
        """Registers that the field takes."""
        return -(-self.bytes // 2)


@dataclass(frozen=True, slots=True)
class TextBinding:
    """One text of one device: `<device>/<name>`, where it stands, what it identifies."""

    name: str
    title: str
    address: TextAddress | str
    digest: Role = "identity"


def decode_text(registers: Sequence[int], address: TextAddress) -> str | None:
    """Return the text in `registers`, or None where the bytes are no text of that encoding.

    Control characters are no text either: a wrong address or byte order shows at once.
    """
    data = b"".join(
        word.to_bytes(2, "little" if address.low_first else "big") for word in registers
    )
    data = data[: address.bytes].split(b"\0", 1)[0].rstrip(b"\xff \t\r\n")
    try:
        text = data.decode(address.encoding)
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None
