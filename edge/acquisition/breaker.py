"""When a device counts as lost, and when it may be asked again.  Pure.

One failed read is a BAD block; the second in a row, or a connection that cannot be opened, is a
lost device.  A lost device on a line with others is asked at growing intervals only, so that its
time-outs do not eat the turns of its neighbours.  One good answer ends it.
"""

from dataclasses import dataclass

from proto.backoff import backoff_ns

STRIKES_MAX = 2
RETRY_NS_MIN, RETRY_NS_MAX = 10**8, 5 * 10**9


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where one device stands.

    Attributes:
        strikes: failed reads in a row.
        lost: True from the loss until the next good answer.
        attempt: tries since the loss.
        retry_ns: not asked before (monotonic).
    """

    strikes: int = 0
    lost: bool = False
    attempt: int = 0
    retry_ns: int = 0


def failed(state: Breaker, now_ns: int, fraction: float) -> Breaker:
    """Return the state after a read without an answer; `fraction` is uniform in [0, 1)."""
    strikes = state.strikes + 1
    if strikes < STRIKES_MAX and not state.lost:
        return Breaker(strikes)
    pause = backoff_ns(state.attempt, base_ns=RETRY_NS_MIN, cap_ns=RETRY_NS_MAX, fraction=fraction)
    return Breaker(strikes, lost=True, attempt=state.attempt + 1, retry_ns=now_ns + pause)


def cut(state: Breaker) -> Breaker:
    """Return the state after the connection itself failed: lost, the pace is the connection's."""
    return Breaker(state.strikes, lost=True)
