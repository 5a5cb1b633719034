"""The nouns of the guard: rules and state of a line, what happens to it, what is to be done.  Pure.

Source: `acquisition.md` 3.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from devices.modbus.frame import Accepted, Framing, Refused, Rejected, Request

D_NS_MAX = 10 * 10**9
BABBLE_NS = 10 * 10**9
SILENT_MAX = 3
ECHOES_SILENT_MAX = 2
RECEIVED_BYTES_MAX = 1024
BEHIND_GATEWAY = (10, 11)
BUSY = (5, 6)


class Phase(Enum):
    """Where the line stands; see the table of this file."""

    READY = 0
    IN_FLIGHT = 1
    PROBING = 2
    DRAIN = 3
    WRITING = 4
    LOST = 5


class Echo(Enum):
    """Whether a unit answers function 8, sub-function 0."""

    UNKNOWN = 0
    WORKS = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """What is fixed of a line.

    Attributes:
        framing: RTU bytes or MBAP.
        is_full: the full guard (G0); else direct MBAP.
        quiet_ns: Q, silence that ends a drain.
        answer_max_ns: declared bound of D; None = three time-outs.
        is_probing: False under `never`: no echo, no fence probe.
        tid_zero: answers carry transaction id 0.
    """

    framing: Framing
    is_full: bool
    quiet_ns: int
    answer_max_ns: int | None = None
    is_probing: bool = True
    tid_zero: bool = False


class Unit(NamedTuple):
    """What is known of one unit.

    Attributes:
        is_synced: it has proved that nothing older is on its way.
        echo: whether it answers the echo.
        echoes_silent: echoes in a row without a final word.
        fence: which fence probe is next: 0, 1, 2 for 1, 2, 3 registers.
        refused: fence probes that it refused since the last proof; the driver asks elsewhere.
        d_ns: its own D, grown by probes without answer; 0 = that of the line.
    """

    is_synced: bool = False
    echo: Echo = Echo.UNKNOWN
    echoes_silent: int = 0
    fence: int = 0
    refused: int = 0
    d_ns: int = 0


class State(NamedTuple):
    """One line; made by `start`.

    Attributes:
        phase: see the table of this file.
        request: the last one sent, and its transaction.
        transaction: counts up and wraps; never 0.
        sent_ns, deadline_ns: of that request.
        asked_ns: when the last request left that has no answer yet; 0 = all have, or proved.
        until_ns: a drain lasts at least so long; closed so long when LOST.
        first_ns, last_ns: first and last byte of this drain; 0 = none came.
        late_ns: lateness of this drain.
        received: bytes since the request left.
        lateness_ns: largest lateness ever seen on the line.
        silent: time-outs in a row in which not a byte came.
        discarded: bytes thrown away, ever.
        noise: bytes of this drain.
        dropped: frames of older questions thrown away, ever.
        is_suspended: the probe is of a suspended unit.
        units: by unit id; a unit that is not there was never asked.
    """

    phase: Phase = Phase.LOST
    request: Request | None = None
    transaction: int = 0
    sent_ns: int = 0
    deadline_ns: int = 0
    asked_ns: int = 0
    until_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    late_ns: int = 0
    received: bytes = b""
    lateness_ns: int = 0
    silent: int = 0
    discarded: int = 0
    noise: int = 0
    dropped: int = 0
    is_suspended: bool = False
    units: Mapping[int, Unit] = {}


class Due(NamedTuple):
    """A read is due.

    Attributes:
        request: planned; None = only prove the unit (the probe of a suspended one).
        timeout_ns: of this request.
        unit: which unit is meant.
        word: fresh random 16 bits for an echo.
        fences: reads of known-good registers, 1, 2 and 3 of them, then the planned read for
            `never`; empty where none is known.
        is_suspended: the breaker has suspended this unit.
    """

    request: Request | None
    timeout_ns: int
    unit: int
    word: int = 0
    fences: tuple[Request, ...] = ()
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class WriteDue:
    """An output write is due; a read in flight gets no more than `p99_ns` (G7)."""

    request: Request
    timeout_ns: int
    p99_ns: int


class Received(NamedTuple):
    """Bytes came."""

    data: bytes


class Deadline(NamedTuple):
    """The timer of the pending request has run out; early ones are ignored."""


class Connected(NamedTuple):
    """A new connection stands; `timeout_ns` is the longest time-out of the line."""

    timeout_ns: int


class Lost(NamedTuple):
    """The connection is gone, or was closed by us."""


class Transmit(NamedTuple):
    """Send these bytes now; a `Deadline` is due at `deadline_ns`."""

    data: bytes
    deadline_ns: int


class Wait(NamedTuple):
    """Not now: offer it again at this time."""

    until_ns: int


class Answer(NamedTuple):
    """The answer to the planned request: data, or the device's exception."""

    verdict: Accepted | Refused


class Failed(NamedTuple):
    """The planned request, or the write, has no answer: the rejection, or None for a time-out."""

    rejected: Rejected | None = None
    is_link_lost: bool = False


class Proved(NamedTuple):
    """A probe was answered."""

    is_synced: bool


class Unproved(NamedTuple):
    """A probe was not answered in time."""


class Close(NamedTuple):
    """Close the connection; reopen not before this time."""

    until_ns: int


class Tell(NamedTuple):
    """Something for the log of events: code, unit, and figures."""

    code: str
    unit: int
    body: Mapping[str, object]


Event = Due | WriteDue | Received | Deadline | Connected | Lost
Action = Transmit | Wait | Answer | Failed | Proved | Unproved | Close | Tell
Step = tuple[State, tuple[Action, ...]]
Result = Answer | Failed | Proved | Unproved | Wait
"""What comes of a request that was due."""


def start(lateness_ns: int = 0, echoes: Mapping[int, bool] | None = None) -> State:
    """Return the state before the first connection, with what an earlier run has learnt.

    Args:
        lateness_ns: largest lateness that this line has shown.
        echoes: by unit, whether it answers the echo.
    """
    known = {True: Echo.WORKS, False: Echo.NONE}
    units = {unit: Unit(echo=known[works]) for unit, works in (echoes or {}).items()}
    return State(lateness_ns=lateness_ns, units=units)


def ready_ns(state: State, rules: Rules) -> int:
    """Return when the line may be asked again (monotonic ns); LOST: when it may be reopened."""
    if state.phase is Phase.DRAIN:
        return max(state.until_ns, state.last_ns + rules.quiet_ns)
    return state.until_ns if state.phase is Phase.LOST else 0


def drain_ns(state: State, rules: Rules, unit: int, timeout_ns: int) -> int:
    """Return D: how long after sending an answer of `unit` may still come (G2)."""
    if not rules.is_full:
        return 0
    least = rules.answer_max_ns or 3 * timeout_ns
    known = state.units.get(unit)
    grown = known.d_ns if known is not None else 0
    return min(max(least, 3 * state.lateness_ns // 2, grown), D_NS_MAX)


def is_synced(state: State, rules: Rules, unit: int) -> bool:
    """Return True when a read of `unit` may be sent without a proof."""
    if not rules.is_full:
        return True
    known = state.units.get(unit)
    return known is not None and known.is_synced
