import numpy as np
import pytest

from central.analysis.rules import channel_health, judge_all
from central.analysis.window import Series, Window
from proto.quality import Quality, Reason
from tests.unit.central.analysis.plant import (
    BLOWING,
    DEMO,
    FLOW_IN,
    HEALTH,
    SITE,
    T0,
    T1,
    TEMP,
    S,
    facts,
    healthy,
    noise,
    series,
)


def symptoms(window: Window) -> list[tuple[str, str]]:
    return [(each.subject, each.symptom) for each in channel_health.judge(window, SITE, HEALTH)]


def test_a_healthy_plant_gives_no_finding_under_any_rule() -> None:
    assert judge_all(healthy(), SITE, DEMO.rules) == []


def test_a_channel_that_repeats_one_value_while_the_process_runs_is_flat() -> None:
    [found] = channel_health.judge(healthy(temp=series(TEMP, 38.25)), SITE, HEALTH)
    assert (found.subject, found.symptom) == ("bof1_plc/lance_out_t_a", "flat")
    assert [each.clause for each in found.clauses] == ["O10-14", "O10-4.4"]
    assert (found.t0_us, found.t1_us) == (T0, T1)
    assert (found.inputs[0].samples, found.inputs[0].low, found.inputs[0].high) == (
        100,
        38.25,
        38.25,
    )
    assert found.simulated
    assert "38.25" in found.text_zh
    assert "38.25" in found.text_en
    assert {each.name for each in found.excluded} >= {"process stopped", "link lost"}
    assert found.confidence == sum(each.value for each in found.grounds)


def test_a_flat_channel_that_the_gateway_calls_stuck_is_still_flat() -> None:
    stuck = series(TEMP, 38.25, quality=Quality.UNCERTAIN, reason=Reason.STUCK)
    assert symptoms(healthy(temp=stuck)) == [("bof1_plc/lance_out_t_a", "flat")]


@pytest.mark.parametrize("at", [0.0, 100.0, 50.0, 55.0])
def test_a_channel_on_a_range_end_or_limit_is_clamped_rather_than_flat(at: float) -> None:
    assert symptoms(healthy(temp=series(TEMP, at))) == [("bof1_plc/lance_out_t_a", "clamped")]


def test_a_bad_channel_beside_living_ones_is_dead() -> None:
    dead = series(TEMP, np.nan, quality=Quality.BAD, reason=Reason.SENSOR_FAULT)
    [found] = channel_health.judge(healthy(temp=dead), SITE, HEALTH)
    assert (found.symptom, found.inputs[0].reason) == ("dead", "SENSOR_FAULT")
    assert found.inputs[0].last is None


def test_a_point_that_alone_loses_its_answers_is_dead_since_the_device_answers() -> None:
    dead = series(TEMP, np.nan, quality=Quality.BAD, reason=Reason.COMM_LOSS)
    assert symptoms(healthy(temp=dead)) == [("bof1_plc/lance_out_t_a", "dead")]


def whole_device(quality: Quality, reason: Reason) -> Window:
    made = healthy()
    return Window(
        made.site,
        T0,
        T1,
        tuple(
            each
            if each.facts.point.endswith("o2_blowing")
            else Series(
                each.facts,
                each.time_us,
                np.full(each.value.shape, np.nan),
                np.full(each.quality.shape, int(quality), np.uint8),
                np.full(each.reason.shape, int(reason), np.uint8),
            )
            for each in made.series
        ),
    )


@pytest.mark.parametrize("reason", [Reason.COMM_LOSS, Reason.STALE, Reason.INIT])
def test_a_lost_link_is_a_link_incident_and_never_a_finding(reason: Reason) -> None:
    assert symptoms(whole_device(Quality.BAD, reason)) == []


def test_a_link_incident_record_takes_the_device_out_of_the_window() -> None:
    made = healthy(temp=series(TEMP, 38.25))
    lost = Window(made.site, T0, T1, made.series, lost_devices=frozenset({"bof1_plc"}))
    assert symptoms(lost) == []


@pytest.mark.parametrize(
    "blowing",
    [
        series(BLOWING, 0.0),
        series(BLOWING, 1.0, quality=Quality.BAD, reason=Reason.COMM_LOSS),
        series(BLOWING, 1.0, quality=Quality.UNCERTAIN, reason=Reason.STALE),
        series(BLOWING, 1.0, end_us=T0 + 9 * S),
        series(BLOWING, np.repeat([1.0, 0.0, 1.0], [50, 10, 40])),
        None,
    ],
    ids=["stopped", "unknown", "aliveness unproven", "ends early", "pauses", "no such point"],
)
def test_nothing_is_flat_unless_the_process_runs_through_the_window(blowing: Series | None) -> None:
    assert symptoms(healthy(temp=series(TEMP, 38.25), blowing=blowing)) == []


def test_a_process_of_another_unit_proves_nothing_here() -> None:
    other = series(
        facts("o2_blowing", "sys.proc.process_state", process_unit="BOF-2", digital=True), 1.0
    )
    assert symptoms(healthy(temp=series(TEMP, 38.25), blowing=other)) == []


def test_one_different_sample_is_life() -> None:
    values = np.full(100, 38.25)
    values[57] += 0.001
    assert symptoms(healthy(temp=series(TEMP, values))) == []


@pytest.mark.parametrize(("seconds", "expected"), [(7, []), (8, []), (9, ["flat"]), (10, ["flat"])])
def test_a_window_with_samples_missing_is_not_judged(seconds: int, expected: list[str]) -> None:
    held = series(TEMP, 38.25, end_us=T0 + seconds * S)
    assert [symptom for _, symptom in symptoms(healthy(temp=held))] == expected


@pytest.mark.parametrize(("period_us", "expected"), [(1_250_000, ["flat"]), (2_000_000, [])])
def test_too_few_samples_prove_nothing(period_us: int, expected: list[str]) -> None:
    slow = facts("lance_out_t_a", "bof.lance.cw_outlet_temp", range_high=100.0, period_us=period_us)
    assert [symptom for _, symptom in symptoms(healthy(temp=series(slow, 38.25)))] == expected


@pytest.mark.parametrize(("resolution", "expected"), [(0.05, ["flat"]), (0.051, [])])
def test_a_coarse_channel_may_stand_still(resolution: float, expected: list[str]) -> None:
    coarse = facts(
        "lance_out_t_a", "bof.lance.cw_outlet_temp", range_high=100.0, resolution=resolution
    )
    assert [symptom for _, symptom in symptoms(healthy(temp=series(coarse, 38.25)))] == expected


def test_a_switch_that_stands_still_is_only_a_switch() -> None:
    fan = facts("fan_running", "dust.dry.fan_running", digital=True)
    assert symptoms(healthy(fan=series(fan, 1.0))) == []


def test_a_channel_that_no_rule_requires_is_left_alone() -> None:
    position = facts("lance_position", "bof.lance.lance_position")
    assert symptoms(healthy(position=series(position, 1800.0))) == []


@pytest.mark.parametrize("reason", [Reason.MAINTENANCE, Reason.CALIBRATION])
def test_a_marked_channel_is_another_rules_question(reason: Reason) -> None:
    marked = series(TEMP, 38.25, quality=Quality.UNCERTAIN, reason=reason)
    assert symptoms(healthy(temp=marked)) == []


def test_a_single_bad_sample_among_good_ones_is_not_death() -> None:
    made = noise(FLOW_IN, 240.0)
    made.quality[3] = int(Quality.BAD)
    assert symptoms(healthy(flow_in=made)) == []


def test_equal_samples_around_a_hole_are_not_a_flat_line() -> None:
    whole = series(TEMP, 38.25)
    kept = (np.arange(100) < 10) | (np.arange(100) >= 90)
    hollow = Series(
        TEMP, whole.time_us[kept], whole.value[kept], whole.quality[kept], whole.reason[kept]
    )
    assert symptoms(healthy(temp=hollow)) == []
