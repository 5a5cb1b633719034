"""Voting with bad and lost channels: exhaustive over every architecture up to 4oo4."""

from itertools import product

import pytest

from edge.interlock.vote import Channel, Result, vote_trip

T, F, B, L = Channel.TRUE, Channel.FALSE, Channel.BAD, Channel.LOST
ARCHITECTURES = [(m, n) for n in range(1, 5) for m in range(1, n + 1)]


@pytest.mark.parametrize(("need", "total"), ARCHITECTURES)
def test_turning_one_channel_bad_never_turns_true_into_false(need: int, total: int) -> None:
    masked = 0
    for vector in product(Channel, repeat=total):
        if vote_trip(need, vector).result is not Result.TRUE:
            continue
        for i in range(total):
            spoiled = (*vector[:i], B, *vector[i + 1 :])
            masked += vote_trip(need, spoiled).result is Result.FALSE
    assert masked == 0


@pytest.mark.parametrize(("need", "total"), ARCHITECTURES)
def test_on_live_lines_a_bad_channel_always_keeps_the_vote_to_trip(need: int, total: int) -> None:
    for vector in product((T, F, B), repeat=total):
        if vote_trip(need, vector).result is Result.TRUE:
            for i in range(total):
                spoiled = (*vector[:i], B, *vector[i + 1 :])
                assert vote_trip(need, spoiled).result is Result.TRUE


@pytest.mark.parametrize(("need", "total"), ARCHITECTURES)
def test_losing_a_controller_makes_no_cause_true_without_one_true_channel(
    need: int, total: int
) -> None:
    for vector in product((F, L), repeat=total):
        assert vote_trip(need, vector).result is not Result.TRUE


@pytest.mark.parametrize(("need", "total"), ARCHITECTURES)
def test_all_bad_is_true_and_says_input_loss(need: int, total: int) -> None:
    ballot = vote_trip(need, (B,) * total)
    assert ballot.result is Result.TRUE
    assert ballot.is_input_loss


@pytest.mark.parametrize(
    ("need", "channels", "result"),
    [
        (2, (T, T, F), Result.TRUE),
        (2, (T, F, F), Result.FALSE),
        (2, (B, F, F), Result.FALSE),
        (2, (B, T, F), Result.TRUE),
        (2, (B, B, F), Result.TRUE),
        (2, (L, F, F), Result.FALSE),
        (2, (L, L, F), Result.SUSPENDED),
        (2, (L, T, F), Result.TRUE),
        (2, (L, B, F), Result.SUSPENDED),
        (1, (L,), Result.SUSPENDED),
        (1, (B,), Result.TRUE),
        (2, (T, L), Result.TRUE),
        (2, (B, L), Result.SUSPENDED),
        (2, (F, L), Result.FALSE),
        (1, (F, F, L), Result.SUSPENDED),
    ],
)
def test_the_vote_is_as_the_page_says(
    need: int, channels: tuple[Channel, ...], result: Result
) -> None:
    assert vote_trip(need, channels).result is result
