"""How a value is shown: value, quality and age to text, class and shape.  Pure.

One rule for page, command line, export and report (`console.md` 3.3): no value without its unit,
its quality and its age; never an old or bad value as a good one.  The decision is
`proto.sample.situation`; words, class and shape are here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from central.analysis.units import sign
from central.console.words import Language, say, say_code, say_reason
from central.status.model import PointValue
from proto.sample import Situation, situation

MINUS: Final = "\u2212"  # pages only; exports and JSON keep the ASCII hyphen
NO_VALUE: Final = "—"
BEIJING: Final = timezone(timedelta(hours=8), "UTC+8")
AGE_UNIT_US: Final = 1_000

# css class and shape of each situation; the shape says the same without colour
_CLASSES: Final[Mapping[Situation, tuple[str, str]]] = {
    Situation.GOOD: ("good", "none"),
    Situation.SIMULATED: ("good simulated", "none"),
    Situation.UNCERTAIN: ("uncertain", "dotted"),
    Situation.BAD: ("bad", "hatched"),
    Situation.STALE: ("stale", "hatched"),
    Situation.MARKED: ("marked", "boxed"),
    Situation.SUBSTITUTED: ("substituted", "boxed"),
    Situation.NEVER: ("never", "outline"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a value stands in its range: `at` in 0 to 100 of the width, and the ends as text."""

    at: float
    low: str
    high: str

    @property
    def pin(self) -> float:
        """Left edge of the mark, so that it never leaves the bar."""
        return round(min(98.6, max(0.0, self.at - 0.7)), 2)


@dataclass(frozen=True, slots=True)
class Shown:
    """One value, ready for a reader.

    Attributes:
        number: the value as text, `—` where there is none; unit: beside it, never empty.
        mark: what stands after the value: `?`, `⌀ 12 s`, a word; empty for a plain good value.
        quality: severity in words; reason: why it is not plainly good.
        age: how old, in words; age_ms, max_age_ms: for the browser to advance, None = never.
        beside: "last good …" for a bad value.
        css, shape: class names; the shape says the same without colour.
    """

    number: str
    unit: str
    mark: str
    quality: str
    reason: str
    age: str
    age_ms: int | None
    max_age_ms: int
    beside: str
    situation: Situation
    css: str
    shape: str
    bar: Bar | None

    @property
    def text(self) -> str:
        """The one-line form, as the command line prints it."""
        parts = (f"{self.number} {self.unit}".strip(), self.mark, self.beside)
        return " ".join(part for part in parts if part)


def show(point: PointValue, as_of_us: int, language: Language, *, simulated: bool = False) -> Shown:
    """Return how the newest sample of a point is shown at `as_of_us`."""
    age_us = None if point.time_us is None else max(0, as_of_us - point.time_us)
    how = situation(point.quality, point.reason, age_us, point.max_age_us, simulated)
    hidden = how in (Situation.NEVER, Situation.BAD) or point.value is None
    css, shape = _CLASSES[how]
    return Shown(
        number=NO_VALUE if hidden else number_text(point.value, point, language),
        unit=unit_text(point.unit, language),
        mark=_mark(how, point, age_us, language),
        quality=_quality(how, point, language),
        reason=say_reason(language, point.reason),
        age=say(language, "never received") if age_us is None else age_text(age_us),
        age_ms=None if age_us is None else age_us // AGE_UNIT_US,
        max_age_ms=point.max_age_us // AGE_UNIT_US,
        beside=_last_good(point, as_of_us, language) if how is Situation.BAD else "",
        situation=how,
        css=css,
        shape=shape,
        bar=None if hidden else bar_of(point),
    )


def _quality(how: Situation, point: PointValue, language: Language) -> str:
    match how:
        case Situation.STALE:
            return say(language, "stale")
        case Situation.NEVER:
            return say(language, "never received")
        case _:
            return say_code(language, point.quality.name)


def _mark(how: Situation, point: PointValue, age_us: int | None, language: Language) -> str:
    reason = say_reason(language, point.reason)
    match how:
        case Situation.NEVER:
            return say(language, "never received")
        case Situation.BAD | Situation.MARKED | Situation.SUBSTITUTED:
            return reason or say_code(language, point.quality.name)
        case Situation.STALE:
            return f"⌀ {age_text(age_us or 0)}"
        case Situation.UNCERTAIN:
            return f"? {reason}".rstrip()
        case Situation.SIMULATED | Situation.GOOD:
            return ""


def _last_good(point: PointValue, as_of_us: int, language: Language) -> str:
    if point.last_good is None:
        return ""
    value, time_us = point.last_good
    text = f"{number_text(value, point, language)} {unit_text(point.unit, language)}".strip()
    age = ago(max(0, as_of_us - time_us), language)
    return f"{say(language, 'last good')} {text}, {age}"


def ago(age_us: int, language: Language) -> str:
    """Return "12 s ago" in a language."""
    return f"{age_text(age_us)} {say(language, 'ago')}"


def age_text(age_us: int) -> str:
    """Return an age in words: `0.8 s`, `12 s`, `4 min 10 s`, `2 h 05 min`, `3 d 4 h`.

    The browser says the same (`live.js`); a test holds the two together.
    """
    if age_us < 9_950_000:
        return f"{(age_us + 50_000) // 100_000 / 10:.1f} s"
    seconds = (age_us + 500_000) // 1_000_000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def unit_text(unit: str, language: Language) -> str:
    """Return the unit as people read it; empty for a switch, whose words are its unit."""
    if unit == "bool":
        return ""
    if unit in ("", "1"):
        return say(language, "no unit")
    return sign(unit)


def number_text(value: float | None, point: PointValue, language: Language) -> str:
    """Return a value as text: fixed decimals after the range, words for a switch, U+2212 minus."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if point.unit == "bool":
        return say(language, "yes" if value else "no")
    digits = decimals(point.range_low, point.range_high)
    text = f"{value:.6g}" if digits is None else f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def decimals(low: float | None, high: float | None) -> int | None:
    """Return decimals that resolve about a five-thousandth of the range; None without a range."""
    if low is None or high is None or not high > low:
        return None
    return max(0, 3 - math.floor(math.log10(high - low)))


def bar_of(point: PointValue) -> Bar | None:
    """Return the place of a value in its range; None for a switch or without a range."""
    low, high, value = point.range_low, point.range_high, point.value
    if low is None or high is None or value is None or point.unit == "bool" or not high > low:
        return None
    share = 100.0 * (value - low) / (high - low)
    ends = (f"{end:g}".replace("-", MINUS) for end in (low, high))
    return Bar(round(min(100.0, max(0.0, share)), 2), *ends)


def time_text(time_us: int | None, *, with_date: bool = True) -> str:
    """Return a wall-clock time in Beijing time, to the second; a dash where there is none."""
    if time_us is None:
        return NO_VALUE
    try:
        moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).astimezone(BEIJING)
    except (ValueError, OverflowError):
        return NO_VALUE  # a year that no calendar has: the clock of a gateway is wrong
    return moment.strftime("%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S")


def duration_text(length_us: int) -> str:
    """Return the length of a window: `10 s`, `10 min`, `1 h`."""
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if length_us >= size * 1_000_000 and length_us % (size * 1_000_000) == 0:
            return f"{length_us // (size * 1_000_000)} {word}"
    return f"{length_us / 1e6:g} s"
