"""Whether a controller can be heard: a lost line is no sensor fault.  Pure.

| from | when | to |
|---|---|---|
| INIT | an input of it was read, also when the value is BAD | UP |
| INIT | nothing for `INIT_TIMEOUT_NS` | LOST |
| UP | its driver says lost, its life signal stands, or every input of it is stale | LOST |
| LOST | heard again: one input of it is fresh | RETURNING |
| RETURNING | all its inputs are usable, or `RETURN_TIMEOUT_NS` over | UP |
| RETURNING | as UP | LOST |

While INIT, LOST or RETURNING a channel that is not usable counts as lost: it makes no cause TRUE
without one TRUE channel.  Narrower faults (one point on a live line) vote as sensor faults.
Source: `interlocks.md` 3.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from edge.interlock.model import INIT_TIMEOUT_NS, RETURN_TIMEOUT_NS
from edge.interlock.reading import (
    BAD,
    COMM_LOSS,
    INIT,
    LINK_INIT,
    LINK_LOST,
    LINK_STOPPED,
    STALE,
    Reading,
)

SILENT = (INIT, COMM_LOSS, STALE)
"""Reasons that say that nothing was heard; every other BAD value is a fault on a live line."""


class Heard(IntEnum):
    """Where one controller stands."""

    INIT = 0
    UP = 1
    LOST = 2
    RETURNING = 3


@dataclass(frozen=True, slots=True)
class ControllerState:
    """One controller.

    Attributes:
        heard: see the table above.
        since_ns: of the last change.
        stopped: True when its life signal stands although it answers.
    """

    heard: Heard
    since_ns: int
    stopped: bool = False

    @property
    def settled(self) -> bool:
        """True when a bad input of it is a sensor fault."""
        return self.heard is Heard.UP


def step(
    state: ControllerState, link: int, inputs: Sequence[Reading], now_ns: int
) -> ControllerState:
    """Return the next state.

    Args:
        state: so far.
        link: of the image, an integer LINK_*.
        inputs: qualified readings of this controller's inputs; at least one.
        now_ns: of this scan.
    """
    usable = [reading.quality != BAD for reading in inputs]
    heard = any(fits or r.reason not in SILENT for fits, r in zip(usable, inputs, strict=True))
    gone = link in (LINK_LOST, LINK_STOPPED) or (link != LINK_INIT and not heard)
    waited = now_ns - state.since_ns
    match state.heard:
        case Heard.INIT:
            if heard and not gone:
                return ControllerState(Heard.UP, now_ns)
            if waited < INIT_TIMEOUT_NS and link != LINK_STOPPED:
                return state
            return ControllerState(Heard.LOST, now_ns, link == LINK_STOPPED)
        case Heard.UP:
            if gone:
                return ControllerState(Heard.LOST, now_ns, link == LINK_STOPPED)
            return state
        case Heard.LOST:
            if heard and not gone:
                return ControllerState(Heard.RETURNING, now_ns)
            return state
        case Heard.RETURNING:
            if gone:
                return ControllerState(Heard.LOST, now_ns, link == LINK_STOPPED)
            if all(usable) or waited >= RETURN_TIMEOUT_NS:
                return ControllerState(Heard.UP, now_ns)
            return state
