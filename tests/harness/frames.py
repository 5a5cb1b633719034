"""Modbus bytes of our own making: checksum, requests taken apart, answers put together.  Pure.

Source: Modbus Application Protocol V1.1b3, 6 and 7; Modbus over Serial Line V1.02, 2.5.1; MODBUS
Messaging on TCP/IP V1.0b, 3.1.  Shares no code with driver or simulator.
"""

from dataclasses import dataclass
from typing import Literal

Framing = Literal["rtu", "mbap"]


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
        rows.append(value)
    return tuple(rows)


_CRC = _table()


def crc(data: bytes) -> bytes:
    """Return the two checksum bytes, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: transaction (0 on a serial line), unit, PDU."""

    transaction: int
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def start(self) -> int:
        return int.from_bytes(self.pdu[1:3], "big")

    @property
    def quantity(self) -> int:
        return int.from_bytes(self.pdu[3:5], "big")


def take(framing: Framing, buffer: bytearray) -> Request | None:
    """Take the first whole request off the buffer; None where more bytes have to come."""
    if framing == "mbap":
        if len(buffer) < 8 or len(buffer) < (end := 6 + int.from_bytes(buffer[4:6], "big")):
            return None
        adu = bytes(buffer[:end])
        del buffer[:end]
        return Request(int.from_bytes(adu[:2], "big"), adu[6], adu[7:])
    if len(buffer) < 4:
        return None
    end = _rtu_length(buffer)
    if len(buffer) < end:
        return None
    adu = bytes(buffer[:end])
    if crc(adu[:-2]) != adu[-2:]:
        buffer.clear()  # a serial device waits for the next silence
        return None
    del buffer[:end]
    return Request(0, adu[0], adu[1:-2])


def _rtu_length(buffer: bytearray) -> int:
    if buffer[1] in (15, 16):
        return 9 + (buffer[6] if len(buffer) > 6 else 0)
    return 7 if buffer[1] == 43 else 8


def adu(framing: Framing, transaction: int, unit: int, pdu: bytes) -> bytes:
    """Put an answer into its frame."""
    if framing == "mbap":
        head = transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
        return head + bytes([unit]) + pdu
    body = bytes([unit]) + pdu
    return body + crc(body)
