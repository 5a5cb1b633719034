"""The states of a simulated controller, and the counter that proves that it runs.  Pure.

Rules of this file: the table below is the whole machine; an event that has no row changes nothing.
Theory of operation: a controller that answers is not a controller that runs.  STOP still serves
the protocol, with its values and its counter as they were; BOOT and DEAD refuse every connection.

    BOOT --boot time over--> RUN     (boot id + 1)
    RUN  --stop--> STOP   --restart--> BOOT   --power_off--> DEAD
    STOP --run-->  RUN    --restart--> BOOT   --power_off--> DEAD
    BOOT --power_off--> DEAD
    DEAD --power_on--> BOOT
"""

from dataclasses import dataclass, replace
from enum import StrEnum

LIFE_MODULUS = 65536  # the counter is a 16-bit register


class PlcState(StrEnum):
    """What the controller does."""

    BOOT = "BOOT"
    RUN = "RUN"
    STOP = "STOP"
    DEAD = "DEAD"


class PlcEvent(StrEnum):
    """What happens to it; BOOTED is its own timer."""

    BOOTED = "booted"
    STOP = "stop"
    RUN = "run"
    RESTART = "restart"
    POWER_OFF = "power_off"
    POWER_ON = "power_on"


TRANSITIONS: dict[tuple[PlcState, PlcEvent], PlcState] = {
    (PlcState.BOOT, PlcEvent.BOOTED): PlcState.RUN,
    (PlcState.BOOT, PlcEvent.POWER_OFF): PlcState.DEAD,
    (PlcState.RUN, PlcEvent.STOP): PlcState.STOP,
    (PlcState.RUN, PlcEvent.RESTART): PlcState.BOOT,
    (PlcState.RUN, PlcEvent.POWER_OFF): PlcState.DEAD,
    (PlcState.STOP, PlcEvent.RUN): PlcState.RUN,
    (PlcState.STOP, PlcEvent.RESTART): PlcState.BOOT,
    (PlcState.STOP, PlcEvent.POWER_OFF): PlcState.DEAD,
    (PlcState.DEAD, PlcEvent.POWER_ON): PlcState.BOOT,
}


@dataclass(frozen=True, slots=True)
class Plc:
    """One controller: state, milliseconds spent booting, 16-bit life counter, number of boots."""

    state: PlcState = PlcState.BOOT
    booting_ms: int = 0
    life: int = 0
    boot_id: int = 0

    @property
    def is_serving(self) -> bool:
        """True in the states that answer the protocol."""
        return self.state in (PlcState.RUN, PlcState.STOP)

    @property
    def is_scanning(self) -> bool:
        """True when the program runs and the image is renewed."""
        return self.state is PlcState.RUN


def after(plc: Plc, event: PlcEvent) -> Plc:
    """Return the controller after one event; events without a row in the table change nothing."""
    state = TRANSITIONS.get((plc.state, event))
    if state is None:
        return plc
    if event is PlcEvent.BOOTED:
        return replace(plc, state=state, booting_ms=0, boot_id=plc.boot_id + 1)
    if state is PlcState.BOOT:
        return replace(plc, state=state, booting_ms=0, life=0)
    return replace(plc, state=state)


def step_plc(plc: Plc, *, boot_ms: int, dt_ms: int) -> Plc:
    """Return the controller one scan later: booting comes nearer to RUN, RUN counts."""
    if plc.state is PlcState.BOOT:
        booting = plc.booting_ms + dt_ms
        waiting = replace(plc, booting_ms=booting)
        return after(waiting, PlcEvent.BOOTED) if booting >= boot_ms else waiting
    if plc.state is PlcState.RUN:
        return replace(plc, life=(plc.life + 1) % LIFE_MODULUS)
    return plc
