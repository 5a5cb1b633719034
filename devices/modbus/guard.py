"""Does this answer belong to this question?  The checks of G1 on raw Modbus TCP bytes.  Pure.

Rules of the file.  Nothing is believed that a library has parsed: the question is what left
(`asked` reads it from the bytes sent), the answer is every byte that came since.  An answer passes
only when all checks hold; whatever does not pass costs the connection, because nobody can say what
else is in it.  The one exception is a whole frame of an older transaction: it is dropped, and the
wait goes on.

Clause: MODBUS Messaging on TCP/IP V1.0b, 3.1; Modbus Application Protocol V1.1b3, 6.1-6.4, 7.
"""

from dataclasses import dataclass

from proto.quality import Detail

HEADER = 8
"""Bytes up to and including the function code."""
ADU_MAX = 260
"""Longest lawful frame: 7 of header and 253 of PDU."""
READ_REQUEST = 12
"""Bytes of a read request: header, function code, start, quantity."""
EXCEPTION = 9
"""Bytes of an exception answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One read request as it left."""

    transaction: int
    unit: int
    function: int
    start: int
    quantity: int

    @property
    def byte_count(self) -> int:
        """Bytes of data that a full answer carries: 2n registers, or ⌈n/8⌉ of bits."""
        return -(-self.quantity // 8) if self.function in (1, 2) else 2 * self.quantity


@dataclass(frozen=True, slots=True)
class Incomplete:
    """So far nothing is wrong; more bytes have to come.  `dropped` older frames were skipped."""

    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The data bytes of the answer to this very question."""

    data: bytes
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The device answered with an exception code (Modbus Application Protocol V1.1b3, 7)."""

    exception: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not an answer to this question: which check failed, what was expected, what came."""

    detail: Detail
    expected: int
    got: int
    dropped: int = 0


Verdict = Incomplete | Accepted | Refused | Rejected


def asked(adu: bytes) -> Asked:
    """Return the question in the bytes of a read request that is about to leave."""
    assert len(adu) == READ_REQUEST
    return Asked(
        transaction=int.from_bytes(adu[0:2], "big"),
        unit=adu[6],
        function=adu[7],
        start=int.from_bytes(adu[8:10], "big"),
        quantity=int.from_bytes(adu[10:12], "big"),
    )


def judge(question: Asked, received: bytes) -> Verdict:
    """Judge everything that came since the question left, from its first byte on.

    Args:
        question: what was asked; its transaction ids count up from 1 within one connection.
        received: all bytes since then, in order.
    """
    at, dropped = _skip_older(question, received)
    frame = received[at:]
    header = _check_header(question, frame)
    if header is not None:
        detail, expected, got = header
        return Rejected(detail, expected, got, dropped)
    if len(frame) < HEADER:
        return Incomplete(dropped)
    return _judge_body(question, frame, dropped)


def _skip_older(question: Asked, received: bytes) -> tuple[int, int]:
    """Return where the first frame begins that is no whole frame of an older transaction."""
    at = dropped = 0
    while len(received) - at >= HEADER - 1:
        transaction = int.from_bytes(received[at : at + 2], "big")
        protocol = int.from_bytes(received[at + 2 : at + 4], "big")
        end = at + 6 + int.from_bytes(received[at + 4 : at + 6], "big")
        is_older = protocol == 0 and 0 < transaction < question.transaction
        if not is_older or end - at > ADU_MAX or end - at < EXCEPTION or end > len(received):
            break
        at, dropped = end, dropped + 1
    return at, dropped


def _check_header(question: Asked, frame: bytes) -> tuple[Detail, int, int] | None:
    """Return the first failed check of the seven header bytes, as far as they are here."""
    if len(frame) >= 4 and (protocol := int.from_bytes(frame[2:4], "big")) != 0:
        return Detail.WRONG_LENGTH, 0, protocol
    if len(frame) < 6:
        return None
    length = int.from_bytes(frame[4:6], "big")
    transaction = int.from_bytes(frame[0:2], "big")
    if transaction != question.transaction:
        is_older_begun = 0 < transaction < question.transaction and 3 <= length <= ADU_MAX - 6
        if is_older_begun and len(frame) < 6 + length:
            return None
        return Detail.WRONG_TRANSACTION, question.transaction, transaction
    if not 3 <= length <= ADU_MAX - 6:
        return Detail.WRONG_LENGTH, 3 + question.byte_count, length
    if len(frame) >= 7 and frame[6] != question.unit:
        return Detail.WRONG_UNIT, question.unit, frame[6]
    return None


def _judge_body(question: Asked, frame: bytes, dropped: int) -> Verdict:
    """Judge a frame whose header bytes are here and right, or belong to an older frame begun."""
    if int.from_bytes(frame[0:2], "big") != question.transaction:
        return Incomplete(dropped)
    function, length = frame[7], 6 + int.from_bytes(frame[4:6], "big")
    if function == question.function | 0x80:
        return _judge_exception(frame, length, dropped)
    if function != question.function:
        return Rejected(Detail.WRONG_FUNCTION, question.function, function, dropped)
    if len(frame) > HEADER and frame[8] != question.byte_count:
        return Rejected(Detail.WRONG_BYTE_COUNT, question.byte_count, frame[8], dropped)
    full = 9 + question.byte_count
    if length != full or len(frame) > full:
        return Rejected(Detail.WRONG_LENGTH, full, max(length, len(frame)), dropped)
    if len(frame) < full:
        return Incomplete(dropped)
    return Accepted(frame[9:], dropped)


def _judge_exception(frame: bytes, length: int, dropped: int) -> Verdict:
    if length != EXCEPTION or len(frame) > EXCEPTION:
        return Rejected(Detail.WRONG_LENGTH, EXCEPTION, max(length, len(frame)), dropped)
    return Incomplete(dropped) if len(frame) < EXCEPTION else Refused(frame[8], dropped)


def is_older_frames(transaction: int, received: bytes) -> bool:
    """True when bytes that came between two questions are whole frames of questions before.

    `transaction` is the last id used.  Such frames repeat an answer and are dropped; anything else
    that nobody asked for costs the connection.
    """
    probe = Asked(transaction + 1, 0, 0, 0, 0)
    end, _ = _skip_older(probe, received)
    return end == len(received)
