"""What a Modbus device is asked beside its blocks, an event ring and texts, with fences.  Pure.

Rules of this file (`acquisition.md` 3.5.4, 3.20).  On a line under the full guard these reads take
part in the fences: each is sent with two counts in turn that no block of the unit and function has,
nor another read of this file; 1 to 3 stay with the probes.  The blocks choose first, so a ring
changes no plan.  Records are padded inside the ring: a longer window over the same slots.  Where no
counts are left the read is sent bare and is `partial`; the numbers in the records still tell a
wrong answer.  A text longer than one request is several.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devices.driver import Block
from devices.event_look import AskRecords
from devices.modbus.ask import Ask
from devices.modbus.fences import SHORTEST, Fence, Ground, placed
from devices.modbus.partition import Forbidden
from devices.modbus.plan import ModbusRead
from devices.modbus.ring_asks import index_asks, is_in_registers, whole_ask
from devices.profile import ModbusProfile, text_address
from devices.text import TextAddress

Taken = dict[int, set[int]]
Spans = dict[int, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class SideRead:
    """One read: the registers that are wanted, and what is sent for them, in turn."""

    wanted: Ask
    asks: tuple[Ask, ...]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class RecordReads:
    """Reads of records of a ring.

    Attributes:
        whole: all records as one span.
        words: of one record.
        chunk: records of one request at most.
        one, many: counts in turn for one record, and for several; empty = no fence.
        is_partial: no counts were left.
    """

    whole: Ask
    words: int
    chunk: int
    one: tuple[int, ...] = ()
    many: tuple[int, ...] = ()
    is_partial: bool = False

    def last(self) -> SideRead:
        """Return what the read of the last record looks like, wherever it stands."""
        return self.read(AskRecords(0, 1))

    def read(self, asked: AskRecords) -> SideRead:
        """Return what is sent for some records; all of it stands inside the ring."""
        whole = self.whole
        start = whole.start + asked.slot * self.words
        wanted = Ask(whole.function, start, asked.count * self.words)
        widths = self.one if asked.count == 1 else self.many
        asks = tuple(
            Ask(whole.function, max(min(start, whole.end - width), whole.start), width)
            for width in widths
            if width >= wanted.quantity
        )
        return SideRead(wanted, asks or (wanted,), self.is_partial)


@dataclass(frozen=True, slots=True)
class SideReads:
    """Everything of one device that is read beside its blocks.

    Attributes:
        index: reads of the ring's index and running number; empty = no ring in registers.
        records: reads of its records; None = no ring in registers.
        texts: per text of the profile, its reads in order.
    """

    index: tuple[SideRead, ...] = ()
    records: RecordReads | None = None
    texts: tuple[tuple[SideRead, ...], ...] = ()

    @property
    def is_partial(self) -> bool:
        """True where some read could not be told apart by its count."""
        every = (*self.index, *(read for text in self.texts for read in text))
        return any(read.is_partial for read in every) or (
            self.records is not None and self.records.is_partial
        )


def side_reads(
    profile: ModbusProfile, unit: int, blocks: Iterable[Block], fence: Fence
) -> SideReads:
    """Return what is asked of a device beside `blocks`, the blocks of its whole line."""
    if profile.event_ring is None and not profile.texts:
        return SideReads()
    taken, spans = _of_blocks(unit, blocks)
    ring, limit = profile.event_ring, profile.modbus.max_registers
    wanted = () if ring is None or not is_in_registers(ring) else index_asks(ring)
    texts = [_pieces(text_address(text), limit) for text in profile.texts]
    for ask in (*wanted, *(piece for text in texts for piece in text)):
        spans.setdefault(ask.function, []).append((ask.start, ask.end))
    places = _Places(profile, taken, spans, fence)
    index = tuple(places.read(ask) for ask in wanted)
    records = None
    if ring is not None and wanted:
        records = _records(whole_ask(ring), ring.records.words, limit, taken, fence)
    return SideReads(
        index, records, tuple(tuple(places.read(piece) for piece in text) for text in texts)
    )


class _Places:
    """Gives each read counts that nobody has yet, in their order."""

    def __init__(self, profile: ModbusProfile, taken: Taken, spans: Spans, fence: Fence) -> None:
        self._options, self._taken, self._fence = profile.modbus, taken, fence
        self._spans = spans

    def read(self, hull: Ask) -> SideRead:
        """Return one read; its counts are taken from then on."""
        if self._fence == "none":
            return SideRead(hull, (hull,))
        taken = self._taken.setdefault(hull.function, set())
        ground = self._ground(hull.function)
        turns = 2 if self._fence == "alternate" else 1
        for width in range(max(hull.quantity, SHORTEST), ground.limit - turns + 2):
            widths = range(width, width + turns)
            found = [placed(hull, each - hull.quantity, ground) for each in widths]
            if taken.isdisjoint(widths) and all(found):
                taken.update(widths)
                return SideRead(hull, tuple(ask for ask in found if ask is not None))
        return SideRead(hull, (hull,), is_partial=True)

    def _ground(self, function: int) -> Ground:
        spans = self._spans[function]
        holes = tuple(
            Forbidden(hole.table, hole.first, hole.last)
            for hole in self._options.forbidden
            if hole.table.function == function
        )
        low, high = min(start for start, _ in spans), max(end for _, end in spans)
        return Ground(self._options.max_registers, holes, low, high)


def _of_blocks(unit: int, blocks: Iterable[Block]) -> tuple[Taken, Spans]:
    """Return the counts and the addresses that the blocks of a unit have, by function."""
    taken: Taken = {}
    spans: Spans = {}
    for block in blocks:
        request = block.request
        if not isinstance(request, ModbusRead) or request.unit != unit:
            continue
        for ask in request.asks:
            taken.setdefault(ask.function, set()).add(ask.quantity)
            spans.setdefault(ask.function, []).append((request.hull.start, request.hull.end))
    return taken, spans


def _records(whole: Ask, words: int, limit: int, taken: Taken, fence: Fence) -> RecordReads:
    most = min(limit, whole.quantity)
    chunk = max(most // words, 1)
    if fence == "none":
        return RecordReads(whole, words, chunk)
    used = taken.setdefault(whole.function, set())
    turns = 2 if fence == "alternate" else 1
    one = _free(range(max(words, SHORTEST), most - turns + 2), turns, used)
    for records in range(chunk, 1, -1):
        many = _free(range(records * words, most - turns + 2), turns, used)
        if one and many:
            used.update(many)
            return RecordReads(whole, words, records, one, many)
    return RecordReads(whole, words, 1, one, is_partial=not one)


def _free(widths: Sequence[int], turns: int, used: set[int]) -> tuple[int, ...]:
    """Return the first counts in a row that nobody has, and take them for the first caller."""
    for width in widths:
        found = tuple(range(width, width + turns))
        if used.isdisjoint(found):
            used.update(found)
            return found
    return ()


def _pieces(at: TextAddress, limit: int) -> tuple[Ask, ...]:
    function, end = at.table.function, at.address + at.length
    return tuple(
        Ask(function, start, min(limit, end - start)) for start in range(at.address, end, limit)
    )


def cut(read: SideRead, ask: Ask, data: bytes) -> bytes:
    """Return the bytes that were wanted out of the answer to one of the read's requests."""
    lead = 2 * (read.wanted.start - ask.start)
    return data[lead : lead + 2 * read.wanted.quantity]
