"""Frozen mirrors in virtual time: BAD in time, GOOD never again, and no stop that is none."""

from dataclasses import replace

import pytest

from edge.acquisition import life
from tests.harness.mirror_run import SECOND, Signal, freeze, run_days, signals


def test_frozen_mirrors_are_bad_on_all_points_within_their_time_and_stay_so() -> None:
    found = [freeze(signal, at) for at, signal in enumerate(signals(100, 1))]
    assert [one for one in found if not one.is_met] == []


def test_the_mirrors_catch_one_movement_taken_for_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "MOVEMENTS_PROOF", 1)
    assert any(freeze(signal, at).is_good_again for at, signal in enumerate(signals(30, 1)))


def test_the_mirrors_catch_a_stop_that_is_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = life.step

    def deaf(state, raw, now_ns, spec):  # type: ignore[no-untyped-def]
        return whole(state, raw, now_ns, replace(spec, within_ns=2 * spec.within_ns))

    monkeypatch.setattr(life, "step", deaf)
    assert not all(freeze(signal, at).is_met for at, signal in enumerate(signals(10, 1)))


@pytest.mark.parametrize(
    ("moves", "update"), [("counter", SECOND // 2), ("second", SECOND), ("toggle", 2 * SECOND)]
)
def test_a_controller_that_runs_is_not_called_stopped_when_polls_are_lost(
    moves: str, update: int
) -> None:
    polls, stops, good = run_days(Signal(moves, update, SECOND), 0.5, 0.03, 1)  # type: ignore[arg-type]
    assert polls == 43_200
    assert stops == 0
    assert good > 0.99
