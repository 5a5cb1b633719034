"""The life of one alarm (ISA-18.2, IEC 62682) as one table; what an acknowledgement covers.  Pure.

Rules of this file.  `TRANSITIONS` is the whole machine: (state, event) -> (next state, is it a new
occurrence); a pair that does not stand in it changes nothing.  An acknowledgement names the
occurrence that the person saw: it never covers a newer one.  Source: `interlocks.md` 3.17.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from proto.alarm import LEVEL_RANK, AlarmLevel, AlarmState


class Event(StrEnum):
    """What can happen to an alarm."""

    ACTIVATE = "activate"
    ESCALATE = "escalate"
    RETURN = "return"
    ACK = "ack"
    RESET = "reset"


_S = AlarmState
TRANSITIONS: dict[tuple[AlarmState, Event], tuple[AlarmState, bool]] = {
    (_S.NORMAL, Event.ACTIVATE): (_S.UNACKED, True),
    (_S.UNACKED, Event.ESCALATE): (_S.UNACKED, True),
    (_S.ACKED, Event.ESCALATE): (_S.UNACKED, True),
    (_S.RETURNED, Event.ACTIVATE): (_S.UNACKED, True),
    (_S.LATCHED_UNACKED, Event.ACTIVATE): (_S.UNACKED, True),
    (_S.LATCHED_ACKED, Event.ACTIVATE): (_S.UNACKED, True),
    (_S.UNACKED, Event.RETURN): (_S.RETURNED, False),
    (_S.ACKED, Event.RETURN): (_S.NORMAL, False),
    (_S.UNACKED, Event.ACK): (_S.ACKED, False),
    (_S.RETURNED, Event.ACK): (_S.NORMAL, False),
    (_S.LATCHED_UNACKED, Event.ACK): (_S.LATCHED_ACKED, False),
    (_S.LATCHED_ACKED, Event.RESET): (_S.NORMAL, False),
}
LATCHING = {_S.RETURNED: _S.LATCHED_UNACKED, _S.NORMAL: _S.LATCHED_ACKED}
"""Where a return leads instead, for an alarm that latches."""

ACTIVE = frozenset({_S.UNACKED, _S.ACKED})


@dataclass(frozen=True, slots=True)
class Life:
    """Where one alarm stands.

    Attributes:
        state: of the table.
        level: what is shown: the highest seen while unacknowledged; None when NORMAL.
        occurrence: counts the times that it called for a person.
    """

    state: AlarmState = AlarmState.NORMAL
    level: AlarmLevel | None = None
    occurrence: int = 0


def set_level(life: Life, level: AlarmLevel | None, *, latches: bool = False) -> Life:
    """Return the life after the level that stands now; None = no level stands."""
    if level is None:
        return _returned(life, latches)
    if life.state not in ACTIVE:
        return _moved(life, Event.ACTIVATE, level)
    if life.level is None or LEVEL_RANK[level] > LEVEL_RANK[life.level]:
        return _moved(life, Event.ESCALATE, level)
    if life.state is AlarmState.ACKED:
        return replace(life, level=level)  # a falling level is no new occurrence
    return life


def _moved(life: Life, event: Event, level: AlarmLevel) -> Life:
    state, is_new = TRANSITIONS[life.state, event]
    return Life(state, level, life.occurrence + int(is_new))


def _returned(life: Life, latches: bool) -> Life:
    found = TRANSITIONS.get((life.state, Event.RETURN))
    if found is None:
        return life
    state = LATCHING[found[0]] if latches else found[0]
    return Life(state, None if state is AlarmState.NORMAL else life.level, life.occurrence)


def acknowledge(life: Life, occurrence: int) -> tuple[Life, str | None]:
    """Return the life after an acknowledgement, or why it was refused: `normal` or `stale`."""
    if life.state is AlarmState.NORMAL:
        return life, "normal"
    if occurrence != life.occurrence:
        return life, "stale"
    found = TRANSITIONS.get((life.state, Event.ACK))
    if found is None:
        return life, None
    level = None if found[0] is AlarmState.NORMAL else life.level
    return Life(found[0], level, life.occurrence), None
