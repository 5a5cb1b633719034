"""The cause-and-effect file `cem/1` as people write it: models of its tables.  Pure.

Keys of the format that this version does not evaluate are refused by name: nothing that an engineer
has signed is ignored silently.  Source: `interlocks.md` 3.2.
"""

from typing import Annotated, Literal

from pydantic import Field

from edge.config_values import Duration, FileModel
from edge.toml_faults import Table, read_toml, validate
from proto.duration import NS
from proto.errors import Fault

INPUTS_MAX, DERIVED_MAX, CAUSES_MAX = 5000, 2000, 5000
EFFECTS_MAX, INTERLOCKS_MAX, CELLS_MAX = 1000, 1000, 20_000
DELAY_NS_MAX = 10 * NS["min"]

Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Expression = Annotated[str, Field(min_length=1, max_length=4000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Delay = Annotated[Duration, Field(ge=0, le=DELAY_NS_MAX)]
Within = Annotated[Duration, Field(gt=0, le=NS["h"])]
Basis = Literal["legal", "standard", "design", "practice", "placeholder"]

LATER: dict[str, frozenset[str]] = {
    "": frozenset({"alarm", "redundant"}),
    "cause": frozenset({"max_degraded"}),
    "effect": frozenset({"refresh", "alternate"}),
    "interlock": frozenset({"group", "duty", "startup_inhibit", "proof_test_interval", "bypass"}),
}
"""Keys of the format that come with a later version, by kind of table."""


class InputTable(FileModel):
    """`[input.N]`: a point that conditions may name."""

    point: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*/[A-Za-z_][A-Za-z0-9_]*$")]
    unit: Text
    range: tuple[Finite, Finite] | None = None
    max_age_ns: Annotated[Within | None, Field(alias="max_age")] = None
    bad_grace_ns: Annotated[Delay | None, Field(alias="bad_grace")] = None
    stuck_after_ns: Annotated[Within | None, Field(alias="stuck_after")] = None
    moving_when: Expression | None = None
    sensor_lag_ns: Annotated[Delay, Field(alias="sensor_lag")] = 0
    plc_scan_ns: Annotated[Delay, Field(alias="plc_scan")] = 10**8


class DerivedTable(FileModel):
    """`[derived.N]`: a calculated point."""

    expr: Expression
    unit: Text


class DeviationTable(FileModel):
    """How far the channels of a vote may disagree, and how long."""

    limit: Annotated[Finite, Field(gt=0)]
    delay_ns: Annotated[Delay, Field(alias="delay")]


class CauseTable(FileModel):
    """`[cause.N]`: one condition, or a vote of several."""

    title: Text
    when: Expression | None = None
    vote: Annotated[str, Field(pattern=r"^[1-9][0-9]?oo[1-9][0-9]?$")] | None = None
    of: tuple[Expression, ...] = ()
    deadband: Annotated[Finite, Field(ge=0)] | None = None
    on_delay_ns: Annotated[Delay, Field(alias="on_delay")] = 0
    off_delay_ns: Annotated[Delay, Field(alias="off_delay")] = 0
    on_bad: Literal["vote_trip", "degrade_avail", "hold"] = "vote_trip"
    deviation: DeviationTable | None = None
    basis: Basis | None = None
    source: str = ""

    @property
    def channels(self) -> tuple[str, ...]:
        """The conditions, one a channel."""
        return self.of if self.when is None else (self.when,)


class EffectTable(FileModel):
    """`[effect.N]`: what is to happen; `feedback` proves that it did."""

    title: Text
    kind: Literal["stop", "start", "alarm"]
    output: Annotated[str, Field(max_length=128)] = ""
    safe: bool | None = None
    write_within_ns: Annotated[Delay, Field(alias="write_within")] = 10**8
    readback_ns: Annotated[Delay, Field(alias="readback")] = 2 * 10**8
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    feedback: Expression | None = None
    feedback_within_ns: Annotated[Within | None, Field(alias="feedback_within")] = None
    plc_scan_ns: Annotated[Delay, Field(alias="plc_scan")] = 10**8
    priority: Literal["low", "medium", "high", "urgent"] = "high"
    basis: Basis | None = None
    source: str = ""


class SetpointTable(FileModel):
    """A set-point of the plant's own interlock, and its approved value."""

    input: Word
    equals: Finite
    tolerance: Annotated[Finite, Field(ge=0)]


class ObserveTable(FileModel):
    """`[interlock.N.observe]`: how the plant's own interlock shows itself."""

    tripped: Expression | None = None
    bypassed: Expression | None = None
    in_service: Expression | None = None
    setpoints: tuple[SetpointTable, ...] = ()


class InterlockTable(FileModel):
    """`[interlock.N]`: causes and effects that belong together."""

    title: Text
    mode: Literal["advisory"] = "advisory"
    clauses: tuple[Text, ...] = ()
    process_safety_time_ns: Annotated[
        Duration | None, Field(alias="process_safety_time", gt=0, le=NS["d"])
    ] = None
    armed_when: Expression | None = None
    witness: Expression | None = None
    latch: bool = True
    min_trip_ns: Annotated[Duration, Field(alias="min_trip", ge=0, le=NS["h"])] = 5 * NS["s"]
    reset_permissive: tuple[Expression, ...] = ()
    priority: Literal["low", "medium", "high", "urgent"] = "urgent"
    matrix: dict[str, tuple[str, ...] | dict[str, str]]
    observe: ObserveTable = ObserveTable()

    def cells(self) -> list[tuple[str, str, str | None]]:
        """Return (cause, effect, code); code None where it follows the kind of the effect."""
        found: list[tuple[str, str, str | None]] = []
        for cause, row in self.matrix.items():
            if isinstance(row, dict):
                found += [(cause, effect, code) for effect, code in row.items()]
            else:
                found += [(cause, effect, None) for effect in row]
        return found


class MatrixFile(FileModel):
    """The whole file."""

    schema_: Annotated[Literal["cem/1"], Field(alias="schema")]
    version: Annotated[int, Field(ge=1, lt=2**32)]
    title: Text
    drawing: str = ""
    input: Annotated[dict[Word, InputTable], Field(min_length=1, max_length=INPUTS_MAX)]
    derived: Annotated[
        dict[Word, DerivedTable], Field(max_length=DERIVED_MAX, default_factory=dict)
    ]
    cause: Annotated[dict[Id, CauseTable], Field(min_length=1, max_length=CAUSES_MAX)]
    effect: Annotated[dict[Id, EffectTable], Field(min_length=1, max_length=EFFECTS_MAX)]
    interlock: Annotated[dict[Id, InterlockTable], Field(min_length=1, max_length=INTERLOCKS_MAX)]


def parse_matrix(data: bytes, file: str) -> tuple[MatrixFile | None, list[Fault]]:
    """Return the file's tables, or None and every fault of form."""
    tables, faults = read_toml(data, file, "CEM-001")
    if faults:
        return None, faults
    later = [Fault(f"{file}: {key}", "CEM-003", _LATER_TEXT) for key in _later_keys(tables)]
    found, faults = validate(MatrixFile, tables, file, unknown="CEM-002")
    named = {fault.place for fault in later}
    rest = [fault for fault in faults if fault.place not in named]
    if later or rest:
        return None, [*later, *rest]
    return found, []


_LATER_TEXT = "this key comes with a later version; it is not evaluated yet and so not accepted"


def _later_keys(tables: Table) -> list[str]:
    found = [key for key in tables if key in LATER[""]]
    for kind, words in LATER.items():
        rows = tables.get(kind) if kind else None
        if not isinstance(rows, dict):
            continue
        for name, row in rows.items():
            if isinstance(row, dict):
                found += [f"{kind}.{name}.{key}" for key in row if key in words]
                found += _later_values(kind, name, row)
    return found


def _later_values(kind: str, name: str, row: Table) -> list[str]:
    if kind == "cause" and row.get("on_bad") in ("degrade_avail", "hold"):
        return [f"cause.{name}.on_bad"]
    if kind == "interlock" and row.get("mode") == "actuating":
        return [f"interlock.{name}.mode"]
    return []
