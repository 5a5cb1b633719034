"""Did the plant's own protection act on a demand: one verdict per effect, from its feedback.  Pure.

| verdict | when |
|---|---|
| NOT_DUE | the trip rests on bad inputs only: our lost instrument is no demand on the plant |
| BYPASSED | a bypass of the plant stood at the demand, or stands at its deadline |
| PROVEN | feedback TRUE within `feedback_within` of the demand |
| NOT_ACTED | the deadline passed with the feedback FALSE |
| LATE | feedback TRUE after NOT_ACTED, in the same demand |
| UNPROVABLE | no feedback, or it is BAD at the deadline, or its controller was lost meanwhile |

Source: `interlocks.md` 3.13.
"""

from dataclasses import dataclass, replace

from edge.interlock.reading import BAD, Reading

PROVEN, LATE, NOT_ACTED = "PROVEN", "LATE", "NOT_ACTED"
UNPROVABLE, NOT_DUE, BYPASSED = "UNPROVABLE", "NOT_DUE", "BYPASSED"


@dataclass(frozen=True, slots=True)
class Demand:
    """One effect that a trip asks for.

    Attributes:
        effect: index.
        occurrence: of the interlock.
        since_ns: when it was asked.
        is_input_loss: it rests on bad inputs only.
        verdict: None until judged.
        response_ns: from the demand to the feedback; None when never seen.
    """

    effect: int
    occurrence: int
    since_ns: int
    is_input_loss: bool = False
    verdict: str | None = None
    response_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is seen of one demand in this scan.

    Attributes:
        feedback: reading of the effect's feedback; None when it has none.
        within_ns: how long the effect may take.
        bypassed: the plant's bypass is seen.
        lost: the controller of the feedback is not heard.
    """

    feedback: Reading | None
    within_ns: int
    bypassed: bool
    lost: bool


def judge(demand: Demand, facts: Facts, now_ns: int) -> Demand:
    """Return the demand with its verdict, where one can be given now."""
    elapsed = now_ns - demand.since_ns
    if demand.verdict is None:
        return _first(demand, facts, elapsed)
    if demand.verdict == NOT_ACTED and _acted(facts):
        return replace(demand, verdict=LATE, response_ns=elapsed)
    return demand


def _acted(facts: Facts) -> bool:
    feedback = facts.feedback
    return feedback is not None and feedback.quality != BAD and feedback.value != 0.0


def _first(demand: Demand, facts: Facts, elapsed: int) -> Demand:
    if demand.is_input_loss:
        return replace(demand, verdict=NOT_DUE)
    if facts.bypassed:
        return replace(demand, verdict=BYPASSED)
    if facts.feedback is None:
        return replace(demand, verdict=UNPROVABLE)
    if _acted(facts) and elapsed <= facts.within_ns:
        return replace(demand, verdict=PROVEN, response_ns=elapsed)
    if facts.feedback.quality == BAD and facts.lost:
        return replace(demand, verdict=UNPROVABLE)
    if elapsed <= facts.within_ns:
        return demand
    if facts.feedback.quality == BAD:
        return replace(demand, verdict=UNPROVABLE)
    if _acted(facts):
        return replace(demand, verdict=LATE, response_ns=elapsed)
    return replace(demand, verdict=NOT_ACTED)
