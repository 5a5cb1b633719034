"""Durations, sizes, shares, moments and readings as people read them.  Pure."""

import math
from datetime import UTC, datetime, timedelta, tzinfo

_STEPS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def span_text(ms: float) -> str:
    """Return a duration: 412 ms, 12 s, 1 min 47 s, 3 h 5 min, 4 d 2 h."""
    whole = int(ms)
    if whole < 10_000:
        return f"{whole} ms"
    seconds = whole // 1000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def bytes_text(count: float) -> str:
    """Return a size in decimal units: 412 B, 1.2 kB, 8.0 GB."""
    for step, unit in _STEPS:
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count:.0f} B"


def moment_text(wall_us: object, zone: tzinfo = UTC) -> str:
    """Return a wall time with its offset; `-` for none, what no calendar holds with a mark."""
    if wall_us is None:
        return "-"
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(str(wall_us)))
        return moment.astimezone(zone).isoformat(" ", "seconds")
    except (ValueError, OverflowError):
        return f"{wall_us!s:.40}?"


def reading_text(value: object, bits: int = 64) -> str:
    """Return a reading without digits that its source never had.

    Args:
        value: as decoded.
        bits: of the float in the device: 32 has seven digits, 64 fifteen.
    """
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    if not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < 1e7:
        return f"{value:.1f}"
    return f"{value:.{7 if bits == 32 else 12}g}"
