"""The controller: every state with every event, its counter, its protection, its operator."""

import pytest

from simulators.plc.plc import TRANSITIONS, Plc, PlcEvent, PlcState, after, step_plc
from simulators.plc.program import (
    Protection,
    ProtectionSettings,
    new_protection,
    step_protection,
)

BOOT, RUN, STOP, DEAD = PlcState.BOOT, PlcState.RUN, PlcState.STOP, PlcState.DEAD
ROWS = {
    (BOOT, PlcEvent.BOOTED): Plc(RUN, booting_ms=0, life=7, boot_id=4),
    (BOOT, PlcEvent.POWER_OFF): Plc(DEAD, booting_ms=600, life=7, boot_id=3),
    (RUN, PlcEvent.STOP): Plc(STOP, booting_ms=600, life=7, boot_id=3),
    (RUN, PlcEvent.RESTART): Plc(BOOT, booting_ms=0, life=0, boot_id=3),
    (RUN, PlcEvent.POWER_OFF): Plc(DEAD, booting_ms=600, life=7, boot_id=3),
    (STOP, PlcEvent.RUN): Plc(RUN, booting_ms=600, life=7, boot_id=3),
    (STOP, PlcEvent.RESTART): Plc(BOOT, booting_ms=0, life=0, boot_id=3),
    (STOP, PlcEvent.POWER_OFF): Plc(DEAD, booting_ms=600, life=7, boot_id=3),
    (DEAD, PlcEvent.POWER_ON): Plc(BOOT, booting_ms=0, life=0, boot_id=3),
}


@pytest.mark.parametrize("state", PlcState)
@pytest.mark.parametrize("event", PlcEvent)
def test_every_event_in_every_state_does_what_the_table_says_or_nothing(
    state: PlcState, event: PlcEvent
) -> None:
    before = Plc(state, booting_ms=600, life=7, boot_id=3)
    assert after(before, event) == ROWS.get((state, event), before)


def test_the_table_of_the_code_has_no_other_rows() -> None:
    assert set(TRANSITIONS) == set(ROWS)


@pytest.mark.parametrize(
    ("state", "serves", "scans"),
    [(BOOT, False, False), (RUN, True, True), (STOP, True, False), (DEAD, False, False)],
)
def test_stop_still_serves_the_protocol(state: PlcState, serves: bool, scans: bool) -> None:
    assert (Plc(state).is_serving, Plc(state).is_scanning) == (serves, scans)


def test_booting_takes_its_time_and_counts_as_one_boot() -> None:
    plc = Plc()
    scans = 0
    while plc.state is BOOT:
        plc = step_plc(plc, boot_ms=2000, dt_ms=20)
        scans += 1
    assert scans == 100
    assert (plc.state, plc.boot_id, plc.life) == (RUN, 1, 0)


def test_the_counter_counts_in_run_only_and_wraps_at_16_bits() -> None:
    assert step_plc(Plc(RUN, life=65_535), boot_ms=0, dt_ms=20).life == 0
    for state in (STOP, DEAD):
        assert step_plc(Plc(state, life=9), boot_ms=0, dt_ms=20) == Plc(state, life=9)


SETTINGS = ProtectionSettings(
    demands=("leak", "heat"),
    on_delay_ms=(1000, 2000),
    reset_after_ms=4000,
    restart_after_ms=3000,
)


def run(
    state: Protection, ms: int, *demands: bool, withheld: bool = False, dt_ms: int = 20
) -> Protection:
    for _ in range(ms // dt_ms):
        state = step_protection(SETTINGS, state, demands, withheld=withheld, dt_ms=dt_ms)
    return state


def test_a_demand_trips_after_its_delay_and_not_before() -> None:
    pending = run(new_protection(SETTINGS), 1000, True, False)
    assert not pending.is_tripped
    tripped = run(pending, 20, True, False)
    assert (tripped.is_tripped, tripped.first_out, tripped.trips) == (True, "leak", 1)


def test_a_demand_that_goes_away_starts_its_delay_anew() -> None:
    state = run(new_protection(SETTINGS), 900, True, False)
    state = run(state, 20, False, False)
    assert not run(state, 900, True, False).is_tripped


def test_a_trip_holds_until_the_operator_has_seen_no_demand_for_a_while() -> None:
    tripped = run(new_protection(SETTINGS), 1100, True, False)
    still = run(run(tripped, 3900, False, False), 20, True, False)
    assert still.is_tripped
    reset = run(still, 4000, False, False)
    assert (reset.is_tripped, reset.permits_running, reset.restart_ms) == (False, False, 3000)
    assert not run(reset, 2980, False, False).permits_running
    assert run(reset, 3000, False, False).permits_running


def test_a_second_demand_does_not_change_the_first_out() -> None:
    state = run(new_protection(SETTINGS), 1100, True, False)
    assert run(state, 5000, True, True).first_out == "leak"


def test_a_withheld_protection_times_its_demands_and_trips_as_soon_as_it_may() -> None:
    withheld = run(new_protection(SETTINGS), 9000, True, True, withheld=True)
    assert (withheld.is_tripped, withheld.trips) == (False, 0)
    assert run(withheld, 20, True, True).is_tripped
