"""The compiled matrix: what the engine evaluates, frozen, by number.  Pure.

Made by `edge.matrix.build` from a cause-and-effect file (IEC 62881); positions are the order of the
file.  Conditions are trees over slots: first the inputs, then the derived points in an order in
which each stands after what it needs.  Source: `interlocks.md` 3.2 and 3.7.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from edge.interlock.expression import Node, Window, windows

INIT_TIMEOUT_NS = 10 * 10**9  # interlocks.md 3.14 row 16
RETURN_TIMEOUT_NS = 60 * 10**9  # placeholder: interlocks.md 3.8, sensor fault after a return
SNAPSHOT_NS = 600 * 10**9  # interlocks.md 3.13: a snapshot each 10 min
SCAN_NS = 50 * 10**6  # interlocks.md 3.7
INPUTS_SHOWN_MAX = 32  # interlocks.md 3.15


class Code(StrEnum):
    """One cell of the matrix: what the cause does to the effect while it is TRUE."""

    STOP = "X"
    START = "S"
    PERMIT = "P"
    ALARM = "A"
    RESET = "R"


PROTECTING = (Code.STOP, Code.START)


@dataclass(frozen=True, slots=True)
class Input:
    """One point that the matrix reads.

    Attributes:
        name: as conditions name it.
        point: name on the wire.
        column: number of the point in the image.
        controller: index into `Model.controllers`.
        unit: of its value; `bool` for switches.
        low, high: what counts as a value, in `unit`; infinite where there is no range.
        max_age_ns: older is BAD (STALE); 0 = the age proves nothing (reported changes).
        bad_grace_ns: a channel keeps its last result this long after the last GOOD sample.
        poll_ns: period of its block.
        stuck_after_ns: unchanged longer is UNCERTAIN (STUCK); 0 = off.
        moving_when: stuck is BAD while this is TRUE.
    """

    name: str
    point: str
    column: int
    controller: int
    unit: str
    low: float
    high: float
    max_age_ns: int
    bad_grace_ns: int
    poll_ns: int
    stuck_after_ns: int = 0
    moving_when: Node | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A calculated point; its slot follows those of the inputs."""

    name: str
    text: str
    node: Node
    unit: str
    inputs: tuple[int, ...]
    slot: int


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition without memory: `armed_when`, feedback, witness, observed facts."""

    text: str
    node: Node
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One channel of a vote: a condition; a plain comparison has a deadband.

    Attributes:
        text: as the file has it.
        node: the condition.
        inputs: indices of the inputs behind it.
        deadband: in the unit of the comparison; a TRUE one clears only that far back.
        grace_ns: the longest `bad_grace` of its inputs.
    """

    text: str
    node: Node
    inputs: tuple[int, ...]
    deadband: float
    grace_ns: int


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the matrix: `need` out of its channels."""

    id: str
    title: str
    need: int
    channels: tuple[int, ...]
    on_delay_ns: int
    off_delay_ns: int
    deviation: float | None
    deviation_ns: int
    inputs: tuple[int, ...]
    poll_ns: int
    basis: str
    source: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One column of the matrix; advisory mode only looks at its feedback."""

    id: str
    title: str
    kind: str
    output: str
    feedback: Condition | None
    feedback_within_ns: int
    priority: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cause does to an effect; effect None stands for the column RESET."""

    cause: int
    effect: int | None
    code: Code


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A set-point of the plant's own interlock, and what it was when it was approved."""

    input: int
    equals: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Observed:
    """How the plant's own interlock shows itself; None where no signal says so."""

    tripped: Condition | None
    bypassed: Condition | None
    in_service: Condition | None
    setpoints: tuple[Setpoint, ...]


@dataclass(frozen=True, slots=True)
class Interlock:
    """Causes and effects that belong together.

    Attributes:
        cells: of its matrix, by cause in file order.
        causes: indices of causes that have a cell here, in file order.
        inputs: everything that it looks at, in file order.
        reset_when: the plant's own conditions for a reset; shown, never acted on.
    """

    id: str
    title: str
    mode: str
    clauses: tuple[str, ...]
    process_safety_ns: int | None
    armed_when: Condition | None
    witness: Condition | None
    min_trip_ns: int
    latch: bool
    priority: str
    cells: tuple[Cell, ...]
    causes: tuple[int, ...]
    inputs: tuple[int, ...]
    reset_when: tuple[Condition, ...]
    observe: Observed

    def driven(self, confirmed: frozenset[int]) -> tuple[int, ...]:
        """Return the X and S effects of confirmed causes, in file order, each once."""
        hit = {
            cell.effect
            for cell in self.cells
            if cell.code in PROTECTING and cell.cause in confirmed and cell.effect is not None
        }
        return tuple(sorted(hit))

    def sounded(self, confirmed: frozenset[int]) -> tuple[int, ...]:
        """Return the alarm effects of confirmed causes, in file order, each once."""
        hit = {
            cell.effect
            for cell in self.cells
            if cell.code is Code.ALARM and cell.cause in confirmed and cell.effect is not None
        }
        return tuple(sorted(hit))

    def protecting(self) -> tuple[int, ...]:
        """Return the causes that have an X or S cell here, in file order."""
        hit = {cell.cause for cell in self.cells if cell.code in PROTECTING}
        return tuple(cause for cause in self.causes if cause in hit)


@dataclass(frozen=True)
class Model:
    """One cause-and-effect file, compiled."""

    title: str
    version: int
    inputs: tuple[Input, ...]
    derived: tuple[Derived, ...]
    channels: tuple[ChannelSpec, ...]
    causes: tuple[Cause, ...]
    effects: tuple[Effect, ...]
    interlocks: tuple[Interlock, ...]
    controllers: tuple[str, ...]
    controller_columns: tuple[int, ...]
    matrix_hash: str

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Every window memory by number."""
        found = [w for d in self.derived for w in windows(d.node)]
        found += [w for c in self.channels for w in windows(c.node)]
        return tuple(sorted(found, key=lambda window: window.number))

    @cached_property
    def protecting(self) -> tuple[tuple[int, ...], ...]:
        """Per interlock, the causes with an X or S cell."""
        return tuple(interlock.protecting() for interlock in self.interlocks)

    @cached_property
    def controllers_of(self) -> tuple[tuple[int, ...], ...]:
        """Per interlock, the controllers behind its inputs."""
        return tuple(
            tuple(sorted({self.inputs[i].controller for i in interlock.inputs}))
            for interlock in self.interlocks
        )
