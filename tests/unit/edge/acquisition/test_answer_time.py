"""Answer times: quantiles that are never too small, and a past that fades."""

from edge.acquisition.answer_time import KEPT, AnswerTimes

MS = 10**6


def test_without_answers_nothing_is_forecast() -> None:
    assert AnswerTimes().p99_ns == 0
    assert AnswerTimes().p999_ns == 0


def test_a_forecast_is_at_most_an_eighth_too_long_and_never_too_short() -> None:
    for took_ns in (1, 7, 8, 999, 5 * MS, 123_456_789, 10**12):
        times = AnswerTimes()
        times.add(took_ns)
        assert took_ns <= times.p99_ns <= max(9, took_ns * 9 // 8 + 1)


def test_one_answer_of_a_hundred_may_be_longer_than_the_p99() -> None:
    times = AnswerTimes()
    for i in range(1600):
        times.add(300 * MS if i % 200 == 0 else 5 * MS)
    assert times.p99_ns < 6 * MS
    assert times.p999_ns >= 300 * MS


def test_the_past_fades() -> None:
    times = AnswerTimes()
    for _ in range(KEPT):
        times.add(300 * MS)
    for _ in range(16 * KEPT):
        times.add(5 * MS)
    assert times.p99_ns < 6 * MS
