"""One interlock through its life: inputs and expected states, scan by scan, in virtual time."""

import pytest

from edge.interlock.reading import COMM_LOSS, INIT
from edge.interlock.scan import Command, CommandKind
from tests.unit.edge.interlock.one_interlock import MATRIX, POINTS, rig
from tests.unit.edge.rig import Rig


def test_the_first_scan_reports_a_snapshot_in_service_init() -> None:
    made = Rig(MATRIX, POINTS)
    made.run("50ms")
    assert [e.kind for e in made.events] == ["interlock.snapshot"]
    assert made.view().service == "INIT"


def test_a_snapshot_follows_every_ten_minutes() -> None:
    made = rig()
    first_ns = next(e.mono_ns for e in Rig(MATRIX, POINTS).events_of("50ms"))
    assert made.state.snapshot_ns == first_ns + 600 * 10**9
    made.now_ns = made.state.snapshot_ns - 50 * 10**6
    made.run("100ms")
    assert [e.kind for e in made.events].count("interlock.snapshot") == 1


def test_over_the_limit_is_pending_at_once_and_tripped_when_the_on_delay_ends() -> None:
    made = rig().put(flow=15)
    assert made.run("100ms") == ["interlock.pending"]
    pending_ns = made.last("interlock.pending").mono_ns
    made.run("2s")
    assert made.last("interlock.tripped").mono_ns - pending_ns == 10**9
    assert made.view().protection == "TRIPPED"
    assert made.view().first_out == ("C1",)
    assert made.view().occurrence == 1


def test_just_below_the_limit_is_nothing() -> None:
    assert rig().put(flow=14.999).run("5s") == []


def test_back_within_the_on_delay_is_normal_and_an_event() -> None:
    made = rig().put(flow=20)
    made.run("500ms")
    assert made.put(flow=5).run("1s") == ["interlock.pending_cleared"]
    assert made.view().protection == "NORMAL"


def test_inside_the_deadband_the_cause_stands() -> None:
    made = rig().put(flow=16)
    made.run("500ms")
    made.put(flow=12)
    assert "interlock.tripped" in made.run("1s")
    assert made.put(flow=11.99).view().protection == "TRIPPED"


def test_a_trip_latches_after_off_delay_and_min_trip_and_leaves_with_the_plants_own_reset() -> None:
    made = rig().put(flow=20, up=1)
    made.run("1500ms")
    made.put(trip=1, flow=5)
    tripped_ns = made.last("interlock.tripped").mono_ns
    made.run("6s")
    assert made.last("interlock.latched").mono_ns - tripped_ns == 5 * 10**9
    assert made.view().protection == "LATCHED"
    assert made.run("10s") == []
    assert made.put(trip=0).run("200ms") == ["interlock.reset"]
    assert made.view().protection == "NORMAL"
    assert made.view().first_out == ()


def test_the_latch_stays_while_the_plants_trip_cannot_be_seen() -> None:
    made = rig().put(flow=20, up=1)
    made.run("1500ms")
    made.put(flow=5).spoil("trip")
    made.run("20s")
    assert made.view().protection == "LATCHED"


def test_a_cause_while_latched_is_a_new_occurrence() -> None:
    made = rig().put(flow=20, up=1, trip=1)
    made.run("1500ms")
    made.put(flow=5).run("7s")
    assert made.view().protection == "LATCHED"
    made.put(flow=20).run("2s")
    assert made.view().protection == "TRIPPED"
    assert made.view().occurrence == 2


def test_a_further_cause_is_added_with_its_ordinal() -> None:
    made = rig().put(flow=20, up=1)
    made.run("2s")
    made.put(t_a=60, t_b=60).run("3s")
    added = made.last("interlock.cause_added")
    assert (added.cause, added.ordinal) == ("C2", 2)
    assert made.view().occurrence == 1


def test_causes_in_one_poll_are_an_ambiguity_set_in_file_order() -> None:
    text = MATRIX.replace('on_delay = "2s"', 'on_delay = "1s"')
    made = rig(text).put(flow=20, t_a=60, t_b=60, t_c=60)
    made.run("2s")
    event = made.last("interlock.tripped")
    assert event.cause == "C1"
    assert event.ambiguity == ("C2",)
    assert made.view().first_out == ("C1", "C2")


def test_not_armed_starts_no_trip_and_becoming_armed_trips_at_once() -> None:
    made = rig().put(run=0)
    assert made.run("200ms") == ["interlock.service_changed"]
    assert made.view().service == "NOT_REQUIRED"
    assert made.put(flow=30).run("5s") == []
    made.put(run=1)
    assert made.run("200ms")[0] == "interlock.tripped"
    assert made.view().service == "ARMED"


def test_an_arming_condition_that_is_bad_counts_as_armed() -> None:
    made = rig().put(run=0)
    made.run("200ms")
    made.spoil("run").run("200ms")
    assert made.view().service == "ARMED"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2000.0, -1.0])
def test_a_value_that_is_none_votes_to_trip(value: float) -> None:
    made = rig()
    made.put(flow=value)
    made.image.value[0] = value
    for _ in range(40):
        made.now_ns += 50 * 10**6
        made.image.value[0] = value
        made.poll()
        made.image.quality[0] = 0
        from edge.interlock.scan import scan

        step = scan(made.state, made.image, made.now_ns, ())
        made.state, made.events = step.state, [*made.events, *step.events]
    assert made.view().protection == "TRIPPED"
    assert made.view().first_out == ("C1/INPUT_LOSS",)


def test_a_single_channel_that_turns_bad_on_a_live_line_trips_by_input_loss() -> None:
    made = rig().spoil("flow")
    made.run("2s")
    assert made.view().protection == "TRIPPED"
    assert made.view().first_out == ("C1/INPUT_LOSS",)
    assert "blind" in made.view().reasons
    assert [(e, v) for e, v, _ in made.view().verdicts] == [("E1", "NOT_DUE"), ("E2", "NOT_DUE")]


def test_a_real_demand_behind_an_input_loss_is_judged_after_all() -> None:
    made = rig().spoil("flow")
    made.run("2s")
    made.put(flow=30).run("10s")
    assert made.view().verdicts[0][1] == "NOT_ACTED"


def test_one_of_two_out_of_three_bad_is_degraded_and_one_more_trips() -> None:
    made = rig().spoil("t_a")
    made.run("3s")
    assert made.view().protection == "NORMAL"
    assert (made.view().health, made.view().reasons) == ("DEGRADED", ("channel_bad",))
    made.put(t_b=55).run("3s")
    assert made.view().protection == "TRIPPED"
    assert made.view().first_out == ("C2",)


def test_a_bad_input_does_not_restart_the_on_delay() -> None:
    made = rig().put(flow=20)
    made.run("100ms")
    pending_ns = made.last("interlock.pending").mono_ns
    made.run("400ms")
    made.spoil("flow").run("2s")
    assert made.last("interlock.tripped").mono_ns - pending_ns == 10**9


def test_an_old_value_is_bad_although_nothing_says_so() -> None:
    made = rig()
    made.still.add("flow")
    made.run("3s")
    assert made.view().protection == "TRIPPED"
    shot = next(s for s in made.last("interlock.tripped").inputs if s.name == "flow")
    assert (shot.quality, shot.reason) == (2, 6)
    assert shot.age_ms is not None
    assert shot.age_ms > 300


def test_grace_holds_the_last_result_for_its_time_only() -> None:
    text = MATRIX.replace(
        'flow = { point = "plc/flow", unit = "m3/h", bad_grace = "0ms" }',
        'flow = { point = "plc/flow", unit = "m3/h", bad_grace = "1s" }',
    )
    made = rig(text).spoil("flow")
    assert made.run("900ms") == []
    assert "interlock.pending" in made.run("400ms")


def test_channels_that_disagree_are_degraded_after_their_delay_and_the_vote_goes_on() -> None:
    made = rig().put(t_a=46)
    made.run("9s")
    assert made.view().reasons == ()
    made.run("2s")
    assert made.view().reasons == ("deviation",)


def test_an_alarm_effect_sounds_and_trips_nothing() -> None:
    made = rig().put(flow=10)
    made.run("200ms")
    assert made.view().sounding == ("A1",)
    assert made.view().protection == "NORMAL"


@pytest.mark.parametrize(
    ("after_ms", "verdict"), [(0, "PROVEN"), (1000, "PROVEN"), (2900, "PROVEN"), (4000, "LATE")]
)
def test_the_verdict_follows_the_feedback(after_ms: int, verdict: str) -> None:
    made = rig().put(flow=20)
    while made.view().protection != "TRIPPED":
        made.run("50ms")
    if after_ms:
        made.run(f"{after_ms}ms")
    made.put(up=1).run("1s")
    name, found, response_ms = made.view().verdicts[0]
    assert (name, found) == ("E1", verdict)
    assert response_ms is not None
    assert abs(response_ms - after_ms) <= 150


def test_an_effect_without_feedback_is_unprovable() -> None:
    made = rig().put(flow=20)
    made.run("2s")
    assert ("E2", "UNPROVABLE", None) in made.view().verdicts


def test_no_feedback_in_time_is_not_acted_and_protection_failed_until_proven() -> None:
    made = rig().put(flow=20)
    made.run("5s")
    judged = made.last("interlock.judged")
    assert (judged.effect, judged.verdict) == ("E1", "NOT_ACTED")
    assert made.view().health == "PROTECTION_FAILED"
    assert made.view().reasons == ("not_acted",)
    made.put(flow=5).run("10s")
    assert made.view().protection == "NORMAL"
    assert made.view().health == "PROTECTION_FAILED"
    made.put(flow=20, up=1).run("2s")
    assert made.view().verdicts[0][1] == "PROVEN"
    assert made.view().health == "HEALTHY"


def test_a_bad_feedback_at_the_deadline_is_unprovable() -> None:
    made = rig().put(flow=20)
    made.run("2s")
    made.spoil("up").run("5s")
    assert made.view().verdicts[0][1] != "NOT_ACTED"
    assert ("E1", "UNPROVABLE", None) in made.view().verdicts


def test_a_bypass_of_the_plant_is_an_event_and_a_health_reason() -> None:
    made = rig().put(byp=1)
    assert made.run("200ms") == ["plant.bypassed", "interlock.health_changed"]
    assert (made.view().health, made.view().reasons) == ("DEGRADED", ("plant_bypassed",))
    assert made.view().plant[1] is True
    assert made.put(byp=0).run("200ms") == ["plant.restored", "interlock.health_changed"]
    assert made.view().health == "HEALTHY"


def test_a_demand_while_the_plant_is_bypassed_is_judged_bypassed_never_not_acted() -> None:
    made = rig().put(byp=1)
    made.run("200ms")
    made.put(flow=20).run("10s")
    assert {v for _, v, _ in made.view().verdicts} == {"BYPASSED"}
    assert made.view().health == "PROTECTION_FAILED"
    assert made.view().reasons == ("demand_without_permit", "plant_bypassed")


def test_a_bypass_signal_that_cannot_be_seen_changes_nothing() -> None:
    made = rig().put(byp=1)
    made.run("200ms")
    made.spoil("byp").run("1s")
    assert "plant_bypassed" in made.view().reasons


def test_an_engine_fault_is_unverified_until_the_engine_is_clean() -> None:
    made = rig()
    made.run("50ms", Command("1", CommandKind.ENGINE_FAULT))
    assert made.view().reasons == ("engine_fault",)
    made.run("50ms", Command("2", CommandKind.ENGINE_CLEAN))
    assert made.view().health == "HEALTHY"


def test_without_a_signal_of_the_plants_trip_nothing_latches() -> None:
    text = MATRIX.replace('tripped = "trip"\n', "").replace(
        'trip = { point = "plc/trip", unit = "bool" }\n', ""
    )
    made = rig(text).put(flow=20, up=1)
    made.run("2s")
    assert made.put(flow=5).run("8s") == ["interlock.returned"]


def test_the_event_carries_inputs_with_quality_and_age_and_the_whole_state() -> None:
    made = rig().put(flow=20)
    made.run("2s")
    event = made.last("interlock.tripped")
    flow = event.inputs[0]
    assert (flow.name, flow.point, flow.value, flow.unit) == ("flow", "plc/flow", 20.0, "m3/h")
    assert event.view.protection == "TRIPPED"
    assert (event.before, event.after, event.cause) == ("PENDING", "TRIPPED", "C1")
    assert event.blur_us == 150_000


def test_reasons_of_the_first_read_are_no_sensor_fault() -> None:
    assert (COMM_LOSS, INIT) == (2, 1)
