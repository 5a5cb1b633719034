"""Leads as the page shows them: each number with unit, limit and basis.  Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from central.analysis.finding import InputEvidence, Number
from central.analysis.lead import Lead
from central.console.dossier import ClauseView
from central.console.present import duration_text, time_text, unit_text
from central.console.words import Language, say, say_code


@dataclass(frozen=True, slots=True)
class LeadView:
    """One lead, ready for the page."""

    lead: str
    site: str
    simulated: bool
    severity: str
    severity_word: str
    title: str
    text: str
    first: str
    last: str
    windows: int
    length: str
    clauses: tuple[ClauseView, ...]
    remedy: str
    inputs: tuple[str, ...]
    numbers: tuple[str, ...]
    excluded: tuple[str, ...]
    grounds: tuple[str, ...]
    confidence: str
    rule: str
    grade: str
    hash: str


@dataclass(frozen=True, slots=True)
class HorizonView:
    """Up to when a site has been analysed."""

    site: str
    time: str


def lead_views(leads: Iterable[Lead], language: Language) -> tuple[LeadView, ...]:
    """Return leads in the order given."""
    return tuple(_view(lead, language) for lead in leads)


def _view(lead: Lead, language: Language) -> LeadView:
    newest, zh = lead.newest, language is Language.ZH
    return LeadView(
        lead=lead.lead,
        site=newest.site,
        simulated=lead.simulated,
        severity=newest.severity,
        severity_word=say_code(language, newest.severity),
        title=newest.title_zh if zh else newest.title_en,
        text=newest.text_zh if zh else newest.text_en,
        first=time_text(lead.first_us),
        last=time_text(lead.last_us, with_date=False),
        windows=lead.windows,
        length=duration_text(newest.t1_us - newest.t0_us),
        clauses=tuple(ClauseView(c.clause, c.zh if zh else c.en) for c in newest.clauses),
        remedy=newest.remedy_zh if zh else newest.remedy_en,
        inputs=tuple(_input(each, language) for each in newest.inputs),
        numbers=tuple(_number(each, language) for each in newest.numbers),
        excluded=tuple(
            f"{say_code(language, each.name)}: {each.zh if zh else each.en}"
            for each in newest.excluded
        ),
        grounds=tuple(
            f"+{each.value:g}  {say_code(language, each.name)}" for each in newest.grounds
        ),
        confidence=f"{newest.confidence:.2f}",
        rule=f"{newest.rule} v{newest.rule_version} ({newest.pack})",
        grade=lead.grade,
        hash=newest.window_hash[:16],
    )


def _input(each: InputEvidence, language: Language) -> str:
    unit = unit_text(each.unit, language)
    name = each.tag if each.tag == each.title else f"{each.tag} {each.title}"
    if each.samples == 1 and each.last is not None:
        grade = "GOOD" if each.good else "UNCERTAIN" if each.uncertain else "BAD"
        return f"{name} {each.last:g} {unit} ({say_code(language, grade)})"
    kinds = (("GOOD", each.good), ("UNCERTAIN", each.uncertain), ("BAD", each.bad))
    split = ", ".join(f"{say_code(language, name)} {count}" for name, count in kinds)
    counts = f"{each.samples} {say(language, 'samples')}: {split}"
    if each.low is None or each.high is None:
        return f"{name} — {counts} ({each.reason})"
    span = f"{each.low:g}" if each.low == each.high else f"{each.low:g} … {each.high:g}"
    return f"{name} {span} {unit} — {counts}"


def _number(each: Number, language: Language) -> str:
    unit = "" if each.unit == "1" else f" {unit_text(each.unit, language)}"
    held = "" if each.limit is None else f" ({say(language, 'limit')} {each.limit:g}{unit})"
    basis = f" · {say_code(language, each.basis)}" if each.basis else ""
    return f"{say_code(language, each.name)} {each.value:g}{unit}{held}{basis}"


def horizon_views(horizons: Mapping[str, int], sites: Sequence[str]) -> tuple[HorizonView, ...]:
    """Return the horizons of some sites, by site."""
    return tuple(
        HorizonView(site, time_text(horizons[site])) for site in sorted(sites) if site in horizons
    )
