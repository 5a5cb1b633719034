"""What a lost line hides trips nothing; a demand is judged although a further trip follows it."""

from tests.unit.edge.interlock.test_scan import MATRIX, rig


def test_a_cut_line_that_hides_the_arming_trips_nothing() -> None:
    engine = rig().put(run=0, flow=20)
    engine.run("5s")
    assert engine.view().protection == "NORMAL"
    engine.cut("plc")
    assert "interlock.tripped" not in engine.run("30s")
    assert (engine.view().protection, engine.view().suspended) == ("NORMAL", True)


def test_a_cut_line_that_hides_the_arming_trips_nothing_within_the_grace_either() -> None:
    text = MATRIX.replace(
        '"plc/flow", unit = "m3/h", bad_grace = "0ms"', '"plc/flow", unit = "m3/h"'
    )
    assert text != MATRIX
    engine = rig(text).put(run=0, flow=20)
    engine.run("5s")
    engine.cut("plc")
    assert "interlock.tripped" not in engine.run("1s")


def test_after_the_return_the_demand_that_the_line_had_hidden_trips() -> None:
    engine = rig().put(run=0, flow=20)
    engine.run("5s")
    engine.cut("plc")
    engine.run("5s")
    engine.join("plc").put(run=1)
    assert "interlock.tripped" in engine.run("3s")


def test_a_demand_is_judged_although_a_further_trip_comes_before_its_deadline() -> None:
    engine = rig(MATRIX.replace('feedback_within = "3s"', 'feedback_within = "20s"'))
    for _ in range(2):
        engine.put(flow=20).run("6s")
        engine.put(flow=5).run("3s")  # cleared and reset: the plant's own never tripped
    assert engine.view().occurrence == 2
    judged = [
        (e.effect, e.verdict, e.occurrence)
        for e in engine.events_of("30s")
        if e.kind == "interlock.judged"
    ]
    assert judged == [("E1", "NOT_ACTED", 1), ("E1", "NOT_ACTED", 2)]
