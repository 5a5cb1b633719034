"""The plant's alarm limits `limits/1` as people write them, checked against the point table.  Pure.

The limits belong to the plant and its change management; the bureau cannot change, tighten or
delete one.  Source: `interlocks.md` 3.2 (`[alarm.N]`) and 3.17.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from edge.config_values import Duration, FileModel
from edge.matrix.facts import PointFacts
from edge.toml_faults import near, read_toml, validate
from proto.alarm import AlarmLevel, AlarmPriority
from proto.duration import NS
from proto.errors import Fault

LATER = ("latch", "re_alarm", "count", "shelve_max", "suppress_when", "group", "place")
NEEDS_SOURCE = ("legal", "standard", "design")
ALARMS_MAX, LEVELS_MAX = 20_000, 4
ON_DELAY_NS = {"Cel": 60 * NS["s"], "K": 60 * NS["s"], "ppm": 2 * NS["s"], "%{LEL}": 2 * NS["s"]}
ON_DELAY_NS |= {"m3/h": 15 * NS["s"], "Pa": 15 * NS["s"], "kPa": 15 * NS["s"], "MPa": 15 * NS["s"]}
"""Default on-delay by unit (ISA-TR18.2 practice, unverified; `interlocks.md` 3.17)."""
RISING = (AlarmLevel.H, AlarmLevel.HH)

Finite = Annotated[float, Field(allow_inf_nan=False)]
Delay = Annotated[Duration, Field(ge=0, le=10 * NS["min"])]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class LevelTable(FileModel):
    """One level of an alarm."""

    level: Literal["LL", "L", "H", "HH", "TRUE"]
    limit: Finite | None = None
    priority: Literal["low", "medium", "high", "urgent"]


class AlarmTable(FileModel):
    """`[alarm.N]`: one alarm at one point."""

    title: Text
    on: Text
    levels: Annotated[tuple[LevelTable, ...], Field(min_length=1, max_length=LEVELS_MAX)]
    deadband: Annotated[Finite, Field(ge=0)] = 0.0
    on_delay_ns: Annotated[Delay | None, Field(alias="on_delay")] = None
    off_delay_ns: Annotated[Delay, Field(alias="off_delay")] = 0
    consequence: str = ""
    action: str = ""
    respond_within_ns: Annotated[Duration | None, Field(alias="respond_within")] = None
    clauses: tuple[Text, ...] = ()
    basis: Literal["legal", "standard", "design", "practice", "placeholder"]
    source: str = ""


class LimitsFile(FileModel):
    """The whole file."""

    schema_: Annotated[Literal["limits/1"], Field(alias="schema")]
    alarm: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")], AlarmTable],
        Field(max_length=ALARMS_MAX),
    ]


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """One level: value against limit; a switch has none."""

    level: AlarmLevel
    limit: float | None
    priority: AlarmPriority


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm, by number.

    Attributes:
        point: name on the wire; an interlock or device for built-in alarms.
        column, device: numbers in the process image; -1 for built-in alarms.
        levels: as written; the priority of bad data is that of the highest.
    """

    id: str
    title: str
    point: str
    tag: str
    unit: str
    column: int
    device: int
    levels: tuple[LevelSpec, ...]
    deadband: float
    on_delay_ns: int
    off_delay_ns: int
    clauses: tuple[str, ...]

    def level(self, level: AlarmLevel) -> LevelSpec:
        """Return what is stated of a level; bad data have the highest priority and no limit."""
        for spec in self.levels:
            if spec.level is level:
                return spec
        order = list(AlarmPriority)
        highest = max((spec.priority for spec in self.levels), key=order.index)
        return LevelSpec(level, None, highest)


def compile_limits(
    data: bytes,
    place: str,
    facts: Mapping[str, PointFacts],
    tags: Mapping[str, str],
    clauses: Collection[str],
) -> tuple[tuple[AlarmSpec, ...], list[Fault]]:
    """Return the alarms of a limits file, or none and every fault.

    Args:
        data: the bytes of the file.
        place: its name, for the place of a fault.
        facts: points of the plant by name.
        tags: tag of each point by name.
        clauses: ids of the hazard pack.
    """
    file, faults = parse_limits(data, place)
    if file is None:
        return (), faults
    for name, table in file.alarm.items():
        faults += _faults(f"{place}: alarm.{name}", table, facts, clauses)
    if faults:
        return (), faults
    specs = tuple(_spec(name, table, facts, tags) for name, table in file.alarm.items())
    return specs, []


def parse_limits(data: bytes, place: str) -> tuple[LimitsFile | None, list[Fault]]:
    """Return the tables of a limits file, or None and every fault of form."""
    tables, faults = read_toml(data, place)
    if faults:
        return None, faults
    file, faults = validate(LimitsFile, tables, place)
    return file, [_later(fault) for fault in faults]


def _later(fault: Fault) -> Fault:
    key = fault.place.rpartition(".")[2]
    if fault.code != "config.unknown_key" or key not in LATER:
        return fault
    message = f'"{key}" comes with a later version; it is not evaluated yet and so not accepted'
    return Fault(fault.place, "config.later", message)


def _faults(
    key: str, table: AlarmTable, facts: Mapping[str, PointFacts], clauses: Collection[str]
) -> list[Fault]:
    faults: list[Fault] = []
    known = facts.get(table.on)
    if known is None:
        message = f'no point "{table.on}"{near(table.on, facts)}'
        faults.append(Fault(f"{key}.on", "config.unknown_point", message))
    seen: set[str] = set()
    for i, level in enumerate(table.levels):
        faults += _level_faults(f"{key}.levels[{i}]", level, known, seen)
    limits = {level.level: level.limit for level in table.levels if level.limit is not None}
    rising = [limits[word] for word in ("LL", "L", "H", "HH") if word in limits]
    if rising != sorted(rising) or len(set(rising)) != len(rising):
        message = "limits must rise from LL over L and H to HH"
        faults.append(Fault(f"{key}.levels", "config.limit_order", message))
    for clause in table.clauses:
        if clause not in clauses:
            message = f'the hazard pack has no clause "{clause}"{near(clause, clauses)}'
            faults.append(Fault(f"{key}.clauses", "config.unknown_clause", message))
    if table.basis in NEEDS_SOURCE and not table.source:
        message = f'basis "{table.basis}" needs a source'
        faults.append(Fault(f"{key}.source", "config.missing", message))
    return faults


def _level_faults(
    key: str, level: LevelTable, known: PointFacts | None, seen: set[str]
) -> list[Fault]:
    faults: list[Fault] = []
    if level.level in seen:
        faults.append(Fault(f"{key}.level", "config.duplicate", f"{level.level} stands twice"))
    seen.add(level.level)
    if (level.level == "TRUE") != (level.limit is None):
        message = "TRUE has no limit, every other level needs one"
        faults.append(Fault(f"{key}.limit", "config.value", message))
    if known is None:
        return faults
    if (level.level == "TRUE") != (known.unit == "bool"):
        message = f"{level.level} does not fit a point of unit {known.unit}"
        faults.append(Fault(f"{key}.level", "config.value", message))
    low, high = known.low, known.high
    outside = level.limit is not None and (
        (low is not None and level.limit < low) or (high is not None and level.limit > high)
    )
    if outside:
        message = f"{level.limit:g} is outside the point's range [{low}, {high}]"
        faults.append(Fault(f"{key}.limit", "config.out_of_range", message))
    return faults


def _spec(
    name: str, table: AlarmTable, facts: Mapping[str, PointFacts], tags: Mapping[str, str]
) -> AlarmSpec:
    known = facts[table.on]
    default = 0 if known.unit == "bool" else ON_DELAY_NS.get(known.unit, 15 * NS["s"])
    return AlarmSpec(
        id=name,
        title=table.title,
        point=table.on,
        tag=tags.get(table.on, ""),
        unit=known.unit,
        column=known.column,
        device=known.device,
        levels=tuple(
            LevelSpec(AlarmLevel(row.level), row.limit, AlarmPriority(row.priority))
            for row in table.levels
        ),
        deadband=table.deadband,
        on_delay_ns=default if table.on_delay_ns is None else table.on_delay_ns,
        off_delay_ns=table.off_delay_ns,
        clauses=table.clauses,
    )
