"""The overview: sites in order of consequence, and the figures above them.  Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from central.console.chips import (
    Age,
    Chip,
    age_of,
    is_bypassed,
    is_failed,
    is_tripped,
    level_chip,
    link_chip,
)
from central.console.dossier import alarm_views
from central.console.present import time_text
from central.console.words import STATE_LETTERS, Language, say, say_code
from central.status.model import InterlockStatus, LinkState, SiteStatus
from proto.alarm import PRIORITY_RANK
from proto.quality import Quality

_LINK_RANK: Final = {LinkState.LIVE: 0, LinkState.LATE: 1, LinkState.NEVER: 2, LinkState.LOST: 3}


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One line of the overview."""

    site: str
    name: str
    region: str
    simulated: bool
    css: str
    level: Chip
    link: Chip
    link_age: Age
    newest: Age
    quality: Chip
    points_total: int
    points_bad: int
    points_uncertain: int
    interlocks: tuple[Chip, ...]
    interlocks_total: int
    alarms: int
    alarms_priority: str
    leads: int
    unexplained: int


@dataclass(frozen=True, slots=True)
class Counters:
    """The figures above the overview: what is abnormal now, over all sites of the scope."""

    sites: int
    lost: int
    failed: int
    tripped: int
    bypassed: int
    alarms: int
    not_good: int
    leads: int


def counters(sites: Sequence[SiteStatus], leads: Mapping[str, int]) -> Counters:
    """Return the figures above the overview."""
    interlocks = [each for site in sites for each in site.interlocks]
    return Counters(
        sites=len(sites),
        lost=sum(site.link in (LinkState.LOST, LinkState.NEVER) for site in sites),
        failed=sum(map(is_failed, interlocks)),
        tripped=sum(map(is_tripped, interlocks)),
        bypassed=sum(map(is_bypassed, interlocks)),
        alarms=sum(len(site.alarms) for site in sites),
        not_good=sum(site.points_bad + site.points_uncertain for site in sites),
        leads=sum(leads.get(site.site, 0) for site in sites),
    )


def site_rows(
    sites: Iterable[SiteStatus], leads: Mapping[str, int], language: Language
) -> tuple[SiteRow, ...]:
    """Return the sites, worst first: by consequence, then by age of the newest data."""
    ordered = sorted(sites, key=_consequence)
    return tuple(_site_row(site, leads.get(site.site, 0), language) for site in ordered)


def _consequence(site: SiteStatus) -> tuple[int, ...]:
    priority = max((PRIORITY_RANK[alarm.priority] for alarm in site.alarms), default=0)
    worst = (
        int(site.warning_level),
        sum(map(is_failed, site.interlocks)),
        sum(map(is_tripped, site.interlocks)),
        sum(map(is_bypassed, site.interlocks)),
        _LINK_RANK[site.link],
        priority,
        int(site.worst_quality),
    )
    return (*(-each for each in worst), site.newest_us or 0)


def _site_row(site: SiteStatus, leads: int, language: Language) -> SiteRow:
    states = (
        (sum(map(is_failed, site.interlocks)), "PROTECTION_FAILED", "failed"),
        (sum(map(is_tripped, site.interlocks)), "TRIPPED", "tripped"),
        (sum(map(is_bypassed, site.interlocks)), "BYPASSED", "bypassed"),
    )
    priority = max(site.alarms, key=lambda each: PRIORITY_RANK[each.priority], default=None)
    return SiteRow(
        site=site.site,
        name=site.name,
        region=site.region,
        simulated=site.simulated,
        css=_row_css(site),
        level=level_chip(site.warning_level, language),
        link=link_chip(site.link, language),
        link_age=age_of(site.link_since_us, site.as_of_us, language),
        newest=age_of(site.newest_us, site.as_of_us, language),
        quality=_worst_quality(site, language),
        points_total=site.points_total,
        points_bad=site.points_bad,
        points_uncertain=site.points_uncertain,
        interlocks=tuple(
            Chip(f"{say_code(language, word)} {count}", css, css)
            for count, word, css in states
            if count
        ),
        interlocks_total=len(site.interlocks),
        alarms=len(site.alarms),
        alarms_priority=say_code(language, priority.priority.value) if priority else "",
        leads=leads,
        unexplained=site.accounting.unexplained,
    )


def _row_css(site: SiteStatus) -> str:
    if any(is_failed(each) or is_tripped(each) for each in site.interlocks):
        return "loud"
    return "lost" if site.link in (LinkState.LOST, LinkState.NEVER) else ""


def _worst_quality(site: SiteStatus, language: Language) -> Chip:
    if site.points_total == 0:
        return Chip(say(language, "never received"), "outline")
    if site.points_stale:
        return Chip(f"{say(language, 'stale')} {site.points_stale}", "stale", "stale")
    css = {Quality.GOOD: "quiet", Quality.UNCERTAIN: "uncertain", Quality.BAD: "bad"}
    return Chip(say_code(language, site.worst_quality.name), css[site.worst_quality])


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One thing that is abnormal now: what, where, how it is known, since when."""

    what: Chip
    site: str
    site_name: str
    item: str
    how: str
    since: str
    age: Age


def exception_rows(sites: Sequence[SiteStatus], language: Language) -> tuple[ExceptionRow, ...]:
    """Return what is abnormal over all sites: by consequence, then the newest first."""
    found: list[tuple[int, int, ExceptionRow]] = []
    for site in sites:
        found += _link_exception(site, language)
        for interlock in site.interlocks:
            found += _interlock_exceptions(site, interlock, language)
        for view in alarm_views(site, language):
            over = view.letter == STATE_LETTERS["RETURNED"]  # the cause is gone, nobody said seen
            chip = Chip(f"{view.letter} {view.state if over else view.level}", "alarm-chip", "")
            measured = f"{view.shown.text} {say(language, 'limit')} {view.limit}"
            how = measured if view.limit else view.state
            row = ExceptionRow(
                chip, site.site, site.name, f"{view.tag} {view.title}", how, view.raised, view.age
            )
            found.append((PRIORITY_RANK[view.rank], -(view.age.ms or 0), row))
    return tuple(row for _, _, row in sorted(found, key=lambda each: (-each[0], -each[1])))


def _link_exception(site: SiteStatus, language: Language) -> list[tuple[int, int, ExceptionRow]]:
    if site.link is LinkState.LIVE:
        return []
    age = age_of(site.newest_us, site.as_of_us, language)
    item = ", ".join(gateway.gateway for gateway in site.gateways)
    how = f"{say(language, 'Newest data')} {time_text(site.newest_us)}"
    row = ExceptionRow(
        link_chip(site.link, language),
        site.site,
        site.name,
        item,
        how,
        time_text(site.link_since_us),
        age,
    )
    return [(7, -(age.ms or 0), row)]


def _interlock_exceptions(
    site: SiteStatus, interlock: InterlockStatus, language: Language
) -> list[tuple[int, int, ExceptionRow]]:
    states = (
        (is_failed(interlock), 10, "PROTECTION_FAILED", "failed"),
        (is_tripped(interlock), 9, interlock.protection.value, "tripped"),
        (is_bypassed(interlock), 8, "BYPASSED", "bypassed"),
    )
    age = age_of(interlock.since_us, site.as_of_us, language)
    first_out = " → ".join(interlock.first_out)
    verdicts = ", ".join(
        f"{effect} {say_code(language, verdict)}" for effect, verdict, _ in interlock.last_verdicts
    )
    bypass = say(language, "Plant bypass") if interlock.plant_bypassed else ""
    how = " · ".join(part for part in (first_out, verdicts, bypass) if part)
    return [
        (
            rank,
            -(age.ms or 0),
            ExceptionRow(
                Chip(say_code(language, word), css, css),
                site.site,
                site.name,
                interlock.title or interlock.interlock,
                how,
                time_text(interlock.since_us),
                age,
            ),
        )
        for applies, rank, word, css in states
        if applies
    ]
