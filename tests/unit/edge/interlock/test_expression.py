"""The grammar, and what expressions are worth with bad operands."""

import math

import pytest

from edge.interlock.expression import ExpressionError, Window, parse, windows
from edge.interlock.reading import (
    BAD,
    GOOD,
    INIT,
    NOT_A_NUMBER,
    UNCERTAIN,
    Reading,
    is_false,
    is_true,
    known,
)
from edge.interlock.reference import evaluate
from edge.interlock.windows import Memory, advance, value_of

SLOTS = {"a": 0, "b": 1, "t": 2, "f": 3, "x": 4, "u": 5}
READINGS = [
    Reading(6.0),
    Reading(2.0),
    Reading(1.0),
    Reading(0.0),
    Reading(math.nan, BAD, 15),
    Reading(3.0, UNCERTAIN, 6),
]


def worth(text: str) -> Reading:
    """Parse and evaluate over the table above."""
    return evaluate(parse(text, SLOTS), READINGS, ())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b * 2", 10.0),
        ("(a + b) * 2", 16.0),
        ("a - b - 1", 3.0),
        ("a / b", 3.0),
        ("-a + 1", -5.0),
        ("MIN(a, b, 9)", 2.0),
        ("MAX(a, b)", 6.0),
        ("ABS(b - a)", 4.0),
        ("LIMIT(0, a, 5)", 5.0),
        ("LIMIT(7, a, 9)", 7.0),
        ("SEL(t, a, b)", 2.0),
        ("SEL(f, a, b)", 6.0),
        ("SEL(f, a, x)", 6.0),
        ("a > b", 1.0),
        ("a >= 6", 1.0),
        ("a < 6", 0.0),
        ("a <= b", 0.0),
        ("t = f", 0.0),
        ("t <> f", 1.0),
        ("t AND NOT f", 1.0),
        ("f OR f XOR t", 1.0),
        ("t XOR t", 0.0),
        ("TRUE AND (a > 1)", 1.0),
        ("1.5e2 / 3", 50.0),
    ],
)
def test_an_expression_is_worth(text: str, value: float) -> None:
    assert worth(text) == Reading(value)


@pytest.mark.parametrize("text", ["a + x", "x > 1", "MIN(a, x)", "ABS(x)", "SEL(x > 1, a, b)"])
def test_a_bad_operand_makes_it_bad_with_its_reason(text: str) -> None:
    assert (worth(text).quality, worth(text).reason) == (BAD, 15)


@pytest.mark.parametrize("text", ["a / 0", "a / (b - 2)", "1e308 * 10 * a"])
def test_what_is_no_number_is_bad(text: str) -> None:
    assert (worth(text).quality, worth(text).reason) == (BAD, NOT_A_NUMBER)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("x > 1 AND f", False),
        ("f AND x > 1", False),
        ("x > 1 OR t", True),
        ("x > 1 AND t", None),
        ("x > 1 OR f", None),
        ("NOT (x > 1)", None),
        ("x > 1 XOR t", None),
    ],
)
def test_bad_follows_kleene(text: str, truth: bool | None) -> None:
    assert known(worth(text)) is truth


def test_uncertain_stays_uncertain() -> None:
    assert worth("u + a") == Reading(9.0, UNCERTAIN, 6)


def test_bad_is_neither_true_nor_false() -> None:
    assert not is_true(worth("x > 1"))
    assert not is_false(worth("x > 1"))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a >", 4),
        ("a > 1 > 2", 7),
        ("NOT a > b", 7),
        ("a + ", 5),
        ("(a", 3),
        ("a b", 3),
        ("FOO(a)", 1),
        ("LIMIT(a, b)", 1),
        ("RATE(a)", 7),
        ("RATE(a, 30)", 9),
        ("RATE(a, 2h)", 9),
        ("a $ b", 3),
        ("nope + 1", 1),
        ("a + 'x'", 5),
        ("a.b", 2),
        ("a[0]", 2),
        ("", 1),
        ("1e999 + a", 1),
    ],
)
def test_what_is_no_expression_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse(text, SLOTS)
    assert refused.value.column == column


@pytest.mark.parametrize("text", ["(" * 40 + "a" + ")" * 40, "a" + " + a" * 64, "a" * 501])
def test_the_limits_hold(text: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse(text, {**SLOTS, "a" * 501: 0})
    assert refused.value.code == "CEM-004"


def window(text: str) -> Window:
    """The window of an expression."""
    return windows(parse(text, SLOTS))[0]


def fill(spec: Window, marks: list[tuple[int, float]]) -> Reading:
    """Feed (seconds, value), two scans a sample, and return what it is worth at the end."""
    memory, argument, now_ns = Memory(), Reading(0.0), 0
    for stamp, (at_s, value) in enumerate(marks, 1):
        now_ns = at_s * 10**9
        argument = Reading(value, GOOD, 0, stamp, now_ns)
        for _ in range(2):
            memory = advance(spec, memory, argument, now_ns)
    return value_of(spec, memory, argument, now_ns)


def test_a_rate_is_newest_minus_oldest_over_the_true_time() -> None:
    assert fill(window("RATE(a, 10s)"), [(i, 2.0 * i) for i in range(15)]).value == 2.0
    per_minute = fill(window("RATE(a, 10s, min)"), [(i, 0.5 * i) for i in range(12)])
    assert per_minute.value == 30.0


def test_a_window_that_is_not_filled_is_bad_init_and_then_uncertain() -> None:
    spec = window("RATE(a, 10s)")
    assert fill(spec, [(i, 0.0) for i in range(8)])[1:3] == (BAD, INIT)
    assert fill(spec, [(i, 0.0) for i in range(10)]).quality == UNCERTAIN
    assert fill(spec, [(i, 0.0) for i in range(11)]).quality == GOOD


def test_an_average_weighs_by_time() -> None:
    assert fill(window("AVG(a, 10s)"), [(0, 0.0), (5, 0.0), (10, 10.0)]).value == 2.5


def test_since_counts_from_the_rise() -> None:
    spec = window("SINCE(t)")
    assert fill(spec, [(0, 0.0), (5, 1.0), (9, 1.0)]).value == 4.0
    assert fill(spec, [(0, 1.0), (5, 0.0)]).value == 0.0


def test_a_long_window_keeps_few_samples() -> None:
    spec, memory = window("RATE(a, 1h)"), Memory()
    for i in range(5000):
        memory = advance(spec, memory, Reading(float(i), GOOD, 0, i + 1, i * 10**9), i * 10**9)
    assert len(memory.samples) <= 600
    worth_now = value_of(spec, memory, Reading(4999.0), 5000 * 10**9)
    assert abs(worth_now.value - 1.0) < 0.01
