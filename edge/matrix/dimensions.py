"""Types and units of expressions: nothing is converted silently.  Pure.

A unit is a product of UCUM symbols with exponents; two units are equal when their products are, so
`K/min` is not `K/s`.  A literal takes the unit of its partner.  Cel - Cel = K; Cel + K = Cel.
Source: `interlocks.md` 3.4, checks CEM-110 to CEM-112.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edge.interlock.expression import (
    Binary,
    Boolean,
    Call,
    Name,
    Node,
    Number,
    Unary,
    Window,
    names,
)

Dimension = tuple[tuple[str, int], ...]
_TERM = re.compile(r"([A-Za-z%\[\]_']+)(-?[0-9]+)?")
CELSIUS: Dimension = (("Cel", 1),)
KELVIN: Dimension = (("K", 1),)
PER = {10**9: "s", 60 * 10**9: "min", 3600 * 10**9: "h"}


class TypeFault(Exception):
    """An expression whose parts do not fit."""

    def __init__(self, column: int, message: str, code: str = "CEM-110") -> None:
        super().__init__(message)
        self.column = column
        self.code = code


@dataclass(frozen=True, slots=True)
class Kind:
    """What an expression is: a condition, or a number with a unit.

    Attributes:
        is_condition: TRUE or FALSE.
        unit: exponents by symbol; None for a literal, which fits every unit.
        discrete: an enumeration: may be compared for equality.
    """

    is_condition: bool = False
    unit: Dimension | None = None
    discrete: bool = False

    def __str__(self) -> str:
        """Return what people read."""
        if self.is_condition:
            return "a condition"
        return "a number" if self.unit is None else show(self.unit)


CONDITION = Kind(is_condition=True)
LITERAL = Kind()


def dimension(text: str) -> Dimension:
    """Return the exponents of a UCUM code such as `m3/h`, `K/min`, `1`, `%`.

    Raises:
        ValueError: no such code.
    """
    found: dict[str, int] = {}
    for i, part in enumerate(text.split("/")):
        for term in part.split("."):
            if term == "1" or (term == "" and i == 0 and "/" in text):
                continue
            match = _TERM.fullmatch(term)
            if match is None:
                raise ValueError(f'"{text}" is no UCUM unit')
            exponent = int(match[2] or 1) * (-1 if i else 1)
            found[match[1]] = found.get(match[1], 0) + exponent
    return _sorted(found)


def _sorted(exponents: Mapping[str, int]) -> Dimension:
    return tuple(sorted((symbol, n) for symbol, n in exponents.items() if n))


def show(unit: Dimension) -> str:
    """Return a unit as text."""
    top = ".".join(f"{s}{n if n > 1 else ''}" for s, n in unit if n > 0) or "1"
    bottom = "".join(f"/{s}{-n if n < -1 else ''}" for s, n in unit if n < 0)
    return top + bottom


def kind_of_unit(text: str) -> Kind:
    """Return the kind of an input or derived point by its unit."""
    if text == "bool":
        return CONDITION
    if text == "enum":
        return Kind(unit=(), discrete=True)
    return Kind(unit=dimension(text))


def kind_of(node: Node, units: Mapping[str, Kind]) -> Kind:
    """Return what an expression is.

    Raises:
        TypeFault: its parts do not fit, with column and code.
    """
    match node:
        case Number():
            return LITERAL
        case Boolean():
            return CONDITION
        case Name(name=name):
            return units[name]
        case Unary(op="NOT", argument=argument):
            _condition(argument, units)
            return CONDITION
        case Unary(argument=argument):
            return _number(argument, units)
        case Binary():
            return _binary(node, units)
        case Call():
            return _call(node, units)
        case Window():
            return _window(node, units)


def require_condition(node: Node, units: Mapping[str, Kind]) -> None:
    """Check that an expression is a condition that can change.

    Raises:
        TypeFault: it is not.
    """
    kind = kind_of(node, units)
    if not kind.is_condition:
        raise TypeFault(1, f"a condition stands here, not {kind}")
    if not names(node):
        raise TypeFault(1, "this condition never changes", "CEM-112")


def _condition(node: Node, units: Mapping[str, Kind]) -> None:
    kind = kind_of(node, units)
    if not kind.is_condition:
        raise TypeFault(node.column, f"a condition stands here, not {kind}; write brackets")


def _number(node: Node, units: Mapping[str, Kind]) -> Kind:
    kind = kind_of(node, units)
    if kind.is_condition:
        raise TypeFault(node.column, "a number stands here, not a condition")
    return kind


def _same(node: Node, a: Kind, b: Kind) -> Kind:
    if a.unit is None or b.unit is None:
        return b if a.unit is None else a
    if a.unit != b.unit:
        raise TypeFault(node.column, f"unit {a} with {b}")
    return a


def _binary(node: Binary, units: Mapping[str, Kind]) -> Kind:
    if node.op in ("AND", "OR", "XOR"):
        _condition(node.left, units)
        _condition(node.right, units)
        return CONDITION
    if node.op in ("=", "<>"):
        return _equality(node, units)
    a, b = _number(node.left, units), _number(node.right, units)
    if node.op in ("+", "-"):
        return _sum(node, a, b)
    if node.op in ("*", "/"):
        return _product(node.op, a, b)
    if a.unit is None and b.unit is None:
        raise TypeFault(node.column, "this condition never changes", "CEM-112")
    _same(node, a, b)
    return CONDITION


def _equality(node: Binary, units: Mapping[str, Kind]) -> Kind:
    a, b = kind_of(node.left, units), kind_of(node.right, units)
    if a.is_condition and b.is_condition:
        return CONDITION
    if a.discrete or b.discrete:
        _same(node, a, b)
        return CONDITION
    message = f'"{node.op}" compares switches and enumerations only; a real needs >= or <='
    raise TypeFault(node.column, message, "CEM-111")


def _sum(node: Binary, a: Kind, b: Kind) -> Kind:
    if node.op == "-" and a.unit == CELSIUS == b.unit:
        return Kind(unit=KELVIN)
    if a.unit == CELSIUS and b.unit in (KELVIN, None):
        return a
    if node.op == "+" and CELSIUS in (a.unit, b.unit) and a.unit == b.unit:
        raise TypeFault(node.column, "two temperatures in Cel cannot be added")
    return _same(node, a, b)


def _product(op: str, a: Kind, b: Kind) -> Kind:
    if a.unit is None and b.unit is None:
        return LITERAL
    found = dict(a.unit or ())
    for symbol, n in b.unit or ():
        found[symbol] = found.get(symbol, 0) + (n if op == "*" else -n)
    return Kind(unit=_sorted(found))


def _call(node: Call, units: Mapping[str, Kind]) -> Kind:
    if node.name == "SEL":
        _condition(node.arguments[0], units)
        a, b = (kind_of(part, units) for part in node.arguments[1:])
        if a.is_condition != b.is_condition:
            raise TypeFault(node.column, f"SEL chooses between {a} and {b}")
        return CONDITION if a.is_condition else _same(node, a, b)
    kind = LITERAL
    for part in node.arguments:
        kind = _same(part, kind, _number(part, units))
    return kind


def _window(node: Window, units: Mapping[str, Kind]) -> Kind:
    if node.kind == "SINCE":
        _condition(node.argument, units)
        return Kind(unit=(("s", 1),))
    kind = _number(node.argument, units)
    if node.kind == "AVG" or kind.unit is None:
        return kind
    base = dict(KELVIN if kind.unit == CELSIUS else kind.unit)
    per = PER[node.per_ns]
    base[per] = base.get(per, 0) - 1
    return Kind(unit=_sorted(base))
