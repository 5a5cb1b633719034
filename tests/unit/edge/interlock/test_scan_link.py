"""One interlock while its controller is lost, stopped, or comes back."""

from edge.interlock.reading import LINK_STOPPED
from tests.unit.edge.interlock.one_interlock import MATRIX, POINTS, rig
from tests.unit.edge.rig import Rig


def test_a_lost_controller_trips_nothing_and_is_unverified() -> None:
    made = rig().cut("plc")
    kinds = made.run("60s")
    assert set(kinds) == {"interlock.health_changed"}
    assert made.view().protection == "NORMAL"
    assert made.view().health == "PROTECTION_UNVERIFIED"
    assert made.view().reasons == ("comm_loss", "inputs_lost")


def test_a_stopped_life_signal_counts_as_lost_with_its_own_reason() -> None:
    made = rig()
    made.image.link[0] = LINK_STOPPED
    step_ns = 50 * 10**6
    from edge.interlock.scan import scan

    for _ in range(20):
        made.now_ns += step_ns
        made.image.quality[:] = [2] * len(made.image.quality)
        made.image.reason[:] = [6] * len(made.image.reason)
        made.state = scan(made.state, made.image, made.now_ns, ()).state
    assert made.view().reasons == ("partner_stopped", "inputs_lost")
    assert made.view().protection == "NORMAL"


def test_a_demand_that_is_pending_when_the_line_is_lost_stays_pending_and_says_so() -> None:
    made = rig().put(flow=20)
    made.run("500ms")
    made.cut("plc").run("30s")
    assert made.view().protection == "PENDING"
    assert made.view().suspended


def test_a_trip_stands_over_a_lost_line_and_an_open_demand_is_unprovable() -> None:
    made = rig().put(flow=20)
    made.run("2s")
    made.cut("plc").run("30s")
    assert made.view().protection == "TRIPPED"
    assert ("E1", "UNPROVABLE", None) in made.view().verdicts


def test_a_demand_that_stands_at_the_return_trips_on_fresh_data_over_its_on_delay() -> None:
    made = rig().cut("plc")
    made.run("10s")
    made.put(flow=30).join("plc")
    back_ns = made.now_ns
    made.run("3s")
    waited = made.last("interlock.tripped").mono_ns - back_ns
    assert 10**9 <= waited <= 10**9 + 300 * 10**6


def test_without_an_on_delay_a_return_still_waits_for_two_polls() -> None:
    made = rig(MATRIX.replace('on_delay = "1s"', 'on_delay = "0ms"')).cut("plc")
    made.run("10s")
    made.put(flow=30).join("plc")
    made.run("50ms")
    seen_ns = made.now_ns
    made.run("1s")
    assert made.last("interlock.tripped").mono_ns - seen_ns >= 2 * 10**8


def test_a_channel_still_bad_a_minute_after_the_return_is_a_sensor_fault() -> None:
    made = rig().cut("plc")
    made.run("5s")
    made.spoil("flow").join("plc")
    made.run("59s")
    assert made.view().protection == "NORMAL"
    made.run("4s")
    assert made.view().first_out == ("C1/INPUT_LOSS",)


def test_a_controller_that_never_answers_leaves_init_after_ten_seconds_without_a_trip() -> None:
    made = Rig(MATRIX, POINTS)
    made.run("9s")
    assert made.view().service == "INIT"
    made.run("3s")
    assert made.view().service == "ARMED"
    assert made.view().health == "PROTECTION_UNVERIFIED"
    assert made.view().protection == "NORMAL"
