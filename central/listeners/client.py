"""The doors for people's programs: unix socket, and loopback where configured.  Shell: gRPC.

Until access control exists, whoever may open the socket file (0600) is a local administrator.
"""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from central.api.queries import Queries
from central.api.rpc import Unary, unary_methods, watch_status
from central.config import CentralSettings
from central.listeners.pipeline import RPCS_OF_CLIENTS_MAX, SERVER_OPTIONS
from central.listeners.raw import Handler, bind, serve, server_streaming, unary
from central.supervisor import shielded
from proto.errors import BadRequest, Conflict, Forbidden, NotFound, QueryError
from proto.rpc import STATUS_WATCH

_STATUS: Final = (
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (BadRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (Conflict, grpc.StatusCode.FAILED_PRECONDITION),
)


def build_client_server(settings: CentralSettings, queries: Queries) -> tuple[grpc.aio.Server, int]:
    """Return the server, bound and not started, and its TCP port (0 where it has none).

    Raises:
        ConfigError: the socket or the port cannot be bound.
    """
    server = grpc.aio.server(options=[*SERVER_OPTIONS], maximum_concurrent_rpcs=RPCS_OF_CLIENTS_MAX)
    handlers = {path: _unary(path, method) for path, method in unary_methods(queries).items()}
    serve(server, handlers | {STATUS_WATCH: _watch(queries)})
    socket = Path(settings.client_socket)
    socket.unlink(missing_ok=True)  # of a server that was killed; the data directory is locked
    before = os.umask(0o177)
    try:
        bind(server, f"unix:{socket}", f"{settings.place}: central.data_dir")
    finally:
        os.umask(before)
    clients = settings.config.clients
    if clients is None:
        return server, 0
    return server, bind(server, clients.listen, f"{settings.place}: clients.listen")


def _unary(path: str, method: Unary) -> Handler:
    async def call(data: bytes, context: Any) -> bytes:
        answer: list[bytes] = []
        refused: list[QueryError] = []

        async def work() -> None:
            try:
                answer.append(await method(data))
            except QueryError as error:
                refused.append(error)

        incident = await shielded(path, work)
        await _end(context, refused, incident)
        return answer[0]

    return unary(call)


def _watch(queries: Queries) -> Handler:
    async def call(data: bytes, context: Any) -> AsyncIterator[bytes]:
        refused: list[QueryError] = []
        async with aclosing(watch_status(queries, data)) as changes:
            try:
                async for message in changes:
                    yield message
            except QueryError as error:
                refused.append(error)
        await _end(context, refused, None)

    return server_streaming(call)


async def _end(context: Any, refused: list[QueryError], incident: str | None) -> None:
    if incident is not None:
        await context.abort(grpc.StatusCode.INTERNAL, f"internal, incident {incident}")
    if refused:
        code = next(code for kind, code in _STATUS if isinstance(refused[0], kind))
        await context.abort(code, f"{refused[0].code} {refused[0].args[0]}")
