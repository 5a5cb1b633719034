"""Frames in a stream of bytes that was only overheard: requests, answers, writes.  Pure.

Rules of the file.  Both directions of an RS-485 line come in one stream, and nobody says which is
which.  A frame is what has a shape of the protocol and a right checksum, read from where the last
frame ended.  Where no shape fits, one byte is dropped and the search goes on; whoever uses the
frames is told how many bytes were lost.  Silences are not believed: adapters and serial
servers move them.  Three bytes of bits make an answer as long as a request: such a frame is handed
on with both readings.

Clause: Modbus Application Protocol V1.1b3, 6 and 7; Modbus over Serial Line V1.02, 2.5.1, 6.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

READS = (1, 2, 3, 4)
WRITES = (5, 6, 15, 16)
UNITS_MAX = 247
BUFFER_MAX = 1024
"""Bytes kept of a frame begun; more than three of the longest frame is babble."""
_LONGEST = 256


def _table() -> tuple[int, ...]:
    rows: list[int] = []
    for start in range(256):
        value = start
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
        rows.append(value)
    return tuple(rows)


_CRC = _table()


def checksum(data: bytes) -> int:
    """Return the CRC-16 of a serial line (Modbus over Serial Line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC[(value ^ byte) & 0xFF]
    return value


@dataclass(frozen=True, slots=True)
class Question:
    """A read request: which registers or bits of which unit."""

    unit: int
    function: int
    start: int
    quantity: int

    @property
    def byte_count(self) -> int:
        """Bytes of data that its answer carries."""
        return -(-self.quantity // 8) if self.function in (1, 2) else 2 * self.quantity


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a read: the bytes, and nothing that says of which registers they are."""

    unit: int
    function: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An exception answer."""

    unit: int
    function: int
    exception: int


@dataclass(frozen=True, slots=True)
class Write:
    """A write request, or the echo of one: `values` is empty in the echo of FC 15 and 16."""

    unit: int
    function: int
    start: int
    quantity: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A right frame of a function that carries no value for us, such as FC 8."""

    unit: int
    function: int


Frame = Question | Answer | Refusal | Write | Other


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame as it was overheard.

    Attributes:
        frame: what it is.
        other: the second reading of an ambiguous frame: `frame` is the answer, this the request.
        first, end: position of its first byte and behind its last one, counted over the stream.
        skipped: bytes directly before it that were no frame.
    """

    frame: Frame
    other: Question | None
    first: int
    end: int
    skipped: int = 0


def find(data: bytes, at: int = 0, *, is_final: bool = False) -> Iterator[Heard]:
    """Yield the frames in `data`, then stop where more bytes have to come.

    Args:
        data: bytes that are not yet part of a frame.
        at: position of the first of them in the stream.
        is_final: no more bytes will come: a frame begun is noise.
    """
    here = skipped = 0
    while here < len(data):
        found = _frame(data, here)
        if found is None and not is_final and _may_grow(data, here):
            return
        if found is None:
            here, skipped = here + 1, skipped + 1
            continue
        frame, other, length = found
        yield Heard(frame, other, at + here, at + here + length, skipped)
        here, skipped = here + length, 0


def _lengths(data: bytes, at: int) -> tuple[int, ...]:
    """Return the lengths that a frame beginning here may have, shortest first; none = no frame."""
    left = len(data) - at
    if data[at] > UNITS_MAX:
        return ()
    if left < 2:
        return (2,)
    function = data[at + 1]
    if function in READS:
        if left < 3:
            return (3,)
        answer = 5 + data[at + 2]
        is_lawful = data[at + 2] > 0 and (function in (1, 2) or data[at + 2] % 2 == 0)
        return tuple(sorted({8, answer})) if is_lawful and answer <= _LONGEST else (8,)
    if function in (15, 16):
        if left < 7:
            return (7,)
        return (8, 9 + data[at + 6]) if data[at + 6] and data[at + 6] <= 246 else (8,)
    if function in (5, 6, 8):
        return (8,)
    if function == 22:
        return (10,)
    if function in (7, 17, 23):
        return _of_others(data, at, function)
    if function & 0x80 and function & 0x7F in (*READS, *WRITES, 8, 22, 23, 43):
        return (5,)
    return ()


def _of_others(data: bytes, at: int, function: int) -> tuple[int, ...]:
    """Return the lengths of functions without a value for us, so that they are no lost bytes."""
    left = len(data) - at
    if function == 7:
        return (4, 5)
    if left < 3:
        return (3,)
    if function == 17:
        return tuple(sorted({4, 5 + data[at + 2]})) if data[at + 2] <= 250 else (4,)
    lengths = {5 + data[at + 2]} if data[at + 2] <= 250 else set()
    if left > 10:
        lengths.add(13 + data[at + 10])
    elif not lengths:
        lengths.add(11)
    return tuple(sorted(lengths))


def _may_grow(data: bytes, at: int) -> bool:
    """True while a longer reading of the frame that begins here lacks bytes."""
    lengths = _lengths(data, at)
    return bool(lengths) and at + lengths[-1] > len(data)


def _frame(data: bytes, at: int) -> tuple[Frame, Question | None, int] | None:
    """Return the frame that begins here, its second reading, and its length."""
    for length in _lengths(data, at):
        if length < 4 or at + length > len(data):
            continue
        raw = data[at : at + length]
        if checksum(raw[:-2]) != int.from_bytes(raw[-2:], "little"):
            continue
        read = _read_as(raw)
        if read is not None:
            return (*read, length)
    return None


def _read_as(raw: bytes) -> tuple[Frame, Question | None] | None:
    unit, function = raw[0], raw[1]
    if function & 0x80:
        return Refusal(unit, function & 0x7F, raw[2]), None
    if function in READS:
        ask = _ask(raw) if len(raw) == 8 else None
        if len(raw) == 5 + raw[2]:
            return Answer(unit, function, raw[3:-2]), ask
        return None if ask is None else (ask, None)
    if function in WRITES:
        return _write(raw)
    return Other(unit, function), None


def _ask(raw: bytes) -> Question | None:
    start, quantity = int.from_bytes(raw[2:4], "big"), int.from_bytes(raw[4:6], "big")
    most = 2000 if raw[1] in (1, 2) else 125
    if not 1 <= quantity <= most or start + quantity > 65_536:
        return None
    return Question(raw[0], raw[1], start, quantity)


def _write(raw: bytes) -> tuple[Frame, Question | None] | None:
    unit, function, start = raw[0], raw[1], int.from_bytes(raw[2:4], "big")
    word = int.from_bytes(raw[4:6], "big")
    if function == 5:
        return (
            (Write(unit, 5, start, 1, (int(word == 0xFF00),)), None)
            if word in (0, 0xFF00)
            else None
        )
    if function == 6:
        return Write(unit, 6, start, 1, (word,)), None
    if len(raw) == 8:
        return Write(unit, function, start, word, ()), None
    body = raw[7:-2]
    if function == 16 and len(body) == 2 * word:
        values = tuple(int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body), 2))
        return Write(unit, 16, start, word, values), None
    if function == 15 and len(body) == -(-word // 8):
        bits = int.from_bytes(body, "little")
        return Write(unit, 15, start, word, tuple(bits >> i & 1 for i in range(word))), None
    return None
