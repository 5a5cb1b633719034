"""Local control: one JSON line in, one out, on a unix socket of mode 0600.  Shell: unix socket.

Who may connect is who owns the data directory: the kernel names the caller (SO_PEERCRED).
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from proto.errors import ConfigError, Fault, NotFound, YujingError

SOCKET_NAME = "control.sock"
REQUEST_BYTES_MAX = 64 * 1024
ANSWER_BYTES_MAX = 64 * 1024 * 1024
REQUEST_S = 10.0
CALLERS_MAX = 16
_SUN_PATH = 104  # the shortest sun_path of the systems we run on, less its NUL

Answer = Callable[[Mapping[str, object]], dict[str, object]]


class ControlServer:
    """Answers `{"do": name, …}` from a table of functions; each answer is one JSON object."""

    def __init__(self, data_dir: Path, answers: Mapping[str, Answer]) -> None:
        self._path = data_dir / SOCKET_NAME
        self._answers = answers
        self._callers = 0

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigError: the socket cannot be made.
        """
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with short_address(self._path) as address:
                server = await asyncio.start_unix_server(
                    self._serve, address, limit=REQUEST_BYTES_MAX
                )
        except OSError as error:
            message = f"control socket cannot be made: {error.strerror or error}"
            raise ConfigError([Fault(str(self._path), "config.control", message)]) from error
        finally:
            os.umask(before)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers > CALLERS_MAX or not _is_owner(writer):
                return
            async with asyncio.timeout(REQUEST_S):
                line = await reader.readline()
                writer.write(json.dumps(self._answer(line), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            return  # a caller that is slow, gone, or sends more than a line may hold
        finally:
            self._callers -= 1
            writer.close()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
            name = request["do"]
            answer = self._answers[name]
        except (ValueError, TypeError, KeyError, RecursionError):
            known = ", ".join(sorted(self._answers))
            return {"error": {"code": "control.request", "message": f"ask one of: {known}"}}
        try:
            return answer(request)
        except YujingError as error:
            return {"error": {"code": error.code, "message": str(error)}}


async def ask(
    data_dir: Path, request: Mapping[str, object], *, timeout_s: float = REQUEST_S
) -> dict[str, object]:
    """Return the running gateway's answer to one request.

    Raises:
        NotFound: no gateway runs on this data directory, or it did not answer in time.
    """
    try:
        async with (
            asyncio.timeout(timeout_s),
            _connected(data_dir / SOCKET_NAME) as (reader, writer),
        ):
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
    except (OSError, TimeoutError, ValueError) as error:
        message = f"no gateway answers here ({type(error).__name__}); is `yujing-edge run` running?"
        raise NotFound("control.silent", message, place=str(data_dir)) from error
    if not line.endswith(b"\n"):
        raise NotFound("control.silent", "the gateway closed the connection", place=str(data_dir))
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        message = "what answers here is no gateway; see who holds control.sock"
        raise NotFound("control.silent", message, place=str(data_dir))
    return answer


@asynccontextmanager
async def _connected(
    path: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with short_address(path) as address:
        reader, writer = await asyncio.open_unix_connection(address, limit=ANSWER_BYTES_MAX)
    try:
        yield reader, writer
    finally:
        writer.close()


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """Give an address for `path` that fits into `sun_path`, however deep the directory lies."""
    if len(os.fsencode(path)) < _SUN_PATH:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


def _is_owner(writer: asyncio.StreamWriter) -> bool:
    peer = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # mode 0600 alone holds where the kernel does not name the caller
    packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", packed)
    return uid in (0, os.getuid())
