"""The outputs that interlocks may drive, as a list; what is not listed cannot be asked for.  Pure.

`OutputMap` is made from the signed `outputs.toml` of the plant.  The requests of a write and of its
read-back come from here alone.  Source: `interlocks.md` (allow-list), `acquisition.md` 3.12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from devices.modbus.frame import Request, read_request, write_request
from proto.errors import OutputRefused

Kind = Literal["coil", "register"]
_SINGLE = {"coil": 5, "register": 6}
_MULTIPLE = {"coil": 15, "register": 16}
_READ = {"coil": 1, "register": 3}
_WORD_MAX = 0xFFFF


@dataclass(frozen=True, slots=True)
class Output:
    """One output.

    Attributes:
        id: such as `bof1_plc/permit_lance_down`.
        device: whose it is.
        unit: Modbus unit of the device.
        kind: coil or holding register.
        address: zero-based.
        healthy: its healthy level; of a register the number that says so.
        safe: the opposite; of a register the number.
        is_single: False where the profile takes FC 15 and 16 only.
    """

    id: str
    device: str
    unit: int
    kind: Kind
    address: int
    healthy: int = 1
    safe: int = 0
    is_single: bool = True

    def __post_init__(self) -> None:
        """Refuse what no device has."""
        most = 1 if self.kind == "coil" else _WORD_MAX
        is_lawful = 0 <= self.healthy <= most and 0 <= self.safe <= most
        if not is_lawful or self.healthy == self.safe:
            raise OutputRefused("output.level", f"{self.id}: healthy and safe are two levels")
        if not (1 <= self.unit <= 255 and 0 <= self.address <= _WORD_MAX):
            raise OutputRefused("output.address", f"{self.id}: no such address")

    def number(self, *, is_healthy: bool) -> int:
        """Return what is written for a level."""
        return self.healthy if is_healthy else self.safe

    def write(self, *, is_healthy: bool) -> Request:
        """Return the write of a level: FC 5 or 6, or 15 or 16 with one value."""
        function = (_SINGLE if self.is_single else _MULTIPLE)[self.kind]
        values = [self.number(is_healthy=is_healthy)]
        return write_request(self.unit, function, self.address, values)

    def read_back(self) -> Request:
        """Return the read of this one output: counts 1 to 3 are kept for it."""
        return read_request(self.unit, _READ[self.kind], self.address, 1)


@dataclass(frozen=True, slots=True)
class OutputMap:
    """All outputs of one gateway, by id."""

    outputs: Mapping[str, Output]

    def __post_init__(self) -> None:
        """Refuse two outputs on one address."""
        seen: dict[tuple[str, str, int], str] = {}
        for output in self.outputs.values():
            key = (output.device, output.kind, output.address)
            other = seen.setdefault(key, output.id)
            if other != output.id:
                message = f"{output.id} and {other} stand on one address"
                raise OutputRefused("output.duplicate", message)

    def output(self, ident: str) -> Output:
        """Return an output.

        Raises:
            OutputRefused: it is not on the list.
        """
        found = self.outputs.get(ident)
        if found is None:
            raise OutputRefused("output.unknown", f"{ident} is not in outputs.toml")
        return found


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to write at all.  In *advisory*, the only mode of this version, there is none.

    Made by who has verified the certificate that covers matrix, outputs and program; a throw-away
    key is good for a peer that identifies as our simulator, and for nothing else.

    Attributes:
        mode: `actuating`; anything else is refused.
        certificate: hex hash of the certificate.
        only_vendor: with a throw-away key the vendor that the peer must name; empty = any.
    """

    mode: str
    certificate: str
    only_vendor: str = ""

    def __post_init__(self) -> None:
        """Refuse a permit that permits nothing."""
        if self.mode != "actuating":
            message = f"mode is {self.mode}: nothing is ever written to plant equipment"
            raise OutputRefused("output.advisory", message)
        if not self.certificate:
            raise OutputRefused("output.certificate", "no certificate covers these outputs")
