"""The work marks of this gateway: on disk before they hold, and recorded.  Shell: a file, clock.

`table()` is what the control socket answers: `mark.open`, `mark.close`, `mark.list`.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from edge import marks as core
from edge import platform
from edge.marks import Mark, MarkKind, Refusal
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import BadRequest, Conflict, NotFound
from proto.message import say

FILE = "marks.json"
LOOK_S = 1.0

Record = Callable[[Lane, dict[str, object]], None]
Request = Mapping[str, object]


class MarkStore:
    """All marks of one gateway."""

    def __init__(
        self, data_dir: Path, devices: Collection[str], clock: Clock, record: Record
    ) -> None:
        self._path, self._clock, self._record = data_dir / FILE, clock, record
        self._devices = frozenset(devices)
        self._marks = _read(self._path)

    def is_open(self, kind: MarkKind, device: str) -> bool:
        """Return True while such a mark holds for the device."""
        return core.find(self._marks, kind, device, self._clock.wall_us()) is not None

    def may_probe(self, device: str) -> bool:
        """Return True while a MAINTENANCE mark names the device (`acquisition.md` 3.6)."""
        return self.is_open(MarkKind.MAINTENANCE, device)

    def find(self, kind: MarkKind, device: str) -> Mark | None:
        """Return the open mark of a kind for a device; None when there is none."""
        return core.find(self._marks, kind, device, self._clock.wall_us())

    async def run(self) -> None:
        """End what is over, once a second, until cancelled."""
        while True:
            self.expire()
            await asyncio.sleep(LOOK_S)

    def expire(self) -> None:
        """End the marks whose time is over; each is one record."""
        held, over = core.expired(self._marks, self._clock.wall_us())
        if over:
            self._keep(held)
            for mark in over:
                self._tell("mark.closed", mark, why="over")

    def table(self) -> dict[str, Callable[[Request], dict[str, object]]]:
        """Return the functions of the control socket by the word that asks for them."""
        return {"mark.open": self._open, "mark.close": self._close, "mark.list": self._list}

    def open(self, kind: MarkKind, device: str, reason: str, for_us: int, by: str) -> Mark:
        """Open a mark: on disk first, then it holds.

        Raises:
            NotFound: there is no such device.
            Conflict: the mark cannot be opened, or the disk does not take it.
        """
        if device not in self._devices:
            known = ", ".join(sorted(self._devices)[:20])
            raise NotFound("mark.unknown_device", f'no device "{device}"; there are: {known}')
        now_us = self._clock.wall_us()
        mark = Mark(kind, device, reason.strip(), by, now_us, now_us + for_us)
        held, _ = core.expired(self._marks, now_us)
        self._keep(_or_refuse(core.opened(held, mark)))
        self._tell("mark.opened", mark)
        return mark

    def close(self, kind: MarkKind, device: str) -> Mark:
        """End a mark now.

        Raises:
            Conflict: none is open, or the disk does not take it.
        """
        found = core.closed(self._marks, kind, device, self._clock.wall_us())
        if isinstance(found, Refusal):
            raise _refused(found)
        held, mark = found
        self._keep(held)
        self._tell("mark.closed", mark, why="by hand")
        return mark

    def _open(self, request: Request) -> dict[str, object]:
        for_us = request.get("for_us")
        if not isinstance(for_us, int) or isinstance(for_us, bool):
            raise BadRequest("control.request", "for_us is a whole number of µs")
        texts = [str(request.get(key, "")) for key in ("device", "reason")]
        by = str(request.get("by", ""))[:80]
        mark = self.open(_kind(request), texts[0], texts[1], for_us, by)
        return {"schema": "mark/1", **mark.to_body()}

    def _close(self, request: Request) -> dict[str, object]:
        mark = self.close(_kind(request), str(request.get("device", "")))
        return {"schema": "mark/1", **mark.to_body()}

    def _list(self, _: Request) -> dict[str, object]:
        held, _over = core.expired(self._marks, self._clock.wall_us())
        return {"schema": "marks/1", "marks": [mark.to_body() for mark in held]}

    def _keep(self, marks: core.Marks) -> None:
        """Write first; only what is on disk holds."""
        try:
            platform.write_whole(self._path, core.to_json(marks).encode())
        except OSError as error:
            message = f"{self._path}: {error.strerror or error}; the mark was not changed"
            raise Conflict("mark.disk", message) from error
        self._marks = marks

    def _tell(self, kind: str, mark: Mark, **more: object) -> None:
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        body = {**mark.to_body(), **more, "mark": str(mark.kind)}
        del body["kind"]
        record_id = f"{kind}/{mark.kind}/{mark.device}/{wall_us}-{mono_us}"
        self._record(Lane.EVENT, {"k": kind, "id": record_id, "t": wall_us, "m": mono_us, **body})


def open_marks(data_dir: Path, wall_us: int) -> core.Marks:
    """Return the marks that hold in the folder of a gateway, running or not."""
    return core.expired(_read(data_dir / FILE), wall_us)[0]


def calibrating(data_dir: Path, clock: Clock) -> Callable[[str], bool]:
    """Return what says whether a CALIBRATION mark of a device holds now (`acquisition.md` 3.20)."""

    def holds(device: str) -> bool:
        now_us = clock.wall_us()
        found = core.find(open_marks(data_dir, now_us), MarkKind.CALIBRATION, device, now_us)
        return found is not None

    return holds


def _read(path: Path) -> core.Marks:
    try:
        return core.from_json(path.read_bytes())
    except OSError:
        return ()


def _kind(request: Request) -> MarkKind:
    text = str(request.get("kind", MarkKind.MAINTENANCE))
    try:
        return MarkKind(text)
    except ValueError:
        known = ", ".join(MarkKind)
        raise BadRequest("control.request", f"kind is one of {known}") from None


def _or_refuse(found: core.Marks | Refusal) -> core.Marks:
    if isinstance(found, Refusal):
        raise _refused(found)
    return found


def _refused(refusal: Refusal) -> Conflict:
    return Conflict(refusal.code, say(refusal.code, "en", **refusal.params))
