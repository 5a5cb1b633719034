"""Live pages over server-sent events: blocks on change, a beat each 10 s.  Shell: asyncio.

The stream of a client that does not read ends after a time limit; nothing is queued for it.
"""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from central.console.frame import Console
from central.console.live import (
    BEAT_S,
    PAUSE_S,
    SEND_TIMEOUT_S,
    STREAMS_MAX,
    Block,
    changed,
    message,
    must_resync,
)
from central.console.pages import leads, overview, site, trend
from central.console.present import time_text
from central.console.words import Language
from proto.clock import Clock
from proto.errors import BadRequest

Look = Callable[[], Awaitable[list[Block]]]
SHARED_NS: Final = 250_000_000  # clients of one page share a look at the board for so long
SHARED_MAX: Final = 512
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Seen:
    """One look at the board, shared by all clients of one page and language."""

    def __init__(self, at_ns: int, blocks: list[Block]) -> None:
        self.at_ns = at_ns
        self.blocks = blocks
        self._html: dict[str, str] = {}

    def html(self, console: Console, block: Block, language: Language) -> str:
        """Return a block of this look as HTML, rendered once."""
        if block.id not in self._html:
            found = console.block(block.template, language, block.context)
            self._html[block.id] = found.strip()
        return self._html[block.id]


class Looks:
    """The newest look of each page that somebody watches; bounded.

    Of all who want the same page anew one looks and the others wait for it: else each of them
    would ask the archive at once, and a crowd would hold up every other question.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def now(self, key: str, look: Look) -> Seen:
        """Return a look that is at most a quarter of a second old."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with turn:
                return await self._fresh(key, look)
        finally:
            if key not in self._seen and not turn.locked():
                self._turns.pop(key, None)

    async def _fresh(self, key: str, look: Look) -> Seen:
        seen = self._seen.get(key)
        if seen is None or self._clock.mono_ns() - seen.at_ns > SHARED_NS:
            blocks = await look()
            seen = Seen(self._clock.mono_ns(), blocks)
            self._seen.pop(key, None)
            self._seen[key] = seen
            if len(self._seen) > SHARED_MAX:
                oldest = next(iter(self._seen))
                del self._seen[oldest]
                self._turns.pop(oldest, None)
        return seen


def live(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/live?page=…`."""
    looks = Looks(console.clock)

    async def handler(request: Request) -> Response:
        language = console.language(request)
        look = _look(console, request, language)
        if console.streams >= STREAMS_MAX:
            return PlainTextResponse("too many streams\n", 503, {"Retry-After": "15"})
        shared = functools.partial(looks.now, _key(request, language), look)
        await shared()  # an unknown site is refused before the stream opens
        return EventStream(console, shared, language, request.headers.get("last-event-id", ""))

    return handler


def _key(request: Request, language: Language) -> str:
    asked = request.query_params
    named = (asked.get(name, "") for name in ("page", "site", "point"))
    return "\n".join((*named, language.value))


def _look(console: Console, request: Request, language: Language) -> Look:
    """Return what is looked at for the page that the request names.

    Raises:
        BadRequest: there is no such live page.
    """
    asked = request.query_params
    named, point = asked.get("site", ""), asked.get("point", "")
    match asked.get("page", ""):
        case "overview":
            return lambda: overview.blocks(console, language)
        case "site":
            return lambda: site.blocks(console, named, language)
        case "trend":
            return lambda: trend.blocks(console, named, point, language)
        case "leads":
            return lambda: leads.blocks(console, named, language)
        case other:
            raise BadRequest("query.page", f"{other!r} is no live page")


class _Ended(Exception):
    """The client has gone, does not read, or the server closes."""


class EventStream(Response):
    """One client's stream."""

    def __init__(
        self,
        console: Console,
        look: Callable[[], Awaitable[Seen]],
        language: Language,
        last_id: str,
    ) -> None:
        super().__init__()
        self._console = console
        self._look = look
        self._language = language
        self._last_id = last_id
        self._wake = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream until the client goes, stops reading, or the server closes."""
        self._console.streams += 1
        try:
            await self._start(send)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_client(receive))
                group.create_task(self._watch_board())
                group.create_task(self._watch_end(send))
                group.create_task(self._tell(send))
        except* _Ended:
            pass
        finally:
            self._console.streams -= 1

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(send, message("", event="hello"))
        if must_resync(self._last_id, self._console.generation):
            await self._send(send, message(self._beat(), event="resync"))

    async def _watch_client(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise _Ended

    async def _watch_board(self) -> None:
        async for _change in self._console.status.subscribe():
            self._wake.set()

    async def _watch_end(self, send: Send) -> None:
        await self._console.closing.wait()
        await self._send(send, message(self._beat(), event="bye"))
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        raise _Ended

    async def _tell(self, send: Send) -> None:
        sent: dict[str, object] = {}
        beat_at = 0.0
        clock = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            seen = await self._look()
            for block in changed(seen.blocks, sent):
                sent[block.id] = block.mark
                html = seen.html(self._console, block, self._language)
                await self._send(send, message(html, identity=self._identity()))
            if clock.time() >= beat_at:
                beat_at = clock.time() + BEAT_S
                await self._send(send, message(self._beat(), event="beat"))
            await asyncio.sleep(PAUSE_S)
            await self._pause(beat_at - clock.time())

    async def _pause(self, at_most_s: float) -> None:
        """Wait for a change, for the next beat, or for a look at the leads."""
        try:
            async with asyncio.timeout(max(0.0, min(at_most_s, 2.0))):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send(self, send: Send, data: bytes) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise _Ended from None

    def _identity(self) -> str:
        return f"{self._console.generation}-{self._console.status.version}"

    def _beat(self) -> str:
        as_of = time_text(self._console.clock.wall_us())
        return json.dumps({"as_of": as_of, "version": self._console.status.version})
