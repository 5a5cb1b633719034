"""A converter with an oxygen lance: water, hoist, oxygen, blow cycle, own protection.  Pure.

The controller trips on water that goes in and does not come out (leak), and on a hot outlet (two of
three): lance up, oxygen shut, tilting inhibited.  Harm is the water that reaches the vessel.
"""

import math
from dataclasses import dataclass, replace

from simulators.instrument import Instrument
from simulators.physics.actuator import at_high, at_low, step_stroke
from simulators.physics.water import (
    WaterConstants,
    WaterState,
    flow_m3_s,
    leak_m3_s,
    steady,
    step_water,
)
from simulators.plants.model import Scan, Traits, Values
from simulators.plc.program import (
    Protection,
    ProtectionSettings,
    new_protection,
    step_protection,
)

KNOBS = {
    "leak": "氧枪漏水 lance leaks into the vessel",
    "pump_trip": "冷却水泵停 the cooling pump trips, a fifth of the flow remains",
}
M3_S_PER_M3_H = 1.0 / 3600.0


@dataclass(frozen=True, slots=True)
class BofConstants:
    """Everything of the converter that is no water circuit; units in the names."""

    heat_w: float
    heat_ramp_s: float
    heat_decay_s: float
    leak_m3_h: float
    leak_ramp_m3_h_s: float
    pump_left_share: float
    pump_stroke_s: float
    ripple_share: float
    ripple_period_s: float
    lance_stroke_s: float
    lance_lower_mm: float
    lance_upper_mm: float
    lance_sway_mm: float
    lance_sway_period_s: float
    oxygen_stroke_s: float
    blow_s: float
    pause_s: float
    leak_setpoint_m3_h: float
    outlet_limit_c: float


@dataclass(frozen=True, slots=True)
class BofKnobs:
    """Physical faults: the leak that the lance tends to (m3/h), the share that the pump gives."""

    leak_m3_h: float = 0.0
    pump: float = 1.0


@dataclass(frozen=True, slots=True)
class BofState:
    """Truth: water circuit, strokes (lance 1 = upper, oxygen 1 = open), heat share, leak, harm."""

    water: WaterState
    lance: float
    oxygen: float
    tilt_inhibited: bool
    heat: float
    inlet_m3_s: float
    leak_m3_s: float
    pressure_pa: float
    position_mm: float
    pump: float = 1.0
    harm_kg: float = 0.0


@dataclass(frozen=True, slots=True)
class BofCommands:
    """Outputs of the controller."""

    lance_up: bool
    oxygen_open: bool
    tilt_inhibit: bool


@dataclass(frozen=True, slots=True)
class BofMemory:
    """What the program remembers: its protection, and where it stands in the blow cycle."""

    protection: Protection
    is_blow: bool = True
    phase_ms: int = 0


@dataclass(frozen=True, slots=True)
class Bof:
    """The plant `bof`; its constants come from a variant."""

    traits: Traits
    constants: BofConstants
    water: WaterConstants
    settings: ProtectionSettings
    instruments: tuple[Instrument, ...]

    def knobs(self, kinds: frozenset[str]) -> BofKnobs:
        """Return the knobs for the active fault kinds."""
        return BofKnobs(
            leak_m3_h=self.constants.leak_m3_h if "leak" in kinds else 0.0,
            pump=self.constants.pump_left_share if "pump_trip" in kinds else 1.0,
        )

    def first(self) -> BofState:
        """Return a converter that is about to blow: lance down, half of the heat load."""
        flow = self.water.flow_rated_m3_s
        heat = 0.5
        return BofState(
            water=steady(self.water, heat * self.constants.heat_w, flow),
            lance=0.0,
            oxygen=0.0,
            tilt_inhibited=True,
            heat=heat,
            inlet_m3_s=flow,
            leak_m3_s=0.0,
            pressure_pa=self.water.pressure_rated_pa,
            position_mm=self.constants.lance_lower_mm,
        )

    def idle(self) -> BofCommands:
        """Return the power-up outputs: the lance stays, oxygen shut, tilting inhibited."""
        return BofCommands(lance_up=False, oxygen_open=False, tilt_inhibit=True)

    def step(self, state: BofState, knobs: BofKnobs, commands: BofCommands, tick: int) -> BofState:
        """Return the converter one step later."""
        made = self.constants
        dt = self.traits.step_ms / 1000.0
        seconds = tick * dt
        lance = step_stroke(state.lance, float(commands.lance_up), made.lance_stroke_s, dt)
        oxygen = step_stroke(state.oxygen, float(commands.oxygen_open), made.oxygen_stroke_s, dt)
        asked = knobs.leak_m3_h * M3_S_PER_M3_H
        pace = made.leak_ramp_m3_h_s * M3_S_PER_M3_H * dt
        leak = state.leak_m3_s + min(max(asked - state.leak_m3_s, -pace), pace)
        ripple = math.sin(2.0 * math.pi * seconds / made.ripple_period_s)
        pressure = self.water.pressure_rated_pa * (1.0 + made.ripple_share * ripple)
        pump = step_stroke(state.pump, knobs.pump, made.pump_stroke_s, dt)
        inlet = flow_m3_s(self.water, pump, pressure)
        heat = _next_heat(made, state.heat, burning=oxygen > 0.5 and lance < 0.5, dt=dt)
        total = leak_m3_s(self.water, state.water, leak)
        into_vessel = total * 1000.0 * dt if lance < 0.5 else 0.0
        return BofState(
            water=step_water(self.water, state.water, heat * made.heat_w, inlet, dt),
            lance=lance,
            oxygen=oxygen,
            tilt_inhibited=commands.tilt_inhibit,
            heat=heat,
            inlet_m3_s=inlet,
            leak_m3_s=leak,
            pressure_pa=pressure,
            position_mm=_position_mm(made, lance, seconds),
            pump=pump,
            harm_kg=state.harm_kg + into_vessel,
        )

    def observe(self, state: BofState) -> Values:
        """Return the truth by point name, and what no instrument sees under `truth.`."""
        leak = leak_m3_s(self.water, state.water, state.leak_m3_s)
        outlet_c = state.water.water_c
        return {
            "lance_in_flow": state.inlet_m3_s / M3_S_PER_M3_H,
            "lance_out_flow": (state.inlet_m3_s - leak) / M3_S_PER_M3_H,
            "lance_out_t_a": outlet_c,
            "lance_out_t_b": outlet_c,
            "lance_out_t_c": outlet_c,
            "lance_pressure": state.pressure_pa / 1e6,
            "lance_position": state.position_mm,
            "lance_at_upper": at_high(state.lance),
            "lance_at_lower": at_low(state.lance),
            "o2_valve_shut": at_low(state.oxygen),
            "tilt_inhibited": state.tilt_inhibited,
            "o2_blowing": state.oxygen > 0.5,
            "truth.leak_m3_h": leak / M3_S_PER_M3_H,
            "truth.wall_c": state.water.wall_c,
            "truth.water_into_vessel_kg": state.harm_kg,
        }

    def boot(self) -> BofMemory:
        """Return the program at its start: it blows at once."""
        return BofMemory(new_protection(self.settings))

    def protection(self, memory: BofMemory) -> Protection:
        """Return the protection's own memory."""
        return memory.protection

    def scan(
        self, memory: BofMemory, inputs: Values, *, bypassed: bool, failed: bool
    ) -> Scan[BofMemory, BofCommands]:
        """Run the program once: protection first, then the blow cycle."""
        made = self.constants
        leak = float(inputs["lance_in_flow"]) - float(inputs["lance_out_flow"])
        outlets = ("lance_out_t_a", "lance_out_t_b", "lance_out_t_c")
        hot = sum(float(inputs[name]) >= made.outlet_limit_c for name in outlets)
        protection = step_protection(
            self.settings,
            memory.protection,
            (leak >= made.leak_setpoint_m3_h, hot >= 2),
            withheld=bypassed or failed,
            dt_ms=self.traits.scan_ms,
        )
        memory = replace(self._cycle(memory), protection=protection)
        wants = memory.is_blow and protection.permits_running
        blowing = wants and bool(inputs["lance_at_lower"])
        commands = BofCommands(
            lance_up=not wants,
            oxygen_open=blowing,
            tilt_inhibit=protection.is_tripped or not bool(inputs["lance_at_upper"]),
        )
        published: Values = {
            **{name: value for name, value in inputs.items() if not name.startswith("truth.")},
            "leak_setpoint": made.leak_setpoint_m3_h,
            "ilk_tripped": protection.is_tripped,
            "ilk_bypassed": bypassed,
        }
        return Scan(memory, commands, published)

    def _cycle(self, memory: BofMemory) -> BofMemory:
        """Advance the blow cycle; a trip or a waiting operator starts it anew."""
        if not memory.protection.permits_running:
            return replace(memory, is_blow=True, phase_ms=0)
        length_s = self.constants.blow_s if memory.is_blow else self.constants.pause_s
        phase_ms = memory.phase_ms + self.traits.scan_ms
        if phase_ms < length_s * 1000.0:
            return replace(memory, phase_ms=phase_ms)
        return replace(memory, is_blow=not memory.is_blow, phase_ms=0)


def _next_heat(made: BofConstants, heat: float, *, burning: bool, dt: float) -> float:
    if burning:
        return min(heat + dt / made.heat_ramp_s, 1.0)
    return heat * math.exp(-dt / made.heat_decay_s)


def _position_mm(made: BofConstants, lance: float, seconds: float) -> float:
    """Height above the bath; while blowing the lance follows the foam a little."""
    sway = made.lance_sway_mm * math.sin(2.0 * math.pi * seconds / made.lance_sway_period_s)
    travel = made.lance_upper_mm - made.lance_lower_mm
    return made.lance_lower_mm + travel * lance + sway * (1.0 - lance)
