"""A finding: what one rule concludes about one window, with everything that convinced it.  Pure.

Source: `central.md` 3.6.  A finding names its rule and version, the clause, the exact window, the
inputs with their numbers, the counter-hypotheses that it excluded, and a confidence that is an
explainable sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ClauseText:
    """One clause with its short text in both languages."""

    clause: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class InputEvidence:
    """What one input showed in the window: counts, extremes in `unit`, worst reason."""

    point: str
    tag: str
    title: str
    parameter: str
    unit: str
    samples: int
    good: int
    uncertain: int
    bad: int
    low: float | None
    high: float | None
    last: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Number:
    """One number that convinced: its value, the limit it was held against, and its basis."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A counter-hypothesis that was examined and excluded, and why."""

    name: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule concludes about one window.

    Attributes:
        subject: the point or interlock it is about; symptom: which of the rule's patterns was met.
        t0_us, t1_us: the window; window_hash: over all that the rule could see.
        confidence: 0 to 1, the sum of `grounds`.
    """

    site: str
    simulated: bool
    rule: str
    rule_version: int
    subject: str
    symptom: str
    title_zh: str
    title_en: str
    severity: str
    clauses: tuple[ClauseText, ...]
    t0_us: int
    t1_us: int
    window_hash: str
    inputs: tuple[InputEvidence, ...]
    numbers: tuple[Number, ...]
    excluded: tuple[Doubt, ...]
    grounds: tuple[Number, ...]
    confidence: float
    text_zh: str
    text_en: str
    remedy_zh: str
    remedy_en: str
    pack: str = ""

    @property
    def key(self) -> tuple[str, str, int, str, str]:
        """What a lead is about: site, rule, version, subject, symptom."""
        return self.site, self.rule, self.rule_version, self.subject, self.symptom


def finding_body(finding: Finding) -> dict[str, object]:
    """Return the finding as plain JSON values, for the book and for people's `--json`."""
    return asdict(finding)


def _list(body: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    found = body[key]
    if not isinstance(found, list):
        raise TypeError(f"{key} is not a list")
    return found


def finding_from(body: Mapping[str, object]) -> Finding:
    """Return the finding that `finding_body` wrote.

    Raises:
        TypeError, KeyError: the body is not one of ours.
    """
    plain = dict(body)
    plain["clauses"] = tuple(ClauseText(**each) for each in _list(body, "clauses"))  # type: ignore[arg-type]
    plain["inputs"] = tuple(InputEvidence(**each) for each in _list(body, "inputs"))  # type: ignore[arg-type]
    plain["numbers"] = tuple(Number(**each) for each in _list(body, "numbers"))  # type: ignore[arg-type]
    plain["excluded"] = tuple(Doubt(**each) for each in _list(body, "excluded"))  # type: ignore[arg-type]
    plain["grounds"] = tuple(Number(**each) for each in _list(body, "grounds"))  # type: ignore[arg-type]
    return Finding(**plain)  # type: ignore[arg-type]
