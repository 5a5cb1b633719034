"""The HTTP listener: console and API behind one guard, served by uvicorn.  Shell: sockets, asyncio.

The guard stands before every route: host, method, size of the request, security headers on each
answer.  Slow readers are bounded by uvicorn's flow control and the time limit of each stream.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from central import events
from central.config import CentralConfig
from central.console.app import routes
from central.console.frame import Console, ConsoleSettings
from central.console.sources import ArchiveSource, LeadSource, StatusSource
from central.console.words import Language, say
from proto.clock import Clock
from proto.errors import (
    BadRequest,
    ConfigError,
    Conflict,
    Fault,
    Forbidden,
    NotFound,
    QueryError,
)

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}
_CACHED: Final = {"cache-control": "no-cache"}
METHODS: Final = frozenset({"GET", "HEAD"})  # nothing here changes anything
TARGET_BYTES_MAX: Final = 4_096
CONNECTIONS_MAX: Final = 1_000
HEAD_WITHIN_S: Final = 10.0  # from the connection, or the first byte, to the end of the headers
Refused = Callable[[Request, Exception], Awaitable[Response]]
_STATUS: Final = {NotFound: 404, BadRequest: 422, Forbidden: 403, Conflict: 409}


class Guard:
    """Refuses foreign hosts, other methods and over-long targets; sets the security headers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_headers(message.get("headers", []))
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        host = named[0].decode("latin-1").lower() if len(named) == 1 else ""
        if host not in self._hosts:
            return PlainTextResponse("this host is not served here\n", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("read only\n", 405, {"allow": "GET, HEAD"})
        if len(scope["raw_path"]) + len(scope["query_string"]) > TARGET_BYTES_MAX:
            return PlainTextResponse("the address is too long\n", 414)
        return None


def _with_headers(given: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in given}
    wanted = {**_CACHED, **HEADERS}
    added = [(k.encode(), v.encode()) for k, v in wanted.items() if k.encode() not in names]
    return [*given, *added]


class Guarded(Starlette):
    """An application with the guard outside of everything, the answer to our own failure too."""

    def __init__(
        self,
        hosts: frozenset[str],
        routes: Sequence[BaseRoute],
        exception_handlers: Mapping[type[Exception], Refused],
    ) -> None:
        super().__init__(routes=routes, exception_handlers=dict(exception_handlers))
        self._hosts = hosts

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application behind its guard."""
        return Guard(super().build_middleware_stack(), self._hosts)


def hosts_of(listen: str) -> frozenset[str]:
    """Return the Host headers under which a loopback listener answers."""
    host, _, port = listen.rpartition(":")
    names = {host.lower(), "localhost", "127.0.0.1", "[::1]"}
    return frozenset(f"{name}:{port}" for name in names)


def build_http(
    config: CentralConfig,
    status: StatusSource,
    reader: ArchiveSource,
    leads: LeadSource,
    *,
    clock: Clock,
    api: Sequence[BaseRoute] = (),
) -> Starlette:
    """Return the application: liveness, the routes of the API, the console.

    Its `state.console` is what `serve_http` closes at the end.
    """
    assert config.http is not None, "without [http] there is no listener"
    settings = ConsoleSettings(config.central.name, Language(config.http.language))
    console = Console(settings, status, reader, leads, clock)

    async def alive(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def refused(request: Request, error: Exception) -> Response:
        return _problem(console, request, error)

    app = Guarded(
        hosts_of(config.http.listen),
        routes=[Route("/health", alive), *api, *routes(console)],
        exception_handlers={QueryError: refused, HTTPException: refused, Exception: refused},
    )
    app.state.console = console
    return app


def _problem(console: Console, request: Request, error: Exception) -> Response:
    """Return an error as a page, or as an RFC 9457 problem for programs."""
    incident = ""
    if isinstance(error, QueryError):
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
        code, detail = error.code, str(error.args[0])
    elif isinstance(error, HTTPException):
        status, code, detail = error.status_code, f"http.{error.status_code}", error.detail
    else:
        status, code, detail = 500, "internal", "internal"
        incident = secrets.token_hex(6)
        events.handler_failed(incident, request.url.path, repr(error))
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        body: Mapping[str, object] = {
            "type": code,
            "title": code,
            "status": status,
            "detail": detail,
            "instance": incident,
        }
        return JSONResponse(body, status, media_type="application/problem+json")
    return _error_page(console, request, status, detail, incident)


def _error_page(
    console: Console, request: Request, status: int, detail: str, incident: str
) -> Response:
    language = console.language(request)
    if status == 404:
        title = say(language, "Not found")
        text = say(language, "There is no such page, site or point in your scope.")
    elif status >= 500:
        title = say(language, "The centre cannot answer")
        text = say(language, "Something failed on our side; the log names it by this id.")
    else:
        title, text = say(language, "Request refused"), detail
    shown = {"title": title, "text": text, "request_id": incident}
    return console.page(request, "error.html", shown, page="error", status=status)


def bind(listen: str) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigError: the address cannot be used; one line says why.
    """
    host, _, port = listen.rpartition(":")
    try:
        place = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(place[0], socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place[4])
            made.listen(128)
        except OSError:
            made.close()
            raise
    except OSError as error:
        message = f"{listen}: {error.strerror or error}; free it or name another address"
        raise ConfigError([Fault("http.listen", "http.listen", message)]) from None
    made.setblocking(False)
    return made


async def serve_http(app: Starlette, listen: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; open streams get their `bye` and end within a second.

    Raises:
        ConfigError: the address cannot be used.
    """
    listener = bind(listen)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16_384,
        http=Hurried,
        ws="none",
    )
    server = _Server(config)
    try:
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            ending = group.create_task(stop.wait())
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
            app.state.console.closing.set()
            server.should_exit = True
            await serving
            ending.cancel()
    finally:
        listener.close()


class Hurried(H11Protocol):
    """HTTP/1.1 that waits for the head of a request only so long: slow ones hold no place."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a request that has begun and is not whole is waited for."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self.transport.close)
        elif not waits and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one place that ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield
