"""Local control of one plant: JSON lines on a unix socket of mode 0600.  Shell: unix socket.

`{"do": "status"}`, `{"do": "fault", "kind": …, "on": …, "for_ms": …}`,
`{"do": "clear", "kind": …}`; each answer is one object with `ok`, and `code` and `message` where
it is false.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from simulators.faults.book import Fault, FaultRefused

LINE_MAX = 64 * 1024
ANSWER_MAX = 1024 * 1024
IDLE_S = 30.0
CALLERS_MAX = 8
SUN_PATH_MAX = 104  # the shortest sun_path of the systems we run on, less its NUL


class Controlled(Protocol):
    """What can be controlled: a running plant."""

    def status(self) -> dict[str, object]:
        """Return the plant's state."""

    def inject(self, kind: str, point: str | None, for_ms: int | None) -> Fault:
        """Set one fault, or raise FaultRefused."""

    def clear(self, kind: str | None, point: str | None) -> int:
        """Clear one kind or all; return how many were active."""


class NotReachable(Exception):
    """No plant answers on this socket; the message says which and what to do."""


def perform(plant: Controlled, request: Mapping[str, object]) -> dict[str, object]:
    """Return the answer to one request; whatever is wrong with it is said, never raised."""
    kind, point, for_ms = request.get("kind"), request.get("on"), request.get("for_ms")
    for name, value in (("kind", kind), ("on", point)):
        if value is not None and not isinstance(value, str):
            return _refused("control.refused", f"{name} must be text")
    if for_ms is not None and (not isinstance(for_ms, int) or isinstance(for_ms, bool)):
        return _refused("control.refused", "for_ms must be a whole number of milliseconds")
    assert kind is None or isinstance(kind, str)
    assert point is None or isinstance(point, str)
    match request.get("do"):
        case "status":
            return {"ok": True, **plant.status()}
        case "fault" if kind is not None:
            try:
                plant.inject(kind, point, for_ms)
            except FaultRefused as refused:
                return _refused("fault.refused", str(refused))
            return {"ok": True, "kind": kind, "on": point, "for_ms": for_ms}
        case "clear":
            return {"ok": True, "cleared": plant.clear(kind, point)}
        case other:
            return _refused("control.unknown", f"do = {other!r}; known: status, fault, clear")


def _refused(code: str, message: str) -> dict[str, object]:
    return {"ok": False, "code": code, "message": message}


class ControlSocket:
    """Serves one plant's control socket; stale sockets of dead plants are replaced."""

    def __init__(self, path: Path, plant: Controlled) -> None:
        self._path = path
        self._plant = plant
        self._server: asyncio.Server | None = None
        self._callers = 0

    async def open(self) -> None:
        """Listen.

        Raises:
            OSError: the path is taken by a living plant, or not writable.
        """
        if self._path.exists():
            await self._replace()
        before = os.umask(0o177)
        try:
            with short_address(self._path) as address:
                self._server = await asyncio.start_unix_server(
                    self._accept, address, limit=LINE_MAX
                )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _replace(self) -> None:
        try:
            await ask(self._path, {"do": "status"}, timeout_s=1.0)
        except NotReachable:
            self._path.unlink(missing_ok=True)
        else:
            raise OSError(f"{self._path}: another plant is running here; end it first")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers <= CALLERS_MAX:
                await self._serve(reader, writer)
        except (TimeoutError, ValueError, OSError):
            pass  # the caller went away, or its line was too long
        finally:
            self._callers -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_S):
                line = await reader.readline()
            if not line:
                return
            writer.write(_answer_line(self._plant, line))
            async with asyncio.timeout(IDLE_S):
                await writer.drain()


def _answer_line(plant: Controlled, line: bytes) -> bytes:
    try:
        request = json.loads(line)
    except ValueError:
        answer = _refused("control.refused", "one JSON object a line")
    else:
        if isinstance(request, dict):
            answer = perform(plant, request)
        else:
            answer = _refused("control.refused", "one JSON object a line")
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """Give an address for `path` that the kernel takes, however deep the folder lies."""
    if len(os.fsencode(path)) < SUN_PATH_MAX:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


async def ask(
    path: Path, request: Mapping[str, object], *, timeout_s: float = 5.0
) -> dict[str, object]:
    """Return a running plant's answer to one request.

    Raises:
        NotReachable: nobody answers on this socket in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            with short_address(path) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=ANSWER_MAX)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
            answer = json.loads(line)
    except (OSError, TimeoutError, ValueError) as failed:
        raise NotReachable(f"{path}: no plant answers ({type(failed).__name__})") from failed
    if not isinstance(answer, dict):
        raise NotReachable(f"{path}: no plant answers (not an object)")
    return answer
