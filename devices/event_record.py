"""One record of an event ring: number, code, time, value out of its words.  Pure.

Source: `acquisition.md` 3.20.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from devices.address import Order, RegisterType
from devices.device_time import decode_time
from devices.profile_ring import EventRing, RingCode

FORMATS = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.INT64: ">q",
    RegisterType.UINT64: ">Q",
    RegisterType.FLOAT32: ">f",
    RegisterType.FLOAT64: ">d",
}
SEQ_TYPES = (RegisterType.UINT16, RegisterType.UINT32)
CODE_TYPES = (
    RegisterType.INT16,
    RegisterType.UINT16,
    RegisterType.INT32,
    RegisterType.UINT32,
)


class Field(NamedTuple):
    """One field of a record: its type, and the word where it begins."""

    type: RegisterType
    word: int

    @property
    def end(self) -> int:
        """First word after it."""
        return self.word + self.type.registers


@dataclass(frozen=True, slots=True)
class RingSpec:
    """A ring, ready to be read; made by `ring_spec`.

    Attributes:
        count: slots.
        words: registers of a record.
        chunk: records of one request at most.
        first_index: number of the first slot as the index counts it.
        is_next: True when the index names the slot that is written next.
        counts_all: True when the index is a running number.
        index_bits, total_bits: width of index and running number; 0 = there is none.
        seq, code, time, value: fields.
        order: byte order of fields of 32 and 64 bits.
        first_seq: number of the first record after the controller was emptied.
        codes: meaning of the codes.
    """

    count: int
    words: int
    chunk: int
    seq: Field
    code: Field
    time: Field | None = None
    value: Field | None = None
    first_index: int = 0
    is_next: bool = True
    counts_all: bool = False
    index_bits: int = 16
    total_bits: int = 0
    order: Order = Order.ABCD
    first_seq: int = 1
    codes: Mapping[str, RingCode] = field(default_factory=dict)

    @property
    def seq_size(self) -> int:
        """How many numbers there are before they begin anew."""
        size: int = 1 << (16 * self.seq.type.registers)
        return size

    def last_slot(self, index: int) -> int | None:
        """Return the slot of the last record, or None where `index` names no slot."""
        slot = index - self.first_index
        if not self.counts_all and not 0 <= slot < self.count:
            return None
        return (slot - self.is_next) % self.count

    def running(self, index: int, total: int | None) -> int | None:
        """Return the running number of all records, or None where there is none."""
        return index if self.counts_all else total

    def total_ahead(self, before: int, after: int) -> int | None:
        """Return how many records were written between two running numbers; None = went back."""
        size = 1 << (self.index_bits if self.counts_all else self.total_bits)
        passed = (after - before) % size
        return passed if passed < size // 2 else None

    def distance(self, before: int, after: int) -> int:
        """Return how many numbers lie between two records, going forward."""
        return (after - before) % self.seq_size

    def ahead(self, before: int, after: int) -> int | None:
        """Return the distance, or None where `after` is rather behind `before`."""
        distance = self.distance(before, after)
        return distance if distance < self.seq_size // 2 else None

    def seq_after(self, seq: int, steps: int) -> int:
        """Return the number `steps` later (earlier where negative)."""
        return (seq + steps) % self.seq_size


@dataclass(frozen=True, slots=True)
class RingRecord:
    """One event of the controller.

    Attributes:
        seq: its number.
        slot: where it stood.
        code: what happened.
        time_us: microseconds since 1970 of the controller's own time; None = none that is valid.
        value: number that came with it, or None.
        data: the words as read.
        replayed: True when it is older than our start.
    """

    seq: int
    slot: int
    code: int
    time_us: int | None
    value: float | None
    data: bytes
    replayed: bool = False

    @property
    def print(self) -> int:
        """A check sum of the words: tells this record from another one of the same number."""
        return crc32(self.data)


def parse_field(text: str) -> Field:
    """Return the field of `uint32@4`.

    Raises:
        ValueError: no such type.
    """
    kind, _, word = text.partition("@")
    return Field(RegisterType(kind), int(word))


def ring_spec(ring: EventRing, device_order: Order, words_max: int) -> RingSpec:
    """Return a ring that has been checked, ready to be read; `words_max` of one request."""
    fields = ring.fields
    return RingSpec(
        count=ring.records.count,
        words=ring.records.words,
        chunk=max(words_max // ring.records.words, 1),
        seq=parse_field(fields.seq),
        code=parse_field(fields.code),
        time=None if fields.time is None else parse_field(fields.time),
        value=None if fields.value is None else parse_field(fields.value),
        first_index=ring.index.first,
        is_next=ring.index.means == "next",
        counts_all=ring.records.wrap == "total",
        index_bits=16 * ring.index.at.type.registers,
        total_bits=0 if ring.total is None else 16 * ring.total.type.registers,
        order=ring.order_in(device_order),
        first_seq=ring.first_seq,
        codes=ring.codes,
    )


def sequence_of(spec: RingSpec, data: bytes) -> int:
    """Return the number in the first record of `data`."""
    return int(_number(spec, spec.seq, data))


def decode_record(spec: RingSpec, data: bytes, slot: int, *, replayed: bool = False) -> RingRecord:
    """Return the record in `data`: `spec.words` registers, high byte first."""
    when = spec.time
    value = None if spec.value is None else float(_number(spec, spec.value, data))
    return RingRecord(
        seq=sequence_of(spec, data),
        slot=slot,
        code=int(_number(spec, spec.code, data)),
        time_us=None if when is None else decode_time(when.type, _part(when, data), spec.order),
        value=value if value is not None and abs(value) < float("inf") else None,
        data=data,
        replayed=replayed,
    )


def _part(where: Field, data: bytes) -> bytes:
    return data[2 * where.word : 2 * where.end]


def _number(spec: RingSpec, where: Field, data: bytes) -> float:
    words = [data[2 * at : 2 * at + 2] for at in range(where.word, where.end)]
    if len(words) > 1 and spec.order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if len(words) > 1 and spec.order in (Order.BADC, Order.DCBA):
        words = [word[::-1] for word in words]
    (number,) = struct.unpack(FORMATS[where.type], b"".join(words))
    return number  # type: ignore[no-any-return]
