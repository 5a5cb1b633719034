"""The gRPC services as functions from bytes to bytes.  Shell: asks board and archive.

Whoever serves them registers them by path; a wrong request is one of our errors, with its place.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from central.api.messages import (
    account_message,
    grid_messages,
    history_message,
    site_message,
)
from central.api.queries import Queries, SiteAccount
from proto.errors import BadRequest, LimitExceeded, MessageMalformed
from proto.prescan import prescan_request
from proto.rpc import (
    HISTORY_COMPLETENESS,
    HISTORY_QUERY,
    LEAD_LIST,
    STATUS_GET_SITE,
    STATUS_LIST_SITES,
)
from proto.v1 import query_pb2 as pb

Unary = Callable[[bytes], Awaitable[bytes]]
M = TypeVar("M", bound=Message)


def unary_methods(queries: Queries) -> Mapping[str, Unary]:
    """Return the methods of one request and one answer, by path."""

    async def list_sites(data: bytes) -> bytes:
        request = _parsed(pb.ListSitesRequest, data)
        page, after = queries.sites(
            region=request.region,
            after=request.after,
            limit=request.limit,
            with_values=request.values,
        )
        now_us = queries.clock.wall_us()
        reply = pb.ListSitesReply(
            sites=[site_message(status) for status in page], as_of_us=now_us, next=after
        )
        return reply.SerializeToString()

    async def get_site(data: bytes) -> bytes:
        request = _parsed(pb.GetSiteRequest, data)
        return site_message(queries.status.site(request.site)).SerializeToString()

    async def history(data: bytes) -> bytes:
        request = _parsed(pb.HistoryRequest, data)
        found = await queries.history(
            request.site, request.point, request.t0_us, request.t1_us, request.buckets
        )
        bucket_us = (request.t1_us - request.t0_us) // request.buckets
        now_us = queries.clock.wall_us()
        both = (found.buckets, found.gaps)
        reply = history_message(request.site, found.point, bucket_us, both, now_us)
        return reply.SerializeToString()

    async def completeness(data: bytes) -> bytes:
        request = _parsed(pb.CompletenessRequest, data)
        accounts = await queries.accounts(request.site)
        reply = pb.CompletenessReply(
            sites=[completeness_message(account) for account in accounts],
            as_of_us=queries.clock.wall_us(),
        )
        return reply.SerializeToString()

    async def leads(data: bytes) -> bytes:
        request = _parsed(pb.ListLeadsRequest, data)
        if request.site:
            queries.status.site(request.site)
        found = await queries.leads(request.site or None)
        reply = pb.ListLeadsReply(lead=found, as_of_us=queries.clock.wall_us())
        return reply.SerializeToString()

    return {
        STATUS_LIST_SITES: list_sites,
        STATUS_GET_SITE: get_site,
        HISTORY_QUERY: history,
        HISTORY_COMPLETENESS: completeness,
        LEAD_LIST: leads,
    }


async def watch_status(queries: Queries, data: bytes) -> AsyncGenerator[bytes]:
    """Yield changes of one site or of all, for ever.

    Raises:
        NotFound: no such site.
        BadRequest: no request of this method.
    """
    request = _parsed(pb.WatchStatusRequest, data)
    if request.site:
        queries.status.site(request.site)
    since = request.since_version if request.HasField("since_version") else None
    async for delta in queries.status.subscribe(since):
        if request.site and delta.site not in ("", request.site):
            continue
        message = pb.StatusDelta(
            version=delta.version,
            site=delta.site,
            status=None if delta.status is None else site_message(delta.status),
            resync=delta.resync,
        )
        yield message.SerializeToString()


def completeness_message(account: SiteAccount) -> pb.SiteCompleteness:
    """Return the message of one site's accounting."""
    return pb.SiteCompleteness(
        site=account.site,
        accounting=account_message(account.account),
        lanes=[
            pb.LaneCompleteness(
                gateway=gateway,
                epoch=epoch,
                lane=lane,
                batches=batches,
                accounting=account_message(found),
            )
            for (_site, epoch, lane), gateway, batches, found in account.lanes
        ],
        grids=grid_messages(account.grids),
        gaps=account.gaps,
        quarantined=account.quarantined,
        forked=account.forked,
        trips=account.trips,
        alarms=account.alarms,
    )


def _parsed(kind: type[M], data: bytes) -> M:
    try:
        prescan_request(data)
        message = kind()
        message.ParseFromString(data)
    except (DecodeError, MessageMalformed, LimitExceeded) as error:
        raise BadRequest("query.malformed", f"no {kind.__name__}") from error
    return message
