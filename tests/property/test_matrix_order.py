"""Permuting a matrix changes nothing; random text gives faults, never an exception (P5, P11)."""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.interlock.expression import ExpressionError, parse
from edge.matrix.build import compile_matrix
from edge.matrix.file import parse_matrix
from tests.unit.edge.rig import CLAUSES, Rig, facts

POINTS = facts(plc__a="m3/h", plc__b="m3/h", plc__c="Cel", plc__run="bool")
WORDS = {word: i for i, word in enumerate(("a", "b", "c", "run", "d"))}

INPUTS = {
    "a": 'a = { point = "plc/a", unit = "m3/h" }',
    "b": 'b = { point = "plc/b", unit = "m3/h" }',
    "c": 'c = { point = "plc/c", unit = "Cel" }',
    "run": 'run = { point = "plc/run", unit = "bool" }',
}
CAUSES = {
    "C1": 'C1 = { title = "one", when = "d >= 15", deadband = 1, on_delay = "300ms" }',
    "C2": 'C2 = { title = "two", when = "c >= 50", deadband = 1 }',
    "C3": 'C3 = { title = "three", when = "e >= 100", deadband = 1 }',
}
DERIVED = {
    "e": 'e = { expr = "d + d", unit = "m3/h" }',
    "d": 'd = { expr = "a - b", unit = "m3/h" }',
}
EFFECTS = {
    "E1": 'E1 = { title = "x", kind = "stop", output = "plc/o", safe = false }',
    "E2": 'E2 = { title = "y", kind = "stop", output = "plc/p", safe = false }',
}
ROWS = {"C1": 'C1 = ["E1", "E2"]', "C2": 'C2 = ["E2"]', "C3": 'C3 = ["E1"]'}


def text_of(shuffle: random.Random | None) -> str:
    """The matrix, its rows in an order of their own."""

    def rows(table: dict[str, str]) -> str:
        lines = list(table.values())
        if shuffle is not None:
            shuffle.shuffle(lines)
        return "\n".join(lines)

    return f"""
schema = "cem/1"
version = 1
title = "order"
[input]
{rows(INPUTS)}
[derived]
{rows(DERIVED)}
[cause]
{rows(CAUSES)}
[effect]
{rows(EFFECTS)}
[interlock.I]
title = "I"
armed_when = "run"
[interlock.I.matrix]
{rows(ROWS)}
"""


def story(text: str, marks: list[tuple[float, float, float]]) -> list[object]:
    """What a matrix reports over a series of values, without the order of ties."""
    rig = Rig(text, POINTS).put(a=10, b=5, c=20, run=1)
    rig.run("500ms")
    found: list[object] = []
    for a, b, c in marks:
        rig.put(a=a, b=b, c=c)
        rig.run("200ms")
        view = rig.view()
        found.append((view.protection, view.health, view.occurrence, sorted(view.first_out)))
    found.append(sorted(json.dumps(e.kind) for e in rig.events))
    return found


VALUES = st.tuples(
    st.sampled_from([5.0, 20.0, 40.0, 200.0]),
    st.sampled_from([0.0, 5.0, 20.0]),
    st.sampled_from([20.0, 49.5, 60.0]),
)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), marks=st.lists(VALUES, max_size=8))
def test_permuting_the_file_changes_nothing(
    seed: int, marks: list[tuple[float, float, float]]
) -> None:
    plain, shuffled = text_of(None), text_of(random.Random(seed))
    assert story(shuffled, marks) == story(plain, marks)
    hashes = {
        compile_matrix(t.encode(), "m", POINTS, CLAUSES).model.matrix_hash  # type: ignore[union-attr]
        for t in (plain, shuffled)
    }
    assert len(hashes) == 1


ALPHABET = (
    "a b run d ( ) + - * / >= < = <> AND OR NOT XOR MIN MAX RATE AVG SINCE SEL LIMIT , 1 2.5 30s "
    "min TRUE é ' 1e400 0x1 __import__"
)
PIECES = st.sampled_from(ALPHABET.split())


@settings(max_examples=400)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map(" ".join)))
def test_every_text_is_an_expression_or_is_refused_with_a_column(text: str) -> None:
    found: ExpressionError | None = None
    try:
        parse(text, WORDS)
    except ExpressionError as refused:
        found = refused
    assert found is None or 1 <= found.column <= len(text) + 1
    assert found is None or found.code.startswith("CEM-")


@settings(max_examples=150)
@given(st.binary(max_size=80))
def test_random_bytes_give_faults_and_no_exception(data: bytes) -> None:
    file, faults = parse_matrix(data, "m.toml")
    assert file is None
    assert faults
