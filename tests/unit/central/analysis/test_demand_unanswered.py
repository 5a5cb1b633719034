from dataclasses import replace

import pytest

from central.analysis.finding import Finding
from central.analysis.rules import demand_unanswered
from central.analysis.window import InterlockFact, Window
from tests.unit.central.analysis.plant import ANSWER, SITE, T0, T1, S, fact


def judged(*facts: InterlockFact) -> list[Finding]:
    return demand_unanswered.judge(Window(SITE.site, T0, T1, (), facts), SITE, ANSWER)


def test_an_effect_that_did_not_come_is_a_finding_with_the_interlocks_clause_first() -> None:
    [found] = judged(fact())
    assert (found.subject, found.symptom) == ("BOF1-LANCE/raise_lance", "not_acted")
    assert [each.clause for each in found.clauses] == ["O10-4.4", "O10-14"]
    assert [(each.tag, each.last) for each in found.inputs] == [
        ("flow_in", 240.0),
        ("flow_out", 210.0),
    ]
    assert "未动作" in found.text_zh


def test_a_late_effect_says_how_late() -> None:
    [found] = judged(fact(verdict="LATE", response_ms=31_000, response_uncertainty_ms=120))
    assert found.symptom == "late"
    assert {each.name: each.value for each in found.numbers}["response"] == 31_000.0
    assert "31000 ms" in found.text_en


@pytest.mark.parametrize("verdict", ["PROVEN", "UNPROVABLE", "NOT_DUE", "BYPASSED", None, "?"])
def test_every_other_verdict_is_no_finding(verdict: str | None) -> None:
    assert judged(fact(verdict=verdict)) == []


@pytest.mark.parametrize(
    "service", ["TEST", "BYPASSED", "OUT_OF_DUTY", "STARTUP_INHIBIT", "NOT_REQUIRED"]
)
def test_a_demand_out_of_service_is_no_finding(service: str) -> None:
    assert judged(fact(service=service)) == []


def test_a_demand_made_of_bad_inputs_alone_is_the_loss_of_a_link() -> None:
    bad = tuple(replace(each, quality="BAD", reason="COMM_LOSS") for each in fact().inputs)
    assert judged(fact(inputs=bad)) == []
    assert len(judged(fact(inputs=(bad[0], fact().inputs[1])))) == 1


def test_other_records_are_no_judgement() -> None:
    assert judged(fact(kind="interlock.tripped")) == []


def test_two_effects_are_two_findings_and_one_effect_twice_is_one() -> None:
    again = fact(time_us=T0 + 6 * S, occurrence=4)
    assert [each.subject for each in judged(fact(), again, fact(effect="close_o2"))] == [
        "BOF1-LANCE/close_o2",
        "BOF1-LANCE/raise_lance",
    ]


def test_a_clause_that_the_catalogue_lacks_is_named_as_such() -> None:
    [found] = judged(fact(clauses=("O10-99.9",)))
    assert found.clauses[0].clause == "O10-99.9"
    assert "not in this edition" in found.clauses[0].en


def test_the_cause_is_that_of_the_trip_when_the_judgement_names_none() -> None:
    trip = fact(kind="interlock.tripped", time_us=T0 + S, cause="leak_hh", verdict=None)
    assert "leak_hh" in judged(trip, fact(cause=None))[0].text_zh
    assert judged(fact(cause=None))[0].text_zh == (
        "1 号转炉氧枪联锁：应动作 raise_lance，未动作（第 3 次）"
    )
    other = fact(kind="interlock.tripped", time_us=T0 + S, occurrence=2, verdict=None)
    assert "leak_hh" not in judged(other, fact(cause=None))[0].text_en
