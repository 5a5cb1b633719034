"""Is a controller alive: its own life signal moves, or it does not.  Pure.

Theory of operation.  A controller in STOP, or a server with a dead controller behind it, answers
happily; only a signal that the controller's own program moves proves that its values are new.
Two movements prove it, because a mirror that reconnects refreshes its dead copy once.

| state | event | next | points of the source |
|---|---|---|---|
| UNPROVEN, STOPPED | two movements | ALIVE | before: UNCERTAIN (STALE / unproven), or BAD |
| ALIVE | answers, none moved for `within_ns` | STOPPED | BAD (STALE / life stopped), values kept |
| ALIVE | nothing heard for `within_ns` and one poll | UNPROVEN | UNCERTAIN (STALE / unproven) |
| ALIVE, toggle | none moved, but polls were lost meanwhile | UNPROVEN, in doubt | the same |
| in doubt | none moved for `within_ns` of unbroken polls | STOPPED | BAD (STALE / life stopped) |
| ALIVE | counter back | ALIVE | UNCERTAIN (INIT / restarting) for `settle_ns` |
| any | program or set-points changed | same | UNCERTAIN (DEVIATION / map unproven) until proved |
| any | the life point itself BAD | UNPROVEN when it is back | the reason of the life point |

A STOPPED controller stays STOPPED, and its points BAD, until two movements.  A movement is: a
counter that changed; a toggle that changed; a second that advanced by the time elapsed +-2 s.  Two
lost polls hide a toggle's flip there and back: what was not heard neither proves nor accuses.
Source: `acquisition.md` 3.18.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from devices.driver import Moves
from proto.quality import Detail, Quality, Reason

MOVEMENTS_PROOF = 2
WITHIN_NS_MIN = 2 * 10**9  # max(2 s, 3 polls) + update
SECOND_SLACK_S = 2
SECONDS_OF_MINUTE = 60
WRAP_SLACK = 16  # counts, where no pace is known yet
PACE_SLACK = 4


class Life(StrEnum):
    """Whether a controller is known to run its program."""

    UNPROVEN = "UNPROVEN"
    ALIVE = "ALIVE"
    STOPPED = "STOPPED"


class LifeEvent(StrEnum):
    """A change worth a record."""

    STOPPED = "device.life_stopped"
    RETURNED = "device.life_returned"
    RESTARTED = "device.controller_restarted"


@dataclass(frozen=True, slots=True)
class LifeSpec:
    """What one life signal promises.

    Attributes:
        moves: how it moves.
        within_ns: within which time it must move.
        poll_ns: how often it is read.
        modulus: of a counter, 2 to the power of its width; 0 for others.
        settle_ns: how long values are UNCERTAIN after a restart.
    """

    moves: Moves = "counter"
    within_ns: int = WITHIN_NS_MIN
    poll_ns: int = 0
    modulus: int = 0
    settle_ns: int = 0


@dataclass(frozen=True, slots=True)
class LifeState:
    """What is known of one source.

    Attributes:
        life: see the table above.
        last: the newest raw value; None before the first, and after the point was BAD.
        changed_ns: when that value was first received.
        moved_ns: when it last moved, or when watching began (monotonic).
        movements: seen since the last loss of proof; counted up to the proof.
        was_stopped: True from a stop until the proof after it.
        pace: most counts a second seen between two movements; 0 = unknown.
        settle_until_ns: values are UNCERTAIN until then after a restart; 0 = no restart.
        map_unproven: True from a changed program until a canary or a person proves the map.
        heard_ns: when the point was last heard; kept for a toggle only.
        deaf_ns: end of the newest run of lost polls; kept for a toggle only.
        in_doubt: it seemed to stand, but polls were lost meanwhile.
    """

    life: Life = Life.UNPROVEN
    last: int | None = None
    changed_ns: int = 0
    moved_ns: int = 0
    movements: int = 0
    was_stopped: bool = False
    pace: float = 0.0
    settle_until_ns: int = 0
    map_unproven: bool = False
    heard_ns: int = 0
    deaf_ns: int = 0
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a source says about all its points at once."""

    quality: Quality
    reason: Reason
    detail: Detail


STOPPED = Overlay(Quality.BAD, Reason.STALE, Detail.LIFE_STOPPED)
RESTARTING = Overlay(Quality.UNCERTAIN, Reason.INIT, Detail.RESTARTING)
UNPROVEN = Overlay(Quality.UNCERTAIN, Reason.STALE, Detail.ALIVENESS_UNPROVEN)
MAP_UNPROVEN = Overlay(Quality.UNCERTAIN, Reason.DEVIATION, Detail.MAP_UNPROVEN)


def within_ns(poll_ns: int, update_ns: int = 0) -> int:
    """Return within which time a life signal must move: max(2 s, 3 polls) + update."""
    return max(WITHIN_NS_MIN, 3 * poll_ns) + update_ns


def overlay(state: LifeState, now_ns: int) -> Overlay | None:
    """Return what holds for every point of the source; None when their own quality does."""
    if state.life is Life.STOPPED:
        return STOPPED
    if now_ns < state.settle_until_ns:
        return RESTARTING
    if state.life is Life.UNPROVEN:
        return UNPROVEN
    return MAP_UNPROVEN if state.map_unproven else None


def step(
    state: LifeState, raw: int | None, now_ns: int, spec: LifeSpec
) -> tuple[LifeState, LifeEvent | None]:
    """Return the next state, and the event of a change.

    Args:
        state: so far.
        raw: the life point's new raw value; None when it is BAD.
        now_ns: when it was received (monotonic).
        spec: of the signal.
    """
    if raw is None:
        life = Life.STOPPED if state.life is Life.STOPPED else Life.UNPROVEN
        return replace(state, life=life, last=None, movements=0, in_doubt=False), None
    if spec.moves == "toggle" and spec.poll_ns:
        state = _heard(state, now_ns, spec)
    if state.last is None:
        begun = replace(state, last=raw, changed_ns=now_ns, moved_ns=now_ns, movements=0)
        return begun, None
    moved = _is_movement(state, raw, now_ns, spec)
    if moved and _is_restart(state, raw, now_ns, spec):
        return restarted(replace(state, last=raw, changed_ns=now_ns, moved_ns=now_ns), now_ns, spec)
    if moved:
        return _moved(state, raw, now_ns, spec)
    seen = replace(state, last=raw, changed_ns=now_ns) if raw != state.last else state
    if (seen.life is Life.ALIVE or seen.in_doubt) and now_ns - seen.moved_ns > spec.within_ns:
        return _stood(seen, now_ns, spec)
    return seen, None


def expire(state: LifeState, now_ns: int, spec: LifeSpec) -> LifeState:
    """Return the state at a moment without an answer: proof does not outlive its time."""
    if state.life is not Life.ALIVE or now_ns - state.moved_ns <= spec.within_ns + spec.poll_ns:
        return state
    return replace(state, life=Life.UNPROVEN, movements=0)


def restarted(state: LifeState, now_ns: int, spec: LifeSpec) -> tuple[LifeState, LifeEvent | None]:
    """Return the state after a restart was seen: values settle for `settle_ns`."""
    return replace(state, settle_until_ns=now_ns + spec.settle_ns, pace=0.0), LifeEvent.RESTARTED


def program_changed(state: LifeState) -> LifeState:
    """Return the state after a digest of the program or its set-points changed."""
    return replace(state, map_unproven=True)


def map_proved(state: LifeState) -> LifeState:
    """Return the state after a canary fitted, or a person confirmed the map."""
    return replace(state, map_unproven=False)


def _heard(state: LifeState, now_ns: int, spec: LifeSpec) -> LifeState:
    """Return the state with what was lost before this poll of a toggle."""
    lost = state.heard_ns and now_ns - state.heard_ns > spec.poll_ns * 3 // 2
    return replace(state, heard_ns=now_ns, deaf_ns=now_ns if lost else state.deaf_ns)


def _stood(state: LifeState, now_ns: int, spec: LifeSpec) -> tuple[LifeState, LifeEvent | None]:
    """Return what becomes of a signal that was not seen to move for too long."""
    if state.deaf_ns and now_ns - state.deaf_ns <= spec.within_ns:
        return replace(state, life=Life.UNPROVEN, movements=0, in_doubt=True), None
    stopped = replace(state, life=Life.STOPPED, movements=0, was_stopped=True, in_doubt=False)
    return stopped, LifeEvent.STOPPED


def _is_movement(state: LifeState, raw: int, now_ns: int, spec: LifeSpec) -> bool:
    if raw == state.last or state.last is None:
        return False
    if spec.moves != "second":
        return True
    modulus = SECONDS_OF_MINUTE if max(raw, state.last) < SECONDS_OF_MINUTE else 1 << 64
    elapsed_s = (now_ns - state.changed_ns) / 1e9
    off_s = ((raw - state.last) % modulus - elapsed_s) % modulus
    return min(off_s, modulus - off_s) <= SECOND_SLACK_S


def _is_restart(state: LifeState, raw: int, now_ns: int, spec: LifeSpec) -> bool:
    """Return True when a counter went back: neither forward, nor over its end at its own pace."""
    if spec.moves != "counter" or state.last is None or raw > state.last:
        return False
    if not spec.modulus:
        return True
    forward = (raw - state.last) % spec.modulus
    elapsed_s = (now_ns - state.moved_ns) / 1e9
    return forward > max(WRAP_SLACK, PACE_SLACK * state.pace * elapsed_s)


def _moved(
    state: LifeState, raw: int, now_ns: int, spec: LifeSpec
) -> tuple[LifeState, LifeEvent | None]:
    assert state.last is not None
    movements = min(state.movements + 1, MOVEMENTS_PROOF)
    pace = state.pace
    if spec.moves == "counter":
        counts = (raw - state.last) % spec.modulus if spec.modulus else abs(raw - state.last)
        pace = max(pace, counts * 1e9 / max(now_ns - state.moved_ns, 1))
    moved = replace(
        state, last=raw, changed_ns=now_ns, moved_ns=now_ns, movements=movements, pace=pace
    )
    if state.life is Life.ALIVE or movements < MOVEMENTS_PROOF:
        return moved, None
    event = LifeEvent.RETURNED if state.was_stopped else None
    return replace(moved, life=Life.ALIVE, was_stopped=False, in_doubt=False), event
