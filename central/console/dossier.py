"""One site: its points, alarms, interlocks and gateways as rows for the page.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from central.console.chips import (
    Age,
    Chip,
    age_of,
    interlock_chip,
    is_bypassed,
    is_failed,
    is_tripped,
    link_chip,
)
from central.console.present import Shown, ago, show, time_text
from central.console.words import STATE_LETTERS, Language, say, say_code
from central.status.model import (
    AlarmStatus,
    GatewayStatus,
    InterlockStatus,
    PointValue,
    SiteStatus,
)
from proto.alarm import PRIORITY_RANK, AlarmPriority
from proto.quality import Reason

# A value beside an alarm speaks of its own moment: it does not go stale.
_FOREVER_US: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class PointRow:
    """One point of a site."""

    point: str
    tag: str
    title: str
    shown: Shown
    age: Age


@dataclass(frozen=True, slots=True)
class PointGroup:
    """The points of one process unit."""

    unit: str
    rows: tuple[PointRow, ...]


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause with its short text."""

    clause: str
    text: str


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What the plant's protection did on the last demand, for one effect."""

    effect: str
    verdict: Chip
    response: str


@dataclass(frozen=True, slots=True)
class InterlockView:
    """One interlock of a site."""

    interlock: str
    title: str
    mode: str
    css: str
    shown: Chip
    protection: str
    health: str
    health_reasons: tuple[str, ...]
    service: str
    running: str
    plant_bypassed: Chip
    plant_tripped: Chip
    first_out: tuple[str, ...]
    verdicts: tuple[VerdictView, ...]
    clauses: tuple[ClauseView, ...]
    occurrence: int
    since: str
    since_age: Age


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One standing alarm, with the value of its own moment."""

    alarm: str
    tag: str
    title: str
    letter: str
    state: str
    level: str
    priority: str
    rank: AlarmPriority
    shown: Shown
    limit: str
    raised: str
    age: Age


@dataclass(frozen=True, slots=True)
class GatewayView:
    """One gateway of a site."""

    gateway: str
    link: Chip
    since: str
    seen: Age
    clock: str
    certificate: str
    configuration: int
    version: str
    waiting: str


def point_groups(site: SiteStatus, language: Language) -> tuple[PointGroup, ...]:
    """Return the points of a site by process unit, in the order in which the gateway names them."""
    groups: dict[str, list[PointRow]] = {}
    for value in site.values:
        groups.setdefault(value.process_unit, []).append(_point_row(value, site, language))
    return tuple(PointGroup(unit, tuple(rows)) for unit, rows in groups.items())


def _point_row(value: PointValue, site: SiteStatus, language: Language) -> PointRow:
    shown = show(value, site.as_of_us, language, simulated=site.simulated)
    age = Age(shown.age, shown.age_ms, shown.max_age_ms)
    return PointRow(value.point, value.tag or value.point, value.title, shown, age)


def _known(state: bool | None, css: str, language: Language) -> Chip:
    if state is None:
        return Chip(say(language, "not known"), "outline")
    if not state:
        return Chip(say(language, "no"), "quiet")
    return Chip(say(language, "yes"), css, css)


def clause_views(
    clauses: Iterable[str], texts: Mapping[str, tuple[str, str]], language: Language
) -> tuple[ClauseView, ...]:
    """Return clauses with their short text in a language; an unknown clause stands alone."""
    side = 0 if language is Language.ZH else 1
    return tuple(ClauseView(each, texts.get(each, ("", ""))[side]) for each in clauses)


def interlock_views(
    site: SiteStatus, texts: Mapping[str, tuple[str, str]], language: Language
) -> tuple[InterlockView, ...]:
    """Return the interlocks of a site, worst first."""
    ordered = sorted(
        site.interlocks,
        key=lambda each: (-is_failed(each), -is_tripped(each), -is_bypassed(each), each.interlock),
    )
    return tuple(_interlock_view(each, site, texts, language) for each in ordered)


def _interlock_view(
    each: InterlockStatus,
    site: SiteStatus,
    texts: Mapping[str, tuple[str, str]],
    language: Language,
) -> InterlockView:
    chip = interlock_chip(each.shown, language)
    return InterlockView(
        interlock=each.interlock,
        title=each.title,
        mode=say_code(language, each.mode),
        css=chip.css,
        shown=chip,
        protection=say_code(language, each.protection.value),
        health=say_code(language, each.health.value),
        health_reasons=tuple(_reason(reason, language) for reason in each.health_reasons),
        service=say_code(language, each.service.value),
        running=say_code(language, each.running.value),
        plant_bypassed=_known(each.plant_bypassed, "bypassed", language),
        plant_tripped=_known(each.plant_tripped, "tripped", language),
        first_out=each.first_out,
        verdicts=tuple(_verdict(*verdict, language) for verdict in each.last_verdicts),
        clauses=clause_views(each.clauses, texts, language),
        occurrence=each.occurrence,
        since=time_text(each.since_us),
        since_age=age_of(each.since_us, site.as_of_us, language),
    )


def _reason(reason: str, language: Language) -> str:
    return say_code(language, reason).replace("_", " ")


def _verdict(effect: str, verdict: str, response_ms: int | None, language: Language) -> VerdictView:
    verdict = "ACTED_LATE" if verdict == "LATE" else verdict  # LATE alone is a state of the link
    css = "failed" if verdict in ("NOT_ACTED", "ACTED_LATE") else "quiet"
    icon = "failed" if css == "failed" else ""
    response = "" if response_ms is None else f"{response_ms} ms"
    return VerdictView(effect, Chip(say_code(language, verdict), css, icon), response)


def alarm_views(site: SiteStatus, language: Language) -> tuple[AlarmView, ...]:
    """Return the standing alarms: by priority, then the oldest first."""
    ordered = sorted(site.alarms, key=lambda each: (-PRIORITY_RANK[each.priority], each.raised_us))
    return tuple(_alarm_view(each, site, language) for each in ordered)


def _alarm_view(alarm: AlarmStatus, site: SiteStatus, language: Language) -> AlarmView:
    known = next((each for each in site.values if each.point == alarm.point), None)
    value = PointValue(
        point=alarm.point,
        tag=alarm.tag,
        title=alarm.title,
        unit=alarm.unit,
        parameter="",
        value=alarm.value,
        quality=alarm.quality,
        reason=known.reason
        if known is not None and alarm.quality is known.quality
        else Reason.NONE,
        detail=0,
        time_us=alarm.time_us,
        last_good=None,
        max_age_us=_FOREVER_US,
        range_low=None if known is None else known.range_low,
        range_high=None if known is None else known.range_high,
    )
    shown = show(value, site.as_of_us, language, simulated=site.simulated)
    return AlarmView(
        alarm=alarm.alarm,
        tag=alarm.tag or alarm.point,
        title=alarm.title,
        letter=STATE_LETTERS[alarm.state.value],
        state=say_code(language, alarm.state.value),
        level=say_code(language, alarm.level.value),
        priority=say_code(language, alarm.priority.value),
        rank=alarm.priority,
        shown=shown,
        limit="" if alarm.limit is None else f"{alarm.limit:g} {shown.unit}".strip(),
        raised=time_text(alarm.raised_us),
        age=age_of(alarm.raised_us, site.as_of_us, language),
    )


def gateway_views(site: SiteStatus, language: Language) -> tuple[GatewayView, ...]:
    """Return the gateways of a site."""
    return tuple(_gateway_view(each, site, language) for each in site.gateways)


def _waiting(each: GatewayStatus, as_of_us: int, language: Language) -> str:
    """Return what the gateway said that it still holds, and how long ago it said so."""
    batches = f"{each.pending_batches} {say(language, 'batches')}"
    samples = f"{each.pending_samples} {say(language, 'samples')}"
    return f"{batches} · {samples} · {ago(max(0, as_of_us - (each.pending_us or 0)), language)}"


def _gateway_view(each: GatewayStatus, site: SiteStatus, language: Language) -> GatewayView:
    dash, days = "—", each.certificate_days
    return GatewayView(
        gateway=each.gateway,
        link=link_chip(each.link, language),
        since=time_text(each.since_us),
        seen=age_of(each.last_seen_us, site.as_of_us, language),
        clock=dash if each.clock_offset_us is None else f"{each.clock_offset_us / 1000:+.1f} ms",
        certificate=dash if days is None else f"{days} {say(language, 'days left')}",
        configuration=each.config_version,
        version=each.version or dash,
        waiting=dash if each.pending_us is None else _waiting(each, site.as_of_us, language),
    )
