"""A dry dust collector behind a grinding shop, with its controller's own protection.  Pure.

The controller stops the grinder on a hot hopper, a high differential pressure, a spark, or an
airlock that stands while the fan runs; heat and sparks stop the fan as well, for it feeds them air.
Harm is the time that the layer spends over its ignition temperature.
"""

from dataclasses import dataclass

from simulators.instrument import Instrument
from simulators.physics.actuator import Motor, current_a, step_motor
from simulators.physics.filter import (
    FilterConstants,
    FilterState,
    fan_flow_m3_s,
    pressure_drop_pa,
    step_filter,
)
from simulators.physics.hopper import HopperConstants, HopperState, step_hopper
from simulators.plants.model import Scan, Traits, Values
from simulators.plc.program import (
    Protection,
    ProtectionSettings,
    new_protection,
    step_protection,
)

KNOBS = {
    "clogged_bag": "滤袋堵塞 bags blind, differential pressure rises",
    "ember": "灰斗阴燃 an ember smoulders in the hopper",
    "spark": "火花 sparks in the duct",
    "airlock_jam": "锁气卸灰停转 the airlock jams",
}
STOPS_FAN = frozenset({"hopper_temp", "spark"})


@dataclass(frozen=True, slots=True)
class DustConstants:
    """Everything of the collector that is neither filter nor hopper; units in the names."""

    clogged_blinding: float
    blinding_s: float
    ember_w: float
    grinder_dust: float
    idle_dust: float
    contactor_s: float
    run_up_s: float
    fan_rated_a: float
    fan_rated_m3_s: float
    hopper_limit_c: float
    pressure_limit_pa: float
    ignition_c: float


@dataclass(frozen=True, slots=True)
class DustKnobs:
    """Physical faults: blinding of the bags (1 = clean), heat source, sparks, jammed airlock."""

    blinding: float = 1.0
    source_w: float = 0.0
    is_sparking: bool = False
    is_airlock_jammed: bool = False


@dataclass(frozen=True, slots=True)
class DustState:
    """Truth: filter, hopper, motors, air flow, sparks, seconds of the layer over ignition."""

    filter: FilterState
    hopper: HopperState
    fan: Motor
    airlock: Motor
    grinder: Motor
    flow_m3_s: float
    is_sparking: bool = False
    harm_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DustCommands:
    """Outputs of the controller."""

    fan: bool
    airlock: bool
    grinder: bool


@dataclass(frozen=True, slots=True)
class DustMemory:
    """What the program remembers."""

    protection: Protection


@dataclass(frozen=True, slots=True)
class DustDry:
    """The plant `dust_dry`; its constants come from a variant."""

    traits: Traits
    constants: DustConstants
    filter: FilterConstants
    hopper: HopperConstants
    settings: ProtectionSettings
    instruments: tuple[Instrument, ...]

    def knobs(self, kinds: frozenset[str]) -> DustKnobs:
        """Return the knobs for the active fault kinds."""
        return DustKnobs(
            blinding=self.constants.clogged_blinding if "clogged_bag" in kinds else 1.0,
            source_w=self.constants.ember_w if "ember" in kinds else 0.0,
            is_sparking="spark" in kinds,
            is_airlock_jammed="airlock_jam" in kinds,
        )

    def first(self) -> DustState:
        """Return a collector in full work."""
        running = Motor(speed=1.0, closed=True)
        cake = FilterState(cake_kg_m2=0.4)
        return DustState(
            filter=cake,
            hopper=HopperState(self.hopper.heel_kg, self.hopper.ambient_c),
            fan=running,
            airlock=running,
            grinder=running,
            flow_m3_s=fan_flow_m3_s(self.filter, cake, 1.0),
        )

    def idle(self) -> DustCommands:
        """Return the power-up outputs: collecting goes on, the source of dust stands."""
        return DustCommands(fan=True, airlock=True, grinder=True)

    def step(
        self, state: DustState, knobs: DustKnobs, commands: DustCommands, tick: int
    ) -> DustState:
        """Return the collector one step later; nothing here follows the clock, so no `tick`."""
        made = self.constants
        dt = self.traits.step_ms / 1000.0
        flow = fan_flow_m3_s(self.filter, state.filter, state.fan.speed)
        dust = made.idle_dust + made.grinder_dust * state.grinder.speed
        cloth = step_filter(
            self.filter,
            state.filter,
            flow / self.filter.area_m2,
            dust=dust,
            pulse_air=True,
            blinding=knobs.blinding,
            blinding_s=made.blinding_s,
            dt_s=dt,
        )
        hopper = step_hopper(
            self.hopper,
            state.hopper,
            inflow_kg_s=dust * self.filter.dust_kg_m3 * flow,
            airlock=state.airlock.is_running,
            source_w=knobs.source_w,
            dt_s=dt,
        )
        return DustState(
            filter=cloth,
            hopper=hopper,
            fan=self._motor(state.fan, commands.fan),
            airlock=self._motor(state.airlock, commands.airlock and not knobs.is_airlock_jammed),
            grinder=self._motor(state.grinder, commands.grinder),
            flow_m3_s=flow,
            is_sparking=knobs.is_sparking,
            harm_s=state.harm_s + (dt if hopper.temperature_c > made.ignition_c else 0.0),
        )

    def _motor(self, motor: Motor, command: bool) -> Motor:
        return step_motor(
            motor,
            command,
            contactor_s=self.constants.contactor_s,
            run_up_s=self.constants.run_up_s,
            dt_s=self.traits.step_ms / 1000.0,
        )

    def observe(self, state: DustState) -> Values:
        """Return the truth by point name, and what no instrument sees under `truth.`."""
        made = self.constants
        velocity = state.flow_m3_s / self.filter.area_m2
        return {
            "diff_pressure": pressure_drop_pa(self.filter, state.filter, velocity),
            "hopper_temp": state.hopper.temperature_c,
            "fan_current": current_a(
                state.fan, made.fan_rated_a, min(state.flow_m3_s / made.fan_rated_m3_s, 1.2)
            ),
            "fan_running": state.fan.is_running,
            "airlock_running": state.airlock.is_running,
            "grinder_running": state.grinder.is_running,
            "spark_detect": state.is_sparking,
            "truth.hopper_kg": state.hopper.mass_kg,
            "truth.blinding": state.filter.blinding,
            "truth.over_ignition_s": state.harm_s,
        }

    def boot(self) -> DustMemory:
        """Return the program at its start."""
        return DustMemory(new_protection(self.settings))

    def protection(self, memory: DustMemory) -> Protection:
        """Return the protection's own memory."""
        return memory.protection

    def scan(
        self, memory: DustMemory, inputs: Values, *, bypassed: bool, failed: bool
    ) -> Scan[DustMemory, DustCommands]:
        """Run the program once."""
        made = self.constants
        demands = (
            float(inputs["hopper_temp"]) >= made.hopper_limit_c,
            float(inputs["diff_pressure"]) >= made.pressure_limit_pa,
            bool(inputs["spark_detect"]),
            bool(inputs["fan_running"]) and not bool(inputs["airlock_running"]),
        )
        protection = step_protection(
            self.settings,
            memory.protection,
            demands,
            withheld=bypassed or failed,
            dt_ms=self.traits.scan_ms,
        )
        commands = DustCommands(
            fan=not (protection.is_tripped and protection.first_out in STOPS_FAN),
            airlock=True,
            grinder=protection.permits_running,
        )
        published: Values = {
            **{name: value for name, value in inputs.items() if not name.startswith("truth.")},
            "ilk_tripped": protection.is_tripped,
            "ilk_bypassed": bypassed,
        }
        return Scan(DustMemory(protection), commands, published)
