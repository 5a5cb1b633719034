"""What the gateway's own I/O module may be asked: a list, and nothing else.  Pure.

The module stands on a private line of the gateway and is ours: writing to it is legal in advisory
mode.  Requests are made from this list alone; an address that does not stand in it does not exist.
Source: `acquisition.md` 3.12.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from devices.modbus.frame import Request, read_request, write_request

OUTPUTS = ("sounder", "lamp", "gateway_healthy")
INPUTS = ("mains", "ups", "door", "isolation_key", "acknowledge")
COIL, COILS, CONTACTS = 5, 15, 2


@dataclass(frozen=True, slots=True)
class CabinetList:
    """One module.

    Attributes:
        unit: its unit id.
        coils: output -> coil, zero-based.
        contacts: input -> discrete input, zero-based.
    """

    unit: int
    coils: Mapping[str, int]
    contacts: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse what the module does not have: a fault of the program, the file was checked."""
        assert set(self.coils) <= set(OUTPUTS)
        assert set(self.contacts) <= set(INPUTS)

    def writes(self, levels: Mapping[str, bool]) -> tuple[Request, ...]:
        """Return the requests that bring all outputs to their levels; one that is missing is off.

        One FC 15 where the coils lie side by side, so that they change together; else an FC 5 each.
        """
        if not self.coils:
            return ()
        wanted = {at: levels.get(name, False) for name, at in self.coils.items()}
        order = sorted(wanted)
        if len(order) > 1 and order[-1] - order[0] == len(order) - 1:
            values = [int(wanted[at]) for at in order]
            return (write_request(self.unit, COILS, order[0], values),)
        return tuple(write_request(self.unit, COIL, at, [int(wanted[at])]) for at in order)

    def read(self) -> Request | None:
        """Return the one read of all inputs; None where there are none."""
        if not self.contacts:
            return None
        first, last = min(self.contacts.values()), max(self.contacts.values())
        return read_request(self.unit, CONTACTS, first, last - first + 1)

    def inputs(self, data: bytes) -> dict[str, bool]:
        """Return the inputs that an answer to `read` holds."""
        first = min(self.contacts.values())
        bits = int.from_bytes(data, "little")
        return {name: bool(bits >> (at - first) & 1) for name, at in self.contacts.items()}
