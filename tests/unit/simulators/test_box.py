"""Both plants in their boxes: they run, they repeat, and every fault changes what it should."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulators.box import (
    Box,
    is_serving,
    new_box,
    published_names,
    restart_plc,
    step_box,
    time_ms,
)
from simulators.faults.book import Fault, FaultBook
from simulators.plants.catalog import load_bof, load_dust_dry
from simulators.plants.model import PlantModel
from simulators.plc.plc import PlcState

AnyBox = Box[Any, Any, Any]
AnyModel = PlantModel[Any, Any, Any, Any]
SEED = 11


@cache
def model(name: str) -> AnyModel:
    return load_bof() if name == "bof" else load_dust_dry()


def walk(name: str, box: AnyBox, seconds: float, *faults: Fault) -> Iterator[AnyBox]:
    """Step with the given faults; yield the box at each new image."""
    box = replace(box, faults=FaultBook(faults))
    for _ in range(round(seconds * 1000 / model(name).traits.step_ms)):
        stepped = step_box(model(name), box, SEED)
        is_new = stepped.image is not box.image
        box = stepped
        if is_new:
            yield box


def after(name: str, box: AnyBox, seconds: float, *faults: Fault) -> AnyBox:
    """Return the box after the given time with the given faults."""
    box = replace(box, faults=FaultBook(faults))
    for _ in range(round(seconds * 1000 / model(name).traits.step_ms)):
        box = step_box(model(name), box, SEED)
    return box


@cache
def warm(name: str) -> AnyBox:
    """The plant in normal work, 10 s after its start."""
    return after(name, new_box(model(name)), 10.0)


def until(name: str, box: AnyBox, what: Callable[[AnyBox], bool], *faults: Fault) -> AnyBox:
    for found in walk(name, box, 60.0, *faults):
        if what(found):
            return found
    raise AssertionError("not within 60 s")


def test_the_converter_blows_most_of_the_time_and_pauses_between() -> None:
    blowing = [bool(b.image.values["o2_blowing"]) for b in walk("bof", warm("bof"), 140.0)]
    assert 0.75 < sum(blowing) / len(blowing) < 0.9
    assert not all(blowing)


def test_nothing_trips_in_normal_work() -> None:
    for name in ("bof", "dust_dry"):
        for box in walk(name, warm(name), 150.0):
            assert not box.image.values["ilk_tripped"]


def test_normal_work_stays_below_the_limits_of_the_matrices() -> None:
    for box in walk("bof", warm("bof"), 150.0):
        values = box.image.values
        assert float(values["lance_in_flow"]) - float(values["lance_out_flow"]) < 5.0
        assert max(float(values[f"lance_out_t_{c}"]) for c in "abc") < 43.0
    pressures = [
        float(b.image.values["diff_pressure"]) for b in walk("dust_dry", warm("dust_dry"), 60)
    ]
    assert min(pressures) > 750
    assert max(pressures) < 1100


def test_the_pulses_draw_a_saw_tooth() -> None:
    truth = [
        float(model("dust_dry").observe(b.state)["diff_pressure"])
        for b in walk("dust_dry", warm("dust_dry"), 60)
    ]
    drops = [a - b for a, b in itertools.pairwise(truth) if a - b > 10]
    assert len(drops) == 4


def test_the_same_seed_gives_the_same_values_and_another_seed_others() -> None:
    def images(seed: int) -> list[object]:
        box: AnyBox = new_box(model("bof"))
        for _ in range(300):
            box = step_box(model("bof"), box, seed)
        return [box.image, box.readings]

    assert images(1) == images(1)
    assert images(1) != images(2)


def test_a_leak_grows_over_four_seconds_and_the_controller_protects_itself() -> None:
    start = time_ms(model("bof"), warm("bof").tick)
    tripped = until(
        "bof", warm("bof"), lambda b: bool(b.image.values["ilk_tripped"]), Fault("leak")
    )
    assert 3000 < time_ms(model("bof"), tripped.tick) - start < 5000
    assert tripped.memory.protection.first_out == "leak"
    safe = after("bof", tripped, 4.0, Fault("leak")).image.values
    assert (safe["o2_valve_shut"], safe["lance_at_upper"], safe["tilt_inhibited"]) == (
        True,
        True,
        True,
    )
    leak = float(safe["lance_in_flow"]) - float(safe["lance_out_flow"])
    assert leak == pytest.approx(20.0, abs=2.0)


def test_after_the_leak_is_mended_the_operator_resets_and_blowing_resumes() -> None:
    leaking = after("bof", warm("bof"), 12.0, Fault("leak"))
    assert leaking.image.values["ilk_tripped"]
    mended = after("bof", leaking, 4.0 + 4.0)
    assert not mended.image.values["ilk_tripped"]
    assert not mended.image.values["o2_blowing"]
    assert after("bof", mended, 8.0).image.values["o2_blowing"]


@pytest.mark.parametrize("fault", [Fault("bypass"), Fault("protection_fails")])
def test_a_withheld_protection_does_not_act_and_water_reaches_the_vessel(fault: Fault) -> None:
    box = after("bof", warm("bof"), 15.0, Fault("leak"), fault)
    values = box.image.values
    assert (values["ilk_tripped"], values["o2_blowing"]) == (False, True)
    assert values["ilk_bypassed"] == (fault.kind == "bypass")
    protected = after("bof", warm("bof"), 15.0, Fault("leak"))
    assert box.state.harm_kg > 2 * protected.state.harm_kg > 0


def test_a_frozen_transmitter_repeats_while_its_neighbours_move() -> None:
    boxes = list(walk("bof", warm("bof"), 3.0, Fault("freeze_sensor", "lance_out_t_a")))
    assert len({b.image.values["lance_out_t_a"] for b in boxes}) == 1
    assert len({b.image.values["lance_out_t_b"] for b in boxes}) > 100


def test_the_controller_believes_its_own_frozen_transmitter() -> None:
    frozen = (Fault("leak"), Fault("freeze_sensor", "lance_out_flow"))
    assert not after("bof", warm("bof"), 15.0, *frozen).image.values["ilk_tripped"]


@pytest.mark.parametrize("name", ["bof", "dust_dry"])
def test_a_stopped_controller_serves_its_last_image_with_a_dead_counter(name: str) -> None:
    stopped = after(name, warm(name), 1.0, Fault("plc_stop"))
    assert stopped.plc.state is PlcState.STOP
    assert is_serving(stopped)
    assert after(name, stopped, 5.0, Fault("plc_stop")).image == stopped.image
    again = after(name, stopped, 1.0)
    assert again.plc.state is PlcState.RUN
    assert int(again.image.values["life_counter"]) > int(stopped.image.values["life_counter"])


def test_a_stopped_controller_does_not_protect() -> None:
    box = after("bof", warm("bof"), 15.0, Fault("leak"), Fault("plc_stop"))
    assert not box.state.tilt_inhibited or box.state.oxygen > 0.9
    assert box.state.oxygen > 0.9


def test_a_restarted_controller_refuses_while_it_boots_and_counts_anew() -> None:
    booting = after("bof", restart_plc(warm("bof")), 0.5)
    assert not is_serving(booting)
    back = after("bof", booting, 1.0)
    assert is_serving(back)
    assert back.plc.boot_id == warm("bof").plc.boot_id + 1
    assert 0 < back.plc.life < 50


def test_a_restart_forgets_the_trip_and_shuts_the_oxygen_meanwhile() -> None:
    tripped = after("bof", warm("bof"), 12.0, Fault("leak"))
    assert tripped.memory.protection.is_tripped
    assert not after("bof", restart_plc(tripped), 1.2).memory.protection.is_tripped
    blowing = warm("bof")
    assert blowing.state.oxygen == 1.0
    assert after("bof", restart_plc(blowing), 0.9).state.oxygen == 0.0


def test_a_tripped_pump_heats_two_of_three_outlets_over_their_limit() -> None:
    late = after("bof", warm("bof"), 80.0)  # late in the blow, at full heat
    box = after("bof", late, 25.0, Fault("pump_trip"))
    assert box.memory.protection.first_out == "outlet_temperature"
    assert box.image.values["lance_at_upper"]
    one = (Fault("pump_trip"), *(Fault("freeze_sensor", f"lance_out_t_{c}") for c in "ab"))
    assert not after("bof", late, 25.0, *one).memory.protection.is_tripped


def test_a_cut_line_refuses_and_changes_nothing_else() -> None:
    cut = after("bof", warm("bof"), 1.0, Fault("cut_line"))
    assert not is_serving(cut)
    assert cut.plc.state is PlcState.RUN
    assert is_serving(after("bof", cut, 0.1))


def test_a_fault_ends_by_itself() -> None:
    soon = time_ms(model("bof"), warm("bof").tick) + 500
    assert not is_serving(after("bof", warm("bof"), 0.4, Fault("cut_line", None, soon)))
    assert is_serving(after("bof", warm("bof"), 0.6, Fault("cut_line", None, soon)))


def test_clogged_bags_stop_the_grinder_and_not_the_fan() -> None:
    values = after("dust_dry", warm("dust_dry"), 12.0, Fault("clogged_bag")).image.values
    assert float(values["diff_pressure"]) > 1900
    assert (values["ilk_tripped"], values["grinder_running"], values["fan_running"]) == (
        True,
        False,
        True,
    )
    cleaned = after("dust_dry", after("dust_dry", warm("dust_dry"), 12.0, Fault("clogged_bag")), 25)
    assert cleaned.image.values["grinder_running"]


@pytest.mark.parametrize(
    ("kind", "seconds", "first_out", "fan"),
    [
        ("ember", 30.0, "hopper_temp", False),
        ("spark", 1.0, "spark", False),
        ("airlock_jam", 3.0, "airlock", True),
    ],
)
def test_every_other_hazard_of_dust_stops_the_grinder(
    kind: str, seconds: float, first_out: str, fan: bool
) -> None:
    box = after("dust_dry", warm("dust_dry"), seconds, Fault(kind))
    assert box.memory.protection.first_out == first_out
    assert not box.image.values["grinder_running"]
    assert box.image.values["fan_running"] == fan


@pytest.mark.parametrize("name", ["bof", "dust_dry"])
def test_truth_never_leaks_into_the_image(name: str) -> None:
    assert not [key for key in published_names(model(name)) if key.startswith("truth.")]
