"""Asks a running centre over its unix socket, and finds it.  Shell: gRPC, files.

Where it is: `--config FILE`, then $YUJING_CENTRAL, then `central.toml` here, then the demo.
"""

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from central.config.file import load_settings
from proto.errors import BadRequest, CentralUnreachable, NotFound, QueryError, YujingError
from proto.rpc import (
    HISTORY_COMPLETENESS,
    HISTORY_QUERY,
    LEAD_LIST,
    STATUS_GET_SITE,
    STATUS_LIST_SITES,
    STATUS_WATCH,
)
from proto.v1 import query_pb2 as pb

DEADLINE_S: Final = 10.0
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
ENVIRONMENT: Final = "YUJING_CENTRAL"
PLACES: Final = (Path("central.toml"), Path("build/demo/central/central.toml"))

M = TypeVar("M", bound=Message)


def find_config(named: Path | None) -> Path:
    """Return the configuration of the centre to ask.

    Raises:
        CentralUnreachable: none is named and none is found.
    """
    if named is not None:
        return named
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Path(given)
    found = next((place for place in PLACES if place.is_file()), None)
    if found is None:
        places = ", ".join(str(place) for place in PLACES)
        message = f"no configuration: name one by --config or ${ENVIRONMENT} (looked for {places})"
        raise CentralUnreachable("client.no_config", message)
    return found


class Client:
    """One connection to a centre."""

    def __init__(self, config: Path) -> None:
        socket = load_settings(config, with_files=False).client_socket
        self._place = socket
        options = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0),
        ]
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}", options=options)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self._channel.close(0.1)

    async def sites(self, *, values: bool = False) -> pb.ListSitesReply:
        """Return all sites, page after page."""
        whole = pb.ListSitesReply()
        after = ""
        while True:
            request = pb.ListSitesRequest(values=values, after=after)
            page = await self._ask(STATUS_LIST_SITES, request, pb.ListSitesReply)
            whole.sites.extend(page.sites)
            whole.as_of_us, after = page.as_of_us, page.next
            if not after:
                return whole

    async def site(self, site: str) -> pb.SiteStatus:
        """Return one site."""
        return await self._ask(STATUS_GET_SITE, pb.GetSiteRequest(site=site), pb.SiteStatus)

    async def history(self, request: pb.HistoryRequest) -> pb.HistoryReply:
        """Return the history of a point."""
        return await self._ask(HISTORY_QUERY, request, pb.HistoryReply)

    async def completeness(self, site: str) -> pb.CompletenessReply:
        """Return the accounting of one site, or of all."""
        request = pb.CompletenessRequest(site=site)
        return await self._ask(HISTORY_COMPLETENESS, request, pb.CompletenessReply)

    async def leads(self, site: str) -> pb.ListLeadsReply:
        """Return leads of one site, or of all."""
        return await self._ask(LEAD_LIST, pb.ListLeadsRequest(site=site), pb.ListLeadsReply)

    async def watch(self, site: str, since: int | None) -> AsyncGenerator[pb.StatusDelta]:
        """Yield changes until the server ends the stream."""
        request = pb.WatchStatusRequest(site=site, since_version=since)
        method: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
        method = self._channel.unary_stream(STATUS_WATCH)
        call = method(request.SerializeToString())
        try:
            async for data in call:
                yield pb.StatusDelta.FromString(data)
        except grpc.aio.AioRpcError as error:
            raise self._mine(error) from error
        finally:
            call.cancel()

    async def _ask(self, path: str, request: Message, kind: type[M]) -> M:
        try:
            method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(path)
            data = await method(request.SerializeToString(), timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise self._mine(error) from error
        reply = kind()
        reply.ParseFromString(data)
        return reply

    def _mine(self, error: grpc.aio.AioRpcError) -> YujingError:
        """Return our error for a status of gRPC."""
        code, details = error.code(), error.details() or ""
        text = details.partition(" ")[2] or details
        if code is grpc.StatusCode.NOT_FOUND:
            return NotFound(details.partition(" ")[0], text)
        if code is grpc.StatusCode.INVALID_ARGUMENT:
            return BadRequest(details.partition(" ")[0], text)
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            message = f"no centre answers at {self._place}; start it with `yujing-central run`"
            return CentralUnreachable("client.no_server", message)
        return QueryError("client.refused", f"{code.name}: {details}")
