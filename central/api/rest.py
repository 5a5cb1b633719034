"""The HTTP mirror under /api/v1: the same queries, JSON.  Shell: Starlette.

Source: `console.md` 3.11.  Reads only; no cookies, no CORS; an unknown parameter is refused by
name.  Scope of the caller comes with access control; until then HTTP listens on loopback only.
"""

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from central.api import body
from central.api.messages import history_message
from central.api.queries import Queries, SiteAccount
from central.api.rpc import completeness_message
from central.archive.model import Record
from proto.errors import BadRequest, Conflict, Forbidden, NotFound, QueryError

_HOUR_US: Final = 3_600_000_000
_STATUS: Final = ((NotFound, 404), (BadRequest, 422), (Forbidden, 403), (Conflict, 409))
_TITLES: Final = {404: "Not found", 422: "Bad request", 403: "Forbidden", 409: "Conflict"}
_RECORDS_PAGE: Final = 500

_WHOLE: Final = re.compile("-?[0-9]{1,19}")

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


def api_routes(queries: Queries) -> list[BaseRoute]:
    """Return the routes of /api/v1."""
    made = _Rest(queries)
    return [
        Route("/api/v1/sites", _guarded(made.sites, ("region", "cursor", "limit"))),
        Route("/api/v1/sites/{site}", _guarded(made.site, ())),
        Route(
            "/api/v1/sites/{site}/history",
            _guarded(made.history, ("point", "from_us", "to_us", "buckets")),
        ),
        Route("/api/v1/sites/{site}/completeness", _guarded(made.completeness, ())),
        Route("/api/v1/sites/{site}/records", _guarded(made.records, ("kind", "from_us", "to_us"))),
        Route("/api/v1/leads", _guarded(made.leads, ("site",))),
    ]


class _Rest:
    """The endpoints."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def sites(self, request: Request) -> JSONResponse:
        """List sites by id, a page at a time."""
        given = request.query_params
        page, after = self._queries.sites(
            region=given.get("region", ""),
            after=given.get("cursor", ""),
            limit=_integer(request, "limit", 100, low=1, high=500),
        )
        items = [body.site_body(status, with_values=False) for status in page]
        return self._envelope(items, after)

    async def site(self, request: Request) -> JSONResponse:
        """Show one site with its values."""
        status = self._queries.status.site(request.path_params["site"])
        return self._envelope([body.site_body(status)])

    async def history(self, request: Request) -> JSONResponse:
        """Show buckets of one point."""
        site, now_us = request.path_params["site"], self._queries.clock.wall_us()
        t1_us = _integer(request, "to_us", now_us)
        t0_us = _integer(request, "from_us", t1_us - _HOUR_US)
        count = _integer(request, "buckets", 120, low=1, high=10_000)
        point = request.query_params.get("point", "")
        if not point:
            raise BadRequest("query.missing", "name a point or tag", place="point")
        found = await self._queries.history(site, point, t0_us, t1_us, count)
        bucket_us = (t1_us - t0_us) // count
        both = (found.buckets, found.gaps)
        reply = history_message(site, found.point, bucket_us, both, now_us)
        gaps = [body.gap_body(gap) for gap in reply.gaps]
        extra: body.Body = {
            "site": site,
            "point": reply.point,
            "tag": reply.tag,
            "title": reply.title,
            "unit": reply.unit,
            "bucket_us": str(bucket_us),
            "gaps": gaps,
        }
        items = [body.bucket_body(bucket) for bucket in reply.buckets]
        return self._envelope(items, extra=extra)

    async def completeness(self, request: Request) -> JSONResponse:
        """Show the accounting of one site."""
        [account] = await self._queries.accounts(request.path_params["site"])
        return self._envelope([self._account(account)])

    async def records(self, request: Request) -> JSONResponse:
        """Show records in time order."""
        now_us = self._queries.clock.wall_us()
        t1_us = _integer(request, "to_us", now_us + 1)
        t0_us = _integer(request, "from_us", t1_us - _HOUR_US)
        kinds = request.query_params.getlist("kind") or None
        site = request.path_params["site"]
        found = await self._queries.records(site, t0_us, t1_us, kinds)
        items = [_record(record) for record in found[:_RECORDS_PAGE]]
        complete = len(found) <= _RECORDS_PAGE
        after = "" if complete else str(found[_RECORDS_PAGE].t_us)
        return self._envelope(items, after, complete=complete)

    async def leads(self, request: Request) -> JSONResponse:
        """List leads."""
        site = request.query_params.get("site")
        if site:
            self._queries.status.site(site)
        found = await self._queries.leads(site or None)
        return self._envelope([json.loads(lead) for lead in found])

    def _account(self, account: SiteAccount) -> body.Body:
        now_us = self._queries.clock.wall_us()
        return body.completeness_body(completeness_message(account), now_us)

    def _envelope(
        self,
        items: list[body.Body],
        after: str = "",
        *,
        complete: bool = True,
        extra: body.Body | None = None,
    ) -> JSONResponse:
        envelope: body.Body = {
            "as_of": body.iso(self._queries.clock.wall_us()),
            "age_ms": 0,
            "complete": complete,
            "missing": [],
            **(extra or {}),
            "items": items,
            "next": after or None,
        }
        return JSONResponse(envelope, headers={"Cache-Control": "no-store"})


def _guarded(endpoint: Endpoint, parameters: Collection[str]) -> Endpoint:
    """Refuse unknown parameters, and turn our errors into problems (RFC 9457)."""

    async def call(request: Request) -> JSONResponse:
        try:
            unknown = [name for name in request.query_params if name not in parameters]
            if unknown:
                known = ", ".join(parameters) or "none"
                message = f"unknown parameter; this route takes: {known}"
                raise BadRequest("query.unknown_parameter", message, place=unknown[0])
            return await endpoint(request)
        except QueryError as error:
            return _problem(error)

    return call


def _problem(error: QueryError) -> JSONResponse:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    return JSONResponse(
        {
            "type": f"urn:yujing:problem:{error.code}",
            "title": _TITLES.get(status, "Refused"),
            "status": status,
            "detail": str(error.args[0]),
            "instance": f"urn:uuid:{uuid.uuid4()}",
            "errors": [{"path": error.place, "code": error.code, "message": str(error.args[0])}],
        },
        status_code=status,
        media_type="application/problem+json",
    )


def _integer(
    request: Request, name: str, otherwise: int, *, low: int = -(2**62), high: int = 2**62
) -> int:
    given = request.query_params.get(name)
    if given is None:
        return otherwise
    if not _WHOLE.fullmatch(given) or not low <= int(given) <= high:
        raise BadRequest("query.value", f"a whole number from {low} to {high}", place=name)
    return int(given)


def _record(record: Record) -> body.Body:
    return {
        "site": record.site,
        "gateway": record.gateway,
        "lane": record.lane,
        "t": body.iso(record.t_us),
        "m_us": str(record.m_us),
        "boot_id": record.boot_id,
        "late": record.late,
        "record": dict(record.body),
    }
