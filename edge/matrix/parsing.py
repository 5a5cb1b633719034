"""Every expression of a matrix as a tree, by key path; derived points in a usable order.  Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edge.interlock.expression import ExpressionError, Node, names, parse, windows
from edge.matrix.file import MatrixFile
from edge.toml_faults import near
from proto.errors import Fault


@dataclass(slots=True)
class Parsed:
    """The trees of one file.

    Attributes:
        nodes: by key path, such as `cause.C2.of[1]`.
        order: derived points, each after those that it needs.
        slots: inputs in file order, then derived points in `order`.
        faults: what could not be parsed.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    slots: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def uses(self, path: str, file: MatrixFile) -> tuple[str, ...]:
        """Return the inputs behind an expression, in file order; derived points looked through."""
        seen = self._behind(path, file)
        return tuple(name for name in file.input if name in seen)

    def trees(self, path: str, file: MatrixFile) -> tuple[Node, ...]:
        """Return an expression and the derived points behind it, as trees."""
        seen = self._behind(path, file)
        paths = (path, *(f"derived.{name}.expr" for name in file.derived if name in seen))
        return tuple(self.nodes[key] for key in paths if key in self.nodes)

    def _behind(self, path: str, file: MatrixFile) -> set[str]:
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            node = self.nodes.get(waiting.pop())
            for name in names(node) if node is not None else ():
                if name.name in file.derived and name.name not in seen:
                    waiting.append(f"derived.{name.name}.expr")
                seen.add(name.name)
        return seen


def conditions(file: MatrixFile) -> Iterator[tuple[str, str]]:
    """Return (key path, text) of every condition outside causes; these have no memory."""
    for name, effect in file.effect.items():
        if effect.feedback is not None:
            yield f"effect.{name}.feedback", effect.feedback
    for name, interlock in file.interlock.items():
        place = f"interlock.{name}"
        for key, text in (
            ("armed_when", interlock.armed_when),
            ("witness", interlock.witness),
            ("observe.tripped", interlock.observe.tripped),
            ("observe.bypassed", interlock.observe.bypassed),
            ("observe.in_service", interlock.observe.in_service),
        ):
            if text is not None:
                yield f"{place}.{key}", text
        for i, text in enumerate(interlock.reset_permissive):
            yield f"{place}.reset_permissive[{i}]", text


def channels(file: MatrixFile) -> Iterator[tuple[str, str]]:
    """Return (key path, text) of every channel of every cause."""
    for name, cause in file.cause.items():
        if cause.when is not None:
            yield f"cause.{name}.when", cause.when
        for i, text in enumerate(cause.of):
            yield f"cause.{name}.of[{i}]", text


def channel_paths(name: str, file: MatrixFile) -> tuple[str, ...]:
    """Return the key paths of the channels of one cause."""
    cause = file.cause[name]
    if cause.when is not None:
        return (f"cause.{name}.when",)
    return tuple(f"cause.{name}.of[{i}]" for i in range(len(cause.of)))


def parse_all(file: MatrixFile, place: str) -> Parsed:
    """Return every tree of a file; `place` is the name of the file."""
    parsed = Parsed()
    flat = {name: i for i, name in enumerate((*file.input, *file.derived))}
    needs: dict[str, list[str]] = {}
    for name, derived in file.derived.items():
        try:
            tree = parse(derived.expr, flat)
        except ExpressionError:
            tree = None  # reported below, with its final slots
        needs[name] = [n.name for n in names(tree) if n.name in file.derived] if tree else []
    parsed.order = _ordered(needs, parsed, place)
    parsed.slots = {name: i for i, name in enumerate((*file.input, *parsed.order))}
    inputs_only = {name: i for i, name in enumerate(file.input)}
    used = 0
    for name in file.derived:
        used = _add(parsed, f"derived.{name}.expr", file.derived[name].expr, used, place, flat)
    for path, text in channels(file):
        used = _add(parsed, path, text, used, place)
    for path, text in conditions(file):
        _add(parsed, path, text, used, place, windows_allowed=False)
    for name, table in file.input.items():
        if table.moving_when is not None:
            path = f"input.{name}.moving_when"
            _add(parsed, path, table.moving_when, used, place, inputs_only, windows_allowed=False)
    return parsed


def _add(
    parsed: Parsed,
    path: str,
    text: str,
    used: int,
    place: str,
    slots: Mapping[str, int] | None = None,
    *,
    windows_allowed: bool = True,
) -> int:
    """Parse one expression; returns the number of windows so far."""
    known = parsed.slots if slots is None else slots
    final = known if slots is None else {name: parsed.slots.get(name, -1) for name in known}
    try:
        node = parse(text, final, used)
    except ExpressionError as error:
        hint = near(text[error.column - 1 :].split(" ")[0].strip("()"), known)
        hint = hint if error.code == "CEM-101" else ""
        where = f"{place}: {path} col {error.column}"
        parsed.faults.append(Fault(where, error.code, f"{error}{hint}"))
        return used
    found = windows(node)
    if found and not windows_allowed:
        message = f"{found[0].kind} stands in derived points and causes only"
        parsed.faults.append(Fault(f"{place}: {path} col {found[0].column}", "CEM-002", message))
    parsed.nodes[path] = node
    return used + len(found)


def _ordered(needs: Mapping[str, list[str]], parsed: Parsed, place: str) -> tuple[str, ...]:
    """Return the derived points so that each stands after what it needs; a cycle is a fault."""
    done: dict[str, None] = {}
    left = dict(needs)
    while left:
        ready = [name for name, wants in left.items() if all(w in done for w in wants)]
        if not ready:
            for name in left:
                message = f"needs itself, by way of {', '.join(sorted(left))}"
                parsed.faults.append(Fault(f"{place}: derived.{name}.expr", "CEM-104", message))
            return (*done, *left)
        for name in ready:
            done[name] = None
            del left[name]
    return tuple(done)
