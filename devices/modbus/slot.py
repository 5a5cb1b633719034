"""Which ports the next connection uses, and whether somebody holds the only slot.  Pure.

==========  ===========================================  =========  ================================
state       event                                        next       effect
==========  ===========================================  =========  ================================
FREE        an answer                                    FREE       the address is known to answer
FREE        refused; accepted, then silent or closed     FREE       counted; three in a row on an
            within 1 s                                              address that answered: HELD
HELD        failed again                                 HELD       next try after 5 s, next port
HELD        an answer                                    FREE       `device.slot_freed`
any         other failure (no route, no answer at all)   as before  the count begins anew
==========  ===========================================  =========  ================================

Local ports: after an unclean end the same one, so that our SYN meets the dead connection and our
reset frees it (RFC 9293 3.5.1); after a clean end the other one, for the old one is in TIME_WAIT.

Source: `acquisition.md` 3.19.
"""

from dataclasses import dataclass, replace
from typing import Literal

TRIES = 3
RETRY_NS = 5 * 10**9
CLOSED_WITHIN_NS = 10**9

Failure = Literal["refused", "silent", "closed", "other"]


@dataclass(frozen=True, slots=True)
class Record:
    """What outlives the process: the local port in use, whether it was closed, who answered.

    Attributes:
        local_port: the last one used; 0 = none.
        is_clean: the connection from it was closed by us.
        answered: ports of the device that have answered.
    """

    local_port: int = 0
    is_clean: bool = True
    answered: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One TCP address; made by `start`.

    Attributes:
        ports: of the device, in the order of trying.
        local_ports: ours, none or two.
        record: what is kept on disk.
        at: index of the port in use or to try next.
        failures: in a row, of the kinds that a held slot shows.
        since_ns: held since; None = it is not.
        next_ns: while held, no try before.
    """

    ports: tuple[int, ...]
    local_ports: tuple[int, ...] = ()
    record: Record = Record()
    at: int = 0
    failures: int = 0
    since_ns: int | None = None
    next_ns: int = 0

    @property
    def port(self) -> int:
        """The device's port for the next try."""
        return self.ports[self.at % len(self.ports)]

    @property
    def local_port(self) -> int:
        """Our port for the next try; 0 = any."""
        if not self.local_ports:
            return 0
        last = self.record.local_port
        if last not in self.local_ports:
            return self.local_ports[0]
        if not self.record.is_clean:
            return last
        return self.local_ports[1 - self.local_ports.index(last)]

    @property
    def is_held(self) -> bool:
        """True while another, or a dead connection of ours, has the slot."""
        return self.since_ns is not None


def opening(state: Slot) -> Slot:
    """Return the state while a connection is opened: its local port is in use from now on."""
    record = replace(state.record, local_port=state.local_port, is_clean=not state.local_ports)
    return replace(state, record=record)


def closed(state: Slot) -> Slot:
    """Return the state after we closed the connection ourselves, with a FIN."""
    return replace(state, record=replace(state.record, is_clean=True))


def refused_local(state: Slot) -> Slot:
    """Return the state after our own port could not be used: the other one is next."""
    return replace(state, record=replace(state.record, is_clean=True))


def failed(state: Slot, how: Failure, now_ns: int) -> tuple[Slot, bool]:
    """Return the state after a connection that never answered; True when the slot is held now."""
    at = state.at + 1 if len(state.ports) > 1 else state.at
    if how == "other":
        return replace(state, at=at, failures=0, next_ns=now_ns + RETRY_NS), False
    failures = state.failures + 1
    state = replace(state, at=at, failures=failures, next_ns=now_ns + RETRY_NS)
    if state.is_held or failures < TRIES or not state.record.answered:
        return state, False
    return replace(state, since_ns=now_ns), True


def answered(state: Slot, now_ns: int) -> tuple[Slot, int | None]:
    """Return the state after an answer, and for how long the slot had been held (None: it was not).

    The caller keeps the record when it has changed.
    """
    held_ns = None if state.since_ns is None else now_ns - state.since_ns
    record, port = state.record, state.port
    if port not in record.answered:
        record = replace(record, answered=(*record.answered, port))
    return replace(state, record=record, failures=0, since_ns=None, next_ns=0), held_ns
