"""Times as controllers write them, in registers: to microseconds of the device's own clock.  Pure.

The result counts from 1970-01-01 00:00 of whatever zone the device shows: the zone is the site's to
state (`acquisition.md` 3.11).  What is no time of the calendar is None, never a guess.

s7_dtl: year u16, month, day, weekday, hour, minute, second u8, nanosecond u32.  s7_date_time: eight
bytes of BCD, year 90-99 = 1990-1999.  cp56: seven bytes, the lowest first (IEC 60870-5-4, 6.8),
and a filler.  ymdhms_ms: one register each.  unix_ms: milliseconds since 1970, 64 bits.
"""

from datetime import datetime, timedelta

from devices.address import Order, RegisterType

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the device's own time has no zone here
TEXTS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")
YEAR_MIN, YEAR_MAX = 1970, 2261


def decode_time(kind: RegisterType, data: bytes, order: Order = Order.ABCD) -> int | None:
    """Return microseconds since 1970 of the device's own time, or None where this is no time.

    Args:
        kind: one of the times.
        data: the registers as on the wire, high byte first.
        order: byte order, of `unix_ms` only; the others are rows of bytes or of registers.
    """
    match kind:
        case RegisterType.S7_DTL:
            return _s7_dtl(data)
        case RegisterType.S7_DATE_TIME:
            return _s7_date_time(data)
        case RegisterType.UNIX_MS:
            return _unix_ms(data, order)
        case RegisterType.CP56:
            return _cp56(data)
        case RegisterType.YMDHMS_MS:
            return _ymdhms_ms(data)
        case _:
            raise ValueError(f"{kind} is no time")


def time_us(text: str) -> int:
    """Return microseconds since 1970 of `2026-11-23 16:30:05.5`, without any zone.

    Raises:
        ValueError: no such text, or no such day.
    """
    for form in TEXTS:
        try:
            return _us(datetime.strptime(text, form))  # noqa: DTZ007 - no zone by intent
        except ValueError:
            continue
    raise ValueError(f'"{text}": write "2026-11-23 16:30:05.5"')


def time_text(us: int) -> str:
    """Return `2026-11-23 16:30:05.500000` of microseconds since 1970."""
    return (EPOCH + timedelta(microseconds=us)).strftime(TEXTS[0])


def _us(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def _made(parts: tuple[int, int, int, int, int, int], us: int) -> int | None:
    year, month, day, hour, minute, second = parts
    if not (YEAR_MIN <= year <= YEAR_MAX and 0 <= us < 1_000_000):
        return None
    try:
        return _us(datetime(year, month, day, hour, minute, second, us))  # noqa: DTZ001
    except ValueError:
        return None


def _s7_dtl(data: bytes) -> int | None:
    year = int.from_bytes(data[0:2], "big")
    month, day, _, hour, minute, second = data[2:8]
    nanoseconds = int.from_bytes(data[8:12], "big")
    return _made((year, month, day, hour, minute, second), nanoseconds // 1000)


def _s7_date_time(data: bytes) -> int | None:
    digits = [nibble for byte in data[:8] for nibble in (byte >> 4, byte & 15)]
    if any(digit > 9 for digit in digits[:15]):
        return None
    pairs = [10 * digits[at] + digits[at + 1] for at in range(0, 14, 2)]
    year = pairs[0] + (1900 if pairs[0] >= 90 else 2000)
    milliseconds = 10 * pairs[6] + digits[14]
    return _made((year, pairs[1], pairs[2], pairs[3], pairs[4], pairs[5]), milliseconds * 1000)


def _unix_ms(data: bytes, order: Order) -> int | None:
    words = [data[at : at + 2] for at in range(0, 8, 2)]
    if order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if order in (Order.BADC, Order.DCBA):
        words = [word[::-1] for word in words]
    us = int.from_bytes(b"".join(words), "big") * 1000
    return us if us < _us(datetime(YEAR_MAX, 1, 1)) else None  # noqa: DTZ001


def _cp56(data: bytes) -> int | None:
    milliseconds = int.from_bytes(data[0:2], "little")
    is_invalid = bool(data[2] & 0x80)
    minute, hour, day, month = data[2] & 0x3F, data[3] & 0x1F, data[4] & 0x1F, data[5] & 0x0F
    if is_invalid or milliseconds >= 60_000:
        return None
    parts = (2000 + (data[6] & 0x7F), month, day, hour, minute, milliseconds // 1000)
    return _made(parts, milliseconds % 1000 * 1000)


def _ymdhms_ms(data: bytes) -> int | None:
    year, month, day, hour, minute, second, ms = (
        int.from_bytes(data[at : at + 2], "big") for at in range(0, 14, 2)
    )
    return _made((year, month, day, hour, minute, second), ms * 1000) if ms < 1000 else None
