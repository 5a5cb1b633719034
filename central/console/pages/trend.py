"""The trend of one point: history, quality band, gap records, newest value.  Shell: the archive."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from central.archive.model import ArchivedPoint, GapRow
from central.console.chart import RANGES_US, Curve, bucket_count, chart_of, curve_body, curve_of
from central.console.dossier import PointRow, point_groups
from central.console.frame import Console
from central.console.live import Block
from central.console.present import time_text, unit_text
from central.console.words import Language
from central.status.model import SiteStatus
from proto.errors import BadRequest, NotFound

DEFAULT_RANGE = "15m"
GAPS_SHOWN_MAX = 50
READ_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class GapView:
    """One gap record as a line."""

    cause: str
    t0: str
    t1: str
    n: int


def page(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/sites/{site}/trend`."""

    async def handler(request: Request) -> Response:
        language = console.language(request)
        status = console.status.site(request.path_params["site"])
        points = await console.archive.points(status.site)
        point, range_ = _asked(request, points, status)
        curve = await _curve(console, status, point, range_)
        gaps = await console.archive.gaps(status.site, curve.t0_us, curve.t1_us)
        where = {"point": point.point, "range": range_}
        shown: dict[str, object] = {
            "site": status,
            "points": points,
            "point": point.point,
            "tag": point.tag,
            "title": point.title,
            "unit": unit_text(point.unit, language),
            "range": range_,
            "ranges": tuple(RANGES_US),
            "chart": chart_of(curve),
            "gaps": [_gap(gap) for gap in gaps[:GAPS_SHOWN_MAX]],
            "data_url": f"/sites/{status.site}/trend/data?{urlencode(where)}",
            "now": _now(status, point.point, language),
        }
        live = {"site": status.site, "point": point.point}
        return console.page(request, "trend.html", shown, page="trend", live=live)

    return handler


def data(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/sites/{site}/trend/data`."""

    async def handler(request: Request) -> Response:
        status = console.status.site(request.path_params["site"])
        points = await console.archive.points(status.site)
        point, range_ = _asked(request, points, status)
        curve = await _curve(console, status, point, range_)
        return JSONResponse(curve_body(curve, status.as_of_us))

    return handler


def _asked(
    request: Request, points: Sequence[ArchivedPoint], status: SiteStatus
) -> tuple[ArchivedPoint, str]:
    """Return the point and the range that a request names; the site's first point for none.

    Raises:
        NotFound: the site has no such point, or none at all.
        BadRequest: there is no such range.
    """
    name = request.query_params.get("point", "")
    range_ = request.query_params.get("range", DEFAULT_RANGE)
    if range_ not in RANGES_US:
        raise BadRequest("query.range", f"range is one of {', '.join(RANGES_US)}")
    found = [each for each in points if not name or name in (each.point, each.tag)]
    if not found:
        raise NotFound("query.point_unknown", f"{status.site} has no point or tag {name!r}")
    return found[0], range_


async def _curve(console: Console, status: SiteStatus, point: ArchivedPoint, range_: str) -> Curve:
    t1_us = status.as_of_us
    t0_us = t1_us - RANGES_US[range_]
    count = bucket_count(RANGES_US[range_], point.period_us)
    async with asyncio.timeout(READ_TIMEOUT_S):
        found = await console.archive.history(status.site, point.point, t0_us, t1_us, count)
    return curve_of(found, t0_us, t1_us, on_change=point.period_us == 0)


def _now(status: SiteStatus, point: str, language: Language) -> PointRow | None:
    rows = (row for group in point_groups(status, language) for row in group.rows)
    return next((row for row in rows if row.point == point), None)


def _gap(gap: GapRow) -> GapView:
    return GapView(
        cause=str(getattr(gap.entry.cause, "value", gap.entry.cause)),
        t0=time_text(gap.t0_us),
        t1=time_text(gap.t1_us),
        n=gap.entry.n,
    )


async def blocks(console: Console, site: str, point: str, language: Language) -> list[Block]:
    """Return the live block of a trend: the newest value."""
    status = console.status.site(site)
    shown: dict[str, object] = {"site": status, "now": _now(status, point, language)}
    value = next((each for each in status.values if each.point == point), None)
    return [Block("now", value, "block_now.html", shown)]
