"""Where an event ring stands in registers: the requests for its index and its records.  Pure.

Source: `acquisition.md` 3.20.
"""

from collections.abc import Sequence

from devices.address import Order, Table
from devices.event_look import AskRecords
from devices.modbus.ask import Ask
from devices.profile_ring import EventRing, RingPlace

APART_MAX = 16
"""Index and running number this near to each other are one request."""


def index_asks(ring: EventRing) -> tuple[Ask, ...]:
    """Return the requests that bring the index, and the running number where there is one."""
    places = [_ask(place) for place in (ring.index.at, ring.total) if place is not None]
    if len(places) == 2:
        low, high = sorted(places, key=lambda ask: ask.start)
        whole = max(low.end, high.end) - low.start
        if low.function == high.function and whole <= APART_MAX:
            return (Ask(low.function, low.start, whole),)
    return tuple(places)


def index_of(
    ring: EventRing, order: Order, answers: Sequence[tuple[Ask, bytes]]
) -> tuple[int, int | None]:
    """Return index and running number (None = there is none) out of the answers."""
    total = None if ring.total is None else _number(ring.total, order, answers)
    return _number(ring.index.at, order, answers), total


def records_ask(ring: EventRing, wanted: AskRecords) -> Ask:
    """Return the request for some records."""
    records = ring.records
    return Ask(
        _function(records.table),
        (records.start or 0) + wanted.slot * records.words,
        wanted.count * records.words,
    )


def is_in_registers(ring: EventRing | None) -> bool:
    """Return True for a ring that Modbus reads."""
    return ring is not None and ring.records.table is not None


def _function(table: Table | None) -> int:
    assert table is not None, "a ring in registers"
    return table.function


def _ask(place: RingPlace) -> Ask:
    return Ask(_function(place.table), place.address or 0, place.type.registers)


def _number(place: RingPlace, order: Order, answers: Sequence[tuple[Ask, bytes]]) -> int:
    mine = _ask(place)
    for ask, data in answers:
        if ask.function == mine.function and ask.start <= mine.start and mine.end <= ask.end:
            at = 2 * (mine.start - ask.start)
            words = [data[i : i + 2] for i in range(at, at + 2 * mine.quantity, 2)]
            if len(words) > 1 and order in (Order.CDAB, Order.DCBA):
                words.reverse()
            if len(words) > 1 and order in (Order.BADC, Order.DCBA):
                words = [word[::-1] for word in words]
            return int.from_bytes(b"".join(words), "big")
    raise AssertionError("every place of a ring is asked for")


def whole_ask(ring: EventRing) -> Ask:
    """Return all records as one span; longer than one request may be."""
    return records_ask(ring, AskRecords(0, ring.records.count))
