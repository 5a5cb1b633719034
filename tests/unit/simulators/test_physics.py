"""The laws of the plants against check values that were worked out elsewhere."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.physics.actuator import Motor, at_high, at_low, current_a, step_motor, step_stroke
from simulators.physics.filter import (
    FilterConstants,
    FilterState,
    fan_flow_m3_s,
    pressure_drop_pa,
    step_filter,
)
from simulators.physics.hopper import HopperConstants, HopperState, step_hopper
from simulators.physics.noise import bits, normal, splitmix64, uniform
from simulators.physics.water import (
    RHO_C,
    WaterConstants,
    WaterState,
    flow_m3_s,
    leak_m3_s,
    steady,
    step_water,
)

# certification.md 3.2, row "water circuit": 180 m3/h, 0.25 m3, 300 kJ/K, 60 kW/K
LANCE = WaterConstants(
    volume_m3=0.25,
    wall_j_per_k=300e3,
    ua_w_per_k=60e3,
    flow_rated_m3_s=0.05,
    pressure_rated_pa=1e6,
    inlet_c=30.0,
    saturation_c=150.0,
    burn_c=300.0,
    burn_after_s=5.0,
    burn_leak_m3_s=0.004,
)
HEAT_W = 3.1e6


def outlet_after(flow_share: float, seconds: float, dt_s: float = 0.01) -> float:
    state = steady(LANCE, HEAT_W, LANCE.flow_rated_m3_s)
    for _ in range(round(seconds / dt_s)):
        state = step_water(LANCE, state, HEAT_W, LANCE.flow_rated_m3_s * flow_share, dt_s)
    return state.water_c


def exact_after(flow_share: float, seconds: float) -> float:
    """The same circuit by its eigenvalues: an oracle that shares nothing with the stepper."""
    flow = LANCE.flow_rated_m3_s * flow_share
    water = RHO_C * LANCE.volume_m3
    matrix = np.array(
        [
            [-LANCE.ua_w_per_k / LANCE.wall_j_per_k, LANCE.ua_w_per_k / LANCE.wall_j_per_k],
            [LANCE.ua_w_per_k / water, -(LANCE.ua_w_per_k + RHO_C * flow) / water],
        ]
    )
    settled = steady(LANCE, HEAT_W, flow)
    start = steady(LANCE, HEAT_W, LANCE.flow_rated_m3_s)
    away = np.array([start.wall_c - settled.wall_c, start.water_c - settled.water_c])
    values, vectors = np.linalg.eig(matrix)
    grown = vectors @ (np.exp(values * seconds) * np.linalg.solve(vectors, away))
    return float(settled.water_c + grown[1])


def test_full_flow_warms_the_water_by_14_8_kelvin() -> None:
    assert steady(LANCE, HEAT_W, 0.05).water_c - LANCE.inlet_c == pytest.approx(14.8, abs=0.05)
    assert outlet_after(1.0, 20.0) == pytest.approx(44.83, abs=0.01)


@pytest.mark.parametrize(("share", "seconds", "outlet_c"), [(0.5, 5, 50.2), (0.2, 10, 61.9)])
def test_less_flow_heats_the_outlet_as_fast_as_the_design_says(
    share: float, seconds: float, outlet_c: float
) -> None:
    assert outlet_after(share, seconds) == pytest.approx(outlet_c, abs=0.3)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("seconds", [1.0, 5.0, 20.0])
def test_the_stepper_follows_the_exact_solution(share: float, seconds: float) -> None:
    assert outlet_after(share, seconds) == pytest.approx(exact_after(share, seconds), abs=0.1)


@given(
    wall=st.floats(20, 250),
    water=st.floats(20, 140),
    heat=st.floats(0, 5e6),
    flow=st.floats(0.001, 0.08),
)
@settings(max_examples=200, deadline=None)
def test_the_energy_of_one_step_balances(
    wall: float, water: float, heat: float, flow: float
) -> None:
    dt = 0.01
    before = WaterState(wall, water)
    after = step_water(LANCE, before, heat, flow, dt)
    boiled = after.boiled_j
    liquid = after.water_c + boiled / (RHO_C * LANCE.volume_m3)  # what it was before boiling
    stored = LANCE.wall_j_per_k * (after.wall_c - wall) + RHO_C * LANCE.volume_m3 * (liquid - water)
    carried = RHO_C * flow * (LANCE.inlet_c - liquid) * dt
    assert stored == pytest.approx(heat * dt + carried, rel=1e-9, abs=1e-4)


def test_halving_the_step_changes_the_outlet_by_less_than_half_a_percent() -> None:
    assert outlet_after(0.2, 10, 0.005) == pytest.approx(outlet_after(0.2, 10, 0.01), rel=0.005)


def test_water_boils_at_saturation_and_a_burnt_wall_leaks_by_itself() -> None:
    state = steady(LANCE, HEAT_W, LANCE.flow_rated_m3_s)
    for _ in range(60_000):
        state = step_water(LANCE, state, 20e6, 0.0001, 0.01)
    assert state.water_c == LANCE.saturation_c
    assert state.boiled_j > 0
    assert state.burnt
    assert leak_m3_s(LANCE, state, 0.001) == pytest.approx(0.005)


def test_flow_follows_valve_and_root_of_pressure() -> None:
    assert flow_m3_s(LANCE, 0.5, 0.25e6) == pytest.approx(0.05 * 0.5 * 0.5)
    assert flow_m3_s(LANCE, 1.0, -1.0) == 0.0


# certification.md 3.2, row "bag filter"
BAGS = FilterConstants(
    area_m2=200.0,
    k1_pa_s_m=15e3,
    k2_per_s=4e4,
    dust_kg_m3=0.1,
    pulse_period_s=10.0,
    pulse_share=0.5,
    fan_pressure_pa=3000.0,
    fan_quadratic=25.0,
    duct_quadratic=50.0,
)
VELOCITY = 20_000 / 3600 / 200


def filtered(seconds: float, *, pulse_air: bool, blinding: float = 1.0) -> FilterState:
    state = FilterState(cake_kg_m2=0.3447)
    for _ in range(round(seconds * 20)):
        state = step_filter(
            BAGS,
            state,
            VELOCITY,
            dust=1.0,
            pulse_air=pulse_air,
            blinding=blinding,
            blinding_s=4.0,
            dt_s=0.05,
        )
    return state


def test_without_pulse_air_800_pa_become_1800_pa_in_5_4_minutes() -> None:
    assert pressure_drop_pa(BAGS, FilterState(0.3447), VELOCITY) == pytest.approx(800, abs=1)
    lost = filtered(5.4 * 60, pulse_air=False)
    assert pressure_drop_pa(BAGS, lost, VELOCITY) == pytest.approx(1800, rel=0.01)


def test_a_pulse_takes_its_share_of_the_cake() -> None:
    before, after = filtered(9.95, pulse_air=True), filtered(10.0, pulse_air=True)
    assert after.cake_kg_m2 == pytest.approx(before.cake_kg_m2 / 2, rel=0.01)
    assert after.since_pulse_s == 0.0


def test_blinding_grows_towards_its_target() -> None:
    assert filtered(4.0, pulse_air=True, blinding=3.0).blinding == pytest.approx(
        3.0 - 2.0 / math.e, abs=0.01
    )


def test_the_fan_meets_the_system_where_both_pressures_agree() -> None:
    flow = fan_flow_m3_s(BAGS, FilterState(0.3447), 1.0)
    bags = pressure_drop_pa(BAGS, FilterState(0.3447), flow / BAGS.area_m2)
    assert 3000.0 - 25.0 * flow**2 == pytest.approx(bags + 50.0 * flow**2)
    assert fan_flow_m3_s(BAGS, FilterState(0.3447), 0.0) == 0.0


# certification.md 3.2, row "hopper"
COAL = HopperConstants(
    heat_j_kg_k=1300.0,
    loss_w_per_k=4.0,
    reaction_j_kg=15e6,
    reaction_per_s=1e7,
    activation_j_mol=80e3,
    ambient_c=30.0,
    airlock_kg_s=0.5,
    heel_kg=5.0,
)


def heated(minutes: float, *, dt_s: float = 0.05) -> float:
    state = HopperState(80.0, 50.0)
    for _ in range(round(minutes * 60 / dt_s)):
        state = step_hopper(COAL, state, inflow_kg_s=0.0, airlock=False, source_w=900.0, dt_s=dt_s)
    return state.temperature_c


def test_an_ember_takes_80_kg_from_50_to_75_degrees_in_9_minutes_and_runs_away_by_12() -> None:
    assert heated(9.0) == pytest.approx(75, abs=5)
    assert heated(12.0) == 400.0


def test_the_airlock_empties_the_hopper_down_to_its_heel() -> None:
    state = HopperState(6.0, 30.0)
    for _ in range(100):
        state = step_hopper(COAL, state, inflow_kg_s=0.1, airlock=True, source_w=0.0, dt_s=0.05)
    assert state.mass_kg == 5.0
    standing = step_hopper(COAL, state, inflow_kg_s=0.2, airlock=False, source_w=0.0, dt_s=1.0)
    assert standing.mass_kg == pytest.approx(5.2)


def test_a_stroke_takes_its_time_and_stops_at_its_target() -> None:
    position = 0.0
    for _ in range(150):
        position = step_stroke(position, 1.0, 3.0, 0.01)
    assert position == pytest.approx(0.5)
    for _ in range(200):
        position = step_stroke(position, 1.0, 3.0, 0.01)
    assert position == 1.0
    assert at_high(position)
    assert not at_low(position)
    assert step_stroke(0.4, 0.0, 3.0, 0.01, jammed=True) == 0.4


def test_a_motor_follows_its_command_after_the_contactor() -> None:
    motor = Motor(speed=1.0, closed=True)
    steps = 0
    while motor.is_running:
        motor = step_motor(motor, False, contactor_s=0.15, run_up_s=1.0, dt_s=0.05)
        steps += 1
    assert steps == 3
    assert current_a(motor, 57.0, 1.0) == 0.0
    assert current_a(Motor(1.0, True), 57.0, 1.0) == pytest.approx(57.0)
    assert current_a(Motor(0.1, True), 57.0, 1.0) > 3 * 57.0


def test_splitmix64_gives_the_published_numbers() -> None:
    # the first outputs for seed 0 of the reference implementation (prng.di.unimi.it/splitmix64.c)
    golden = 0x9E3779B97F4A7C15
    assert [splitmix64(n * golden % 2**64) for n in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_noise_is_normal_and_without_memory() -> None:
    draws = [normal(1, 2, tick) for tick in range(60_000)]
    mean, deviation = statistics.fmean(draws), statistics.pstdev(draws)
    lag = statistics.fmean(a * b for a, b in itertools.pairwise(draws))
    assert abs(mean) < 0.015
    assert deviation == pytest.approx(1.0, abs=0.01)
    assert abs(lag) < 0.015
    assert max(abs(draw) for draw in draws) > 3.5


def test_channels_and_seeds_do_not_share_noise() -> None:
    def column(seed: int, channel: int) -> list[float]:
        return [normal(seed, channel, tick) for tick in range(4000)]

    for other in (column(1, 3), column(2, 2)):
        product = statistics.fmean(a * b for a, b in zip(column(1, 2), other, strict=True))
        assert abs(product) < 0.06


@given(seed=st.integers(0, 2**64 - 1), channel=st.integers(0, 999), tick=st.integers(0, 10**9))
def test_noise_depends_on_its_key_alone(seed: int, channel: int, tick: int) -> None:
    assert bits(seed, channel, tick) == bits(seed, channel, tick)
    assert 0.0 <= uniform(seed, channel, tick) < 1.0
    assert math.isfinite(normal(seed, channel, tick))
