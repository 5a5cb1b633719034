"""The traffic contract: every request that a line may ever send, for the plant to sign.  Pure.

Planned reads with all their counts; the echo after a failure; what only a work mark permits; and
what is never sent.  `allows` judges one request by it: a request outside the contract of its moment
is a defect (invariant 15).  Source: `acquisition.md` 3.6.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from devices.modbus.ask import Ask
from devices.modbus.holes_model import Policy

ECHO = 8
IDENTIFY = 43
ADDRESSES = 65_536
REGISTERS_MAX, BITS_MAX = 125, 2000
PROBING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request as it stands on the wire: unit, function code, first address, quantity.

    An echo and an identification have neither address nor quantity.
    """

    unit: int
    function: int
    start: int = 0
    quantity: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """One block of the plan.

    Attributes:
        unit: of the request.
        asks: what is sent, one a cycle in turn.
        hull: the same without padding; except under `never` a part of it may be asked too.
        period_ns: between two slots.
        out_bytes, in_bytes: of one request and its answer.
    """

    unit: int
    asks: tuple[Ask, ...]
    hull: Ask
    period_ns: int
    out_bytes: int
    in_bytes: int


@dataclass(frozen=True, slots=True)
class Searchable:
    """What only an open work mark (or `auto`) permits of a unit: reads within these addresses."""

    unit: int
    device: str
    policy: Policy
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class RingReads:
    """What reading one event ring may ask: the index, and whole records within the ring.

    Attributes:
        unit: of the requests.
        index: requests for index and running number, with all their counts.
        records: the whole ring; one request is a part of it.
        words: of one record: requests begin and end at a record.
        quantity_max: registers of one request at most.
        period_ns: between two looks while nothing is new.
        counts: the only counts of requests for records; empty = whole records, no fence.
        idle: requests of a look that finds nothing new.
        out_bytes, in_bytes: of such a look.
    """

    unit: int
    index: tuple[Ask, ...]
    records: Ask
    words: int
    quantity_max: int
    period_ns: int
    counts: tuple[int, ...] = ()
    idle: int = 1
    out_bytes: int = 0
    in_bytes: int = 0

    def has(self, ask: Ask) -> bool:
        """Return True for a request that reading this ring may make."""
        whole = self.records
        is_inside = whole.start <= ask.start and ask.end <= whole.end
        is_even = (ask.start - whole.start) % self.words == ask.quantity % self.words == 0
        fits = 0 < ask.quantity <= self.quantity_max and ask.function == whole.function
        if self.counts:
            is_even = ask.quantity in self.counts
        return ask in self.index or (is_inside and is_even and fits)


@dataclass(frozen=True, slots=True)
class TextRead:
    """One read of a text: at start, after a restart of the controller, and each `period_ns`."""

    unit: int
    asks: tuple[Ask, ...]
    period_ns: int
    out_bytes: int
    in_bytes: int


@dataclass(frozen=True, slots=True)
class Contract:
    """All that one line may send.

    Attributes:
        line, kind: name and kind of the line.
        ours, theirs: address and ports on both sides, as text.
        connections: at most.
        retry_s: pause between tries while the device refuses a connection.
        planned: in the order of the plan.
        search: what is permitted beside the plan, per unit.
        echo_units: units that may be asked for the echo or a fence probe after a failure.
        echo_s: shortest time between two of them, per unit.
        canaries: requests that prove the map, each 60 s.
        rings: event rings that are read, for 30 % of the line's time at most.
        texts: serial numbers, versions, digests.
    """

    line: str
    kind: str
    ours: str
    theirs: str
    connections: int
    retry_s: float
    planned: tuple[Planned, ...]
    search: tuple[Searchable, ...] = ()
    echo_units: tuple[int, ...] = ()
    echo_s: float = 5.0
    canaries: tuple[tuple[int, Ask], ...] = ()
    rings: tuple[RingReads, ...] = ()
    texts: tuple[TextRead, ...] = ()

    @property
    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 over everything that the contract states."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()[:12]

    @property
    def requests_s(self) -> float:
        """Planned requests a second."""
        return sum(1e9 / each.period_ns for each in self.planned)

    def lines(self) -> list[str]:
        """Return every clause, one a line: what the hash is made of."""
        counts = f"{self.connections} connections, one try in {self.retry_s:g} s"
        head = f"{self.line} {self.kind} {self.ours} -> {self.theirs} {counts}"
        found = [head]
        for each in self.planned:
            asks = "/".join(str(ask) for ask in (*each.asks, each.hull))
            found.append(f"unit {each.unit} {asks} {each.period_ns} ns")
        found += [f"canary unit {unit} {ask}" for unit, ask in self.canaries]
        found += [ring_text(ring) for ring in self.rings]
        found += [text_text(text) for text in self.texts]
        found += [f"echo unit {unit} {self.echo_s:g} s" for unit in self.echo_units]
        found += [
            f"search unit {s.unit} {s.device} {s.policy} {s.low}..{s.high}" for s in self.search
        ]
        return found


def allows(contract: Contract, wanted: Wanted, marked: Iterable[str] = ()) -> bool:
    """Return True when the contract has this request; `marked`: devices under an open work mark.

    Rates are no matter of one request: the sum of a test's log is held against `requests_s`.
    """
    ask = Ask(wanted.function, wanted.start, wanted.quantity)
    if wanted.function == ECHO:
        return wanted.unit in contract.echo_units
    if (wanted.unit, ask) in contract.canaries:
        return True
    if any(ring.unit == wanted.unit and ring.has(ask) for ring in contract.rings):
        return True
    if any(text.unit == wanted.unit and ask in text.asks for text in contract.texts):
        return True
    mine = [each for each in contract.planned if each.unit == wanted.unit]
    if any(_is_planned(contract, each, ask) for each in mine):
        return True
    return any(_is_search(each, wanted, ask, frozenset(marked)) for each in contract.search)


def policy_of(contract: Contract, unit: int) -> Policy:
    """Return what may be asked of a unit outside the plan."""
    return next((each.policy for each in contract.search if each.unit == unit), "never")


def _is_planned(contract: Contract, planned: Planned, ask: Ask) -> bool:
    """True for what the plan sends, and, except under `never`, for a part of its addresses.

    Parts are the hull without padding, the runs around a hole, and the fence probe of a unit
    without echo.
    """
    if ask in planned.asks:
        return True
    if policy_of(contract, planned.unit) == "never" or ask.quantity < 1:
        return False
    hull = planned.hull
    longest = max(hull.end, *(each.end for each in planned.asks))
    first = min(hull.start, *(each.start for each in planned.asks))
    return ask.function == hull.function and first <= ask.start and ask.end <= longest


def _is_search(search: Searchable, wanted: Wanted, ask: Ask, marked: frozenset[str]) -> bool:
    if search.unit != wanted.unit or search.policy == "never":
        return False
    if search.policy == "commissioning" and search.device not in marked:
        return False
    if wanted.function == IDENTIFY:
        return True
    longest = BITS_MAX if ask.is_bits else REGISTERS_MAX
    inside = search.low <= ask.start and ask.end <= search.high + 1
    return wanted.function in (1, 2, 3, 4) and inside and 0 < ask.quantity <= longest


def worst_requests_s(contract: Contract) -> float:
    """Return the highest rate: the plan, and one echo a unit in its shortest time."""
    echoes = len(contract.echo_units) / contract.echo_s if contract.echo_s else 0.0
    looks = sum(ring.idle * 1e9 / ring.period_ns for ring in contract.rings)
    looks += sum(1e9 / text.period_ns for text in contract.texts)
    return contract.requests_s + echoes + len(contract.canaries) / 60 + looks


def ring_text(ring: RingReads) -> str:
    """Return the clause of an event ring."""
    index = "/".join(str(ask) for ask in ring.index)
    counts = f"counts {'/'.join(map(str, ring.counts))}" if ring.counts else f"by {ring.words}"
    return (
        f"event ring unit {ring.unit} index {index} {ring.period_ns} ns, records {ring.records} "
        f"{counts}, at most {ring.quantity_max}, 30 % of the line while catching up"
    )


def text_text(text: TextRead) -> str:
    """Return the clause of a text."""
    asks = "/".join(str(ask) for ask in text.asks)
    return f"text unit {text.unit} {asks} {text.period_ns} ns, and after a restart"


def bytes_s(regular: Iterable[Planned | RingReads | TextRead]) -> tuple[float, float]:
    """Return bytes a second out and in, of what comes again and again."""
    rows = [(each.out_bytes, each.in_bytes, 1e9 / each.period_ns) for each in regular]
    return sum(out * rate for out, _, rate in rows), sum(got * rate for _, got, rate in rows)
