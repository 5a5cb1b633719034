"""The doctor of point lists: which byte order, base and type make sense of live registers.  Pure.

A device is judged as a whole: 4 byte orders × base −1, 0, +1 × integers or floats, each point
allowed a power of ten, against range, movement, worked examples and the panel.  What then does not
follow is named: scale, swapped pair, duplicate, flat, other order.  It proposes with the share that
fits and changes nothing.  Weights are logarithms of odds, rounded; the figures were chosen on
synthetic devices (placeholder until plant data exist).  Source: `acquisition.md` 3.15.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from devices.address import ModbusAddress, Order, RegisterType, Table

SHIFTS = (-1, 0, 1)
POWERS = (-1, 1, -2, 2, -3, 3)
POWER_ODDS = 1.5
"""A scale wrong by a power of ten is rarer than none."""
POINTS_FOR_PROPOSAL = 3
"""Fewer telling points prove nothing about a device."""

CLEAR_ODDS = 4.0
"""Another reading is proposed when it is better by as much as one panel figure."""

Reading = Literal["listed", "float", "integer"]
Registers = NDArray[np.int32]
Series = NDArray[np.float64]

_OTHER: Mapping[tuple[Reading, RegisterType], RegisterType] = {
    ("float", RegisterType.INT32): RegisterType.FLOAT32,
    ("float", RegisterType.UINT32): RegisterType.FLOAT32,
    ("float", RegisterType.INT64): RegisterType.FLOAT64,
    ("float", RegisterType.UINT64): RegisterType.FLOAT64,
    ("integer", RegisterType.FLOAT32): RegisterType.INT32,
    ("integer", RegisterType.FLOAT64): RegisterType.INT64,
}
_DTYPE = {
    RegisterType.INT16: ">i2", RegisterType.UINT16: ">u2", RegisterType.INT32: ">i4",
    RegisterType.UINT32: ">u4", RegisterType.INT64: ">i8", RegisterType.UINT64: ">u8",
    RegisterType.FLOAT32: ">f4", RegisterType.FLOAT64: ">f8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """One point as the list has it.

    Attributes:
        tag: of the point.
        address: as the list was read.
        scale, offset: of the list.
        low, high: engineering range; None where there is none.
        panel: what the panel shows; None where nobody looked.
        vector: registers of the worked example and their value; empty where there is none.
    """

    tag: str
    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    panel: float | None = None
    vector: tuple[tuple[int, ...], float | None] = ((), None)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the device held: per table and address int32[t], -1 where it could not be read."""

    registers: Mapping[tuple[Table, int], Registers]

    def words(self, table: Table, address: int, count: int) -> NDArray[np.uint16] | None:
        """Return uint16[t, count] from `address`; None when a register was never readable."""
        found = [self.registers.get((table, address + i)) for i in range(count)]
        columns = [column for column in found if column is not None]
        if len(columns) < count:
            return None
        rows = np.stack(columns, axis=1)
        rows = rows[(rows >= 0).all(axis=1)]
        return rows.astype(np.uint16) if len(rows) else None


@dataclass(frozen=True, slots=True)
class Fit:
    """One reading of the whole device, and how well it fits.

    Attributes:
        order: byte order of values over several registers.
        shift: what is added to every address of the list.
        reading: types as listed, all wide ones floats, or all integers.
        share: of the telling points, how many fit.
        telling: points that could be judged.
        score: sum of log-odds.
    """

    order: Order
    shift: int
    reading: Reading
    share: float
    telling: int
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not follow from the best reading, by tag."""

    tag: str
    what: Literal["scale", "swapped", "duplicate", "flat", "order", "outside"]
    detail: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor says of one device.

    Attributes:
        stated: the list as it was read.
        best: the reading that fits best; `stated` when nothing else is clearly better.
        fits: all readings, best first.
        findings: what does not follow.
    """

    stated: Fit
    best: Fit
    fits: tuple[Fit, ...]
    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool:
        """True when the list is what fits best."""
        return self.best == self.stated


def diagnose(subjects: Sequence[Subject], trace: Trace) -> Diagnosis:
    """Return what makes sense of the registers of one device.

    Args:
        subjects: its points; switches play no part.
        trace: registers of some polls, one register beyond the points at either end.
    """
    wide = [each for each in subjects if each.address.type in _DTYPE]
    stated_order = _stated_order(wide)
    fits = [_fit(wide, trace, *each) for each in _readings(wide)]
    stated = next(f for f in fits if (f.order, f.shift, f.reading) == (stated_order, 0, "listed"))
    fits.sort(key=lambda fit: (-fit.score, fit is not stated, abs(fit.shift)))
    best = fits[0] if fits[0].score > stated.score + CLEAR_ODDS else stated
    if best.telling < POINTS_FOR_PROPOSAL:
        best = stated
    findings = tuple(_findings(wide, trace, best))
    return Diagnosis(stated, best, tuple(fits), findings)


def _stated_order(subjects: Sequence[Subject]) -> Order:
    orders = [each.address.order for each in subjects if each.address.length > 1]
    return max(Order, key=orders.count)


def _readings(subjects: Sequence[Subject]) -> Iterator[tuple[Order, int, Reading]]:
    is_wide = any(each.address.length > 1 for each in subjects)
    orders = tuple(Order) if is_wide else (Order.ABCD,)
    readings: list[Reading] = ["listed"]
    types = {each.address.type for each in subjects}
    choices: tuple[Reading, ...] = ("float", "integer")
    readings += [r for r in choices if any((r, kind) in _OTHER for kind in types)]
    yield from product(orders, SHIFTS, readings)


def _fit(
    subjects: Sequence[Subject], trace: Trace, order: Order, shift: int, reading: Reading
) -> Fit:
    score, telling, fitting = 0.0, 0, 0
    for each in subjects:
        own = _best_power(each, trace, order, shift, reading)[0]
        if own is None:
            continue
        score += own
        if own != 0:
            telling += 1
            fitting += own > 0
    return Fit(order, shift, reading, fitting / telling if telling else 0.0, telling, score)


def _best_power(
    subject: Subject, trace: Trace, order: Order, shift: int, reading: Reading
) -> tuple[float | None, int]:
    """Return (log-odds, power of ten) of one point; None when it says nothing."""
    example = _example_odds(subject, order, reading)
    values = series(subject, trace, order, shift, reading)
    if values is None:
        hole = -5.0 if _was_read(subject, trace) else 0.0
        return (hole + example, 0) if hole or example else (None, 0)
    if subject.low is None and subject.panel is None:
        return _unranged(values) + example, 0
    plain = _odds(subject, values, 0)
    if plain > 0:
        return plain + example, 0
    scored = [(_odds(subject, values, power) - POWER_ODDS, power) for power in POWERS]
    odds, power = max([(plain, 0), *scored], key=lambda each: each[0])
    return odds + example, power


def _was_read(subject: Subject, trace: Trace) -> bool:
    at = subject.address
    return any((at.table, at.address + i) in trace.registers for i in range(at.length))


def series(
    subject: Subject, trace: Trace, order: Order, shift: int, reading: Reading
) -> Series | None:
    """Return raw values float64[t] (before scale) of one point under a reading; None = a hole."""
    at = subject.address
    words = trace.words(at.table, at.address + shift, at.length)
    return None if words is None else _decode(words, at.type, order, reading)


def _decode(
    words: NDArray[np.uint16], kind: RegisterType, order: Order, reading: Reading
) -> Series:
    kind = _OTHER.get((reading, kind), kind)
    if words.shape[1] == 1:
        order = Order.ABCD  # of single registers nobody swaps bytes
    if order in (Order.CDAB, Order.DCBA):
        words = words[:, ::-1]
    if order in (Order.BADC, Order.DCBA):
        words = words.byteswap()
    data = np.ascontiguousarray(words, dtype=">u2").tobytes()
    with np.errstate(all="ignore"):
        return np.frombuffer(data, _DTYPE[kind]).astype(np.float64)


def _example_odds(subject: Subject, order: Order, reading: Reading) -> float:
    registers, value = subject.vector
    if value is None or len(registers) != subject.address.length or len(registers) < 2:
        return 0.0
    words = np.array([registers], np.uint16)
    got = _decode(words, subject.address.type, order, reading)[0] * subject.scale + subject.offset
    return 6.0 if np.isclose(got, value, rtol=1e-5) else -6.0


def _unranged(values: Series) -> float:
    """Without a range only nonsense can be told: no number, tiny, astronomic."""
    if not np.isfinite(values).all():
        return -4.0
    size = abs(float(np.median(np.clip(values, -1e200, 1e200))))
    return 0.0 if size == 0 else 0.5 if 1e-4 <= size <= 1e7 else -3.0


def _odds(subject: Subject, raw: Series, power: int) -> float:
    """Return the log-odds of values against range, movement and panel."""
    if not np.isfinite(raw).all():
        return -6.0
    values = (np.clip(raw, -1e200, 1e200) * subject.scale + subject.offset) * 10.0**power
    middle = _middle(values)
    low, high = _range(subject, middle)
    span = high - low
    odds = _panel_odds(subject, middle, span)
    if middle == 0:
        return odds  # a zero reads the same in every order
    if abs(middle) < 1e-5 * span:
        return odds - 4.0
    slack = 0.02 * span
    inside = float(((values >= low - slack) & (values <= high + slack)).mean())
    if inside < 0.9:
        beyond = abs(middle) / max(abs(low), abs(high), span)
        return odds - 2.0 - min(4.0, max(0.0, float(np.log10(max(beyond, 1e-300)))))
    return odds + 2.0 + _movement_odds(values, span)


def _middle(values: Series) -> float:
    return float(np.sort(values)[len(values) // 2])


def _range(subject: Subject, middle: float) -> tuple[float, float]:
    if subject.low is not None and subject.high is not None:
        return subject.low, subject.high
    reach = max(abs(middle), abs(subject.panel or 0.0), 1.0)
    return -2 * reach, 2 * reach


def _panel_odds(subject: Subject, middle: float, span: float) -> float:
    if subject.panel is None:
        return 0.0
    near = abs(middle - subject.panel) <= max(0.01 * span, 0.02 * abs(subject.panel))
    return 6.0 if near else -4.0


def _movement_odds(values: Series, span: float) -> float:
    """A process moves little from poll to poll; the low word of another value jumps."""
    if len(values) < 2:
        return 0.0
    jump = float(np.abs(np.diff(values)).max()) / span
    if jump > 0.4:
        return -4.0
    if jump > 0.15:
        return -1.5
    return 0.0 if jump == 0 else 1.0


def _findings(subjects: Sequence[Subject], trace: Trace, best: Fit) -> Iterator[Finding]:
    values: dict[str, Series] = {}
    for each in subjects:
        raw = series(each, trace, best.order, best.shift, best.reading)
        if raw is None:
            continue
        values[each.tag] = raw * each.scale + each.offset
        yield from _own_findings(each, trace, best, raw)
    yield from _swapped(subjects, values)
    yield from _twins(values)


def _own_findings(each: Subject, trace: Trace, best: Fit, raw: Series) -> Iterator[Finding]:
    odds, power = _best_power(each, trace, best.order, best.shift, best.reading)
    if odds is None:
        return
    if each.address.length > 1:
        found = {o: _best_power(each, trace, o, best.shift, best.reading)[0] or 0.0 for o in Order}
        other = max(found, key=lambda order: found[order])
        if found[other] >= odds + 4 and found[other] > 0:
            yield Finding(each.tag, "order", f"{other} fits, the device is {best.order}")
            return
    if power and odds > 0:
        yield Finding(each.tag, "scale", f"{each.scale * 10.0**power:g} fits, not {each.scale:g}")
    elif odds < 0 and each.low is not None:
        middle = _middle(raw) * each.scale + each.offset
        detail = f"{middle:.6g} is outside {each.low:g} to {each.high:g}"
        if each.panel is not None:
            detail = f"{middle:.6g}, the panel shows {each.panel:g}"
        yield Finding(each.tag, "outside", detail)
    if len(raw) > 1 and float(np.ptp(raw)) == 0:
        yield Finding(each.tag, "flat", f"no movement in {len(raw)} polls")


def _swapped(subjects: Sequence[Subject], values: Mapping[str, Series]) -> Iterator[Finding]:
    """Name pairs of which each fits the other's panel (or range) and not its own."""
    known = [each for each in subjects if each.tag in values]
    for i, one in enumerate(known):
        for two in known[i + 1 :]:
            a, b = _middle(values[one.tag]), _middle(values[two.tag])
            crossed = _suits(one, b) and _suits(two, a)
            if crossed and not _suits(one, a) and not _suits(two, b):
                yield Finding(one.tag, "swapped", f"with {two.tag}")


def _suits(subject: Subject, value: float) -> bool:
    if subject.panel is not None:
        span = 0.0 if subject.low is None or subject.high is None else subject.high - subject.low
        return abs(value - subject.panel) <= max(0.01 * span, 0.02 * abs(subject.panel))
    if subject.low is None or subject.high is None:
        return True
    return subject.low <= value <= subject.high


def _twins(values: Mapping[str, Series]) -> Iterator[Finding]:
    seen: dict[bytes, str] = {}
    for tag, series_ in values.items():
        if len(series_) < 2 or float(np.ptp(series_)) == 0:
            continue
        first = seen.setdefault(series_.tobytes(), tag)
        if first != tag:
            yield Finding(tag, "duplicate", f"moves exactly as {first}")
