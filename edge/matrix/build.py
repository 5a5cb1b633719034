"""From a checked matrix to the model that the engine evaluates; or every fault at once.  Pure."""

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edge.interlock.expression import Binary, Name, Node
from edge.interlock.model import (
    Cause,
    Cell,
    ChannelSpec,
    Code,
    Condition,
    Derived,
    Effect,
    Input,
    Interlock,
    Model,
    Observed,
    Setpoint,
)
from edge.matrix.budget import Budget, bad_grace_ns, budgets, max_age_ns
from edge.matrix.check import check, check_budgets, is_comparison, literal, votes
from edge.matrix.facts import PointFacts
from edge.matrix.file import InterlockTable, MatrixFile, parse_matrix
from edge.matrix.parsing import Parsed, channel_paths, parse_all
from edge.toml_faults import read_toml
from proto.errors import Fault

CODE_OF_KIND = {"stop": Code.STOP, "start": Code.START, "alarm": Code.ALARM}
DEADBAND_SHARE = {"m3/h": 0.05, "L/min": 0.05, "Pa": 0.02, "kPa": 0.02, "MPa": 0.02, "Cel": 0.01}
DEADBAND_SHARE |= {"K": 0.01, "mm": 0.05, "m": 0.05, "%": 0.05}
"""Share of the range: flow 5 %, level 5 %, pressure 2 %, temperature 1 % (ISA-TR18.2 practice,
unverified; `interlocks.md` 3.9)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a file.

    Attributes:
        model: None while any fault stands.
        file: None when its form is wrong.
        faults, warnings: all of them.
        budgets: of every X and S cell.
    """

    model: Model | None
    file: MatrixFile | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    budgets: tuple[Budget, ...]


def compile_matrix(
    data: bytes, place: str, facts: Mapping[str, PointFacts], clauses: Collection[str]
) -> Compiled:
    """Return the model of a cause-and-effect file, or everything that is wrong with it.

    Args:
        data: the bytes of the file.
        place: its name, for the place of a fault.
        facts: points of the plant by name.
        clauses: ids of the hazard pack.
    """
    file, faults = parse_matrix(data, place)
    if file is None:
        return Compiled(None, None, tuple(faults), (), ())
    parsed = parse_all(file, place)
    found = check(file, parsed, facts, clauses, place)
    terms: tuple[Budget, ...] = ()
    if not found.faults:
        terms = budgets(file, parsed, facts)
        check_budgets(terms, found)
    model = None if found.faults else build(file, parsed, facts, matrix_hash(data))
    return Compiled(model, file, tuple(found.faults), tuple(found.warnings), terms)


def points_of_causes(file: MatrixFile) -> frozenset[str]:
    """Return the names of the points that feed a cause: these are always read, never subscribed."""
    parsed = parse_all(file, "")
    used = {
        name
        for cause in file.cause
        for path in channel_paths(cause, file)
        for name in parsed.uses(path, file)
    }
    return frozenset(file.input[name].point for name in used)


def matrix_hash(data: bytes) -> str:
    """Return the hex SHA-256 of what a file says; order of tables and layout play no part."""
    tables, _ = read_toml(data, "")
    text = json.dumps(
        tables, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()


def build(file: MatrixFile, parsed: Parsed, facts: Mapping[str, PointFacts], digest: str) -> Model:
    """Return the model of a file without faults."""
    builder = _Builder(file, parsed, facts)
    names = [facts[table.point].device_name for table in file.input.values()]
    controllers = tuple(dict.fromkeys(names))
    columns = {facts[t.point].device_name: facts[t.point].device for t in file.input.values()}
    causes, channels = builder.causes()
    return Model(
        title=file.title,
        version=file.version,
        inputs=tuple(builder.input(name, controllers) for name in file.input),
        derived=tuple(builder.derived(name) for name in parsed.order),
        channels=tuple(channels),
        causes=tuple(causes),
        effects=tuple(builder.effect(name) for name in file.effect),
        interlocks=tuple(builder.interlock(name) for name in file.interlock),
        controllers=controllers,
        controller_columns=tuple(columns[name] for name in controllers),
        matrix_hash=digest,
    )


class _Builder:
    """Turns names into numbers; one method a table."""

    def __init__(self, file: MatrixFile, parsed: Parsed, facts: Mapping[str, PointFacts]) -> None:
        self.file, self.parsed, self.facts = file, parsed, facts
        self.tables = tuple(file.input.values())
        self.numbers = {name: i for i, name in enumerate(file.input)}
        self.cause_numbers = {name: i for i, name in enumerate(file.cause)}
        self.effect_numbers = {name: i for i, name in enumerate(file.effect)}

    def used(self, path: str) -> tuple[int, ...]:
        """Return the numbers of the inputs behind an expression."""
        return tuple(self.numbers[name] for name in self.parsed.uses(path, self.file))

    def input(self, name: str, controllers: tuple[str, ...]) -> Input:
        """Return one input."""
        table = self.file.input[name]
        known = self.facts[table.point]
        low, high = table.range or (known.low, known.high)
        return Input(
            name=name,
            point=table.point,
            column=known.column,
            controller=controllers.index(known.device_name),
            unit=table.unit,
            low=-math.inf if low is None else low,
            high=math.inf if high is None else high,
            max_age_ns=max_age_ns(table, known),
            bad_grace_ns=bad_grace_ns(table, known),
            poll_ns=known.poll_ns,
            stuck_after_ns=table.stuck_after_ns or 0,
            moving_when=self.parsed.nodes.get(f"input.{name}.moving_when"),
        )

    def derived(self, name: str) -> Derived:
        """Return one derived point."""
        table, path = self.file.derived[name], f"derived.{name}.expr"
        return Derived(
            name=name,
            text=table.expr,
            node=self.parsed.nodes[path],
            unit=table.unit,
            inputs=self.used(path),
            slot=self.parsed.slots[name],
        )

    def condition(self, path: str, text: str | None) -> Condition | None:
        """Return a condition without memory; None where there is none."""
        if text is None:
            return None
        return Condition(text, self.parsed.nodes[path], self.used(path))

    def causes(self) -> tuple[list[Cause], list[ChannelSpec]]:
        """Return all causes, and all channels that they refer to."""
        causes: list[Cause] = []
        channels: list[ChannelSpec] = []
        for name, table in self.file.cause.items():
            first = len(channels)
            for path, text in zip(channel_paths(name, self.file), table.channels, strict=True):
                channels.append(self._channel(path, text, table.deadband))
            inputs = tuple(sorted({i for spec in channels[first:] for i in spec.inputs}))
            polls = [self._poll(i) for i in inputs]
            causes.append(
                Cause(
                    id=name,
                    title=table.title,
                    need=votes(table.vote)[0] if table.vote else 1,
                    channels=tuple(range(first, len(channels))),
                    on_delay_ns=table.on_delay_ns,
                    off_delay_ns=table.off_delay_ns,
                    deviation=table.deviation.limit if table.deviation else None,
                    deviation_ns=table.deviation.delay_ns if table.deviation else 0,
                    inputs=inputs,
                    poll_ns=max(polls, default=0),
                    basis=table.basis or "",
                    source=table.source,
                )
            )
        return causes, channels

    def _channel(self, path: str, text: str, deadband: float | None) -> ChannelSpec:
        node, inputs = self.parsed.nodes[path], self.used(path)
        grace = [bad_grace_ns(self.tables[i], self.facts[self.tables[i].point]) for i in inputs]
        band = self._default_deadband(node) if deadband is None else deadband
        return ChannelSpec(text, node, inputs, band, max(grace, default=0))

    def _default_deadband(self, node: Node) -> float:
        """Return a share of the range for a plain comparison of one input with a number."""
        if not (isinstance(node, Binary) and is_comparison(node) and isinstance(node.left, Name)):
            return 0.0
        table = self.file.input.get(node.left.name)
        if table is None or literal(node.right) is None:
            return 0.0
        known = self.facts[table.point]
        low, high = table.range or (known.low, known.high)
        if low is None or high is None:
            return 0.0
        return DEADBAND_SHARE.get(table.unit, 0.0) * (high - low)

    def _poll(self, number: int) -> int:
        return self.facts[self.tables[number].point].poll_ns

    def effect(self, name: str) -> Effect:
        """Return one effect."""
        table = self.file.effect[name]
        return Effect(
            id=name,
            title=table.title,
            kind=table.kind,
            output=table.output,
            feedback=self.condition(f"effect.{name}.feedback", table.feedback),
            feedback_within_ns=table.feedback_within_ns or 0,
            priority=table.priority,
        )

    def interlock(self, name: str) -> Interlock:
        """Return one interlock."""
        table, path = self.file.interlock[name], f"interlock.{name}"
        cells = tuple(self._cell(*cell) for cell in table.cells())
        return Interlock(
            id=name,
            title=table.title,
            mode=table.mode,
            clauses=table.clauses,
            process_safety_ns=table.process_safety_time_ns,
            armed_when=self.condition(f"{path}.armed_when", table.armed_when),
            witness=self.condition(f"{path}.witness", table.witness),
            min_trip_ns=table.min_trip_ns,
            latch=table.latch,
            priority=table.priority,
            cells=tuple(sorted(cells, key=lambda cell: cell.cause)),
            causes=tuple(sorted({cell.cause for cell in cells})),
            inputs=self._inputs(path, table),
            reset_when=self._resets(path, table),
            observe=self._observed(path, table),
        )

    def _cell(self, cause: str, effect: str, code: str | None) -> Cell:
        number = self.cause_numbers[cause]
        if effect == "RESET":
            return Cell(number, None, Code.RESET)
        natural = CODE_OF_KIND[self.file.effect[effect].kind]
        return Cell(number, self.effect_numbers[effect], natural if code is None else Code(code))

    def _resets(self, path: str, table: InterlockTable) -> tuple[Condition, ...]:
        made = [
            self.condition(f"{path}.reset_permissive[{i}]", text)
            for i, text in enumerate(table.reset_permissive)
        ]
        return tuple(condition for condition in made if condition is not None)

    def _observed(self, path: str, table: InterlockTable) -> Observed:
        watch = table.observe
        return Observed(
            tripped=self.condition(f"{path}.observe.tripped", watch.tripped),
            bypassed=self.condition(f"{path}.observe.bypassed", watch.bypassed),
            in_service=self.condition(f"{path}.observe.in_service", watch.in_service),
            setpoints=tuple(
                Setpoint(self.numbers[s.input], s.equals, s.tolerance) for s in watch.setpoints
            ),
        )

    def _inputs(self, path: str, table: InterlockTable) -> tuple[int, ...]:
        """Return everything that an interlock looks at, in file order."""
        paths = [key for key in self.parsed.nodes if key.startswith(f"{path}.")]
        for cause, effect, _ in table.cells():
            paths += channel_paths(cause, self.file)
            paths.append(f"effect.{effect}.feedback")
        found = {number for key in paths for number in self.used(key)}
        found |= {self.numbers[s.input] for s in table.observe.setpoints}
        return tuple(sorted(found))
