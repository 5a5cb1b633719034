import numpy as np

from central.analysis.facts import (
    interlock_facts,
    last_of,
    lost_devices,
    point_facts,
    series_of,
    standing_of,
)
from central.analysis.operators import intersect, join, processes, total_us, truth_spans
from central.analysis.window import Carried, Window
from central.archive.model import ArchivedPoint, PointColumns
from proto.point import PointType
from proto.quality import Quality, Reason
from tests.unit.central.analysis.plant import BLOWING, SITE, T0, T1, S, facts, series

BODY: dict[str, object] = {
    "k": "interlock.judged",
    "id": "x",
    "t": T0 + 1,
    "m": 1,
    "interlock": "BOF1-LANCE",
    "title": "氧枪",
    "clauses": ["O10-4.4", 7],
    "mode": "advisory",
    "occurrence": 2,
    "cause": None,
    "inputs": [{"name": "t_a", "value": 51, "unit": "Cel", "quality": "GOOD", "age_ms": 3}, "?"],
    "state": {"service": "ARMED", "running": "TRUE", "plant": {"bypassed": True}},
    "effect": "close_o2",
    "verdict": "LATE",
    "response_ms": 900,
}


def point(**changes: object) -> ArchivedPoint:
    made: dict[str, object] = {
        "point": "bof1_plc/lance_position",
        "tag": "ZT-104",
        "title": "枪位",
        "type": PointType.U16,
        "unit": "mm",
        "scale": 0.5,
        "offset": 0.0,
        "range_low": 0.0,
        "range_high": 20_000.0,
        "parameter": "bof.lance.lance_position",
        "process_unit": "BOF-1",
        "life": False,
        "device": "bof1_plc",
        "profile": "bof_lance_plc",
        "poll": "fast",
        "period_us": 100_000,
        "subscribed": False,
        "path": "plc",
        "gateway": "610581-bof1a",
    }
    return ArchivedPoint(**(made | changes))  # type: ignore[arg-type]


def test_a_whole_number_has_a_step_and_a_float_has_none() -> None:
    assert point_facts(point()).resolution == 0.5
    assert point_facts(point(type=PointType.F32)).resolution is None
    switch = point_facts(point(type=PointType.BOOL, unit="bool"))
    assert (switch.digital, switch.resolution) == (True, None)


def test_a_subscribed_point_owes_no_samples() -> None:
    assert point_facts(point(subscribed=True)).period_us == 0


def test_a_record_is_taken_apart_and_odd_parts_are_left_out() -> None:
    [found] = interlock_facts([BODY, {"k": "alarm.raised"}, {"k": "interlock.reset", "t": 5}])
    assert (found.clauses, found.cause, found.plant_bypassed) == (("O10-4.4",), None, True)
    assert (found.verdict, found.response_ms, found.service) == ("LATE", 900, "ARMED")
    assert [(each.name, each.value) for each in found.inputs] == [("t_a", 51.0)]


def test_the_newest_fact_of_each_interlock_stands() -> None:
    newer = {**BODY, "t": T0 + 9, "k": "interlock.reset"}
    [standing] = standing_of(interlock_facts([newer, BODY]))
    assert standing.kind == "interlock.reset"


def test_lost_devices_are_those_that_records_name() -> None:
    bodies = [{"k": "device.link_lost", "device": "bof1_plc"}, {"k": "alarm.raised", "device": "x"}]
    assert lost_devices(bodies) == {"bof1_plc"}


def columns(*values: float) -> PointColumns:
    count = len(values)
    zeros = np.zeros(count, np.uint8)
    times = np.arange(count, dtype=np.int64) + T0
    return PointColumns(times, np.array(values), zeros, zeros, np.zeros(count, np.bool_))


def test_the_last_sample_is_carried_and_a_missing_number_is_bad() -> None:
    assert last_of(columns()) is None
    assert last_of(columns(1.0, 2.0)) == Carried(T0 + 1, 2.0, Quality.GOOD, Reason.NONE)
    assert last_of(columns(1.0, float("nan"))) == Carried(T0 + 1, 0.0, Quality.BAD, Reason.NONE)
    assert series_of(BLOWING, columns(1.0), None).quality.dtype == np.uint8


def test_spans_are_joined_and_intersected() -> None:
    assert join(((5, 7), (0, 2), (2, 3), (6, 9))) == ((0, 3), (5, 9))
    assert intersect(((0, 3), (5, 9)), ((2, 6),)) == ((2, 3), (5, 6))
    assert total_us(((0, 3), (5, 9))) == 7


def test_a_periodic_state_holds_three_periods_and_no_longer() -> None:
    blowing = series(BLOWING, 1.0, end_us=T0 + 5 * S)
    assert truth_spans(blowing, T0, T1) == ((T0, T0 + 5 * S + 200_000),)


def test_the_preferred_parameter_says_whether_the_process_runs() -> None:
    machine = facts("grinder", "dust.workshop.process_machine_running", digital=True)
    window = Window(SITE.site, T0, T1, (series(machine, 1.0), series(BLOWING, 0.0)))
    found = processes(window, ("sys.proc.process_state", "dust.workshop.process_machine_running"))
    assert found["BOF-1"].facts.parameter == "sys.proc.process_state"
