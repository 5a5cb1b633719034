"""The checks at load time: everything wrong with a matrix at once, and what is weak in it.  Pure.

Codes are those of `interlocks.md` 3.3.  A fault refuses the file; a warning is printed (in
actuating mode, which this version does not have, most of them refuse).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from edge.interlock.expression import Binary, Name, Node, Number, Unary
from edge.matrix.budget import Budget
from edge.matrix.dimensions import CONDITION, Kind, TypeFault, kind_of, kind_of_unit
from edge.matrix.dimensions import require_condition as require
from edge.matrix.facts import PointFacts
from edge.matrix.file import CELLS_MAX, EffectTable, InterlockTable, MatrixFile
from edge.matrix.parsing import Parsed, channel_paths, channels, conditions
from edge.toml_faults import near
from proto.errors import Fault

CHANNELS_MAX = 8
MIN_TRIP_NS = 10**9
NEEDS_SOURCE = ("legal", "standard", "design")
CODES = {"stop": ("X", "P"), "start": ("S", "P"), "alarm": ("A",)}


@dataclass(slots=True)
class Findings:
    """What the checks found; places are `file: key path`."""

    place: str
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def fault(self, key: str, code: str, message: str) -> None:
        """Add a fault."""
        self.faults.append(Fault(f"{self.place}: {key}", code, message))

    def warn(self, key: str, code: str, message: str) -> None:
        """Add a warning."""
        self.warnings.append(Fault(f"{self.place}: {key}", code, message))


def check(
    file: MatrixFile,
    parsed: Parsed,
    facts: Mapping[str, PointFacts],
    clauses: Collection[str],
    place: str,
) -> Findings:
    """Return everything that is wrong or weak.

    Args:
        file: of right form.
        parsed: its expressions.
        facts: points of the plant by name.
        clauses: ids of the hazard pack.
        place: name of the file.
    """
    found = Findings(place, list(parsed.faults))
    units = _units(file, facts, found)
    _types(file, parsed, units, found)
    for name in file.cause:
        _cause(name, file, parsed, found)
    _effects(file, found)
    used_causes: set[str] = set()
    used_effects: set[str] = set()
    for name, interlock in file.interlock.items():
        _interlock(name, interlock, file, parsed, found)
        _clauses(name, interlock, clauses, found)
        for cause, effect, _ in interlock.cells():
            used_causes.add(cause)
            used_effects.add(effect)
    _unused(file, parsed, used_causes, used_effects, found)
    _subscribed(file, parsed, facts, found)
    return found


def check_budgets(budgets: Collection[Budget], found: Findings) -> None:
    """Warn where a budget is longer than half the process safety time (CEM-144)."""
    for budget in budgets:
        if not budget.fits and budget.limit_ns is not None:
            message = (
                f"{budget.cause} to {budget.effect} takes {budget.total_ns / 1e9:g} s, half the "
                f"process safety time is {budget.limit_ns / 1e9:g} s: informational only"
            )
            found.warn(f"interlock.{budget.interlock}", "CEM-144", message)


def _units(file: MatrixFile, facts: Mapping[str, PointFacts], found: Findings) -> dict[str, Kind]:
    units: dict[str, Kind] = {}
    for name, table in file.input.items():
        key = f"input.{name}"
        units[name] = _unit(table.unit, f"{key}.unit", found)
        known = facts.get(table.point)
        if known is None:
            message = f'no point "{table.point}"{near(table.point, facts)}'
            found.fault(f"{key}.point", "CEM-101", message)
            continue
        if table.unit != known.unit and not (table.unit == "enum" and known.unit == "1"):
            message = f"unit {table.unit}, the point list says {known.unit}"
            found.fault(f"{key}.unit", "CEM-110", message)
        _range(key, table.range, known, found)
    for name, derived in file.derived.items():
        if name in file.input:
            found.fault(f"derived.{name}", "CEM-102", f'an input is named "{name}" already')
        units[name] = _unit(derived.unit, f"derived.{name}.unit", found)
    return units


def _unit(text: str, key: str, found: Findings) -> Kind:
    try:
        return kind_of_unit(text)
    except ValueError as error:
        found.fault(key, "CEM-110", str(error))
        return Kind()


def _range(key: str, given: tuple[float, float] | None, known: PointFacts, found: Findings) -> None:
    if given is None:
        return
    low, high = given
    wider = (known.low is not None and low < known.low) or (
        known.high is not None and high > known.high
    )
    if low >= high or wider:
        message = f"[{low:g}, {high:g}] is not inside the point's [{known.low}, {known.high}]"
        found.fault(f"{key}.range", "CEM-113", message)


def _types(file: MatrixFile, parsed: Parsed, units: Mapping[str, Kind], found: Findings) -> None:
    for name, derived in file.derived.items():
        node = parsed.nodes.get(f"derived.{name}.expr")
        wanted = units[name]
        if node is None:
            continue
        with_fault = f"derived.{name}.expr"
        try:
            kind = kind_of(node, units)
        except TypeFault as error:
            found.fault(f"{with_fault} col {error.column}", error.code, str(error))
            continue
        fits = kind == CONDITION if wanted == CONDITION else not kind.is_condition
        if not fits or (kind.unit is not None and kind.unit != wanted.unit):
            message = f"this is {kind}, unit says {derived.unit}"
            found.fault(f"derived.{name}.unit", "CEM-110", message)
    paths = [path for path, _ in (*channels(file), *conditions(file))]
    paths += [f"input.{name}.moving_when" for name in file.input]
    for path in paths:
        node = parsed.nodes.get(path)
        if node is None:
            continue
        try:
            require(node, units)
        except TypeFault as error:
            found.fault(f"{path} col {error.column}", error.code, str(error))
        _literals(path, node, file, found)


def _literals(path: str, node: Node, file: MatrixFile, found: Findings) -> None:
    """A limit that the input can never reach, or always passes, is a mistake."""
    if not isinstance(node, Binary) or not isinstance(node.left, Name):
        return
    table = file.input.get(node.left.name)
    limit = literal(node.right)
    if table is None or table.range is None or limit is None:
        return
    if not table.range[0] <= limit <= table.range[1]:
        low, high = table.range
        message = f"{limit:g} is outside the range [{low:g}, {high:g}] of {node.left.name}"
        found.fault(path, "CEM-113", message)


def literal(node: Node) -> float | None:
    """Return the number that an expression is; None when it is none."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Unary) and node.op == "-" and isinstance(node.argument, Number):
        return -node.argument.value
    return None


def is_comparison(node: Node | None) -> bool:
    """True for one comparison, which may have a deadband."""
    return isinstance(node, Binary) and node.op in (">", ">=", "<", "<=")


def _cause(name: str, file: MatrixFile, parsed: Parsed, found: Findings) -> None:
    table, key = file.cause[name], f"cause.{name}"
    if (table.when is None) == (table.vote is None):
        found.fault(key, "CEM-120", "write either when, or vote and of")
    if table.vote is not None:
        need, total = votes(table.vote)
        if total != len(table.of) or need > total or total > CHANNELS_MAX:
            message = f"{table.vote} with {len(table.of)} conditions; M <= N <= {CHANNELS_MAX}"
            found.fault(f"{key}.vote", "CEM-120", message)
    elif table.of:
        found.fault(f"{key}.of", "CEM-120", "of needs vote")
    paths = channel_paths(name, file)
    used = [i for path in paths for i in parsed.uses(path, file)]
    twice = sorted({i for i in used if used.count(i) > 1})
    if twice and len(paths) > 1:
        found.fault(f"{key}.of", "CEM-121", f"{', '.join(twice)} votes in two channels")
    nodes = [parsed.nodes.get(path) for path in paths]
    if table.deadband and not all(is_comparison(node) for node in nodes if node is not None):
        message = "a deadband needs one comparison; make the rest a derived point"
        found.fault(f"{key}.deadband", "CEM-114", message)
    if table.deviation is not None and not _comparable(nodes):
        message = "a deviation needs at least two plain comparisons of single inputs"
        found.fault(f"{key}.deviation", "CEM-125", message)
    _source(key, table.basis, table.source, found)


def _comparable(nodes: list[Node | None]) -> bool:
    plain = [
        node
        for node in nodes
        if isinstance(node, Binary) and is_comparison(node) and isinstance(node.left, Name)
    ]
    return len(plain) == len(nodes) >= 2


def votes(text: str) -> tuple[int, int]:
    """Return (M, N) of `MooN`."""
    need, _, total = text.partition("oo")
    return int(need), int(total)


def _source(key: str, basis: str | None, source: str, found: Findings) -> None:
    if basis in NEEDS_SOURCE and not source:
        found.fault(f"{key}.source", "CEM-143", f'basis "{basis}" needs a source')


def _effects(file: MatrixFile, found: Findings) -> None:
    safe_of: dict[str, tuple[str, bool]] = {}
    for name, table in file.effect.items():
        key = f"effect.{name}"
        _source(key, table.basis, table.source, found)
        if table.kind == "alarm":
            _alarm_effect(key, table, found)
            continue
        if table.safe is None:
            found.fault(f"{key}.safe", "CEM-130", "safe is required: the level when tripped")
        elif table.safe and not (table.basis and table.source):
            found.fault(f"{key}.safe", "CEM-130", "safe = true needs basis and source")
        if not table.output:
            found.fault(f"{key}.output", "CEM-130", "output is required for stop and start")
        elif table.safe is not None:
            other, level = safe_of.setdefault(table.output, (name, table.safe))
            if level != table.safe:
                message = f"{table.output} is safe at {level} for {other}"
                found.fault(f"{key}.safe", "CEM-131", message)
        if (table.feedback is None) != (table.feedback_within_ns is None):
            found.fault(f"{key}.feedback", "CEM-141", "feedback and feedback_within go together")


def _alarm_effect(key: str, table: EffectTable, found: Findings) -> None:
    for word, given in (
        ("output", bool(table.output)),
        ("safe", table.safe is not None),
        ("feedback", table.feedback is not None),
    ):
        if given:
            found.fault(f"{key}.{word}", "CEM-130", f"an alarm has no {word}")


def _interlock(
    name: str, table: InterlockTable, file: MatrixFile, parsed: Parsed, found: Findings
) -> None:
    key = f"interlock.{name}"
    if table.min_trip_ns < MIN_TRIP_NS:
        found.fault(f"{key}.min_trip", "CEM-124", "at least 1 s")
    if len(table.cells()) > CELLS_MAX:
        found.fault(f"{key}.matrix", "CEM-004", f"more than {CELLS_MAX} cells")
    for cause, effect, code in table.cells():
        _cell(f"{key}.matrix.{cause}", cause, effect, code, file, found)
    for setpoint in table.observe.setpoints:
        if setpoint.input not in file.input:
            message = f'no input "{setpoint.input}"{near(setpoint.input, file.input)}'
            found.fault(f"{key}.observe.setpoints", "CEM-101", message)
    _witness(key, table, file, parsed, found)


def _cell(
    key: str, cause: str, effect: str, code: str | None, file: MatrixFile, found: Findings
) -> None:
    if cause not in file.cause:
        found.fault(key, "CEM-101", f'no cause "{cause}"{near(cause, file.cause)}')
    if effect == "RESET":
        if code != "R":
            found.fault(key, "CEM-134", "the column RESET takes R")
        return
    table = file.effect.get(effect)
    if table is None:
        found.fault(key, "CEM-101", f'no effect "{effect}"{near(effect, file.effect)}')
        return
    allowed = CODES[table.kind]
    if code is not None and code not in allowed:
        message = f"{code} does not fit {effect}, which is of kind {table.kind}: {allowed[0]}"
        found.fault(key, "CEM-134", message)


def _witness(
    key: str, table: InterlockTable, file: MatrixFile, parsed: Parsed, found: Findings
) -> None:
    if table.witness is None:
        message = "no witness: nobody can tell whether the process runs when the line is lost"
        found.warn(f"{key}.witness", "CEM-145", message)
        return
    protecting = [
        path
        for cause, effect, code in table.cells()
        if cause in file.cause and code != "P" and effect != "RESET" and _drives(effect, file)
        for path in channel_paths(cause, file)
    ]
    others = {c for path in protecting for c in _controllers(path, file, parsed)}
    others |= set(_controllers(f"{key}.armed_when", file, parsed))
    if others & set(_controllers(f"{key}.witness", file, parsed)):
        message = "the witness is on a controller of the causes: both are lost together"
        found.warn(f"{key}.witness", "CEM-145", message)


def _drives(effect: str, file: MatrixFile) -> bool:
    return effect in file.effect and file.effect[effect].kind != "alarm"


def _controllers(path: str, file: MatrixFile, parsed: Parsed) -> Iterator[str]:
    return (file.input[name].point.partition("/")[0] for name in parsed.uses(path, file))


def _clauses(name: str, table: InterlockTable, clauses: Collection[str], found: Findings) -> None:
    for clause in table.clauses:
        if clause not in clauses:
            message = f'the hazard pack has no clause "{clause}"{near(clause, clauses)}'
            found.fault(f"interlock.{name}.clauses", "CEM-161", message)
    if table.clauses and not table.latch:
        found.warn(
            f"interlock.{name}.latch", "CEM-153", "does not latch although it cites a clause"
        )


def _unused(
    file: MatrixFile,
    parsed: Parsed,
    causes: Collection[str],
    effects: Collection[str],
    found: Findings,
) -> None:
    inputs = {name for path in parsed.nodes for name in parsed.uses(path, file)}
    for interlock in file.interlock.values():
        inputs |= {setpoint.input for setpoint in interlock.observe.setpoints}
    for kind, declared, used in (
        ("input", file.input, inputs),
        ("cause", file.cause, causes),
        ("effect", file.effect, effects),
    ):
        for name in declared:
            if name not in used:
                found.warn(f"{kind}.{name}", "CEM-103", "is used by nothing")


def _subscribed(
    file: MatrixFile, parsed: Parsed, facts: Mapping[str, PointFacts], found: Findings
) -> None:
    """The age of a reported change proves nothing; a cause needs a periodic read."""
    for name in file.cause:
        used = {i for path in channel_paths(name, file) for i in parsed.uses(path, file)}
        for i in sorted(used):
            known = facts.get(file.input[i].point)
            if known is not None and known.subscribed:
                message = f'feeds cause {name} but is subscribed; set acquire = "read"'
                found.fault(f"input.{i}.point", "config.subscribed_cause", message)
