"""The health region of an interlock: may its protection be relied on, and why not.  Pure.

PROTECTION_FAILED: seen not to work.  PROTECTION_UNVERIFIED: cannot be seen.  DEGRADED: still
possible, or blind.  The worst reason decides; with the line down nothing is failed.
Source: `interlocks.md` 3.10.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.interlock.causes import CauseState
from edge.interlock.link import ControllerState, Heard
from edge.interlock.vote import Channel

HEALTHY, DEGRADED = "HEALTHY", "DEGRADED"
UNVERIFIED, FAILED = "PROTECTION_UNVERIFIED", "PROTECTION_FAILED"

SEVERITY: dict[str, str] = {
    "not_acted": FAILED,
    "demand_without_permit": FAILED,
    "engine_fault": UNVERIFIED,
    "comm_loss": UNVERIFIED,
    "partner_stopped": UNVERIFIED,
    "inputs_lost": UNVERIFIED,
    "blind": DEGRADED,
    "channel_bad": DEGRADED,
    "channel_lost": DEGRADED,
    "channel_uncertain": DEGRADED,
    "deviation": DEGRADED,
    "plant_bypassed": DEGRADED,
    "setpoint_off": DEGRADED,
}
"""Reason -> health, worst first; this is also the order in which reasons are shown."""

RANK = (HEALTHY, DEGRADED, UNVERIFIED, FAILED)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the health of one interlock rests on.

    Attributes:
        causes: (state, what its channels say) of the causes with an X or S cell.
        uncertain: a channel of them rests on UNCERTAIN data.
        controllers: everything that the interlock looks at.
        bypassed: the plant's bypass is seen, or its interlock is seen out of service.
        setpoint_off: a set-point of the plant is seen off its baseline.
        not_acted: an effect did not act and was not proven since.
        unpermitted: a demand met the plant's bypass, and it still stands.
        engine_fault: the scan misses its deadlines.
    """

    causes: Sequence[tuple[CauseState, tuple[Channel, ...]]]
    uncertain: bool
    controllers: Sequence[ControllerState]
    bypassed: bool
    setpoint_off: bool
    not_acted: bool
    unpermitted: bool
    engine_fault: bool


def reasons(seen: Seen) -> tuple[str, ...]:
    """Return every reason that holds, worst first."""
    found: set[str] = set()
    for state, channels in seen.causes:
        found |= _of_cause(state, channels)
    for controller in seen.controllers:
        if controller.heard in (Heard.LOST, Heard.RETURNING):
            found.add("partner_stopped" if controller.stopped else "comm_loss")
    flags = {
        "channel_uncertain": seen.uncertain,
        "plant_bypassed": seen.bypassed,
        "setpoint_off": seen.setpoint_off,
        "not_acted": seen.not_acted,
        "demand_without_permit": seen.unpermitted,
        "engine_fault": seen.engine_fault,
    }
    found |= {reason for reason, holds in flags.items() if holds}
    return tuple(reason for reason in SEVERITY if reason in found)


def _of_cause(state: CauseState, channels: tuple[Channel, ...]) -> set[str]:
    found: set[str] = {"deviation"} if state.deviates else set()
    bad, lost = channels.count(Channel.BAD), channels.count(Channel.LOST)
    if bad == len(channels):
        found.add("blind")
    elif bad:
        found.add("channel_bad")
    if lost == len(channels):
        found.add("inputs_lost")
    elif lost:
        found.add("channel_lost")
    return found


def health(found: Sequence[str]) -> str:
    """Return the worst health over the reasons."""
    return max((SEVERITY[reason] for reason in found), key=RANK.index, default=HEALTHY)
