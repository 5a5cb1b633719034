"""Work marks (检修标记): what a person said about a device, and until when.  Pure.

A mark names a device, a kind, a reason and an end.  MAINTENANCE permits probing of its device
(`acquisition.md` 3.6), CALIBRATION loop sheets (3.20).  It survives a restart, ends by itself, and
is never prolonged: a second mark of the same kind is refused while one is open.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SCHEMA = "marks/1"
MARKS_MAX = 256
FOR_US_MIN, FOR_US_MAX = 60 * 10**6, 24 * 3600 * 10**6
REASON_MIN, REASON_MAX = 3, 200


class MarkKind(StrEnum):
    """What the mark says."""

    MAINTENANCE = "MAINTENANCE"
    CALIBRATION = "CALIBRATION"


@dataclass(frozen=True, slots=True)
class Mark:
    """One open mark; `by` is who opened it, times are wall µs."""

    kind: MarkKind
    device: str
    reason: str
    by: str
    opened_us: int
    until_us: int

    def to_body(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "kind": str(self.kind),
            "device": self.device,
            "reason": self.reason,
            "by": self.by,
            "opened_us": self.opened_us,
            "until_us": self.until_us,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a mark cannot be opened or closed: a code of the catalogue, and its parameters."""

    code: str
    params: Mapping[str, object]


Marks = tuple[Mark, ...]


def opened(marks: Marks, mark: Mark) -> Marks | Refusal:
    """Return the marks with one more, or why not."""
    span = mark.until_us - mark.opened_us
    if not FOR_US_MIN <= span <= FOR_US_MAX:
        return Refusal("mark.duration", {"given_s": span // 10**6})
    if not REASON_MIN <= len(mark.reason.strip()) <= REASON_MAX:
        return Refusal("mark.reason", {"least": REASON_MIN, "most": REASON_MAX})
    if find(marks, mark.kind, mark.device, mark.opened_us) is not None:
        return Refusal("mark.open_already", {"kind": mark.kind, "device": mark.device})
    if len(marks) >= MARKS_MAX:
        return Refusal("mark.limit", {"most": MARKS_MAX})
    return (*marks, mark)


def closed(marks: Marks, kind: MarkKind, device: str, now_us: int) -> tuple[Marks, Mark] | Refusal:
    """Return the marks without the open one, and that one."""
    mark = find(marks, kind, device, now_us)
    if mark is None:
        return Refusal("mark.not_open", {"kind": kind, "device": device})
    return tuple(other for other in marks if other is not mark), mark


def expired(marks: Marks, now_us: int) -> tuple[Marks, Marks]:
    """Return the marks that still hold, and those whose time is over.

    A mark from the future (the clock was set back) has ended too: nobody can say for how long.
    """
    held = tuple(mark for mark in marks if mark.opened_us <= now_us < mark.until_us)
    return held, tuple(mark for mark in marks if mark not in held)


def find(marks: Marks, kind: MarkKind, device: str, now_us: int) -> Mark | None:
    """Return the open mark of a kind for a device; None when there is none now."""
    return next(
        (
            mark
            for mark in marks
            if mark.kind is kind
            and mark.device == device
            and mark.opened_us <= now_us < mark.until_us
        ),
        None,
    )


def to_json(marks: Marks) -> str:
    """Return the file of marks."""
    rows = [mark.to_body() for mark in marks]
    return json.dumps({"schema": SCHEMA, "marks": rows}, ensure_ascii=False, indent=1) + "\n"


def from_json(data: bytes) -> Marks:
    """Return the marks of a file; one that cannot be read is none: a mark is never guessed.

    A mark that we could not have opened (longer than a day) makes the whole file foreign.
    """
    try:
        body = json.loads(data)
        rows = body["marks"] if body["schema"] == SCHEMA else []
        return tuple(_mark(row) for row in rows[:MARKS_MAX])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ()


def _mark(row: Mapping[str, object]) -> Mark:
    opened_us, until_us = row["opened_us"], row["until_us"]
    if type(opened_us) is not int or type(until_us) is not int:  # a bool is no time either
        raise TypeError("times are whole µs")
    if opened_us < 0 or not FOR_US_MIN <= until_us - opened_us <= FOR_US_MAX:
        raise ValueError("no mark of ours lasts so long")
    return Mark(
        kind=MarkKind(str(row["kind"])),
        device=str(row["device"]),
        reason=str(row["reason"]),
        by=str(row["by"]),
        opened_us=opened_us,
        until_us=until_us,
    )
