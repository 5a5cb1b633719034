"""Findings to leads (线索): one per subject and symptom, extended while it goes on.  Pure.

A lead is a fold over the set of findings: their order does not matter, and one that comes twice
counts once. Two findings of one key belong to one lead when no more than the pack's `merge_gap`
lies between their windows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from central.analysis.finding import Finding, finding_body

GRADE_LEAD = "C"  # central.md 3.8: lead only, until the prerequisites of evidence are on file


class FindingRow(NamedTuple):
    """The part of a stored finding that the fold reads."""

    site: str
    rule: str
    rule_version: int
    subject: str
    symptom: str
    t0_us: int
    t1_us: int
    merge_gap_us: int
    window_hash: str

    @property
    def key(self) -> tuple[str, str, int, str, str]:
        """What a lead is about."""
        return self.site, self.rule, self.rule_version, self.subject, self.symptom


class Span(NamedTuple):
    """One lead before its texts: the rows at both ends, and how many windows are between."""

    first: FindingRow
    last: FindingRow
    windows: int

    @property
    def lead(self) -> str:
        """Stable id of the lead: what it is about, and the window in which it began."""
        text = "|".join(map(str, (*self.first.key, self.first.t0_us)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Lead:
    """One or more findings that people work on; may justify an inspection.

    Attributes:
        first_us: start of the first window; last_us: end of the newest; windows: how many agree.
        first, newest: the findings at both ends, with all their numbers.
        state: NEW until a person has taken it up.  grade: evidence grade, C = lead only.
    """

    lead: str
    state: str
    grade: str
    first_us: int
    last_us: int
    windows: int
    first: Finding
    newest: Finding

    @property
    def simulated(self) -> bool:
        """True when the site is a simulator: shown, but in no rank, hazard or evidence."""
        return self.newest.simulated


def spans_of(rows: Iterable[FindingRow]) -> tuple[Span, ...]:
    """Return the leads that a set of findings makes, newest end first."""
    groups: dict[tuple[str, str, int, str, str], dict[int, FindingRow]] = defaultdict(dict)
    for row in rows:
        known = groups[row.key].get(row.t0_us)
        if (
            known is None or row.window_hash > known.window_hash
        ):  # any fixed choice: no order decides
            groups[row.key][row.t0_us] = row
    spans = [span for group in groups.values() for span in _split(group)]
    return tuple(sorted(spans, key=lambda span: (-span.last.t1_us, span.lead)))


def _split(group: Mapping[int, FindingRow]) -> list[Span]:
    spans: list[Span] = []
    for t0_us in sorted(group):
        row = group[t0_us]
        if spans and row.t0_us - spans[-1].last.t1_us <= row.merge_gap_us:
            spans[-1] = Span(spans[-1].first, row, spans[-1].windows + 1)
        else:
            spans.append(Span(row, row, 1))
    return spans


def row_of(finding: Finding, merge_gap_us: int) -> FindingRow:
    """Return the fold's part of a finding."""
    return FindingRow(*finding.key, finding.t0_us, finding.t1_us, merge_gap_us, finding.window_hash)


def lead_of(span: Span, first: Finding, newest: Finding) -> Lead:
    """Return the lead of a span and the findings at its ends."""
    return Lead(
        lead=span.lead,
        state="NEW",
        grade=GRADE_LEAD,
        first_us=span.first.t0_us,
        last_us=span.last.t1_us,
        windows=span.windows,
        first=first,
        newest=newest,
    )


def leads_of(findings: Iterable[Finding], merge_gap_us: int) -> tuple[Lead, ...]:
    """Return the leads of findings held in memory."""
    held = {row_of(finding, merge_gap_us): finding for finding in findings}
    return tuple(lead_of(span, held[span.first], held[span.last]) for span in spans_of(held))


def lead_body(lead: Lead) -> dict[str, object]:
    """Return the lead as the JSON object `lead/1` of `yujing-central leads --json`."""
    newest = finding_body(lead.newest)
    return {
        "schema": "lead/1",
        "lead": lead.lead,
        "site": lead.newest.site,
        "mark": "SIMULATED" if lead.simulated else None,
        "state": lead.state,
        "grade": lead.grade,
        "rule": lead.newest.rule,
        "rule_version": lead.newest.rule_version,
        "pack": lead.newest.pack,
        "severity": lead.newest.severity,
        "subject": lead.newest.subject,
        "symptom": lead.newest.symptom,
        "title": {"zh": lead.newest.title_zh, "en": lead.newest.title_en},
        "text": {"zh": lead.newest.text_zh, "en": lead.newest.text_en},
        "remedy": {"zh": lead.newest.remedy_zh, "en": lead.newest.remedy_en},
        "clauses": newest["clauses"],
        "first_us": lead.first_us,
        "last_us": lead.last_us,
        "windows": lead.windows,
        "confidence": lead.newest.confidence,
        "window": {
            "t0_us": lead.newest.t0_us,
            "t1_us": lead.newest.t1_us,
            "hash": lead.newest.window_hash,
        },
        "inputs": newest["inputs"],
        "numbers": newest["numbers"],
        "excluded": newest["excluded"],
        "grounds": newest["grounds"],
        "first_window": {"t0_us": lead.first.t0_us, "t1_us": lead.first.t1_us},
    }
