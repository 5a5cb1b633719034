"""Conditions and derived points: the ST expression subset, parsed to a tree.  Pure.

    or     = xor {"OR" xor}       xor = and {"XOR" and}      and = not {"AND" not}
    not    = "NOT" primary | rel  rel = sum [(">"|">="|"<"|"<="|"="|"<>") sum]
    sum    = term {("+"|"-") term}   term = factor {("*"|"/") factor}   factor = ["-"] primary
    primary= number | "TRUE" | "FALSE" | name | call | "(" or ")"
    call   = ("ABS"|"MIN"|"MAX"|"LIMIT"|"SEL") "(" or {"," or} ")"
           | "RATE(" or "," dur ["," ("s"|"min"|"h")] ")" | "AVG(" or "," dur ")" | "SINCE(" or ")"

Total: no loops, attributes, strings or user functions, so there is nothing to sandbox.  `NOT` binds
to a primary, comparisons do not chain.  Source: `interlocks.md` 3.4.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

CHARACTERS_MAX, NODES_MAX, DEPTH_MAX = 500, 64, 16  # interlocks.md 3.3
WINDOW_NS_MAX = 3600 * 10**9
COMPARISONS = (">", ">=", "<", "<=", "=", "<>")
ARITY = {"ABS": (1, 1), "MIN": (1, 16), "MAX": (1, 16), "LIMIT": (3, 3), "SEL": (3, 3)}
WINDOWS = ("RATE", "AVG", "SINCE")
UNIT_NS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}

_TOKEN = re.compile(
    r"\s*(?:(?P<dur>[0-9]{1,15}(?:\.[0-9]{1,15})?(?:ms|min|s|h))(?![A-Za-z0-9_])"
    r"|(?P<num>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>>=|<=|<>|[-+*/()<>=,]))"
)


class ExpressionError(Exception):
    """The text is no expression.

    Attributes:
        column: 1-based.
        code: CEM code.
    """

    def __init__(self, column: int, message: str, code: str = "CEM-002") -> None:
        super().__init__(message)
        self.column = column
        self.code = code


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; it takes the unit of its partner."""

    value: float
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Boolean:
    """TRUE or FALSE."""

    value: bool
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """An input or a derived point, and its slot in the list of readings."""

    name: str
    slot: int
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`NOT` or `-`."""

    op: str
    argument: "Node"
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison, AND, OR, XOR."""

    op: str
    left: "Node"
    right: "Node"
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """ABS, MIN, MAX, LIMIT or SEL."""

    name: str
    arguments: tuple["Node", ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Window:
    """RATE, AVG or SINCE of an expression; its memory stands in the engine's state.

    Attributes:
        number: position of its memory.
        length_ns: 0 for SINCE.
        per_ns: unit of time of a RATE.
    """

    kind: str
    argument: "Node"
    number: int
    length_ns: int
    per_ns: int
    column: int = field(default=0, compare=False)


Node = Number | Boolean | Name | Unary | Binary | Call | Window
_Rule = Callable[[int], Node]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            raise ExpressionError(column, f'"{text[column - 1]}" cannot stand here')
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return found


def parse(text: str, slots: Mapping[str, int], first_window: int = 0) -> Node:
    """Return the tree of an expression.

    Args:
        text: as people write it.
        slots: names that may stand in it -> slot.
        first_window: number of the first window memory that is free.

    Raises:
        ExpressionError: with column and CEM code; nothing else, on any text.
    """
    if len(text) > CHARACTERS_MAX:
        message = f"{len(text)} characters, the limit is {CHARACTERS_MAX}"
        raise ExpressionError(1, message, "CEM-004")
    parser = _Parser(_tokens(text), len(text) + 1, slots, first_window)
    node = parser.condition(0)
    parser.end()
    return node


class _Parser:
    """Recursive descent, one method a rule of the grammar above."""

    def __init__(
        self, tokens: Sequence[_Token], end: int, slots: Mapping[str, int], first_window: int
    ) -> None:
        self._tokens, self._at = tokens, 0
        self._end = _Token("end", "the end", end)
        self._slots, self._nodes, self._window = slots, 0, first_window

    def end(self) -> None:
        """Refuse anything after the expression."""
        token = self._peek()
        if token.kind == "end":
            return
        if token.text in COMPARISONS:
            raise ExpressionError(
                token.column,
                "comparisons do not chain, and NOT takes one value: use AND and brackets",
            )
        raise ExpressionError(token.column, f'"{token.text}" cannot stand here')

    def condition(self, depth: int) -> Node:
        """Rule `or`."""
        return self._chain(("OR",), self._xor, depth)

    def _xor(self, depth: int) -> Node:
        return self._chain(("XOR",), self._and, depth)

    def _and(self, depth: int) -> Node:
        return self._chain(("AND",), self._not, depth)

    def _not(self, depth: int) -> Node:
        token = self._peek()
        if token.text == "NOT":
            self._next()
            return self._node(Unary("NOT", self._primary(depth + 1), token.column))
        return self._relation(depth)

    def _relation(self, depth: int) -> Node:
        left = self._sum(depth)
        token = self._peek()
        if token.text not in COMPARISONS:
            return left
        self._next()
        return self._node(Binary(token.text, left, self._sum(depth), token.column))

    def _sum(self, depth: int) -> Node:
        return self._chain(("+", "-"), self._term, depth)

    def _term(self, depth: int) -> Node:
        return self._chain(("*", "/"), self._factor, depth)

    def _factor(self, depth: int) -> Node:
        token = self._peek()
        if token.text == "-":
            self._next()
            return self._node(Unary("-", self._primary(depth + 1), token.column))
        return self._primary(depth)

    def _primary(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise ExpressionError(self._peek().column, f"nested deeper than {DEPTH_MAX}", "CEM-004")
        token = self._next()
        if token.kind == "num":
            value = float(token.text)
            if not math.isfinite(value):
                raise ExpressionError(token.column, f"{token.text} is too big a number")
            return self._node(Number(value, token.column))
        if token.text == "(":
            inner = self.condition(depth + 1)
            self._expect(")")
            return inner
        if token.text in ("TRUE", "FALSE"):
            return self._node(Boolean(token.text == "TRUE", token.column))
        if token.kind == "word" and self._peek().text == "(":
            return self._call(token, depth + 1)
        if token.kind == "word" and token.text in self._slots:
            return self._node(Name(token.text, self._slots[token.text], token.column))
        if token.kind == "word" and token.text not in ("AND", "OR", "XOR", "NOT"):
            message = f'no input or derived point is named "{token.text}"'
            raise ExpressionError(token.column, message, "CEM-101")
        raise ExpressionError(token.column, f'a value is missing before "{token.text}"')

    def _call(self, token: _Token, depth: int) -> Node:
        self._expect("(")
        if token.text in WINDOWS:
            return self._windowed(token, depth)
        if token.text not in ARITY:
            known = ", ".join((*ARITY, *WINDOWS))
            raise ExpressionError(token.column, f'no function "{token.text}"; known: {known}')
        arguments = [self.condition(depth)]
        while self._peek().text == ",":
            self._next()
            arguments.append(self.condition(depth))
        self._expect(")")
        low, high = ARITY[token.text]
        if not low <= len(arguments) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            raise ExpressionError(token.column, f"{token.text} takes {wanted} arguments")
        return self._node(Call(token.text, tuple(arguments), token.column))

    def _windowed(self, token: _Token, depth: int) -> Node:
        argument = self.condition(depth)
        length_ns, per_ns = 0, 10**9
        if token.text != "SINCE":
            self._expect(",")
            length_ns = self._duration()
        if token.text == "RATE" and self._peek().text == ",":
            self._next()
            unit = self._next()
            if unit.text not in ("s", "min", "h"):
                raise ExpressionError(unit.column, "a RATE is per s, min or h")
            per_ns = UNIT_NS[unit.text]
        self._expect(")")
        number, self._window = self._window, self._window + 1
        return self._node(Window(token.text, argument, number, length_ns, per_ns, token.column))

    def _duration(self) -> int:
        token = self._next()
        if token.kind != "dur":
            raise ExpressionError(token.column, "a duration such as 30s stands here")
        unit = token.text.lstrip("0123456789.")
        length_ns = round(float(token.text.removesuffix(unit)) * UNIT_NS[unit])
        if not 0 < length_ns <= WINDOW_NS_MAX:
            raise ExpressionError(token.column, "a window is at most 1 h", "CEM-004")
        return length_ns

    def _chain(self, ops: tuple[str, ...], rule: _Rule, depth: int) -> Node:
        node = rule(depth)
        while self._peek().text in ops:
            token = self._next()
            node = self._node(Binary(token.text, node, rule(depth), token.column))
        return node

    def _node(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise ExpressionError(node.column, f"more than {NODES_MAX} parts", "CEM-004")
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise ExpressionError(token.column, f'"{text}" is missing before "{token.text}"')


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts that a node is made of."""
    match node:
        case Unary() | Window():
            return (node.argument,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case _:
            return ()


def walk(node: Node) -> list[Node]:
    """Return a node and everything in it, outermost first."""
    found = [node]
    for part in children(node):
        found += walk(part)
    return found


def names(node: Node) -> tuple[Name, ...]:
    """Return every name in an expression, in order of appearance."""
    return tuple(part for part in walk(node) if isinstance(part, Name))


def windows(node: Node) -> tuple[Window, ...]:
    """Return every window in an expression, inner ones before those that hold them."""
    return tuple(part for part in reversed(walk(node)) if isinstance(part, Window))
