"""Modbus requests and answers of our own making: FC 1-4, 8/0, 43/14; every write is refused.  Pure.

Source: Modbus Application Protocol V1.1b3 (sections at the constants).  The codec shares no code
with the driver's library: what one of them gets wrong, the other shows.
"""

from dataclasses import dataclass
from typing import NamedTuple

from devices.address import Table
from simulators.plc.image import Registers

READ_TABLES = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}  # 6.1-6.4
BITS_MAX = 2000  # 6.1
REGISTERS_MAX = 125  # 6.3
WRITES = frozenset({5, 6, 15, 16, 21, 22, 23})  # 6.5, 6.6, 6.11, 6.12, 6.15-6.17
DIAGNOSTICS = 8  # 6.8
ECHO = 0  # 6.8.1: return query data
ENCAPSULATED = 43  # 6.21
IDENTIFICATION = 14
PDU_MAX = 253  # 4.1

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3

MBAP_LENGTH = 7
ADU_MAX = 260  # MBAP header and PDU


class Answer(NamedTuple):
    """What goes back, and whether the request tried to write."""

    pdu: bytes
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Objects 0 to 2 of the device identification (6.21)."""

    vendor: str = "yujing-sim"
    product: str = ""
    revision: str = "1"

    @property
    def objects(self) -> tuple[bytes, ...]:
        """The objects in order of their ids."""
        return (self.vendor.encode(), self.product.encode(), self.revision.encode())


@dataclass(frozen=True, slots=True)
class Habits:
    """How a device departs from the protocol, or stays below it.

    Attributes:
        tid_zero: answers with transaction id 0.
        unit_alias: unit id that it answers with; None = the one that was asked.
        closes_after_each: closes the connection after each answer.
        has_echo: knows function 8.
        registers_max, bits_max: what one request may ask.
    """

    tid_zero: bool = False
    unit_alias: int | None = None
    closes_after_each: bool = False
    has_echo: bool = True
    registers_max: int = REGISTERS_MAX
    bits_max: int = BITS_MAX


PLAIN = Habits()


def answer(pdu: bytes, registers: Registers, identity: Identity, habits: Habits = PLAIN) -> Answer:
    """Return the answer to one request; anything wrong with it comes back as an exception."""
    if not pdu:
        return Answer(_exception(0, ILLEGAL_FUNCTION))
    function = pdu[0]
    if function in READ_TABLES:
        return Answer(_read(pdu, registers, habits))
    if function == DIAGNOSTICS and habits.has_echo:
        return Answer(_diagnostics(pdu))
    if function == ENCAPSULATED:
        return Answer(_identification(pdu, identity))
    return Answer(_exception(function, ILLEGAL_FUNCTION), is_write=function in WRITES)


def _exception(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


def _read(pdu: bytes, registers: Registers, habits: Habits) -> bytes:
    """Answer FC 1-4: length and quantity first, then the address, as in the state diagrams of 6."""
    function = pdu[0]
    table = READ_TABLES[function]
    if len(pdu) != 5:
        return _exception(function, ILLEGAL_VALUE)
    address = int.from_bytes(pdu[1:3], "big")
    quantity = int.from_bytes(pdu[3:5], "big")
    if not 1 <= quantity <= (habits.bits_max if table.is_bits else habits.registers_max):
        return _exception(function, ILLEGAL_VALUE)
    content = registers.read(table, address, quantity)
    if content is None:
        return _exception(function, ILLEGAL_ADDRESS)
    body = pack_bits(content) if table.is_bits else content
    return bytes((function, len(body))) + body


def pack_bits(bits: bytes) -> bytes:
    """Return bits (one byte each) packed as on the wire: the first one in the lowest bit."""
    packed = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        if bit:
            packed[index // 8] |= 1 << (index % 8)
    return bytes(packed)


def _diagnostics(pdu: bytes) -> bytes:
    if len(pdu) < 3:
        return _exception(DIAGNOSTICS, ILLEGAL_VALUE)
    if int.from_bytes(pdu[1:3], "big") != ECHO:
        return _exception(DIAGNOSTICS, ILLEGAL_FUNCTION)
    return pdu


def _identification(pdu: bytes, identity: Identity) -> bytes:
    """Answer 43/14: stream access (codes 1-3), individual access (code 4), basic objects."""
    if len(pdu) != 4:
        return _exception(ENCAPSULATED, ILLEGAL_VALUE)
    if pdu[1] != IDENTIFICATION:
        return _exception(ENCAPSULATED, ILLEGAL_FUNCTION)
    code, first = pdu[2], pdu[3]
    objects = identity.objects
    if not 1 <= code <= 4:
        return _exception(ENCAPSULATED, ILLEGAL_VALUE)
    if code == 4 and first >= len(objects):
        return _exception(ENCAPSULATED, ILLEGAL_ADDRESS)
    start = first if first < len(objects) else 0  # 6.21: an unknown id restarts the stream
    wanted = [first] if code == 4 else range(start, len(objects))
    head = bytes((ENCAPSULATED, IDENTIFICATION, code, 0x81, 0, 0, len(wanted)))
    body = b"".join(bytes((n, len(objects[n]))) + objects[n] for n in wanted)
    return head + body


def wrap(transaction: int, unit: int, pdu: bytes) -> bytes:
    """Return the ADU: MBAP header (transaction, protocol 0, length, unit) and PDU."""
    assert len(pdu) <= PDU_MAX
    return (
        transaction.to_bytes(2, "big")
        + b"\x00\x00"
        + (len(pdu) + 1).to_bytes(2, "big")
        + bytes((unit,))
        + pdu
    )


class Header(NamedTuple):
    """A parsed MBAP header; `pdu_length` bytes follow."""

    transaction: int
    unit: int
    pdu_length: int


def parse_header(raw: bytes) -> Header | None:
    """Return the header, or None where this is no Modbus: the connection is then closed."""
    assert len(raw) == MBAP_LENGTH
    protocol = int.from_bytes(raw[2:4], "big")
    length = int.from_bytes(raw[4:6], "big")
    if protocol != 0 or not 2 <= length <= ADU_MAX - MBAP_LENGTH + 1:
        return None
    return Header(int.from_bytes(raw[0:2], "big"), raw[6], length - 1)
