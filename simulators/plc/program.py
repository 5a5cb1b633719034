"""The controller's own protection, and the simulated operator who resets it.  Pure.

Theory of operation: each demand has an on-delay; the first that lasts long enough trips; the trip
latches.  A bypass withholds the trip and says so (its bit is set); a failed program withholds it
and says nothing: that is what supervision is for.  The operator resets when no demand has been
seen for a while, and restarts the process after another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ProtectionSettings:
    """Names and on-delays (ms) of the demands; the operator's patience before reset and restart."""

    demands: tuple[str, ...]
    on_delay_ms: tuple[int, ...]
    reset_after_ms: int
    restart_after_ms: int


@dataclass(frozen=True, slots=True)
class Protection:
    """What the protection remembers.

    Attributes:
        pending_ms: how long each demand has stood.
        is_tripped: latched until the operator's reset.
        first_out: name of the demand that tripped, empty when none has.
        quiet_ms: how long no demand has stood while tripped.
        restart_ms: time left before the operator starts the process again; 0 = it may run.
        trips: number of trips so far.
    """

    pending_ms: tuple[int, ...]
    is_tripped: bool = False
    first_out: str = ""
    quiet_ms: int = 0
    restart_ms: int = 0
    trips: int = 0

    @property
    def permits_running(self) -> bool:
        """True when neither the trip nor the operator keeps the process down."""
        return not self.is_tripped and self.restart_ms == 0


def new_protection(settings: ProtectionSettings) -> Protection:
    """Return a protection that has seen nothing yet."""
    return Protection(pending_ms=(0,) * len(settings.demands))


def step_protection(
    settings: ProtectionSettings,
    state: Protection,
    demands: Sequence[bool],
    *,
    withheld: bool,
    dt_ms: int,
) -> Protection:
    """Return the protection one scan later.

    Args:
        settings: names, delays, patience.
        state: now.
        demands: one flag per name, in order.
        withheld: True while bypassed or failed: demands are timed, but nothing trips.
        dt_ms: scan period.
    """
    assert len(demands) == len(settings.demands)
    pending = tuple(
        age + dt_ms if due else 0 for age, due in zip(state.pending_ms, demands, strict=True)
    )
    due = [
        name
        for name, age, delay in zip(settings.demands, pending, settings.on_delay_ms, strict=True)
        if age > delay
    ]
    state = replace(state, pending_ms=pending)
    if due and not withheld and not state.is_tripped:
        return replace(
            state,
            is_tripped=True,
            first_out=due[0],
            quiet_ms=0,
            restart_ms=0,
            trips=state.trips + 1,
        )
    if state.is_tripped:
        return _operate(settings, state, quiet=not any(demands), dt_ms=dt_ms)
    return replace(state, restart_ms=max(state.restart_ms - dt_ms, 0))


def _operate(
    settings: ProtectionSettings, state: Protection, *, quiet: bool, dt_ms: int
) -> Protection:
    """The operator: reset once every demand has been gone for long enough."""
    quiet_ms = state.quiet_ms + dt_ms if quiet else 0
    if quiet_ms < settings.reset_after_ms:
        return replace(state, quiet_ms=quiet_ms)
    return replace(
        state, is_tripped=False, first_out="", quiet_ms=0, restart_ms=settings.restart_after_ms
    )
