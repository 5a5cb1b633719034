"""One reading as people compare it with the panel, zh and en.  Pure.

`PDT-101  2000.0 Pa  GOOD  2026-11-23 16:20:05.412+08:00 ± 16 ms   holding 0 float32 CDAB`, and
below it what the same registers say in each word order.  Source: `acquisition.md` 3.16.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.commands.quantities import reading_text, span_text
from proto.message import Language
from proto.point import PointType

Body = Mapping[str, object]

WORDS: Mapping[str, tuple[str, str]] = {
    "registers": ("寄存器", "registers"),
    "panel": ("请与面板核对", "compare with the panel"),
    "age": ("时龄", "age"),
    "never": ("启动以来未读到", "never read since the start"),
}
_BARE = ("1", "bool")


def word(key: str, lang: Language) -> str:
    """Return a word of this file."""
    return WORDS[key][0 if lang == "zh" else 1]


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def reading_lines(row: Body, now_us: int, lang: Language, zone: tzinfo) -> list[str]:
    """Return one line, and a second one with the word orders where the registers are known."""
    unit = str(row.get("unit"))
    value = reading_text(row.get("value"), bits=64 if row.get("type") == PointType.F64 else 32)
    shown = value if unit in _BARE or value == "-" else f"{value} {unit}"
    name = row.get("tag") or row.get("point")
    parts = [str(name), shown, _quality(row), _moment(row, now_us, lang, zone)]
    if row.get("register"):
        parts.append(f" {row['register']}")
    if row.get("title"):
        parts.append(f" {row['title']}")
    return ["  ".join(parts), *_orders(row, lang)]


def _quality(row: Body) -> str:
    """Return the quality, with its reason where it has one: good needs none."""
    quality, reason = str(row.get("quality")), str(row.get("reason"))
    return quality if reason in ("NONE", "None", "") else f"{quality} {reason}"


def _moment(row: Body, now_us: int, lang: Language, zone: tzinfo) -> str:
    age_ms = row.get("age_ms")
    if not isinstance(age_ms, int):
        return word("never", lang)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_us - age_ms * 1000)
    text = moment.astimezone(zone).isoformat(" ", "milliseconds")
    uncertainty_ms = row.get("uncertainty_ms")
    if isinstance(uncertainty_ms, int | float):
        text += f" ± {uncertainty_ms:.0f} ms"
    if age_ms:
        text += f"  {word('age', lang)} {span_text(age_ms)}"
    return text


def _orders(row: Body, lang: Language) -> list[str]:
    """Return registers and the four word orders of a value: the panel decides which is right."""
    orders, registers = row.get("orders"), row.get("registers")
    if not isinstance(orders, Mapping) or not isinstance(registers, list):
        return []
    shown = "   ".join(f"{order} {reading_text(value, bits=32)}" for order, value in orders.items())
    text = f"  {word('registers', lang)} {' '.join(map(str, registers))}"
    return [f"{text}    {shown}    {word('panel', lang)}"]
