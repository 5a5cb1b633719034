"""A bag filter: pressure drop over cloth and cake, pulse cleaning, the fan.  Pure.

dp = K1 v + K2 W v, dW/dt = c v, a pulse takes a share of the cake off.
Law: Saleem et al. 2012 (PMC3886362); the constants are placeholders of realistic size.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterConstants:
    """What one bag house is made of; SI units."""

    area_m2: float
    k1_pa_s_m: float
    k2_per_s: float
    dust_kg_m3: float
    pulse_period_s: float
    pulse_share: float
    fan_pressure_pa: float
    fan_quadratic: float
    duct_quadratic: float


@dataclass(frozen=True, slots=True)
class FilterState:
    """Cake in kg/m2, blinding of the cloth (1 = clean), seconds since the last pulse."""

    cake_kg_m2: float
    blinding: float = 1.0
    since_pulse_s: float = 0.0


def pressure_drop_pa(constants: FilterConstants, state: FilterState, velocity_m_s: float) -> float:
    """Return the pressure drop in Pa at a face velocity in m/s."""
    resistance = constants.k1_pa_s_m * state.blinding + constants.k2_per_s * state.cake_kg_m2
    return resistance * velocity_m_s


def fan_flow_m3_s(constants: FilterConstants, state: FilterState, speed: float) -> float:
    """Return the flow where fan curve and system meet; `speed` in [0, 1] of the rated one.

    speed**2 p0 - a Q**2 = R Q + k Q**2, the positive root.
    """
    head = constants.fan_pressure_pa * speed * speed
    linear = pressure_drop_pa(constants, state, 1.0) / constants.area_m2
    square = constants.fan_quadratic + constants.duct_quadratic
    return (math.sqrt(linear * linear + 4.0 * square * head) - linear) / (2.0 * square)


def step_filter(
    constants: FilterConstants,
    state: FilterState,
    velocity_m_s: float,
    *,
    dust: float,
    pulse_air: bool,
    blinding: float,
    blinding_s: float,
    dt_s: float,
) -> FilterState:
    """Return the filter `dt_s` later.

    Args:
        constants: of this bag house.
        state: now.
        velocity_m_s: face velocity.
        dust: share of the rated dust load.
        pulse_air: False when the compressed air of the pulse valves is lost.
        blinding: what the cloth's resistance grows towards, 1 = clean.
        blinding_s: time constant of that growth.
        dt_s: step.
    """
    cake = state.cake_kg_m2 + constants.dust_kg_m3 * dust * velocity_m_s * dt_s
    since = state.since_pulse_s + dt_s
    if since >= constants.pulse_period_s:
        since = 0.0
        if pulse_air:
            cake *= 1.0 - constants.pulse_share
    near = 1.0 - math.exp(-dt_s / blinding_s)
    return FilterState(cake, state.blinding + (blinding - state.blinding) * near, since)
