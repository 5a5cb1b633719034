"""Leads are a fold over a set of findings: neither order nor repetition may matter."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from central.analysis.finding import Finding
from central.analysis.lead import leads_of
from central.analysis.operators import Span, intersect, join, total_us
from central.analysis.rules import channel_health, judge_all
from central.analysis.window import Window
from tests.unit.central.analysis.plant import DEMO, HEALTH, SITE, T0, TEMP, S, healthy, series

[FOUND] = channel_health.judge(healthy(temp=series(TEMP, 38.25)), SITE, HEALTH)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=8).map(
    lambda raw: tuple((start, start + length) for start, length in raw)
)


def at(number: int, subject: str, digest: str) -> Finding:
    t0_us = T0 + number * 10 * S
    return replace(FOUND, t0_us=t0_us, t1_us=t0_us + 10 * S, subject=subject, window_hash=digest)


FINDINGS = st.lists(
    st.builds(at, st.integers(0, 30), st.sampled_from(["a", "b"]), st.sampled_from(["00", "ff"])),
    max_size=25,
)


@given(FINDINGS, st.randoms(use_true_random=False), st.integers(0, 60))
def test_the_order_of_windows_is_irrelevant_and_a_repeat_changes_nothing(
    findings: list[Finding], random: object, gap_s: int
) -> None:
    turned = list(findings) + findings[: len(findings) // 2]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert leads_of(turned, gap_s * S) == leads_of(findings, gap_s * S)


@given(FINDINGS, st.integers(0, 60))
def test_every_finding_stands_in_exactly_one_lead(findings: list[Finding], gap_s: int) -> None:
    leads = leads_of(findings, gap_s * S)
    assert sum(lead.windows for lead in leads) == len({(each.key, each.t0_us) for each in findings})
    assert len({lead.lead for lead in leads}) == len(leads)
    for lead in leads:
        assert lead.first.t0_us == lead.first_us <= lead.last_us == lead.newest.t1_us


@given(SPANS, SPANS)
def test_an_intersection_lies_in_both_and_is_as_long_as_its_moments(
    left: tuple[Span, ...], right: tuple[Span, ...]
) -> None:
    def moments(spans: tuple[Span, ...]) -> set[int]:
        return {each for start, end in spans for each in range(start, end)}

    both = intersect(join(left), join(right))
    assert moments(both) == moments(left) & moments(right)
    assert total_us(both) == len(moments(both))


@given(st.permutations(list(healthy(temp=series(TEMP, 38.25), bypassed=None).series)))
def test_the_order_of_points_changes_no_finding(order: list[object]) -> None:
    window = Window(SITE.site, T0, T0 + 10 * S, tuple(order))  # type: ignore[arg-type]
    assert judge_all(window, SITE, DEMO.rules) == [replace(FOUND, window_hash=FOUND_HASH)]


FOUND_HASH = judge_all(healthy(temp=series(TEMP, 38.25), bypassed=None), SITE, DEMO.rules)[
    0
].window_hash
