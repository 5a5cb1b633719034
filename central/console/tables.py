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
from central.console.words import Language, say, say_code
from central.status.model import LinkState, SiteStatus
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
    lost = site.link in (LinkState.LOST, LinkState.NEVER)
    return SiteRow(
        site=site.site,
        name=site.name,
        region=site.region,
        simulated=site.simulated,
        css="lost" if lost else "",
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


def _worst_quality(site: SiteStatus, language: Language) -> Chip:
    if site.points_total == 0:
        return Chip(say(language, "never received"), "outline")
    if site.points_stale:
        return Chip(f"{say(language, 'stale')} {site.points_stale}", "stale", "stale")
    css = {Quality.GOOD: "quiet", Quality.UNCERTAIN: "uncertain", Quality.BAD: "bad"}
    return Chip(say_code(language, site.worst_quality.name), css[site.worst_quality])
