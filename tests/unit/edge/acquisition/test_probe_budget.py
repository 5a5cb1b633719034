"""Probing: never more than a twentieth of any minute."""

from edge.acquisition.probe_budget import WINDOW_NS, ProbeBudget

MS, S = 10**6, 10**9


def test_probes_wait_until_the_dearest_one_fits_into_the_minute() -> None:
    budget, now, spent = ProbeBudget(500 * MS), 0, []
    for _ in range(50):
        now = budget.free_ns(now) + 500 * MS
        budget.spend(500 * MS, now)
        spent.append(now)
    for end in range(0, spent[-1], S):
        inside = sum(500 * MS for at in spent if end < at <= end + WINDOW_NS)
        assert inside <= 3 * S
    assert len([at for at in spent if at <= 600 * S]) >= 54 or spent[-1] <= 600 * S


def test_a_fresh_line_may_probe_at_once() -> None:
    assert ProbeBudget(500 * MS).free_ns(7) == 7


def test_a_probe_dearer_than_the_whole_budget_is_made_once_a_minute() -> None:
    budget = ProbeBudget(10 * S)
    budget.spend(10 * S, 100 * S)
    assert budget.free_ns(101 * S) == 100 * S + WINDOW_NS


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    budget = ProbeBudget(100 * MS)
    budget.spend(2900 * MS, 10 * S)
    assert budget.spent_ns(69 * S) == 2900 * MS
    assert budget.spent_ns(70 * S) == 0
