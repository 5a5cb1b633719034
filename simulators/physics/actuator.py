"""What moves: a stroke with limit switches, and a motor behind a contactor.  Pure."""

import math
from dataclasses import dataclass

LIMIT_SWITCH = 0.005  # of the stroke: where the end switch closes


def step_stroke(
    position: float, target: float, stroke_s: float, dt_s: float, *, jammed: bool = False
) -> float:
    """Return the position in [0, 1] after moving towards `target`; `stroke_s` is a full stroke."""
    if jammed:
        return position
    reach = dt_s / stroke_s
    return min(max(position + min(max(target - position, -reach), reach), 0.0), 1.0)


def at_low(position: float) -> bool:
    """Return True at the lower limit switch."""
    return position <= LIMIT_SWITCH


def at_high(position: float) -> bool:
    """Return True at the upper limit switch."""
    return position >= 1.0 - LIMIT_SWITCH


@dataclass(frozen=True, slots=True)
class Motor:
    """Speed in [0, 1] of the rated one; `wait_s` runs while the contactor follows its coil."""

    speed: float = 0.0
    closed: bool = False
    wait_s: float = 0.0

    @property
    def is_running(self) -> bool:
        """The feedback contact: the contactor is closed."""
        return self.closed


def step_motor(
    motor: Motor, command: bool, *, contactor_s: float, run_up_s: float, dt_s: float
) -> Motor:
    """Return the motor `dt_s` later; the contactor follows its command after `contactor_s`."""
    wait = motor.wait_s + dt_s if command != motor.closed else 0.0
    closed = command if wait >= contactor_s else motor.closed
    target = 1.0 if closed else 0.0
    near = 1.0 - math.exp(-dt_s / run_up_s)
    return Motor(
        motor.speed + (target - motor.speed) * near, closed, 0.0 if closed == command else wait
    )


def current_a(motor: Motor, rated_a: float, load: float) -> float:
    """Return the motor current in A: no-load share, load, and the inrush while it runs up."""
    if not motor.closed:
        return 0.0
    inrush = 4.0 * (1.0 - motor.speed)
    return rated_a * (0.35 + 0.65 * load * motor.speed + inrush)
