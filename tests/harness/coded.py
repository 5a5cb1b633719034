"""Address-coded equipment: every value tells where it stands and when it was sampled.  Pure.

An even register holds table, unit and address, the odd one behind it a tick of 1 ms.  A point of
32 bits at an even address can so be judged alone: right place, right time, and both in one piece.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TICK_MASK = 0xFFFF
READS = (1, 2, 3, 4)


def code(function: int, unit: int, address: int) -> int:
    """Return the word at an even address: two bits of table, four of unit, ten of address."""
    return (function - 1) << 14 | (unit & 15) << 10 | address & 0x3FF


def tick(mono_ns: int) -> int:
    """Return the word at an odd address."""
    return mono_ns // 1_000_000 & TICK_MASK


def registers(function: int, unit: int, start: int, quantity: int, mono_ns: int) -> bytes:
    """Return the data bytes of a read of registers."""
    now = tick(mono_ns).to_bytes(2, "big")
    return b"".join(
        now if at & 1 else code(function, unit, at).to_bytes(2, "big")
        for at in range(start, start + quantity)
    )


def bit(unit: int, address: int) -> int:
    """Return the bit at an address: neighbours, units and shifts by a few differ in half of it."""
    return ((address * 2654435761 + unit * 40503) >> 7) & 1


def bits(unit: int, start: int, quantity: int) -> bytes:
    """Return the data bytes of a read of bits: a pattern of unit and address."""
    word = sum(bit(unit, at) << i for i, at in enumerate(range(start, start + quantity)))
    return word.to_bytes(-(-quantity // 8), "little")


@dataclass
class Unit:
    """One device on the line.

    Attributes:
        holes: addresses that refuse the whole request (exception 2), by function code.
        registers_max: longest read; one more is exception 3.
        echo: answers FC 8; False = exception 1; None = silence.
        end: first address beyond the map.
        service_s: time it takes to answer.
        shift: the map as downloaded last: address a now shows what stood at a + shift.
        content: words that are not address-coded (canary, counter), by (function, address).
    """

    holes: Mapping[int, frozenset[int]] = field(default_factory=dict)
    registers_max: int = 125
    echo: bool | None = True
    end: int = 1024
    service_s: float = 0.0
    shift: int = 0
    content: dict[tuple[int, int], int] = field(default_factory=dict)

    def answer(self, unit: int, pdu: bytes, mono_ns: int) -> bytes | None:
        """Return the answer PDU; None = it stays silent."""
        function = pdu[0]
        if function == 8:
            if self.echo is None:
                return None
            return pdu if self.echo and pdu[1:3] == b"\0\0" else bytes([0x88, 1])
        if function not in READS or len(pdu) != 5:
            return bytes([function | 0x80, 1])
        start, quantity = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        limit = self.registers_max if function > 2 else 2000
        if not 1 <= quantity <= limit:
            return bytes([function | 0x80, 3])
        holes = self.holes.get(function, frozenset())
        if start + quantity > self.end or any(at in holes for at in range(start, start + quantity)):
            return bytes([function | 0x80, 2])
        data = self._data(function, unit, start, quantity, mono_ns)
        return bytes([function, len(data)]) + data

    def _data(self, function: int, unit: int, start: int, quantity: int, mono_ns: int) -> bytes:
        if function < 3:
            return bits(unit, start, quantity)
        data = bytearray(registers(function, unit, start + self.shift, quantity, mono_ns))
        for (table, at), word in self.content.items():
            if table == function and start <= at < start + quantity:
                data[2 * (at - start) : 2 * (at - start) + 2] = word.to_bytes(2, "big")
        return bytes(data)
