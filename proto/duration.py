"""Durations as people write them: a number and a unit, `"500ms"`, `"1.5s"`, `"10min"`.  Pure."""

import re
from collections.abc import Collection

NS = {
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}
"""Units of a duration in nanoseconds (`interlocks.md` 3.2)."""
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_DURATION = re.compile(rf"({_NUMBER})(us|ms|s|min|h|d)")


def duration_pattern(units: Collection[str]) -> str:
    """Return the pattern of such a text for a JSON Schema."""
    return rf"^{_NUMBER}({'|'.join(units)})$".replace("(?:", "(")


def parse_duration(text: object, units: Collection[str] = ("ms", "s", "min", "h", "d")) -> int:
    """Return nanoseconds.

    Args:
        text: as written.
        units: those that are allowed here.

    Raises:
        ValueError: no such text.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2] not in units:
        raise ValueError('write a duration as text with a unit, such as "500ms", "1s", "10min"')
    return round(float(found[1]) * NS[found[2]])
