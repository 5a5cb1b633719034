"""An interlock is bypassed while its process runs.  Pure.

Two witnesses: the bypass point of the process unit, and the plant's own state as interlock records
report it.
Clause: O10-14, the interlock's clauses, Work Safety Law art. 36(3) by way of the parameter's row.
"""

from central.analysis.finding import Doubt, Finding, InputEvidence, Number
from central.analysis.operators import Span, intersect, join, running_spans, total_us, truth_spans
from central.analysis.pack import Rule
from central.analysis.rules.demand_unanswered import input_evidence, named_clauses
from central.analysis.rules.wording import evidence, make_finding, number_of
from central.analysis.window import InterlockFact, Series, SiteFacts, Window, window_hash

_US_PER_S = 1_000_000


def judge(window: Window, registry: SiteFacts, rule: Rule) -> list[Finding]:
    """Return one finding per process unit whose interlock was bypassed long enough while it ran."""
    running = running_spans(window, rule.process)
    findings: list[Finding] = []
    covered: set[str] = set()
    for series in sorted(window.series, key=lambda each: each.facts.point):
        if series.facts.parameter not in rule.inputs:
            continue
        unit = series.facts.process_unit
        covered.add(unit)
        bypassed = truth_spans(series, window.t0_us, window.t1_us)
        both = intersect(bypassed, running.get(unit, ()))
        if _long_enough(both, rule):
            fact = _of_unit(window, unit)
            findings.append(_from_point(window, registry, rule, series, both, fact))
    return findings + _from_records(window, registry, rule, running, covered)


def _long_enough(spans: tuple[Span, ...], rule: Rule) -> bool:
    return total_us(spans) >= rule.limit("bypassed_min") * _US_PER_S > 0


def _newest(window: Window) -> dict[str, InterlockFact]:
    """Return the newest fact of each interlock up to the end of the window."""
    newest: dict[str, InterlockFact] = {}
    for fact in sorted((*window.standing, *window.interlocks), key=lambda each: each.time_us):
        newest[fact.interlock] = fact
    return newest


def _unit_of(window: Window, fact: InterlockFact) -> str | None:
    """Return the process unit of the interlock's inputs; None for none or several."""
    units = {each.facts.point: each.facts.process_unit for each in window.series}
    found = {units[each.point] for each in fact.inputs if each.point in units}
    return found.pop() if len(found) == 1 else None


def _of_unit(window: Window, unit: str) -> InterlockFact | None:
    named = [fact for fact in _newest(window).values() if _unit_of(window, fact) == unit]
    bypassed = [fact for fact in named if fact.plant_bypassed]
    return next(iter(bypassed or named), None)


def _record_spans(window: Window, interlock: str) -> tuple[Span, ...]:
    """Return where records say that it was bypassed: each state holds until the next."""
    facts = [
        fact
        for fact in sorted((*window.standing, *window.interlocks), key=lambda each: each.time_us)
        if fact.interlock == interlock and fact.plant_bypassed is not None
    ]
    ends = [fact.time_us for fact in facts[1:]] + [window.t1_us]
    spans = [
        (max(fact.time_us, window.t0_us), min(end, window.t1_us))
        for fact, end in zip(facts, ends, strict=True)
        if fact.plant_bypassed
    ]
    return join(tuple((start, end) for start, end in spans if end > start))


def _from_records(
    window: Window,
    registry: SiteFacts,
    rule: Rule,
    running: dict[str, tuple[Span, ...]],
    covered: set[str],
) -> list[Finding]:
    """Judge interlocks whose unit has no bypass point of its own."""
    findings: list[Finding] = []
    for name, fact in sorted(_newest(window).items()):
        unit = _unit_of(window, fact)
        if unit is None or unit in covered:
            continue
        both = intersect(_record_spans(window, name), running.get(unit, ()))
        if _long_enough(both, rule):
            inputs = tuple(input_evidence(each) for each in fact.inputs)
            findings.append(_finding(window, registry, rule, name, both, fact, inputs))
    return findings


def _from_point(
    window: Window,
    registry: SiteFacts,
    rule: Rule,
    series: Series,
    both: tuple[Span, ...],
    fact: InterlockFact | None,
) -> Finding:
    subject = fact.interlock if fact is not None else series.facts.point
    return _finding(window, registry, rule, subject, both, fact, (evidence(series),))


def _finding(
    window: Window,
    registry: SiteFacts,
    rule: Rule,
    subject: str,
    both: tuple[Span, ...],
    fact: InterlockFact | None,
    inputs: tuple[InputEvidence, ...],
) -> Finding:
    seconds = total_us(both) / _US_PER_S
    title = subject if fact is None else fact.title or fact.interlock
    grounds = [Number("bypass seen while running", 0.6, "1")]
    if fact is not None and fact.plant_bypassed:
        grounds.append(Number("point and record agree", 0.2, "1"))
    if window.gap_us == 0:
        grounds.append(Number("no gap in the window", 0.1, "1"))
    return make_finding(
        window,
        registry,
        rule,
        subject=subject,
        symptom="bypassed",
        clauses=rule.clauses if fact is None else named_clauses(rule, fact),
        hash_=window_hash(window),
        inputs=inputs,
        numbers=(number_of(rule, "bypassed_while_running", round(seconds, 2), "bypassed_min"),),
        excluded=_excluded(seconds),
        grounds=tuple(grounds),
        text_zh=f"{title}：联锁被旁路，同时工艺运行 {seconds:.1f} s",
        text_en=f"{title}: interlock bypassed while its process ran, {seconds:.1f} s",
    )


def _excluded(seconds: float) -> tuple[Doubt, ...]:
    return (
        Doubt(
            "process stopped",
            f"两者同时成立 {seconds:.1f} s",
            f"both held together for {seconds:.1f} s",
        ),
        Doubt("short key test", "长于规则的宽限", "longer than the grace of the rule"),
        Doubt(
            "stale bypass bit", "旁路位在窗口内可信", "the bypass bit was believable in the window"
        ),
    )
