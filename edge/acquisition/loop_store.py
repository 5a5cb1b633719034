"""The loop sheets of one gateway: on disk before they count, and recorded.  Shell: a file, clock.

`loops.jsonl` in the gateway's folder only grows; a torn last line is none.  The running gateway
signs through its control socket (`loop.sign`) and records an EVENT; without one the command itself
writes the file.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from devices.driver import PointBinding
from devices.profile import Profile
from edge.acquisition import loop_sheet as core
from edge.acquisition.loop_sheet import Sheet
from edge.plant import Plant
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import BadRequest, Conflict, NotFound

FILE = "loops.jsonl"
FILE_BYTES_MAX = 64 * 1024 * 1024

Calibrating = Callable[[str], bool]
"""True while a CALIBRATION mark of the device is open."""
Record = Callable[[Lane, dict[str, object]], None]
Request = Mapping[str, object]


class LoopStore:
    """All loop sheets of one gateway."""

    def __init__(
        self,
        data_dir: Path,
        plant: Plant,
        clock: Clock,
        calibrating: Calibrating,
        record: Record | None = None,
    ) -> None:
        """Read what is there; `record` is None where no gateway runs."""
        self._calibrating = calibrating
        self._dir, self._plant, self._clock, self._record = data_dir, plant, clock, record
        self._sheets = _read(data_dir / FILE)
        self._profiles = _profiles(plant)

    def table(self) -> dict[str, Callable[[Request], dict[str, object]]]:
        """Return the functions of the control socket by the word that asks for them."""
        return {"loop.sign": self.sign, "loop.list": lambda _: self.listed()}

    def binding(self, name: str) -> PointBinding:
        """Return how a point is bound, by name or tag.

        Raises:
            NotFound: there is no such point, or it is none of a device.
        """
        number = self._plant.index_of.get(name)
        if number is None or number >= len(self._plant.bindings):
            raise NotFound("loop.unknown_point", f'no point of a device "{name}"')
        return self._plant.bindings[number]

    def of(self, name: str) -> dict[str, object]:
        """Return whether a point is proven, and by which sheet; for `explain`."""
        try:
            binding = self.binding(name)
        except NotFound:
            return {}
        digest = self._hash(binding)
        sheet = core.newest_of(self._sheets).get(name)
        is_proven = core.proven(self._sheets, name, digest) is not None
        body: dict[str, object] = {"proven": is_proven}
        if sheet is not None:
            body |= {"date": sheet.date, "verdict": sheet.verdict}
            body["bound_as_then"] = sheet.binding == digest
        return {"loop": body}

    def listed(self) -> dict[str, object]:
        """Return every point of a device: proven, or why not."""
        newest = core.newest_of(self._sheets)
        rows: list[dict[str, object]] = []
        for binding in self._plant.bindings:
            name = binding.point.name
            sheet, digest = newest.get(name), self._hash(binding)
            why = "no sheet" if sheet is None else "FAIL" if sheet.verdict == "FAIL" else ""
            if sheet is not None and not why and sheet.binding != digest:
                why = "bound otherwise since"
            rows.append(
                {
                    "point": name,
                    "tag": binding.point.tag,
                    "proven": not why,
                    "why": why,
                    "date": None if sheet is None else sheet.date,
                }
            )
        return {"schema": "loops/1", "loops": rows}

    def sign(self, request: Request) -> dict[str, object]:
        """Keep one signed sheet: checked, on disk, recorded.

        Raises:
            BadRequest: the sheet is not complete.
            Conflict: no CALIBRATION mark is open, or the disk does not take it.
        """
        body = request.get("sheet")
        now_us = self._clock.wall_us()
        if not isinstance(body, dict):
            raise BadRequest("control.request", "sheet is a loop sheet, schema loop/1")
        binding = self.binding(str(body.get("point", "")))
        name = binding.point.name
        bound = {"point": name, "tag": binding.point.tag, "binding": self._hash(binding)}
        try:
            sheet = core.from_body({**body, **bound, "signed_us": now_us})
        except ValueError as error:
            raise BadRequest("loop.sheet", str(error)) from error
        faults = core.sheet_faults(sheet, core.levels(binding))
        if faults:
            raise BadRequest("loop.sheet", "; ".join(faults), place=name)
        device = name.partition("/")[0]
        if not self._calibrating(device):
            message = f"open a CALIBRATION mark of {device} first: yujing-edge mark open"
            raise Conflict("loop.no_mark", message, place=name)
        self._keep(sheet)
        return core.to_body(sheet)

    def _hash(self, binding: PointBinding) -> str:
        """Return what a point is bound to, made when asked: 100,000 of them are 20 MB."""
        profile = self._profiles[binding.point.name.partition("/")[0]]
        return core.binding_hash(binding, profile.profile, profile.version)

    def _keep(self, sheet: Sheet) -> None:
        body = core.to_body(sheet)
        line = json.dumps(body, ensure_ascii=False).encode() + b"\n"
        try:
            _append(self._dir / FILE, line)
        except OSError as error:
            message = f"{self._dir / FILE}: {error.strerror or error}; the sheet is not kept"
            raise Conflict("loop.disk", message) from error
        self._sheets = (*self._sheets, sheet)
        if self._record is not None:
            mono_us = self._clock.mono_ns() // 1000
            identity = f"loop.signed/{sheet.point}/{sheet.signed_us}-{mono_us}"
            head = {"k": "loop.signed", "id": identity, "t": sheet.signed_us, "m": mono_us}
            self._record(Lane.EVENT, {**body, **head})


def _profiles(plant: Plant) -> dict[str, Profile]:
    """Return the profile of each device that has points."""
    return {
        owner.name: settings.profile
        for line in plant.lines
        for owner, settings in zip(line.owners or plant.device_configs, line.devices, strict=False)
    }


def _append(path: Path, line: bytes) -> None:
    """Append and sync; a torn line of an earlier power cut is closed first.

    Raises:
        OSError: the disk does not take it.
    """
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> tuple[Sheet, ...]:
    """Return the sheets of the file; a line that is none is skipped: it proves nothing."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX)
    except OSError:
        return ()
    found: list[Sheet] = []
    for line in data.splitlines():
        try:
            found.append(core.from_body(json.loads(line)))
        except (ValueError, RecursionError):
            continue
    return tuple(found)
