"""A cooling-water circuit: a heated wall, a lumped water volume, a pump, a leak.  Pure.

wall    C dTw/dt = Q - UA (Tw - T)
water   rho c V dT/dt = UA (Tw - T) + rho c F (Tin - T)
flow    F = F0 valve sqrt(p / p0), outlet flow = F - leak
Semi-implicit Euler with one heat flux for both sides, so that the energy balance is exact.
"""

import math
from dataclasses import dataclass

RHO_C = 4.18e6  # J/(m3 K), water at about 40 Cel


@dataclass(frozen=True, slots=True)
class WaterConstants:
    """What one circuit is made of; SI units, temperatures in Cel."""

    volume_m3: float
    wall_j_per_k: float
    ua_w_per_k: float
    flow_rated_m3_s: float
    pressure_rated_pa: float
    inlet_c: float
    saturation_c: float
    burn_c: float
    burn_after_s: float
    burn_leak_m3_s: float


@dataclass(frozen=True, slots=True)
class WaterState:
    """Temperatures in Cel; `boiled_j` went into steam; `burn_s`: how long the wall was too hot."""

    wall_c: float
    water_c: float
    boiled_j: float = 0.0
    burn_s: float = 0.0
    burnt: bool = False


def flow_m3_s(constants: WaterConstants, valve: float, pressure_pa: float) -> float:
    """Return the inlet flow in m3/s for a valve opening in [0, 1] and a pressure."""
    return (
        constants.flow_rated_m3_s
        * valve
        * math.sqrt(max(pressure_pa, 0.0) / constants.pressure_rated_pa)
    )


def leak_m3_s(constants: WaterConstants, state: WaterState, asked_m3_s: float) -> float:
    """Return the leak: what the knob asks for, and what a burnt wall opened by itself."""
    return asked_m3_s + (constants.burn_leak_m3_s if state.burnt else 0.0)


def steady(constants: WaterConstants, heat_w: float, flow: float) -> WaterState:
    """Return the state that stays as it is under `heat_w` and `flow` (m3/s)."""
    water_c = constants.inlet_c + heat_w / (RHO_C * flow)
    return WaterState(wall_c=water_c + heat_w / constants.ua_w_per_k, water_c=water_c)


def step_water(
    constants: WaterConstants, state: WaterState, heat_w: float, flow: float, dt_s: float
) -> WaterState:
    """Return the circuit `dt_s` later under a heat load (W) and an inlet flow (m3/s)."""
    capacity = constants.wall_j_per_k
    wall = (state.wall_c + dt_s / capacity * (heat_w + constants.ua_w_per_k * state.water_c)) / (
        1.0 + dt_s * constants.ua_w_per_k / capacity
    )
    flux = constants.ua_w_per_k * (wall - state.water_c)
    exchange = flow / constants.volume_m3
    water = (
        state.water_c + dt_s * (flux / (RHO_C * constants.volume_m3) + exchange * constants.inlet_c)
    ) / (1.0 + dt_s * exchange)
    excess = max(water - constants.saturation_c, 0.0)
    burn_s = state.burn_s + dt_s if wall > constants.burn_c else 0.0
    return WaterState(
        wall_c=wall,
        water_c=water - excess,
        boiled_j=state.boiled_j + excess * RHO_C * constants.volume_m3,
        burn_s=burn_s,
        burnt=state.burnt or burn_s >= constants.burn_after_s,
    )
