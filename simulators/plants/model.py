"""What a simulated plant is: the seam between physics, controller and runner.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from simulators.instrument import Instrument
from simulators.plc.program import Protection

Value = float | int | bool
Values = Mapping[str, Value]

State = TypeVar("State")
Knobs = TypeVar("Knobs")
Memory = TypeVar("Memory")
Commands = TypeVar("Commands")


@dataclass(frozen=True, slots=True)
class Traits:
    """What identifies a plant.

    Attributes:
        name: `bof`, `dust_dry`.
        title_zh: what people read in Chinese.
        title_en: what people read in English.
        profile: name of the device profile that driver and server share.
        device: name of the device in the demo's configuration.
        protocol: `modbus` or `opcua`.
        step_ms: physics step.
        scan_ms: scan period of the controller, a multiple of the step.
        boot_ms: how long the controller boots.
        knobs: fault kind -> title (Chinese and English), for the faults of this plant's physics.
    """

    name: str
    title_zh: str
    title_en: str
    profile: str
    device: str
    protocol: str
    step_ms: int
    scan_ms: int
    boot_ms: int
    knobs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scan(Generic[Memory, Commands]):
    """One scan of the controller: what it remembers, what it orders, what it publishes."""

    memory: Memory
    commands: Commands
    published: Values


class PlantModel(Protocol[State, Knobs, Memory, Commands]):
    """One plant: all methods are pure; the box (`simulators/box.py`) joins them."""

    @property
    def traits(self) -> Traits:
        """What identifies the plant."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The transmitters; their points are the ones that can be frozen."""

    def knobs(self, kinds: frozenset[str]) -> Knobs:
        """Return the physical knobs for the fault kinds that are active."""

    def first(self) -> State:
        """Return the state in which the plant starts: running."""

    def idle(self) -> Commands:
        """Return the power-up values of the outputs."""

    def step(self, state: State, knobs: Knobs, commands: Commands, tick: int) -> State:
        """Return the physics one step later."""

    def observe(self, state: State) -> Values:
        """Return the truth: what transmitters and switches look at, and the harm done so far."""

    def boot(self) -> Memory:
        """Return what the program remembers after a start."""

    def protection(self, memory: Memory) -> Protection:
        """Return the protection's own part of the program's memory."""

    def scan(
        self, memory: Memory, inputs: Values, *, bypassed: bool, failed: bool
    ) -> Scan[Memory, Commands]:
        """Run the program once over the inputs that the controller sees."""
