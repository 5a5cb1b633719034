"""Evaluate an expression over the readings of one instant; a slow, plain interpreter.  Pure.

BAD: any BAD operand of arithmetic, MIN, MAX, LIMIT, a window or a comparison gives BAD; division by
zero, overflow, NaN or an infinity gives BAD (NOT_A_NUMBER).  AND, OR, NOT, XOR follow Kleene: BAD
AND FALSE is FALSE, BAD OR TRUE is TRUE.  SEL looks at its condition and the chosen branch only.
UNCERTAIN operands make the result UNCERTAIN.  Source: `interlocks.md` 3.4.
"""

import math
from collections.abc import Sequence

from edge.interlock.expression import Binary, Boolean, Call, Name, Node, Number, Unary, Window
from edge.interlock.reading import BAD, GOOD, NONE, NOT_A_NUMBER, Reading

Readings = Sequence[Reading]


def evaluate(node: Node, readings: Readings, windows: Readings) -> Reading:
    """Return the value of an expression; never an exception.

    Args:
        node: from `expression.parse`.
        readings: by slot.
        windows: present value of each window memory, by number.
    """
    match node:
        case Number(value=value):
            return Reading(value)
        case Boolean(value=truth):
            return Reading(float(truth))
        case Name(slot=slot):
            return readings[slot]
        case Window(number=number):
            return windows[number]
        case Unary(op=op, argument=argument):
            return _unary(op, evaluate(argument, readings, windows))
        case Binary(op=op, left=left, right=right):
            a = evaluate(left, readings, windows)
            return binary(op, a, evaluate(right, readings, windows))
        case Call(name=name, arguments=arguments):
            return _call(name, [evaluate(part, readings, windows) for part in arguments])


def combined(value: float, *operands: Reading) -> Reading:
    """Return `value` with the worst quality of its operands; BAD when it is not finite."""
    worst = max(operands, key=lambda operand: operand.quality)
    stamp = sum(operand.stamp for operand in operands)
    mono_ns = max(operand.mono_ns for operand in operands)
    if worst.quality == BAD:
        return Reading(math.nan, BAD, worst.reason, stamp, mono_ns)
    if not math.isfinite(value):
        return Reading(math.nan, BAD, NOT_A_NUMBER, stamp, mono_ns)
    return Reading(value, worst.quality, worst.reason, stamp, mono_ns)


def _unary(op: str, a: Reading) -> Reading:
    return combined(float(not a.value) if op == "NOT" else -a.value, a)


def binary(op: str, a: Reading, b: Reading) -> Reading:
    """Return `a op b` for arithmetic, comparison, AND, OR or XOR."""
    match op:
        case "AND":
            return _kleene(0.0, a, b)
        case "OR":
            return _kleene(1.0, a, b)
        case "XOR":
            return combined(float((a.value != 0.0) != (b.value != 0.0)), a, b)
        case "+":
            return combined(a.value + b.value, a, b)
        case "-":
            return combined(a.value - b.value, a, b)
        case "*":
            return combined(a.value * b.value, a, b)
        case "/":
            return combined(a.value / b.value if b.value else math.nan, a, b)
        case _:
            return combined(float(_compare(op, a.value, b.value)), a, b)


def _compare(op: str, a: float, b: float) -> bool:
    match op:
        case ">":
            return a > b
        case ">=":
            return a >= b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case "=":
            return a == b
        case _:
            return a != b


def _kleene(decisive: float, a: Reading, b: Reading) -> Reading:
    """AND with decisive 0, OR with decisive 1: one such operand settles it, whatever the other."""
    deciding = [x for x in (a, b) if x.quality != BAD and (x.value != 0.0) == bool(decisive)]
    if deciding:
        best = min(deciding, key=lambda operand: operand.quality)
        stamp, mono_ns = a.stamp + b.stamp, max(a.mono_ns, b.mono_ns)
        return Reading(decisive, best.quality, best.reason, stamp, mono_ns)
    return combined(1.0 - decisive, a, b)


def _call(name: str, arguments: Readings) -> Reading:
    match name:
        case "ABS":
            return combined(abs(arguments[0].value), *arguments)
        case "MIN":
            return combined(min(a.value for a in arguments), *arguments)
        case "MAX":
            return combined(max(a.value for a in arguments), *arguments)
        case "LIMIT":
            low, x, high = (a.value for a in arguments)
            return combined(min(max(low, x), high), *arguments)
        case _:
            return _select(arguments)


def _select(arguments: Readings) -> Reading:
    gate, if_false, if_true = arguments
    if gate.quality == BAD:
        return combined(math.nan, gate)
    chosen = if_true if gate.value else if_false
    return combined(chosen.value, gate, chosen)


def good(value: float) -> Reading:
    """Return a GOOD reading of now; for tests and constants."""
    return Reading(value, GOOD, NONE)
