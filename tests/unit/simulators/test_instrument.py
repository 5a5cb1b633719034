"""A transmitter: lag, noise, clamp, and what freezing does."""

import math
import statistics

import pytest

from simulators.instrument import Instrument, Reading, first_reading, read

FLOW = Instrument("flow", lag_s=0.5, noise=0.0, low=0.0, high=500.0)


def followed(instrument: Instrument, truth: float, seconds: float, dt_s: float = 0.02) -> Reading:
    reading = first_reading(instrument, 0.0)
    for tick in range(round(seconds / dt_s)):
        reading = read(
            instrument, reading, truth, frozen=False, seed=1, channel=0, tick=tick, dt_s=dt_s
        )
    return reading


def test_a_step_is_followed_with_its_lag() -> None:
    assert followed(FLOW, 100.0, 0.5).shown == pytest.approx(100 * (1 - 1 / math.e), rel=1e-6)


def test_a_reading_stays_within_its_range() -> None:
    assert followed(FLOW, 9e9, 5.0).shown == 500.0
    assert followed(FLOW, -40.0, 5.0).shown == 0.0


def test_noise_has_its_deviation() -> None:
    noisy = Instrument("t", lag_s=0.0, noise=0.05, low=0.0, high=100.0)
    last = first_reading(noisy, 40.0)
    shown = [
        read(noisy, last, 40.0, frozen=False, seed=5, channel=2, tick=tick, dt_s=0.02).shown
        for tick in range(5000)
    ]
    assert statistics.pstdev(shown) == pytest.approx(0.05, rel=0.05)
    assert statistics.fmean(shown) == pytest.approx(40.0, abs=0.005)


def test_a_frozen_transmitter_repeats_its_last_value_to_the_bit_while_the_truth_moves_on() -> None:
    noisy = Instrument("t", lag_s=1.0, noise=0.05, low=0.0, high=100.0)
    last = first_reading(noisy, 40.123456789)
    now = last
    for tick in range(200):
        now = read(noisy, now, 80.0, frozen=True, seed=5, channel=2, tick=tick, dt_s=0.05)
        assert now.shown == last.shown
    assert now.followed == pytest.approx(80.0, abs=0.01)
    thawed = read(noisy, now, 80.0, frozen=False, seed=5, channel=2, tick=200, dt_s=0.05)
    assert thawed.shown == pytest.approx(80.0, abs=0.3)


def test_a_coarse_transmitter_shows_whole_steps() -> None:
    coarse = Instrument("z", lag_s=0.0, noise=0.3, low=0.0, high=20_000.0, step=5.0)
    reading = read(
        coarse,
        first_reading(coarse, 0.0),
        1234.0,
        frozen=False,
        seed=1,
        channel=0,
        tick=1,
        dt_s=0.02,
    )
    assert reading.shown == 1235.0
