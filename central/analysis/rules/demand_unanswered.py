"""An interlock was due and its effect did not come, or came late.  Pure.

The gateway judges each demand from the plant's own feedback (`interlock.judged`); this rule asks
whether that verdict can be explained away before it becomes a finding.  Clause: those of the
interlock, and the rule's own.
"""

from central.analysis.finding import ClauseText, Doubt, Finding, InputEvidence, Number
from central.analysis.pack import Rule
from central.analysis.rules.wording import make_finding, number_of
from central.analysis.window import InputFact, InterlockFact, SiteFacts, Window, window_hash
from proto.interlock import Service, Verdict

DUE = {Verdict.NOT_ACTED: "not_acted", Verdict.LATE: "late"}
_NOT_A_DEMAND = (
    Service.TEST,
    Service.BYPASSED,
    Service.OUT_OF_DUTY,
    Service.STARTUP_INHIBIT,
    Service.NOT_REQUIRED,
)


def judge(window: Window, registry: SiteFacts, rule: Rule) -> list[Finding]:
    """Return one finding per interlock, effect and verdict that was due and unanswered."""
    found: dict[tuple[str, str], Finding] = {}
    for fact in window.interlocks:
        if (
            fact.kind != "interlock.judged"
            or fact.verdict not in DUE
            or fact.service in _NOT_A_DEMAND
        ):
            continue
        good = sum(1 for each in fact.inputs if each.quality == "GOOD")
        if good < rule.limit("good_inputs_min"):
            continue  # every input was bad: the demand is the loss of the link, not of the process
        finding = _finding(window, registry, rule, fact, good)
        found.setdefault((finding.subject, finding.symptom), finding)
    return [found[key] for key in sorted(found)]


def named_clauses(rule: Rule, fact: InterlockFact) -> tuple[ClauseText, ...]:
    """Return the interlock's clauses with the catalogue's text, then the rule's own."""
    unknown = "本版条款目录无此条", "not in this edition of the catalogue"
    named = tuple(rule.clause_texts.get(each, ClauseText(each, *unknown)) for each in fact.clauses)
    return (*named, *rule.clauses)


def input_evidence(each: InputFact) -> InputEvidence:
    """Return one input of a record as evidence: a single reading."""
    good, uncertain, bad = (int(each.quality == name) for name in ("GOOD", "UNCERTAIN", "BAD"))
    return InputEvidence(
        point=each.point,
        tag=each.name,
        title=each.name,
        parameter="",
        unit=each.unit,
        samples=1,
        good=good,
        uncertain=uncertain,
        bad=bad,
        low=each.value,
        high=each.value,
        last=each.value,
        reason=each.reason or "NONE",
    )


def _numbers(rule: Rule, fact: InterlockFact, good: int) -> tuple[Number, ...]:
    numbers = [number_of(rule, "good_inputs", float(good), "good_inputs_min")]
    if fact.response_ms is not None:
        numbers.append(Number("response", float(fact.response_ms), "ms"))
    if fact.response_uncertainty_ms is not None:
        numbers.append(Number("response_uncertainty", float(fact.response_uncertainty_ms), "ms"))
    return tuple(numbers)


def _excluded(fact: InterlockFact, good: int) -> tuple[Doubt, ...]:
    total = len(fact.inputs)
    return (
        Doubt(
            "bypassed or under test",
            f"投用状态 {fact.service or '—'}",
            f"service state {fact.service or '—'}",
        ),
        Doubt(
            "demand by bad inputs",
            f"{total} 路输入中 {good} 路好值",
            f"{good} of {total} inputs were GOOD",
        ),
        Doubt(
            "feedback not readable",
            "反馈可证实，判定不是 UNPROVABLE",
            "feedback was readable: not UNPROVABLE",
        ),
    )


def _grounds(window: Window, fact: InterlockFact, good: int) -> tuple[Number, ...]:
    grounds = [Number("verdict of the gateway", 0.6, "1")]
    if good == len(fact.inputs):
        grounds.append(Number("all inputs good", 0.2, "1"))
    if fact.running == "TRUE":
        grounds.append(Number("process ran", 0.1, "1"))
    if window.gap_us == 0:
        grounds.append(Number("no gap in the window", 0.1, "1"))
    return tuple(grounds)


def _finding(
    window: Window, registry: SiteFacts, rule: Rule, fact: InterlockFact, good: int
) -> Finding:
    symptom = DUE[Verdict(fact.verdict or "")]
    effect, cause = fact.effect or "—", _cause(window, fact)
    due_zh = f"原因 {cause} 成立，" if cause else ""
    due_en = f"cause {cause} was true, " if cause else ""
    name, number = fact.title or fact.interlock, fact.occurrence
    late_zh = "未动作" if symptom == "not_acted" else f"动作迟缓（{fact.response_ms} ms）"
    late_en = "did not come" if symptom == "not_acted" else f"came late ({fact.response_ms} ms)"
    return make_finding(
        window,
        registry,
        rule,
        subject=f"{fact.interlock}/{effect}",
        symptom=symptom,
        clauses=named_clauses(rule, fact),
        hash_=window_hash(window),
        inputs=tuple(input_evidence(each) for each in fact.inputs),
        numbers=_numbers(rule, fact, good),
        excluded=_excluded(fact, good),
        grounds=_grounds(window, fact, good),
        text_zh=f"{name}：{due_zh}应动作 {effect}，{late_zh}（第 {number} 次）",
        text_en=f"{name}: {due_en}{effect} {late_en} (occurrence {number})",
    )


def _cause(window: Window, fact: InterlockFact) -> str:
    """Return the cause of the demand: of the judgement itself, or of the trip that it judges."""
    told = [
        each.cause
        for each in (*window.standing, *window.interlocks)
        if each.interlock == fact.interlock and each.occurrence == fact.occurrence and each.cause
    ]
    return fact.cause or next(iter(told), "")
