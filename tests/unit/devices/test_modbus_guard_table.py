"""The guard against a line that answers late, in order: no wrong value, none newer than it is."""

import pytest

from tests.harness.guard_run import ALTERNATING, BOUND_NS, DISTINCT, EQUAL, Case, run

CASES = {
    "drain at the bound, echo": Case(EQUAL),
    "drain at the bound, echo, all fences": Case(ALTERNATING),
    "drain at a quarter of the bound, echo": Case(EQUAL, BOUND_NS // 4),
    "drain at a quarter, fence probe, alternating counts": Case(
        ALTERNATING, BOUND_NS // 4, echo=False
    ),
    "never, drain at the bound, equal counts": Case(EQUAL, never=True),
    "never, drain at the bound, distinct counts": Case(DISTINCT, never=True),
    "one answer in five late, one in ten lost": Case(EQUAL, late=0.2, lost=0.1),
}


@pytest.mark.parametrize("name", CASES)
def test_no_value_is_wrong_and_none_is_older_than_it_says(name: str) -> None:
    score = run(CASES[name], 12_000)
    assert (score.wrong, score.old_as_new) == (0, 0)
    assert score.good > 5_000


def test_without_a_probe_and_with_half_of_the_bound_the_oracle_finds_wrong_values() -> None:
    scores = [run(Case(EQUAL, BOUND_NS // 2, never=True), 6_000, seed) for seed in range(1, 5)]
    assert sum(score.wrong for score in scores) > 0
