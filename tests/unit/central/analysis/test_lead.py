import json
from dataclasses import replace

from central.analysis.finding import Finding, finding_body, finding_from
from central.analysis.lead import lead_body, leads_of
from central.analysis.rules import channel_health
from central.analysis.window import Window, canonical, window_hash
from tests.unit.central.analysis.plant import DEMO, HEALTH, SITE, T0, TEMP, S, healthy, series

WINDOW_US, GAP_US = 10 * S, 30 * S


def finding(number: int = 0) -> Finding:
    [found] = channel_health.judge(healthy(temp=series(TEMP, 38.25)), SITE, HEALTH)
    moved = T0 + number * WINDOW_US
    return replace(found, t0_us=moved, t1_us=moved + WINDOW_US)


def test_a_finding_survives_its_own_text() -> None:
    text = canonical(finding_body(finding()))
    assert finding_from(json.loads(text)) == finding()


def test_a_continuing_finding_extends_its_lead() -> None:
    [lead] = leads_of([finding(0), finding(1), finding(2)], GAP_US)
    assert (lead.windows, lead.first_us, lead.last_us) == (3, T0, T0 + 3 * WINDOW_US)
    assert (lead.first.t0_us, lead.newest.t0_us) == (T0, T0 + 2 * WINDOW_US)


def test_a_pause_longer_than_the_gap_begins_another_lead() -> None:
    assert [each.windows for each in leads_of([finding(0), finding(4)], GAP_US)] == [2]
    assert [each.windows for each in leads_of([finding(0), finding(5)], GAP_US)] == [1, 1]


def test_a_lead_keeps_its_name_while_it_grows() -> None:
    [early] = leads_of([finding(0)], GAP_US)
    [later] = leads_of([finding(0), finding(1)], GAP_US)
    assert early.lead == later.lead


def test_another_version_of_the_rule_makes_another_lead() -> None:
    assert len(leads_of([finding(0), replace(finding(0), rule_version=2)], GAP_US)) == 2


def test_the_lead_as_json_says_everything_that_convinced() -> None:
    [lead] = leads_of([finding(0)], GAP_US)
    body = json.loads(canonical(lead_body(lead)))
    assert (body["schema"], body["mark"], body["grade"], body["pack"]) == (
        "lead/1",
        "SIMULATED",
        "C",
        DEMO.pack,
    )
    assert {each["clause"] for each in body["clauses"]} == {"O10-14", "O10-4.4"}
    assert body["window"] == {"t0_us": T0, "t1_us": T0 + WINDOW_US, "hash": lead.newest.window_hash}
    assert body["inputs"][0]["samples"] == 100
    assert body["numbers"]
    assert body["excluded"]
    assert body["text"]["zh"]


def test_a_real_site_has_no_mark() -> None:
    [lead] = leads_of([replace(finding(0), simulated=False)], GAP_US)
    assert lead_body(lead)["mark"] is None


def test_the_hash_of_a_window_covers_every_sample() -> None:
    made, other = healthy(), healthy()
    assert window_hash(made) == window_hash(other)
    other.series[2].value[4] += 1e-9
    assert window_hash(made) != window_hash(other)
    turned = Window(made.site, made.t0_us, made.t1_us, tuple(reversed(made.series)))
    assert window_hash(made) == window_hash(turned)
