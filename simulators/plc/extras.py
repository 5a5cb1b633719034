"""What a device holds beside its points: texts, a canary word, a ring of events.  Pure.

The encoder is our own: it shares nothing with the readers in `devices`.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.profile import EventRing, ModbusProfile
from simulators.plc.image import (
    Cell,
    Extent,
    RegisterMap,
    Registers,
    encode_value,
    map_cells,
    profile_cells,
)

Words = Mapping[tuple[Table, int], int]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event that the controller notes: its code, its own time, a number."""

    code: int
    time_us: int
    value: float


@dataclass(frozen=True, slots=True)
class RingWriter:
    """A ring as the controller's program keeps it: its words, and how many it ever wrote."""

    ring: EventRing
    order: Order
    written: int = 0
    words: Words = field(default_factory=dict)


def new_ring(ring: EventRing, order: Order) -> RingWriter:
    """Return an empty ring."""
    return _with_index(RingWriter(ring, order if ring.order is None else ring.order))


def write_event(writer: RingWriter, event: Happening) -> RingWriter:
    """Return the ring with one more event: the record first, the index after it."""
    ring, records = writer.ring, writer.ring.records
    assert records.table is not None
    assert records.start is not None
    start = records.start + writer.written % records.count * records.words
    values = {
        ring.fields.seq: ring.first_seq + writer.written,
        ring.fields.code: event.code,
        ring.fields.time: event.time_us,
        ring.fields.value: event.value,
    }
    words = dict(writer.words)
    for place, value in values.items():
        if place is not None:
            kind, _, at = place.partition("@")
            address = ModbusAddress(records.table, 0, RegisterType(kind), writer.order)
            for n, word in enumerate(_words(encode_value(Cell("", address), value))):
                words[records.table, start + int(at) + n] = word
    return _with_index(RingWriter(ring, writer.order, writer.written + 1, words))


def _with_index(writer: RingWriter) -> RingWriter:
    """Return the ring with index and running number as they stand after the last record."""
    ring, words = writer.ring, dict(writer.words)
    index = writer.written - (ring.index.means == "last")
    if ring.records.wrap == "index":
        index %= ring.records.count
    places = [(ring.index.at, index + ring.index.first)]
    if ring.total is not None:
        places.append((ring.total, writer.written))
    for place, number in places:
        assert place.table is not None
        assert place.address is not None
        address = ModbusAddress(place.table, 0, place.type, writer.order)
        width = 1 << (16 * place.type.registers)
        for n, word in enumerate(_words(encode_value(Cell("", address), number % width))):
            words[place.table, place.address + n] = word
    return RingWriter(ring, writer.order, writer.written, words)


def fixed_words(profile: ModbusProfile) -> Words:
    """Return the words that never change: texts as their examples show them, the canary."""
    words: dict[tuple[Table, int], int] = {}
    for text in profile.texts:
        for n, word in enumerate(text.vector.registers):
            words[text.at.table, text.at.address + n] = word
    canary = profile.modbus.canary
    if canary is not None:
        words[canary.table, canary.address] = canary.equals or 0
    return words


def device_map(profile: ModbusProfile) -> RegisterMap:
    """Return the whole map of a device: points, texts, canary, ring; forbidden ranges are holes."""
    more = [(table, Extent(at, at + 1)) for table, at in fixed_words(profile)]
    ring = profile.event_ring
    if ring is not None and ring.records.table is not None and ring.records.start is not None:
        records, start = ring.records, ring.records.start
        more.append((ring.records.table, Extent(start, start + records.words * records.count)))
        empty = new_ring(ring, profile.modbus.order)
        more += [(table, Extent(at, at + 1)) for table, at in empty.words]
    made = map_cells(profile_cells(profile), more)
    holes: dict[Table, tuple[Extent, ...]] = {}
    for each in profile.modbus.forbidden:
        holes[each.table] = (*holes.get(each.table, ()), Extent(each.first, each.last + 1))
    return RegisterMap(made.cells, made.extents, holes)


def overlaid(registers: Registers, *layers: Words) -> Registers:
    """Return the registers with these words in their places."""
    content = {table: bytearray(raw) for table, raw in registers.words.items()}
    for layer in layers:
        for (table, address), word in layer.items():
            at = 2 * (address - registers.extents[table].first)
            content[table][at : at + 2] = struct.pack(">H", word)
    shown = {table: bytes(raw) for table, raw in content.items()}
    return Registers(registers.extents, shown, registers.holes)


def _words(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(raw) // 2}H", raw)
