"""Modbus frames of both framings: requests as bytes, and whether bytes answer a request.  Pure.

Rules of the file (G1 of the guard).  Nothing is believed that a library has parsed: what came is
judged on its raw bytes, from the first byte since the question left.  An answer passes only when
all checks hold, with nothing before or after it.  The one exception is a whole MBAP frame of an
older transaction: it is dropped, and the wait goes on.

`judge` is for the answer that is waited for; `ends_with_answer` for the one that proves that
everything older is out (echo, fence probe) or must not wait for it (an output write): there older
bytes may stand before the answer, and nothing behind it.

Clause: MODBUS Messaging on TCP/IP V1.0b, 3.1; Modbus over Serial Line V1.02, 2.5.1; Modbus
Application Protocol V1.1b3, 6.1-6.8, 6.11, 6.12, 7.
"""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from proto.quality import Detail

MBAP_BYTES = 6
"""Bytes of an MBAP header that its length field does not count."""
ADU_MAX = 260
"""Longest lawful MBAP frame: 7 of header and 253 of PDU; RTU has 256."""
TRANSACTIONS = 1 << 16
ECHO = 8
BITS = (1, 2)
READS = (1, 2, 3, 4)
WRITES = (5, 6, 15, 16)


class Framing(StrEnum):
    """How a PDU is wrapped."""

    RTU = "rtu"
    MBAP = "mbap"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for the wire.

    Attributes:
        unit: asked.
        answer_unit: with which the device answers; the same, but for the quirk `unit_alias`.
        pdu: function code and what follows.
        head: what a right answer's PDU begins with: function code and byte count, or all of an
            echo.
        data_bytes: bytes that follow the head in a right answer.
        what: for messages, such as `FC3 0+24`.
    """

    unit: int
    answer_unit: int
    pdu: bytes
    head: bytes
    data_bytes: int
    what: str

    @property
    def function(self) -> int:
        """The function code."""
        return self.pdu[0]

    @property
    def answer_bytes(self) -> int:
        """Bytes of a right answer's PDU."""
        return len(self.head) + self.data_bytes


class Accepted(NamedTuple):
    """The data bytes of the answer to this very question; `dropped` older frames were skipped."""

    data: bytes
    dropped: int = 0


class Refused(NamedTuple):
    """The device answered with an exception code (Modbus Application Protocol V1.1b3, 7)."""

    exception: int
    dropped: int = 0


class Rejected(NamedTuple):
    """Not an answer to this question: which check failed, what was expected, what came."""

    detail: Detail
    expected: int
    got: int
    dropped: int = 0


class Incomplete(NamedTuple):
    """So far nothing is wrong; more bytes have to come."""

    dropped: int = 0


Verdict = Incomplete | Accepted | Refused | Rejected


def read_request(
    unit: int, function: int, start: int, quantity: int, *, answer_unit: int | None = None
) -> Request:
    """Return the request for `quantity` registers or bits from `start`, by function code 1-4."""
    assert function in READS
    count = -(-quantity // 8) if function in BITS else 2 * quantity
    pdu = bytes((function, *start.to_bytes(2, "big"), *quantity.to_bytes(2, "big")))
    what = f"FC{function} {start}+{quantity}"
    head = bytes((function, count & 0xFF))
    return Request(unit, unit if answer_unit is None else answer_unit, pdu, head, count, what)


def echo_request(unit: int, word: int, *, answer_unit: int | None = None) -> Request:
    """Return the echo (FC 8, sub-function 0) of a 16-bit word: the answer is the same PDU."""
    pdu = bytes((ECHO, 0, 0, *word.to_bytes(2, "big")))
    unit_back = unit if answer_unit is None else answer_unit
    return Request(unit, unit_back, pdu, pdu, 0, "FC8/0 echo")


def write_request(unit: int, function: int, start: int, values: Sequence[int]) -> Request:
    """Return a write by function code 5, 6, 15 or 16; its answer repeats all but the values."""
    assert function in WRITES
    at = start.to_bytes(2, "big")
    if function in (5, 6):
        word = (0xFF00 if values[0] else 0) if function == 5 else values[0]
        pdu = bytes((function, *at, *word.to_bytes(2, "big")))
        return Request(unit, unit, pdu, pdu, 0, f"FC{function} {start}")
    head = bytes((function, *at, *len(values).to_bytes(2, "big")))
    if function == 15:
        bits = sum(bool(value) << i for i, value in enumerate(values))
        data = bits.to_bytes(-(-len(values) // 8), "little")
    else:
        data = b"".join(value.to_bytes(2, "big") for value in values)
    pdu = head + bytes((len(data),)) + data
    return Request(unit, unit, pdu, head, 0, f"FC{function} {start}+{len(values)}")


def adu(request: Request, framing: Framing, transaction: int) -> bytes:
    """Return the bytes that go on the wire; RTU has no transaction."""
    body = bytes((request.unit,)) + request.pdu
    if framing is Framing.RTU:
        return body + crc16(body).to_bytes(2, "little")
    return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def answer_adu_bytes(request: Request, framing: Framing) -> int:
    """Return the length of a right answer on the wire."""
    return request.answer_bytes + (3 if framing is Framing.RTU else 7)


def judge(
    request: Request, framing: Framing, transaction: int, received: bytes, *, tid_zero: bool = False
) -> Verdict:
    """Judge everything that came since the request left, from its first byte on.

    Args:
        request: what was asked.
        framing: of the line.
        transaction: id of this request; RTU has none.
        received: all bytes since then, in order.
        tid_zero: the device answers with transaction id 0.
    """
    if framing is Framing.RTU:
        return _judge_rtu(request, received)
    expected = 0 if tid_zero else transaction
    if _is_right_mbap(request, expected, received):
        return Accepted(received[MBAP_BYTES + 1 + len(request.head) :])
    return _judge_mbap(request, expected, received)


def ends_with_answer(
    request: Request, framing: Framing, transaction: int, received: bytes, *, tid_zero: bool = False
) -> Accepted | Refused | None:
    """Return the right answer that `received` ends with, whatever older bytes stand before it."""
    extra = 3 if framing is Framing.RTU else MBAP_BYTES + 1
    for length in (extra + request.answer_bytes, extra + 2):
        if len(received) >= length:
            verdict = judge(request, framing, transaction, received[-length:], tid_zero=tid_zero)
            if isinstance(verdict, Accepted | Refused):
                return verdict
    return None


def older_frames(transaction: int, received: bytes) -> int | None:
    """Return how many whole MBAP frames of older questions came unasked; None = something else.

    `transaction` is the last id used: a frame of it repeats an answer.
    """
    at, dropped = _skip_older((transaction + 1) % TRANSACTIONS, received)
    return dropped if at == len(received) else None


def _is_right_mbap(request: Request, transaction: int, received: bytes) -> bool:
    """One comparison for the answer as it should be: everything else takes the long way."""
    head, pdu = request.head, request.answer_bytes
    if len(received) != MBAP_BYTES + 1 + pdu:
        return False
    front = transaction << 40 | (pdu + 1) << 8 | request.answer_unit
    return received[:7] == front.to_bytes(7, "big") and received.startswith(head, 7)


def _judge_mbap(request: Request, transaction: int, received: bytes) -> Verdict:
    at, dropped = _skip_older(transaction, received) if transaction else (0, 0)
    frame = received[at:]
    if len(frame) >= 4 and (protocol := int.from_bytes(frame[2:4], "big")) != 0:
        return Rejected(Detail.WRONG_LENGTH, 0, protocol, dropped)
    if len(frame) < MBAP_BYTES:
        return Incomplete(dropped)
    length = int.from_bytes(frame[4:6], "big")
    got = int.from_bytes(frame[:2], "big")
    if got != transaction:
        begun = is_older(got, transaction) and 3 <= length <= ADU_MAX - MBAP_BYTES
        if begun and len(frame) < MBAP_BYTES + length:
            return Incomplete(dropped)
        return Rejected(Detail.WRONG_TRANSACTION, transaction, got, dropped)
    if not 3 <= length <= ADU_MAX - MBAP_BYTES:
        return Rejected(Detail.WRONG_LENGTH, 1 + request.answer_bytes, length, dropped)
    verdict = _judge_body(request, frame[MBAP_BYTES:], dropped)
    if not isinstance(verdict, Incomplete | Accepted | Refused):
        return verdict
    wanted = 3 if _is_exception(request, frame[MBAP_BYTES:]) else 1 + request.answer_bytes
    if len(frame) > MBAP_BYTES + 1 and length != wanted:
        return Rejected(Detail.WRONG_LENGTH, wanted, length, dropped)
    return verdict


def _judge_rtu(request: Request, received: bytes) -> Verdict:
    body = 2 if _is_exception(request, received) else request.answer_bytes
    full = 1 + body + 2
    verdict = _judge_body(request, received[:-2] if len(received) == full else received, 0, 2)
    if len(received) < full:
        return Incomplete() if isinstance(verdict, Accepted | Refused) else verdict
    if len(received) == full and crc16(received) != 0:
        sent = int.from_bytes(received[-2:], "little")
        return Rejected(Detail.WRONG_CHECKSUM, crc16(received[:-2]), sent)
    return verdict


def _judge_body(request: Request, body: bytes, dropped: int, tail: int = 0) -> Verdict:
    """Judge unit and PDU; `tail` bytes of checksum are still behind an unfinished one."""
    if body[:1] and body[0] != request.answer_unit:
        return Rejected(Detail.WRONG_UNIT, request.answer_unit, body[0], dropped)
    if len(body) < 2:
        return Incomplete(dropped)
    if _is_exception(request, body):
        if len(body) > 3 + tail:
            return Rejected(Detail.WRONG_LENGTH, 3, len(body), dropped)
        return Refused(body[2], dropped) if len(body) == 3 else Incomplete(dropped)
    if body[1] != request.function:
        return Rejected(Detail.WRONG_FUNCTION, request.function, body[1], dropped)
    head = request.head
    for i in range(1, min(len(head), len(body) - 1)):
        if body[1 + i] != head[i]:
            detail = Detail.WRONG_ECHO if request.data_bytes == 0 else Detail.WRONG_BYTE_COUNT
            return Rejected(detail, head[i], body[1 + i], dropped)
    full = 1 + request.answer_bytes
    if len(body) > full + tail:
        return Rejected(Detail.WRONG_LENGTH, full, len(body), dropped)
    return Accepted(body[1 + len(head) :], dropped) if len(body) == full else Incomplete(dropped)


def _is_exception(request: Request, body: bytes) -> bool:
    return len(body) > 1 and body[1] == request.function | 0x80


def is_older(got: int, transaction: int) -> bool:
    """Return True for the id of an earlier question; ids count up and wrap, and are never 0."""
    return got != 0 and 0 < (transaction - got) % TRANSACTIONS < TRANSACTIONS // 2


def _skip_older(transaction: int, received: bytes) -> tuple[int, int]:
    """Return where the first frame begins that is no whole frame of an older transaction."""
    at = dropped = 0
    while len(received) - at > MBAP_BYTES:
        got = int.from_bytes(received[at : at + 2], "big")
        protocol = int.from_bytes(received[at + 2 : at + 4], "big")
        length = int.from_bytes(received[at + 4 : at + 6], "big")
        end = at + MBAP_BYTES + length
        is_frame = protocol == 0 and 3 <= length <= ADU_MAX - MBAP_BYTES and end <= len(received)
        if not is_frame or not is_older(got, transaction):
            break
        at, dropped = end, dropped + 1
    return at, dropped


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def _crc_of_pairs() -> "array[int]":
    small = np.array(_BYTES, np.uint16)
    pair = np.arange(TRANSACTIONS, dtype=np.uint16)
    half = small[pair & 0xFF] ^ pair >> 8
    return array("H", (small[half & 0xFF] ^ half >> 8).tobytes())


_BYTES = [_crc_of_byte(value) for value in range(256)]
_PAIRS = _crc_of_pairs()
"""Checksum of every pair of bytes, first byte low: two bytes a step halve the work."""


def crc16(data: bytes) -> int:
    """Return the RTU checksum; 0 for a frame that ends with its own, low byte first."""
    crc = 0xFFFF
    pairs = array("H", data[: len(data) & ~1])
    if sys.byteorder == "big":
        pairs.byteswap()
    for pair in pairs:
        crc = _PAIRS[crc ^ pair]
    if len(data) & 1:
        crc = _BYTES[(crc ^ data[-1]) & 0xFF] ^ crc >> 8
    return crc
