"""What the plant does reaches the bureau in time, and what it hides becomes a lead."""

import time

from tests.e2e.rig import DUST, STEEL, Rig, until

LEAK_ON_DELAY_S = 1.0  # cause C1 of the converter's matrix
SEEN_WITHIN_S = 2.0
LEAD_WITHIN_S = 60.0  # two windows of 10 s, grace, and the walk of the runner


def now_us() -> int:
    """Return the wall time; plants, gateways and centre share this machine's clock."""
    return time.time_ns() // 1000


def trip_seen(rig: Rig) -> bool:
    """Return True once the board shows the converter's interlock as tripped."""
    [interlock] = rig.site(STEEL)["interlocks"]
    return interlock["protection"] == "TRIPPED"


def test_a_leak_is_a_trip_at_the_centre_within_2_s_of_its_delay(rig: Rig) -> None:
    rig.fault(STEEL, "leak", "--for", "6s")
    until("the trip is shown", lambda: trip_seen(rig), within_s=10, every_s=0.05)
    seen_us = now_us()
    [tripped] = rig.records(STEEL, "interlock.tripped")
    pending = rig.records(STEEL, "interlock.pending")[-1]
    assert tripped["cause"] == "C1"
    assert tripped["clauses"] == ["O10-4.4"]
    waited_s = (tripped["m"] - pending["m"]) / 1e6
    assert LEAK_ON_DELAY_S <= waited_s < LEAK_ON_DELAY_S + 0.2
    assert (seen_us - tripped["t"]) / 1e6 < SEEN_WITHIN_S
    until("the plant has acted", lambda: rig.records(STEEL, "interlock.judged"), within_s=25)
    verdicts = {r["effect"]: r["verdict"] for r in rig.records(STEEL, "interlock.judged")}
    assert set(verdicts.values()) == {"PROVEN"}
    rig.settle()


def test_without_a_fault_there_is_no_lead_and_with_one_there_is_with_its_clause(rig: Rig) -> None:
    time.sleep(25)  # two whole windows and their grace
    assert rig.leads() == []
    rig.fault(STEEL, "freeze_sensor", "--on", "lance_out_t_a")
    rig.fault(DUST, "bypass")

    def about(site: object, subject: str) -> dict[str, object] | None:
        found = [x for x in rig.leads() if x["site"] == site.site and subject in x["subject"]]
        return found[0] if found else None

    frozen = until("frozen", lambda: about(STEEL, "lance_out_t_a"), within_s=LEAD_WITHIN_S)
    bypassed = until("bypassed", lambda: about(DUST, ""), within_s=LEAD_WITHIN_S)
    for lead, symptom in ((frozen, "FLAT"), (bypassed, "BYPASS")):
        assert lead["mark"] == "SIMULATED"
        assert symptom.lower() in f"{lead['symptom']} {lead['rule']}".lower()
        assert lead["clauses"][0]["clause"].startswith("O10-")
        assert lead["inputs"]
        assert lead["numbers"]
        assert lead["window"]["t1_us"] - lead["window"]["t0_us"] == 10_000_000
    assert {x["subject"] for x in rig.leads()} == {frozen["subject"], bypassed["subject"]}
    rig.settle()


def test_a_program_that_ignores_its_own_trip_is_a_lead(rig: Rig) -> None:
    rig.fault(STEEL, "protection_fails")
    rig.fault(STEEL, "leak", "--for", "45s")
    found = until(
        "due but not acted",
        lambda: [x for x in rig.leads() if x["site"] == STEEL.site],
        within_s=LEAD_WITHIN_S + 30,
        every_s=1,
    )
    assert "O10-4.4" in {c["clause"] for lead in found for c in lead["clauses"]}
    rig.fault(STEEL, "protection_fails", "--clear")
    rig.settle()
