"""What a refusal of the centre means, how long to wait, and which batch is suspected.  Pure.

Rules of this file:
- A malformed message (INVALID_ARGUMENT) is sent once more on a fresh stream, one frame a message
  so that the culprit shows; the same frame a second time is set aside.
- A dead line is tried again with growing pauses and full jitter: at most 5 s in the first minute,
  15 s in the first five, 60 s later; at most 10 s while an alarm waits.
- Identity and version need a person: minutes.

Clause: batches.md 3.13 (Reconnect, condition table).
"""

from dataclasses import dataclass

from edge.claim import Key
from proto.backoff import backoff_ns

_NS = 1_000_000_000
BASE_NS = _NS // 2
ALARM_CAP_NS = 10 * _NS


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one status of the centre means for this side.

    Attributes:
        person: True when somebody has to mend something.
        floor_ns, cap_ns: bounds of the pause; 0 = the growing pause of a dead line.
        text: what an operator reads.
    """

    person: bool
    floor_ns: int
    cap_ns: int
    text: str


_LINE = Meaning(person=False, floor_ns=0, cap_ns=0, text="the centre is not reachable")
_IDENTITY = Meaning(
    person=True,
    floor_ns=300 * _NS,
    cap_ns=3_600 * _NS,
    text="the centre does not accept this gateway: certificate, registration or revocation",
)
MEANINGS: dict[str, Meaning] = {
    "INVALID_ARGUMENT": Meaning(
        person=False, floor_ns=0, cap_ns=_NS, text="the centre cannot read a message"
    ),
    "UNAUTHENTICATED": _IDENTITY,
    "PERMISSION_DENIED": _IDENTITY,
    "FAILED_PRECONDITION": Meaning(
        person=True,
        floor_ns=60 * _NS,
        cap_ns=600 * _NS,
        text="the centre speaks another version, or an epoch belongs to another gateway",
    ),
    "RESOURCE_EXHAUSTED": Meaning(
        person=False, floor_ns=_NS, cap_ns=60 * _NS, text="the centre has no room now"
    ),
    "ABORTED": Meaning(
        person=True,
        floor_ns=60 * _NS,
        cap_ns=60 * _NS,
        text="another session of this gateway has taken over: is there a clone?",
    ),
    "REOPENED": Meaning(
        person=False, floor_ns=0, cap_ns=_NS, text="a new epoch begins, and with it a new session"
    ),
    "UNAVAILABLE": _LINE,
    "CANCELLED": _LINE,
    "DEADLINE_EXCEEDED": _LINE,
    "UNKNOWN": _LINE,
    "INTERNAL": Meaning(
        person=False, floor_ns=_NS, cap_ns=60 * _NS, text="the centre has an error of its own"
    ),
}


def meaning(status: str) -> Meaning:
    """Return what a gRPC status means; one that is not listed is a dead line."""
    return MEANINGS.get(status, _LINE)


def pause_ns(status: str, attempt: int, *, away_ns: int, alarm_waits: bool, fraction: float) -> int:
    """Return how long to wait before the next session.

    Args:
        status: name of the gRPC status that ended the last one.
        attempt: sessions that failed since the last Welcome, from 0.
        away_ns: how long the centre has been away.
        alarm_waits: an ALARM batch is not acknowledged.
        fraction: uniform in [0, 1), given by the caller.
    """
    what = meaning(status)
    cap_ns = what.cap_ns or _line_cap(away_ns)
    if alarm_waits and not what.person:
        cap_ns = min(cap_ns, ALARM_CAP_NS)
    jitter = backoff_ns(attempt, base_ns=BASE_NS, cap_ns=cap_ns, fraction=fraction)
    return max(min(what.floor_ns, cap_ns), jitter)


def _line_cap(away_ns: int) -> int:
    if away_ns < 60 * _NS:
        return 5 * _NS
    return 15 * _NS if away_ns < 300 * _NS else 60 * _NS


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The batch that a refused message is believed to hold; `strikes` times in a row."""

    key: Key
    strikes: int = 1


def suspect(before: Suspicion | None, key: Key | None) -> tuple[Suspicion | None, Key | None]:
    """Return the suspicion after a message was refused, and the batch to set aside, if any.

    Args:
        before: suspicion so far.
        key: oldest batch in flight when the call ended; None when no frame was.
    """
    if key is None:
        return before, None
    if before is not None and before.key == key:
        return None, key
    return Suspicion(key), None
