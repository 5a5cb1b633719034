"""Loop sheets (回路测试单): what was applied, what came out, who signed.  Pure.

Theory: at 0, 25, 50, 75 and 100 % of the range (a switch: 0 and 1) a person applies a signal,
another watches; ours and the panel must both be within the allowed error, as left.  A sheet proves
a point as long as it is the newest one, passed, and the point is bound as it was: device, address,
type, order, scale, range, profile.  Everything else is *not proven*.  Source: `acquisition.md`
3.20, `certification.md` 3.11 (`loops` of `sat/1`).
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from devices.driver import PointBinding

SCHEMA = "loop/1"
PERCENTS = (0, 25, 50, 75, 100)
ALLOWED_SHARE = 0.005
"""placeholder: 0.5 % of span, until the plant's document states the allowed error."""
ALLOWED_BASIS = "placeholder"
SHEETS_MAX = 200_000

Verdict = Literal["PASS", "FAIL"]


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a loop: percent of range, what was applied and what was read.

    Attributes:
        percent: 0 to 100; of a switch 0 or 100.
        applied: in the unit of the point.
        raw: what the device said; None where nobody read it.
        ours: value of the gateway; None when it was BAD.
        panel: what the panel showed.
        centre: what the centre showed; None where nobody looked.
    """

    percent: int
    applied: float
    raw: int | None
    ours: float | None
    panel: float | None
    centre: float | None


@dataclass(frozen=True, slots=True)
class Instrument:
    """The source or standard that was applied, its certificate and its due date (YYYY-MM-DD)."""

    model: str
    certificate: str
    due: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One signed loop sheet.

    Attributes:
        point: name on the wire.
        tag: of the point.
        binding: hash of how it was bound.
        as_found: steps before any adjustment.
        as_left: steps after it; the same ones where nothing was adjusted.
        allowed: error in the unit of the point; 0 for a switch.
        basis: what the allowed error rests on.
        instrument: what was applied.
        persons: the one who applied and the one who watched.
        date: of the day, YYYY-MM-DD, on the site.
        signed_us: wall time.
    """

    point: str
    tag: str
    binding: str
    as_found: tuple[Step, ...]
    as_left: tuple[Step, ...]
    allowed: float
    basis: str
    instrument: Instrument
    persons: tuple[str, str]
    date: str
    signed_us: int

    @property
    def verdict(self) -> Verdict:
        """PASS when every step, as left, is within the allowed error."""
        return "PASS" if all(step_fits(step, self.allowed) for step in self.as_left) else "FAIL"


def step_fits(step: Step, allowed: float) -> bool:
    """Return True when ours and the panel are within `allowed` of what was applied."""
    if step.ours is None:
        return False
    shown = [step.ours, *(v for v in (step.panel, step.centre) if v is not None)]
    slack = allowed + 1e-9 * max(1.0, abs(step.applied))
    return all(abs(value - step.applied) <= slack for value in shown)


def levels(binding: PointBinding) -> tuple[tuple[int, float], ...]:
    """Return (percent, value to apply) of every step of a point; empty when it has no range."""
    point = binding.point
    if point.unit == "bool":
        return ((0, 0.0), (100, 1.0))
    if point.range_low is None or point.range_high is None:
        return ()
    span = point.range_high - point.range_low
    return tuple((percent, point.range_low + span * percent / 100) for percent in PERCENTS)


def allowed_error(binding: PointBinding) -> float:
    """Return the allowed error where no document states one."""
    point = binding.point
    if point.unit == "bool" or point.range_low is None or point.range_high is None:
        return 0.0
    return (point.range_high - point.range_low) * ALLOWED_SHARE


def binding_hash(binding: PointBinding, profile: str, version: int) -> str:
    """Return the hex SHA-256 of how a point is bound: change any of it and the loop is open."""
    point = binding.point
    facts = [
        point.name,
        str(binding.address),
        str(point.type),
        point.scale,
        point.offset,
        point.unit,
        point.range_low,
        point.range_high,
        list(binding.fault_values),
        profile,
        version,
    ]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def sheet_faults(sheet: Sheet, wanted: Sequence[tuple[int, float]]) -> list[str]:
    """Return why a sheet may not be signed, each with its remedy; empty when it may."""
    faults: list[str] = []
    if not wanted:
        faults.append("the point has no range: state it in the list or the profile")
    for what, steps in (("as found", sheet.as_found), ("as left", sheet.as_left)):
        if tuple(step.percent for step in steps) != tuple(percent for percent, _ in wanted):
            percents = ", ".join(f"{percent} %" for percent, _ in wanted)
            faults.append(f"{what}: one step each at {percents}")
    first, second = (person.strip() for person in sheet.persons)
    if not first or not second or first.casefold() == second.casefold():
        faults.append("two different persons sign: who applied, and who watched")
    if not sheet.instrument.model or not sheet.instrument.certificate:
        faults.append("name the instrument and its certificate")
    if len(sheet.instrument.due) != 10 or sheet.instrument.due < sheet.date:
        faults.append(f"the certificate of the instrument ended on {sheet.instrument.due}")
    if not (math.isfinite(sheet.allowed) and sheet.allowed >= 0) or not sheet.basis:
        faults.append("state the allowed error and its basis")
    values = [v for s in (*sheet.as_found, *sheet.as_left) for v in (s.applied, s.ours, s.panel)]
    if any(value is not None and not math.isfinite(value) for value in values):
        faults.append("a figure of the sheet is no number")
    return faults


def proven(sheets: Sequence[Sheet], point: str, binding: str) -> Sheet | None:
    """Return the sheet that proves a point; None when it is not proven.

    Only the newest counts: a FAIL, or another binding since, undoes an older PASS.
    """
    newest = max(
        (sheet for sheet in sheets if sheet.point == point),
        key=lambda sheet: sheet.signed_us,
        default=None,
    )
    if newest is None or newest.verdict != "PASS" or newest.binding != binding:
        return None
    return newest


def newest_of(sheets: Sequence[Sheet]) -> dict[str, Sheet]:
    """Return the newest sheet of every point."""
    found: dict[str, Sheet] = {}
    for sheet in sheets:
        if sheet.point not in found or found[sheet.point].signed_us <= sheet.signed_us:
            found[sheet.point] = sheet
    return found


def to_body(sheet: Sheet) -> dict[str, object]:
    """Return a sheet as a JSON object: a line of the file, and a row of `loops` of `sat/1`."""
    return {
        "schema": SCHEMA,
        "point": sheet.point,
        "tag": sheet.tag,
        "binding": sheet.binding,
        "as_found": [_step_body(step) for step in sheet.as_found],
        "as_left": [_step_body(step) for step in sheet.as_left],
        "allowed": sheet.allowed,
        "basis": sheet.basis,
        "instrument": {
            "model": sheet.instrument.model,
            "certificate": sheet.instrument.certificate,
            "due": sheet.instrument.due,
        },
        "persons": list(sheet.persons),
        "date": sheet.date,
        "signed_us": sheet.signed_us,
        "verdict": sheet.verdict,
    }


def _step_body(step: Step) -> dict[str, object]:
    return {
        "pct": step.percent,
        "applied": step.applied,
        "raw": step.raw,
        "gateway": step.ours,
        "panel": step.panel,
        "centre": step.centre,
    }


def from_body(body: Mapping[str, object]) -> Sheet:
    """Return the sheet in a JSON object.

    Raises:
        ValueError: it is none.
    """
    try:
        instrument = body["instrument"]
        persons = body["persons"]
        if body["schema"] != SCHEMA or not isinstance(instrument, dict):
            raise ValueError("no loop sheet")
        if not isinstance(persons, list) or len(persons) != 2:
            raise ValueError("two persons sign")
        return Sheet(
            point=str(body["point"]),
            tag=str(body["tag"]),
            binding=str(body["binding"]),
            as_found=_steps(body["as_found"]),
            as_left=_steps(body["as_left"]),
            allowed=_number(body["allowed"]),
            basis=str(body["basis"]),
            instrument=Instrument(*(str(instrument[k]) for k in ("model", "certificate", "due"))),
            persons=(str(persons[0]), str(persons[1])),
            date=str(body["date"]),
            signed_us=int(_number(body["signed_us"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no loop sheet: {error}") from error


def _steps(rows: object) -> tuple[Step, ...]:
    if not isinstance(rows, list):
        raise ValueError("steps are a list")  # noqa: TRY004 - bytes from outside
    return tuple(
        Step(
            percent=int(_number(row["pct"])),
            applied=_number(row["applied"]),
            raw=None if row["raw"] is None else int(_number(row["raw"])),
            ours=_maybe(row["gateway"]),
            panel=_maybe(row["panel"]),
            centre=_maybe(row["centre"]),
        )
        for row in rows
    )


def _maybe(value: object) -> float | None:
    return None if value is None else _number(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - bytes from outside
    return value
