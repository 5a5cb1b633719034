"""Is a controller alive: its own life signal moves, or it does not.  Pure.

Theory of operation.  A controller in STOP, or a server with a dead controller behind it, answers
happily; only a signal that the controller's own program moves proves that its values are new.
Two movements prove it, because a mirror that reconnects refreshes its dead copy once.

| state | event | next | points of the controller |
|---|---|---|---|
| UNPROVEN, STOPPED | two movements | ALIVE | before: UNCERTAIN (STALE / aliveness unproven) |
| ALIVE | none within `within_ns` | STOPPED | BAD (STALE / life stopped), values kept |
| any | the life point itself BAD | UNPROVEN when it is back | the reason of the life point |

A STOPPED controller stays STOPPED, and its points BAD, until two movements.
Source: `acquisition.md` 3.18.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

MOVEMENTS_PROOF = 2
WITHIN_NS_MIN = 2 * 10**9  # max(2 s, 3 polls)


class Life(StrEnum):
    """Whether a controller is known to run its program."""

    UNPROVEN = "UNPROVEN"
    ALIVE = "ALIVE"
    STOPPED = "STOPPED"


class LifeEvent(StrEnum):
    """A change worth a record."""

    STOPPED = "device.life_stopped"
    RETURNED = "device.life_returned"


@dataclass(frozen=True, slots=True)
class LifeState:
    """What is known of one life signal.

    Attributes:
        life: see the table above.
        last: the newest raw value; None before the first, and after the point was BAD.
        moved_ns: when it last moved, or when watching began (monotonic).
        movements: seen since the last loss of proof; counted up to the proof.
        was_stopped: True from a stop until the proof after it.
    """

    life: Life = Life.UNPROVEN
    last: int | None = None
    moved_ns: int = 0
    movements: int = 0
    was_stopped: bool = False


def within_ns(poll_ns: int) -> int:
    """Return within which time a life signal must move: max(2 s, 3 polls)."""
    return max(WITHIN_NS_MIN, 3 * poll_ns)


def step(
    state: LifeState, raw: int | None, now_ns: int, limit_ns: int
) -> tuple[LifeState, LifeEvent | None]:
    """Return the next state, and the event of a change.

    Args:
        state: so far.
        raw: the life point's new raw value; None when it is BAD.
        now_ns: when it was received (monotonic).
        limit_ns: from `within_ns`.
    """
    if raw is None:
        life = Life.STOPPED if state.life is Life.STOPPED else Life.UNPROVEN
        return replace(state, life=life, last=None, movements=0), None
    if state.last is None:
        return replace(state, last=raw, moved_ns=now_ns, movements=0), None
    if raw != state.last:
        return _moved(state, raw, now_ns)
    if state.life is Life.ALIVE and now_ns - state.moved_ns > limit_ns:
        stopped = replace(state, life=Life.STOPPED, movements=0, was_stopped=True)
        return stopped, LifeEvent.STOPPED
    return state, None


def _moved(state: LifeState, raw: int, now_ns: int) -> tuple[LifeState, LifeEvent | None]:
    movements = min(state.movements + 1, MOVEMENTS_PROOF)
    moved = replace(state, last=raw, moved_ns=now_ns, movements=movements)
    if state.life is Life.ALIVE or movements < MOVEMENTS_PROOF:
        return moved, None
    event = LifeEvent.RETURNED if state.was_stopped else None
    return replace(moved, life=Life.ALIVE, was_stopped=False), event
