"""Packets that a device which dials in mixes into Modbus: registration and heartbeat.  Pure.

A registration packet (注册包) says who the device is: all that a connection may say before it
belongs to a line.  It is no authentication.  Heartbeats (心跳包), and a registration repeated
on each packet, are removed at offset 0 or directly behind a complete frame only: inside one the
same bytes are data.

Source: `acquisition.md` 3.3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from devices.modbus.frame import ADU_MAX, BITS, ECHO, MBAP_BYTES, READS, WRITES, Framing

REGISTRATION_BYTES_MAX = 64
HEARTBEAT_BYTES_MAX = 32
CHANGES_MAX, CHANGES_NS = 3, 60 * 10**9
_DIGITS = re.compile(rb"(?<![0-9])[0-9]+(?![0-9])")
_LENGTHS = {"imei": (15,), "iccid": (19, 20)}


@dataclass(frozen=True, slots=True)
class Registration:
    """By what a device is known.

    Attributes:
        match: the whole packet, its beginning, or a number of 15 (IMEI), 19 or 20 digits (ICCID)
            anywhere in it.
        text: the bytes, or the digits.
        on_each: the device repeats the packet before each of its others.
    """

    match: Literal["literal", "prefix", "imei", "iccid"]
    text: bytes
    on_each: bool = False


def packet_bytes(registration: Registration, received: bytes) -> int:
    """Return how many bytes of `received` are this registration; 0 = it is not.

    A literal may be followed by other packets at once; of the others the whole chunk is taken.
    """
    if registration.match == "literal":
        is_mine = received.startswith(registration.text)
        return len(registration.text) if is_mine else 0
    if len(received) > REGISTRATION_BYTES_MAX:
        return 0
    if registration.match == "prefix":
        return len(received) if received.startswith(registration.text) else 0
    for found in _DIGITS.finditer(received):
        digits = found.group()
        if len(digits) in _LENGTHS[registration.match] and digits == registration.text:
            return len(received)
    return 0


def shown(received: bytes) -> str:
    """Return an id as people can read it: ASCII, other bytes as hex."""
    cut = received[:REGISTRATION_BYTES_MAX]
    text = cut.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else cut.hex()


class Stripped(NamedTuple):
    """What is left for the guard.

    Attributes:
        data: the bytes that are neither heartbeat nor repeated registration.
        state: for the next call.
        removed: packets that were taken out.
    """

    data: bytes
    state: "Stripper"
    removed: int


@dataclass(frozen=True, slots=True)
class Stripper:
    """Where the stream of one connection stands.

    Attributes:
        framing: of the line.
        packets: what is removed.
        frame: bytes of the frame that has begun and is not complete.
        held: the beginning of a packet, at a place where one may stand.
    """

    framing: Framing
    packets: tuple[bytes, ...]
    frame: bytes = b""
    held: bytes = b""

    def sent(self) -> "Stripper":
        """Return the state after a request was sent: what comes next begins a frame."""
        return Stripper(self.framing, self.packets, b"", self.held)

    def feed(self, chunk: bytes) -> Stripped:
        """Take bytes as they came; return what is left of them."""
        rest, frame = self.held + chunk, self.frame
        out, removed = bytearray(), 0
        while rest:
            if not frame:
                packet = next((p for p in self.packets if rest.startswith(p)), None)
                if packet is not None:
                    rest, removed = rest[len(packet) :], removed + 1
                    continue
                if any(packet.startswith(rest) for packet in self.packets):
                    return Stripped(bytes(out), self._at(b"", rest), removed)
            whole = frame + rest
            length = frame_bytes(whole, self.framing)
            if length is None or length > len(whole):
                out += rest
                return Stripped(bytes(out), self._at(whole[:ADU_MAX], b""), removed)
            take = length - len(frame)
            out += rest[:take]
            rest, frame = rest[take:], b""
        return Stripped(bytes(out), self._at(frame, b""), removed)

    def _at(self, frame: bytes, held: bytes) -> "Stripper":
        return Stripper(self.framing, self.packets, frame, held)


def stripper(framing: Framing, heartbeat: bytes = b"", registration: bytes = b"") -> Stripper:
    """Return the state of a new connection; empty packets are none."""
    packets = sorted((p for p in (heartbeat, registration) if p), key=len, reverse=True)
    return Stripper(framing, tuple(packets))


def frame_bytes(data: bytes, framing: Framing) -> int | None:
    """Return how long the answer is that begins with `data`; None = not to be said yet, or ever."""
    if framing is Framing.MBAP:
        return None if len(data) < MBAP_BYTES else MBAP_BYTES + int.from_bytes(data[4:6], "big")
    if len(data) < 2:
        return None
    function = data[1]
    if function & 0x80:
        return 5
    if function in READS or function in BITS:
        return None if len(data) < 3 else 5 + data[2]
    return 8 if function == ECHO or function in WRITES else None


def is_disputed(changes_ns: Sequence[int], now_ns: int) -> bool:
    """Return True when one id has changed its connection more than three times in 60 s."""
    return sum(now_ns - at_ns < CHANGES_NS for at_ns in changes_ns) > CHANGES_MAX
