import numpy as np
import pytest

from central.analysis.finding import Finding
from central.analysis.rules import bypass_while_running
from central.analysis.window import Carried, InterlockFact, Series, Window
from proto.quality import Quality, Reason
from tests.unit.central.analysis.plant import (
    BLOWING,
    BYPASS,
    BYPASSED,
    SITE,
    T0,
    T1,
    S,
    fact,
    facts,
    healthy,
    series,
)


def judged(window: Window) -> list[Finding]:
    return bypass_while_running.judge(window, SITE, BYPASS)


def with_facts(
    window: Window, inside: tuple[InterlockFact, ...] = (), before: tuple[InterlockFact, ...] = ()
) -> Window:
    return Window(window.site, T0, T1, window.series, inside, before)


def true_from(second: float) -> Series:
    return series(BYPASSED, (np.arange(100) >= second * 10).astype(float))


def test_a_bypass_bit_while_the_process_runs_is_a_finding() -> None:
    [found] = judged(healthy(bypassed=series(BYPASSED, 1.0)))
    assert (found.subject, found.symptom) == ("bof1_plc/ilk_bypassed", "bypassed")
    assert found.numbers[0].value == pytest.approx(10.0)
    assert found.numbers[0].limit == 3.0
    assert "placeholder" in found.numbers[0].basis


def test_a_known_interlock_gives_its_name_and_its_clause() -> None:
    window = with_facts(
        healthy(bypassed=series(BYPASSED, 1.0)),
        before=(fact(kind="plant.bypassed", time_us=T0 - S, plant_bypassed=True),),
    )
    [found] = judged(window)
    assert found.subject == "BOF1-LANCE"
    assert [each.clause for each in found.clauses] == ["O10-4.4", "O10-14"]
    assert found.confidence == 0.9


@pytest.mark.parametrize(("second", "expected"), [(6.9, 1), (7.0, 1), (7.1, 0), (9.9, 0)])
def test_a_bypass_shorter_than_the_grace_is_a_key_test(second: float, expected: int) -> None:
    assert len(judged(healthy(bypassed=true_from(second)))) == expected


def test_a_bypass_while_the_process_stands_is_lawful() -> None:
    assert judged(healthy(bypassed=series(BYPASSED, 1.0), blowing=series(BLOWING, 0.0))) == []


def test_bypass_and_process_must_hold_at_the_same_time() -> None:
    blowing = series(BLOWING, (np.arange(100) < 50).astype(float))
    assert judged(healthy(bypassed=true_from(5.0), blowing=blowing)) == []


@pytest.mark.parametrize("reason", [Reason.COMM_LOSS, Reason.STALE])
def test_a_bit_that_is_not_of_now_proves_nothing(reason: Reason) -> None:
    stale = series(BYPASSED, 1.0, quality=Quality.UNCERTAIN, reason=reason)
    assert judged(healthy(bypassed=stale)) == []


def test_an_on_change_bit_holds_from_before_the_window() -> None:
    sent = facts("ilk_bypassed", "sys.ilk.bypass_active", digital=True, period_us=0)
    before = Carried(T0 - 60 * S, 1.0, Quality.GOOD, Reason.NONE)
    quiet = series(sent, 0.0, start_us=T1, carried=before)
    assert len(judged(healthy(bypassed=quiet))) == 1
    lost = Carried(T0 - 60 * S, 1.0, Quality.BAD, Reason.COMM_LOSS)
    assert judged(healthy(bypassed=series(sent, 0.0, start_us=T1, carried=lost))) == []


def test_records_speak_where_the_unit_has_no_bypass_point() -> None:
    bypassed = fact(kind="plant.bypassed", time_us=T0 + 2 * S, plant_bypassed=True)
    restored = fact(kind="plant.restored", time_us=T0 + 6 * S, plant_bypassed=False)
    [found] = judged(with_facts(healthy(bypassed=None), (bypassed, restored)))
    assert found.subject == "BOF1-LANCE"
    assert found.numbers[0].value == pytest.approx(4.0)
    assert judged(with_facts(healthy(bypassed=None), (restored,))) == []


def test_records_do_not_double_what_the_point_says() -> None:
    bypassed = fact(kind="plant.bypassed", time_us=T0 + 2 * S, plant_bypassed=True)
    assert len(judged(with_facts(healthy(bypassed=series(BYPASSED, 1.0)), (bypassed,)))) == 1
