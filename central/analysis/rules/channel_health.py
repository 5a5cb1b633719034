"""A required channel is dead, flat or clamped while its process runs.  Pure.

Clause: Order 10 article 14 (O10-14) and the channel's own clause.  Rules of this file: link loss
is a link incident, never a finding; a switch is never flat; a channel whose step is too coarse for
the window is not judged flat; no finding without a process that provably runs, or with samples
missing.
"""

import numpy as np
from numpy.typing import NDArray

from central.analysis.finding import Doubt, Finding, InputEvidence, Number
from central.analysis.operators import believable, coverage, running_spans, total_us
from central.analysis.pack import ParameterFacts, Rule
from central.analysis.rules.wording import SYMPTOM_TEXTS, evidence, make_finding, number_of
from central.analysis.units import sign
from central.analysis.window import Series, SiteFacts, Window, window_hash
from proto.quality import Quality, Reason

# With fewer of the samples owed the window is not judged (placeholder: our own sampling).
COVERAGE_MIN = 0.8

_LINK = (Reason.COMM_LOSS, Reason.INIT, Reason.STALE)
_DECLARED = (Reason.MAINTENANCE, Reason.CALIBRATION, Reason.SUBSTITUTED, Reason.FORCED)


def judge(window: Window, registry: SiteFacts, rule: Rule) -> list[Finding]:
    """Return one finding per channel that fails in this window, by point name."""
    running = running_spans(window, rule.process)
    share_min = rule.limit("running_share_min")
    findings: list[Finding] = []
    for series in sorted(window.series, key=lambda each: each.facts.point):
        facts = rule.inputs.get(series.facts.parameter)
        spans = running.get(series.facts.process_unit, ())
        share = total_us(spans) / window.length_us
        if facts is None or share < share_min or series.facts.device in window.lost_devices:
            continue
        found = examine(series, window, facts, rule)
        if found is not None:
            symptom, numbers = found
            findings.append(
                _finding(window, registry, rule, series, facts, symptom, numbers, share)
            )
    return findings


def examine(
    series: Series, window: Window, facts: ParameterFacts, rule: Rule
) -> tuple[str, tuple[Number, ...]] | None:
    """Return the symptom of this channel and the numbers behind it; None when it lives."""
    count = series.time_us.size
    if count < rule.limit("samples_min") or coverage(series, window) < COVERAGE_MIN:
        return None
    if np.isin(series.reason, np.array([int(reason) for reason in _DECLARED], np.uint8)).any():
        return None  # under a declared state: whether that mark is true is another rule's question
    return _dead(series, window, rule) or (
        None if series.facts.digital else _still(series, window, facts, rule)
    )


def _dead(series: Series, window: Window, rule: Rule) -> tuple[str, tuple[Number, ...]] | None:
    bad = series.quality == Quality.BAD
    share = float(bad.mean())
    if share < rule.limit("dead_share_min"):
        return None
    link = np.isin(series.reason[bad], np.array([int(reason) for reason in _LINK], np.uint8))
    if link.any() and not _neighbours_live(series, window):
        return None
    return "dead", (number_of(rule, "bad_share", share, "dead_share_min"), _count(rule, series))


def _neighbours_live(series: Series, window: Window) -> bool:
    """True when most other points of the device were read: it is the channel, not the link."""
    others = [
        each
        for each in window.series
        if each.facts.device == series.facts.device and each.facts.point != series.facts.point
    ]
    live = [
        each
        for each in others
        if each.time_us.size and float((each.quality == Quality.GOOD).mean()) > 0.5
    ]
    return len(live) * 2 > len(others)


def _still(
    series: Series, window: Window, facts: ParameterFacts, rule: Rule
) -> tuple[str, tuple[Number, ...]] | None:
    """Clamped is asked first: sitting on a limit says more than only standing still."""
    trusted = believable(series)
    values, times = series.value[trusted], series.time_us[trusted]
    if values.size < rule.limit("samples_min") or values.size < 0.9 * series.time_us.size:
        return None
    for place in () if _too_coarse(series, rule) else _limits(series, facts):
        share = float((values == place).mean())
        if share >= rule.limit("clamped_share_min"):
            at = Number(
                "at", place, series.facts.unit, place, "range end or limit of the catalogue"
            )
            return "clamped", (
                at,
                number_of(rule, "clamped_share", share, "clamped_share_min"),
                _count(rule, series),
            )
    return _flat(series, window, rule, values, times)


def _flat(
    series: Series,
    window: Window,
    rule: Rule,
    values: NDArray[np.float64],
    times: NDArray[np.int64],
) -> tuple[str, tuple[Number, ...]] | None:
    span = float(times[-1] - times[0] + series.facts.period_us) / window.length_us
    if (
        (values != values[0]).any()
        or span < rule.limit("flat_span_min")
        or _too_coarse(series, rule)
    ):
        return None
    spread = Number("spread", 0.0, series.facts.unit, 0.0, "exact repeats")
    return "flat", (
        spread,
        number_of(rule, "flat_span", min(1.0, span), "flat_span_min"),
        _count(rule, series),
    )


def _too_coarse(series: Series, rule: Rule) -> bool:
    facts = series.facts
    if facts.resolution is None or facts.range_low is None or facts.range_high is None:
        return False
    width = facts.range_high - facts.range_low
    return width <= 0 or facts.resolution / width > rule.limit("resolution_share_max")


def _limits(series: Series, facts: ParameterFacts) -> list[float]:
    ends = [end for end in (series.facts.range_low, series.facts.range_high) if end is not None]
    return [*ends, *facts.limits]


def _count(rule: Rule, series: Series) -> Number:
    return number_of(rule, "samples", float(series.time_us.size), "samples_min")


def _confidence(series: Series, window: Window, rule: Rule) -> tuple[Number, ...]:
    """Return the summands: each is a reason to believe, none is hidden."""
    grounds = [Number("pattern met", 0.5, "1")]
    if series.time_us.size >= 2 * rule.limit("samples_min"):
        grounds.append(Number("twice the samples needed", 0.1, "1"))
    if _neighbours_live(series, window):
        grounds.append(Number("other channels of the device live", 0.2, "1"))
    if window.gap_us == 0:
        grounds.append(Number("no gap in the window", 0.1, "1"))
    return tuple(grounds)


def _excluded(series: Series, share: float) -> tuple[Doubt, ...]:
    percent = f"{share * 100:.0f}"
    step = series.facts.resolution
    size = "" if step is None else f"{step:g} {sign(series.facts.unit)}"
    coarse_zh = "浮点量，无最小步长" if step is None else f"最小步长 {size}"
    coarse_en = "a float has no smallest step" if step is None else f"smallest step {size}"
    return (
        Doubt(
            "process stopped",
            f"窗口内 {percent}% 时间工艺在运行",
            f"process ran {percent}% of the window",
        ),
        Doubt(
            "link lost", "窗口内该设备无链路中断", "no link incident of this device in the window"
        ),
        Doubt("samples missing", "应有采样基本到齐", "the samples owed for the window are there"),
        Doubt("coarse resolution", coarse_zh, coarse_en),
    )


def _finding(
    window: Window,
    registry: SiteFacts,
    rule: Rule,
    series: Series,
    facts: ParameterFacts,
    symptom: str,
    numbers: tuple[Number, ...],
    share: float,
) -> Finding:
    shown: InputEvidence = evidence(series)
    zh, en = SYMPTOM_TEXTS[symptom]
    words = {
        "name": series.facts.tag or series.facts.point,
        "count": str(series.time_us.size),
        "value": "" if shown.last is None else f"{shown.last:g} {sign(series.facts.unit)}".rstrip(),
        "percent": f"{share * 100:.0f}",
        "reason": shown.reason,
    }
    return make_finding(
        window,
        registry,
        rule,
        subject=series.facts.point,
        symptom=symptom,
        clauses=(*rule.clauses, *facts.clauses),
        hash_=window_hash(window),
        inputs=(shown,),
        numbers=numbers,
        excluded=_excluded(series, share),
        grounds=_confidence(series, window, rule),
        text_zh=zh.format(title=series.facts.title, **words),
        text_en=en.format(title=facts.en, **words),
    )
