"""One closed window of one site, as rules see it: columns per point, interlock facts, gaps.  Pure.

A rule sees nothing else.  The window's hash covers all of it, so that equal data give an equal
result.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proto.quality import Quality, Reason


@dataclass(frozen=True, slots=True)
class Carried:
    """The last sample before the window: what an on-change point still says."""

    time_us: int
    value: float
    quality: Quality
    reason: Reason


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What the gateway's schema says of one point.

    Attributes:
        period_us: nominal period; 0 = sent on change.
        digital: a switch (two states); never judged flat or clamped.
        resolution: smallest step in `unit` that the channel can show; None for floats.
    """

    point: str
    tag: str
    title: str
    unit: str
    parameter: str
    process_unit: str
    period_us: int
    digital: bool
    resolution: float | None
    range_low: float | None
    range_high: float | None

    @property
    def device(self) -> str:
        """The device part of `<device>/<point>`."""
        return self.point.partition("/")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Samples of one point in the window, in time order.

    Attributes:
        time_us: int64[n]; value: float64[n], NaN where there is none; quality, reason: uint8[n].
        carried: the last sample before the window, where it was asked for.
    """

    facts: PointFacts
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    carried: Carried | None = None


@dataclass(frozen=True, slots=True)
class InputFact:
    """One input of an interlock at the moment of a record."""

    name: str
    point: str
    value: float | None
    unit: str
    quality: str
    reason: str
    age_ms: int | None


@dataclass(frozen=True, slots=True)
class InterlockFact:
    """One record of an interlock; `effect`, `verdict`, `response_ms` only on a judgement."""

    time_us: int
    kind: str
    interlock: str
    title: str
    clauses: tuple[str, ...]
    mode: str
    occurrence: int
    cause: str | None
    inputs: tuple[InputFact, ...]
    service: str
    running: str
    plant_bypassed: bool | None
    effect: str | None = None
    verdict: str | None = None
    response_ms: int | None = None
    response_uncertainty_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Everything of one site between `t0_us` (included) and `t1_us` (excluded).

    Attributes:
        interlocks: facts inside the window, in time order.
        standing: newest fact of each interlock from before the window.
        lost_devices: devices with a link incident inside the window.
        gap_us: total time covered by gap records inside the window.
    """

    site: str
    t0_us: int
    t1_us: int
    series: tuple[Series, ...]
    interlocks: tuple[InterlockFact, ...] = ()
    standing: tuple[InterlockFact, ...] = ()
    lost_devices: frozenset[str] = frozenset()
    gap_us: int = 0

    @property
    def length_us(self) -> int:
        """Length of the window in microseconds."""
        return self.t1_us - self.t0_us


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The register's entry of one site, as of the window."""

    site: str
    name: str
    simulated: bool
    region: str = ""


@dataclass(frozen=True, slots=True)
class _Hasher:
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else repr(part).encode()
            self.digest.update(len(data).to_bytes(8, "little"))
            self.digest.update(data)


def window_hash(window: Window) -> str:
    """Return the hash over everything that a rule can see, in hex."""
    hasher = _Hasher()
    hasher.add(window.site, window.t0_us, window.t1_us, window.gap_us, sorted(window.lost_devices))
    for series in sorted(window.series, key=lambda each: each.facts.point):
        hasher.add(series.facts, series.carried)
        hasher.add(series.time_us.astype("<i8").tobytes(), series.value.astype("<f8").tobytes())
        hasher.add(series.quality.tobytes(), series.reason.tobytes())
    for fact in (*window.interlocks, *window.standing):
        hasher.add(fact)
    return hasher.digest.hexdigest()


def _text(body: Mapping[str, object], key: str) -> str:
    found = body.get(key)
    return found if isinstance(found, str) else ""


def _whole(body: Mapping[str, object], key: str) -> int | None:
    found = body.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _texts(body: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = body.get(key)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return ()
    return tuple(item for item in found if isinstance(item, str))


def _inner(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = body.get(key)
    return found if isinstance(found, Mapping) else {}


def _input(body: Mapping[str, object]) -> InputFact:
    value = body.get("value")
    return InputFact(
        name=_text(body, "name"),
        point=_text(body, "point"),
        value=float(value) if isinstance(value, int | float) else None,
        unit=_text(body, "unit"),
        quality=_text(body, "quality"),
        reason=_text(body, "reason"),
        age_ms=_whole(body, "age_ms"),
    )


def interlock_fact(body: Mapping[str, object]) -> InterlockFact | None:
    """Take one `interlock.*` or `plant.*` record apart; None when it is not one."""
    kind, name, time_us = _text(body, "k"), _text(body, "interlock"), _whole(body, "t")
    if not kind.startswith(("interlock.", "plant.")) or not name or time_us is None:
        return None
    state, listed = _inner(body, "state"), body.get("inputs")
    bypassed = _inner(state, "plant").get("bypassed")
    inputs = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()
    return InterlockFact(
        time_us=time_us,
        kind=kind,
        interlock=name,
        title=_text(body, "title"),
        clauses=_texts(body, "clauses"),
        mode=_text(body, "mode"),
        occurrence=_whole(body, "occurrence") or 0,
        cause=_text(body, "cause") or None,
        inputs=tuple(_input(each) for each in inputs if isinstance(each, Mapping)),
        service=_text(state, "service"),
        running=_text(state, "running"),
        plant_bypassed=bypassed if isinstance(bypassed, bool) else None,
        effect=_text(body, "effect") or None,
        verdict=_text(body, "verdict") or None,
        response_ms=_whole(body, "response_ms"),
        response_uncertainty_ms=_whole(body, "response_uncertainty_ms"),
    )


def canonical(value: object) -> str:
    """Return JSON with sorted keys and no spaces: equal content, equal text."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
