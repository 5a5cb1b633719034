"""Which member of a redundant pair is read: by link, life, its own flag, ServiceLevel.  Pure.

Rules of this file.  Candidates are members whose link is up, whose life signal moves and whose
ServiceLevel is at least 200.  Of these the one that says that it is active, else the higher
ServiceLevel, else the one in use; without candidates the best of those that answer, with its own
quality, else the one in use stays, and its points are BAD.  When both say that they are active the
one in use stays, and every value says so.  More than `SWITCHES_MAX` changes in a minute are too
many: the pair is held where it is until the minute is over.

| in use | event | next | record |
|---|---|---|---|
| A | A no candidate, B is | B | device.pair_switched (link, life, service_level) |
| A | both candidates, B alone says active | B | device.pair_switched (active) |
| A | both candidates, B has the higher level | B | device.pair_switched (service_level) |
| A | both say active | A | device.two_masters, once |
| A | 7th change within a minute | A, held | device.pair_flapping, once |

Source: `acquisition.md` 3.20.
"""

from dataclasses import dataclass, replace

from edge.acquisition.life import Life

LEVEL_HEALTHY = 200
SWITCHES_MAX = 6
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Member:
    """What one member looks like.

    Attributes:
        up: its connection stands and it answers.
        life: of its controller; None when it declares none.
        active: its own flag; None when it has none, or it cannot be read.
        level: OPC UA ServiceLevel; 255 where the protocol has none.
    """

    up: bool = False
    life: Life | None = Life.UNPROVEN
    active: bool | None = None
    level: int = 255

    @property
    def is_candidate(self) -> bool:
        """True when it may be read in good health."""
        return self.up and self.life in (None, Life.ALIVE) and self.level >= LEVEL_HEALTHY

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Order of members that are no candidates: who answers, lives, serves."""
        return (self.up, self.life is not Life.STOPPED, self.life is Life.ALIVE, self.level)


@dataclass(frozen=True, slots=True)
class PairEvent:
    """A change worth a record."""

    code: str
    member_from: int
    member_to: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PairState:
    """Where the pair stands.

    Attributes:
        in_use: 0 or 1.
        is_chosen: False until a member was first found in health: taking it is no switch.
        two_masters: True while both say that they are active.
        switches_ns: when it switched, within the last minute, oldest first.
        held_until_ns: no switch before; 0 = free.
    """

    in_use: int = 0
    is_chosen: bool = False
    two_masters: bool = False
    switches_ns: tuple[int, ...] = ()
    held_until_ns: int = 0


def step(
    state: PairState, members: tuple[Member, Member], now_ns: int
) -> tuple[PairState, list[PairEvent]]:
    """Return the next state and what happened."""
    events: list[PairEvent] = []
    recent = tuple(at for at in state.switches_ns if now_ns - at < MINUTE_NS)
    both = all(member.up and member.active is True for member in members)
    if both and not state.two_masters:
        events.append(PairEvent("device.two_masters", state.in_use, state.in_use))
    state = replace(state, two_masters=both, switches_ns=recent)
    chosen, reason = _choose(state, members)
    if members[chosen].is_candidate and not state.is_chosen:
        return replace(state, in_use=chosen, is_chosen=True), events
    if chosen == state.in_use or now_ns < state.held_until_ns:
        return state, events
    if len(recent) >= SWITCHES_MAX:
        held = replace(state, held_until_ns=recent[0] + MINUTE_NS)
        return held, [*events, PairEvent("device.pair_flapping", state.in_use, state.in_use)]
    events.append(PairEvent("device.pair_switched", state.in_use, chosen, reason))
    return replace(state, in_use=chosen, switches_ns=(*recent, now_ns)), events


def _choose(state: PairState, members: tuple[Member, Member]) -> tuple[int, str]:
    """Return the member to read, and why it is not the one in use."""
    here, there = members[state.in_use], members[1 - state.in_use]
    stay, change = state.in_use, 1 - state.in_use
    if here.is_candidate and there.is_candidate:
        if state.two_masters or here.active is True:
            return stay, ""
        if there.active is True:
            return change, "active"
        return (change, "service_level") if there.level > here.level else (stay, "")
    if there.is_candidate:
        return change, _lacks(here)
    if here.is_candidate or not there.up or there.rank <= here.rank:
        return stay, ""
    return change, _lacks(here)


def _lacks(member: Member) -> str:
    if not member.up:
        return "link"
    return "life" if member.life not in (None, Life.ALIVE) else "service_level"
