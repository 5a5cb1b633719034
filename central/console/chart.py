"""A point's history as a drawing: gaps stay gaps, quality is a band below.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from central.archive.model import Bucket
from central.console.present import age_text, time_text
from proto.quality import Quality

WIDTH, HEIGHT = 1000.0, 290.0
RANGES_US: Final = {
    "5m": 300_000_000,
    "15m": 900_000_000,
    "1h": 3_600_000_000,
    "6h": 21_600_000_000,
    "1d": 86_400_000_000,
    "7d": 604_800_000_000,
}
BUCKETS_MAX: Final = 600
_HOUR_US: Final = 3_600_000_000
_CODES: Final = {Quality.GOOD: "G", Quality.UNCERTAIN: "U", Quality.BAD: "B"}
_CSS: Final = {"G": "good", "U": "uncertain", "B": "bad"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A run of one quality in the band below the curve, in the drawing's units."""

    css: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A history as columns of equal length, one entry a bucket; None where nothing is known.

    `codes` holds one letter a bucket: G, U, B, or N where there is no sample.
    """

    t0_us: int
    t1_us: int
    step_us: int
    average: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    codes: str
    end_us: int | None


@dataclass(frozen=True, slots=True)
class Chart:
    """The server's own drawing, for browsers without scripts and for print."""

    empty: bool
    line: str
    band: str
    marks: tuple[Mark, ...]
    edge: float
    low: str
    high: str
    t0: str
    t1: str


def bucket_count(range_us: int, period_us: int) -> int:
    """Return how many buckets a range is cut into.

    A bucket is never shorter than two periods, or each second one would look like a gap; ranges
    beyond a day are answered from hours.
    """
    if range_us > 24 * _HOUR_US // 2:
        return max(1, range_us // _HOUR_US)
    return max(1, min(BUCKETS_MAX, range_us // max(1, 2 * period_us)))


def curve_of(buckets: Sequence[Bucket], t0_us: int, t1_us: int, *, on_change: bool) -> Curve:
    """Return buckets as columns; the value of an on-change point holds until the next word."""
    step_us = (t1_us - t0_us) // max(1, len(buckets))
    held = list(_held(buckets)) if on_change else list(buckets)
    newest = [bucket.t_us for bucket in buckets if bucket.n > 0]
    return Curve(
        t0_us=t0_us,
        t1_us=t1_us,
        step_us=step_us,
        average=tuple(bucket.v_avg for bucket in held),
        low=tuple(bucket.v_min for bucket in held),
        high=tuple(bucket.v_max for bucket in held),
        codes="".join(_CODES[bucket.quality] if bucket.n else "N" for bucket in held),
        end_us=min(t1_us, newest[-1] + step_us) if newest else None,
    )


def _held(buckets: Sequence[Bucket]) -> Iterator[Bucket]:
    last: Bucket | None = None
    for bucket in buckets:
        if bucket.n > 0:
            last = bucket
            yield bucket
        elif last is None:
            yield bucket
        else:
            value = last.v_last
            yield Bucket(bucket.t_us, 1, 0, value, value, value, value, last.quality)


def chart_of(curve: Curve) -> Chart:
    """Return the drawing of a curve."""
    known = [value for side in (curve.low, curve.high) for value in side if value is not None]
    t0, t1 = time_text(curve.t0_us), time_text(curve.t1_us)
    if not known:
        edge = WIDTH if curve.end_us is None else _x(curve, curve.end_us)
        empty = curve.end_us is None
        return Chart(empty, "", "", _marks(curve), edge, "—", "—", t0, t1)
    low, high = min(known), max(known)
    pad = (high - low) * 0.06 or max(abs(high) * 0.01, 0.5)
    bottom, top = low - pad, high + pad
    runs = list(_runs(curve, bottom, top))
    return Chart(
        empty=False,
        line=" ".join(_path([(x, mid) for x, mid, _, _ in run]) for run in runs),
        band=" ".join(_area(run) for run in runs),
        marks=_marks(curve),
        edge=_x(curve, curve.end_us if curve.end_us is not None else curve.t1_us),
        low=f"{low:.4g}",
        high=f"{high:.4g}",
        t0=t0,
        t1=t1,
    )


Place = tuple[float, float, float, float]


def _runs(curve: Curve, bottom: float, top: float) -> Iterator[list[Place]]:
    """Yield unbroken runs of (x, average, high, low): a gap ends a run and is never bridged."""
    run: list[Place] = []
    for number, (mid, low, high) in enumerate(
        zip(curve.average, curve.low, curve.high, strict=True)
    ):
        if mid is None or low is None or high is None:
            if run:
                yield run
            run = []
            continue
        x = _x(curve, curve.t0_us + number * curve.step_us + curve.step_us // 2)
        run.append((x, _y(mid, bottom, top), _y(high, bottom, top), _y(low, bottom, top)))
    if run:
        yield run


def _x(curve: Curve, time_us: int) -> float:
    return round(WIDTH * (time_us - curve.t0_us) / max(1, curve.t1_us - curve.t0_us), 2)


def _y(value: float, bottom: float, top: float) -> float:
    return round(HEIGHT * (top - value) / (top - bottom), 2)


def _path(places: Sequence[tuple[float, float]]) -> str:
    if len(places) == 1:
        x, y = places[0]
        places = [(x - 0.5, y), (x + 0.5, y)]
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _area(run: Sequence[Place]) -> str:
    upper = [(x, high) for x, _, high, _ in run]
    lower = [(x, low) for x, _, _, low in reversed(run)]
    return _path([*upper, *lower]) + "Z" if len(run) > 1 else ""


def _marks(curve: Curve) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    width = WIDTH / max(1, len(curve.codes))
    for number, code in enumerate(curve.codes):
        css = _CSS.get(code)
        if css is None:
            continue
        x = round(number * width, 2)
        last = marks[-1] if marks else None
        if last is not None and last.css == css and abs(last.x + last.width - x) < 0.05:
            marks[-1] = Mark(css, last.x, round(x + width - last.x, 2))
        else:
            marks.append(Mark(css, x, round(width, 2)))
    return tuple(marks)


def curve_body(curve: Curve, as_of_us: int) -> dict[str, object]:
    """Return the curve as the JSON that the page's script draws; times in seconds."""
    half_us = curve.step_us // 2
    end_us = curve.end_us
    return {
        "schema": "trend/1",
        "t0": curve.t0_us / 1e6,
        "t1": curve.t1_us / 1e6,
        "step_s": curve.step_us / 1e6,
        "t": [
            (curve.t0_us + number * curve.step_us + half_us) / 1e6
            for number in range(len(curve.average))
        ],
        "average": list(curve.average),
        "low": list(curve.low),
        "high": list(curve.high),
        "quality": curve.codes,
        "end": None if end_us is None else end_us / 1e6,
        "end_text": ""
        if end_us is None
        else f"{time_text(end_us, with_date=False)} ({age_text(max(0, as_of_us - end_us))})",
    }
