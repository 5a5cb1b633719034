"""What all rules share: evidence of a series, numbers, words of a finding.  Pure."""

import numpy as np

from central.analysis.finding import ClauseText, Doubt, Finding, InputEvidence, Number
from central.analysis.pack import Rule
from central.analysis.window import Series, SiteFacts, Window
from proto.quality import Quality, Reason

SYMPTOM_TEXTS = {
    "dead": (
        "{name} {title}：{count} 个采样（几乎）全部为坏值（{reason}），同期工艺运行 {percent}%",
        "{name} {title}: {count} samples (nearly) all BAD ({reason}), process ran {percent}%",
    ),
    "flat": (
        "{name} {title}：{count} 个采样完全相同（{value}），同期工艺运行 {percent}%",
        "{name} {title}: {count} samples exactly equal ({value}), process ran {percent}%",
    ),
    "clamped": (
        "{name} {title}：{count} 个采样停在限值或量程端点 {value}，同期工艺运行 {percent}%",
        "{name} {title}: {count} samples on a limit or range end, {value}; process ran {percent}%",
    ),
}


def number_of(rule: Rule, name: str, value: float, threshold: str) -> Number:
    """Return a number beside the threshold that it was held against."""
    held = rule.thresholds[threshold]
    return Number(name, round(value, 6), held.unit, held.value, held.flag)


def evidence(series: Series) -> InputEvidence:
    """Return counts, extremes and last value of one series, over samples that have a value."""
    has = (series.quality != Quality.BAD) & ~np.isnan(series.value)
    values = series.value[has]
    worse = series.reason[series.reason != Reason.NONE]
    reason = Reason(int(np.bincount(worse).argmax())).name if worse.size else Reason.NONE.name
    return InputEvidence(
        point=series.facts.point,
        tag=series.facts.tag,
        title=series.facts.title,
        parameter=series.facts.parameter,
        unit=series.facts.unit,
        samples=int(series.time_us.size),
        good=int((series.quality == Quality.GOOD).sum()),
        uncertain=int((series.quality == Quality.UNCERTAIN).sum()),
        bad=int((series.quality == Quality.BAD).sum()),
        low=float(values.min()) if values.size else None,
        high=float(values.max()) if values.size else None,
        last=float(values[-1]) if values.size else None,
        reason=reason,
    )


def unique_clauses(clauses: tuple[ClauseText, ...]) -> tuple[ClauseText, ...]:
    """Return each clause once, in the order given."""
    return tuple({each.clause: each for each in clauses}.values())


def make_finding(
    window: Window,
    registry: SiteFacts,
    rule: Rule,
    *,
    subject: str,
    symptom: str,
    clauses: tuple[ClauseText, ...],
    hash_: str,
    inputs: tuple[InputEvidence, ...],
    numbers: tuple[Number, ...],
    excluded: tuple[Doubt, ...],
    grounds: tuple[Number, ...],
    text_zh: str,
    text_en: str,
) -> Finding:
    """Return a finding with the rule's fields filled in; confidence sums its grounds."""
    return Finding(
        site=window.site,
        simulated=registry.simulated,
        rule=rule.rule,
        rule_version=rule.version,
        subject=subject,
        symptom=symptom,
        title_zh=rule.title_zh,
        title_en=rule.title_en,
        severity=rule.severity,
        clauses=unique_clauses(clauses),
        t0_us=window.t0_us,
        t1_us=window.t1_us,
        window_hash=hash_,
        inputs=inputs,
        numbers=numbers,
        excluded=excluded,
        grounds=grounds,
        confidence=round(min(1.0, sum(each.value for each in grounds)), 3),
        text_zh=text_zh,
        text_en=text_en,
        remedy_zh=rule.remedy_zh,
        remedy_en=rule.remedy_en,
        pack=rule.pack,
    )
