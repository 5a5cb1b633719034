"""States in words: a chip says what, how loud, and with which shape.  Pure.

Only warnings have level colours (`console.md` 3.5); everything else abnormal is ink on grey.
"""

from dataclasses import dataclass
from typing import Final

from central.console.present import age_text
from central.console.words import Language, say, say_code
from central.status.model import InterlockStatus, LinkState
from proto.alarm import WarningLevel
from proto.interlock import Health, Protection, Service

_LEVELS: Final = {
    WarningLevel.NONE: "none",
    WarningLevel.BLUE: "blue",
    WarningLevel.YELLOW: "yellow",
    WarningLevel.ORANGE: "orange",
    WarningLevel.RED: "red",
}


@dataclass(frozen=True, slots=True)
class Age:
    """An age as text, and in ms for the browser to advance; `max_ms` beyond which it is stale."""

    text: str
    ms: int | None
    max_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in a word: `css` says how loud, `icon` names a shape of the sprite or is empty."""

    word: str
    css: str
    icon: str = ""


def age_of(time_us: int | None, as_of_us: int, language: Language) -> Age:
    """Return how long ago a moment was; in words when it never was."""
    if time_us is None:
        return Age(say(language, "never connected"), None)
    age_us = max(0, as_of_us - time_us)
    return Age(age_text(age_us), age_us // 1_000)


def link_chip(link: LinkState, language: Language) -> Chip:
    """Return a link state: live is quiet, all else is seen."""
    css = {LinkState.LIVE: "quiet", LinkState.LATE: "late", LinkState.NEVER: "outline"}
    icon = "stale" if link in (LinkState.LATE, LinkState.LOST) else ""
    return Chip(say_code(language, link.value), css.get(link, "lost"), icon)


def level_chip(level: WarningLevel, language: Language) -> Chip:
    """Return a warning level; nothing for none."""
    name = _LEVELS[level]
    if level is WarningLevel.NONE:
        return Chip("", "none")
    return Chip(say_code(language, name), f"level {name}", name)


def interlock_chip(shown: str, language: Language) -> Chip:
    """Return the one word of an interlock and how loud it is."""
    loud = {
        Health.PROTECTION_FAILED: ("failed", "failed"),
        Protection.TRIPPED: ("tripped", "tripped"),
        Protection.LATCHED: ("tripped", "tripped"),
        Protection.PENDING: ("pending", ""),
        Service.BYPASSED: ("bypassed", "bypassed"),
        Service.OUT_OF_DUTY: ("bypassed", "bypassed"),
        Health.DEGRADED: ("degraded", ""),
        Health.PROTECTION_UNVERIFIED: ("degraded", ""),
    }
    css, icon = next((look for word, look in loud.items() if word == shown), ("quiet", ""))
    return Chip(say_code(language, shown), css, icon)


def is_bypassed(interlock: InterlockStatus) -> bool:
    """True when the interlock is bypassed by us or by the plant."""
    return interlock.service is Service.BYPASSED or interlock.plant_bypassed is True


def is_tripped(interlock: InterlockStatus) -> bool:
    """True when the interlock has tripped and is not reset."""
    return interlock.protection in (Protection.TRIPPED, Protection.LATCHED)


def is_failed(interlock: InterlockStatus) -> bool:
    """True when the protection failed on demand."""
    return interlock.health is Health.PROTECTION_FAILED
