"""The hopper under a filter: dust collects, leaves by the airlock, may heat itself.  Pure.

dm/dt = in - out
m c dT/dt = m q A exp(-E / R T) + source - hA (T - Ta)
"""

import math
from dataclasses import dataclass

GAS_CONSTANT = 8.314  # J/(mol K)
ZERO_CELSIUS_K = 273.15
RUN_AWAY_C = 400.0  # above this the dust burns: the law of the layer ends here


@dataclass(frozen=True, slots=True)
class HopperConstants:
    """What one hopper holds; SI units, temperatures in Cel."""

    heat_j_kg_k: float
    loss_w_per_k: float
    reaction_j_kg: float
    reaction_per_s: float
    activation_j_mol: float
    ambient_c: float
    airlock_kg_s: float
    heel_kg: float


@dataclass(frozen=True, slots=True)
class HopperState:
    """Mass in kg, temperature in Cel."""

    mass_kg: float
    temperature_c: float


def step_hopper(
    constants: HopperConstants,
    state: HopperState,
    *,
    inflow_kg_s: float,
    airlock: bool,
    source_w: float,
    dt_s: float,
) -> HopperState:
    """Return the hopper `dt_s` later; the airlock empties it down to its heel."""
    out = constants.airlock_kg_s * dt_s if airlock else 0.0
    mass = max(state.mass_kg + inflow_kg_s * dt_s - out, min(constants.heel_kg, state.mass_kg))
    kelvin = state.temperature_c + ZERO_CELSIUS_K
    rate = constants.reaction_per_s * math.exp(
        -constants.activation_j_mol / (GAS_CONSTANT * kelvin)
    )
    power = mass * constants.reaction_j_kg * rate + source_w
    decay = constants.loss_w_per_k / (mass * constants.heat_j_kg_k)
    settled = constants.ambient_c + power / constants.loss_w_per_k
    temperature = settled + (state.temperature_c - settled) * math.exp(-decay * dt_s)
    return HopperState(mass, min(temperature, RUN_AWAY_C))
