"""Status and answers as rows of text: one rule of how a value is shown.  Pure.

Source: `console.md` 3.3.  A BAD value is never a number; quality and age stand beside every value.
Foreign text is printed with control characters escaped.
"""

import unicodedata
from collections.abc import Sequence
from typing import Literal

from central.api.body import age_ms, iso, situation_of
from central.commands.words import Language, say, say_reason, say_situation
from central.status.model import AlarmStatus, InterlockStatus, PointValue, SiteStatus
from proto.sample import Situation
from proto.v1 import query_pb2 as pb

Row = tuple[str, ...]
_UNITS = {"Cel": "℃", "%{LEL}": "%LEL", "%{vol}": "%VOL", "[ppm]": "ppm"}  # UCUM -> people
_SHOWN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # controls, bidi marks, line separators


def safe(text: str) -> str:
    """Return foreign text with controls and bidi marks escaped."""
    return "".join(
        f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _SHOWN else sign for sign in text
    )


def duration(milliseconds: int | None) -> str:
    """Return an age for people: 0.8 s, 12 s, 4 min 10 s, 3 h 20 min, 2 d 4 h."""
    if milliseconds is None:
        return "—"
    seconds = milliseconds // 1_000
    if seconds < 10:
        return f"{milliseconds / 1_000:.1f} s"
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 172_800:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3_600} h"


def number_text(value: float | None) -> str:
    """Return a number with at most six figures; — where there is none."""
    return "—" if value is None else f"{value:.6g}"


def unit_text(unit: str) -> str:
    """Return a unit as it stands behind a number; nothing for switches and bare numbers."""
    return "" if unit in ("", "1", "bool") else f" {_UNITS.get(unit, safe(unit))}"


def value_text(value: PointValue, as_of_us: int, language: Language, *, simulated: bool) -> str:
    """Return the text of one value by the rule of `console.md` 3.3."""
    how = situation_of(value, as_of_us, simulated=simulated)
    unit = unit_text(value.unit)
    shown = f"{_figure(value)}{unit}"
    age = duration(age_ms(value.time_us, as_of_us))
    reason = say_reason(language, value.reason)
    match how:
        case Situation.NEVER:
            return say(language, "never")
        case Situation.BAD:
            return f"— {reason}{_last_good(value, as_of_us, unit, language)}"
        case Situation.STALE:
            return f"{shown} ⌀ {age}"
        case Situation.UNCERTAIN:
            return f"{shown} ? {reason}"
        case Situation.GOOD | Situation.SIMULATED:
            return shown
        case _:
            return f"{shown} {say_situation(language, how)}"


def site_row(status: SiteStatus, language: Language) -> Row:
    """Return one line of `sites`."""
    mark = f" [{say(language, 'simulated')}]" if status.simulated else ""
    counts = (
        f"{status.points_good}/{status.points_uncertain}/{status.points_bad}/{status.points_stale}"
    )
    tripped = [each.interlock for each in status.interlocks if each.shown not in _QUIET]
    account = status.accounting
    return (
        status.site,
        safe(status.name) + mark,
        status.region,
        status.link.value,
        counts,
        duration(age_ms(status.newest_us, status.as_of_us)),
        safe(" ".join(tripped)) or "—",
        str(len(status.alarms)),
        f"{account.stored}/{account.expected}",
    )


_QUIET = ("NORMAL", "ARMED", "NOT_REQUIRED")


def value_row(value: PointValue, status: SiteStatus, language: Language) -> Row:
    """Return one line of the points of a site."""
    how = situation_of(value, status.as_of_us, simulated=status.simulated)
    return (
        safe(value.tag),
        safe(value.title),
        value_text(value, status.as_of_us, language, simulated=status.simulated),
        say_situation(language, how),
        duration(age_ms(value.time_us, status.as_of_us)),
        safe(value.point),
    )


def interlock_row(interlock: InterlockStatus, language: Language) -> Row:
    """Return one line of the interlocks of a site."""
    plant = "/".join(
        _yes_no(flag, language) for flag in (interlock.plant_tripped, interlock.plant_bypassed)
    )
    verdicts = " ".join(
        f"{effect}:{verdict}" + ("" if response is None else f"({response} ms)")
        for effect, verdict, response in interlock.last_verdicts
    )
    return (
        safe(interlock.interlock),
        safe(interlock.title),
        interlock.shown,
        interlock.health.value,
        interlock.service.value,
        plant,
        safe(verdicts) or "—",
        iso(interlock.since_us) or "—",
    )


def alarm_row(alarm: AlarmStatus, as_of_us: int) -> Row:
    """Return one line of the standing alarms of a site."""
    return (
        safe(alarm.tag),
        safe(alarm.title),
        alarm.level.value,
        alarm.priority.value,
        alarm.state.value,
        f"{number_text(alarm.value)}{unit_text(alarm.unit)}",
        duration(age_ms(alarm.raised_us, as_of_us)),
    )


def bucket_row(bucket: pb.HistoryBucket, language: Language) -> Row:
    """Return one line of a history."""
    at = iso(bucket.t_us) or "—"
    if bucket.n == 0:
        return (at, say(language, "gap"), "", "", "", "0")
    cells = [
        number_text(getattr(bucket, name)) if bucket.HasField(name) else "—"
        for name in _BUCKET_FIELDS
    ]
    return (at, *cells, f"{bucket.n_good}/{bucket.n}")


_BUCKET_FIELDS: tuple[Literal["v_min", "v_max", "v_avg", "v_last"], ...] = (
    "v_min",
    "v_max",
    "v_avg",
    "v_last",
)


def account_row(site: pb.SiteCompleteness) -> Row:
    """Return one line of `completeness`."""
    account = site.accounting
    counts: Sequence[int] = (
        account.expected,
        account.stored,
        account.gapped,
        account.withheld,
        account.pending,
        account.unexplained,
        account.duplicates,
        site.quarantined,
    )
    return (site.site, *(str(count) for count in counts))


def _figure(value: PointValue) -> str:
    if value.value is not None and value.unit == "bool":
        return "1" if value.value else "0"
    return number_text(value.value)


def _last_good(value: PointValue, as_of_us: int, unit: str, language: Language) -> str:
    if value.last_good is None:
        return ""
    good, time_us = value.last_good
    ago = duration(age_ms(time_us, as_of_us))
    return (
        f" ({say(language, 'last_good')} {number_text(good)}{unit}, {ago} {say(language, 'ago')})"
    )


def _yes_no(flag: bool | None, language: Language) -> str:
    return say(language, "unknown" if flag is None else "yes" if flag else "no")
