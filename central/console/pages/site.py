"""One site (一企一档, live part): interlocks, alarms, points, gateways.  Shell: asks the board."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from central.console.dossier import alarm_views, gateway_views, interlock_views, point_groups
from central.console.frame import Console
from central.console.live import Block
from central.console.tables import site_rows
from central.console.words import Language, say
from central.status.model import LinkState, SiteStatus


def page(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/sites/{site}`."""

    async def handler(request: Request) -> Response:
        status = console.status.site(request.path_params["site"])
        language = console.language(request)
        shown = context(
            console, status, (await console.lead_counts()).get(status.site, 0), language
        )
        return console.page(request, "site.html", shown, page="site", live={"site": status.site})

    return handler


def context(
    console: Console, status: SiteStatus, leads: int, language: Language
) -> dict[str, object]:
    """Return what the templates of a site print."""
    account = status.accounting
    counts = (
        ("expected", account.expected),
        ("stored", account.stored),
        ("gapped", account.gapped),
        ("withheld", account.withheld),
        ("pending", account.pending),
        ("unexplained", account.unexplained),
        ("duplicates", account.duplicates),
        ("Quarantined batches", status.quarantined),
    )
    return {
        "site": status,
        "row": site_rows([status], {status.site: leads}, language)[0],
        "unheard": status.link is not LinkState.LIVE,
        "groups": point_groups(status, language),
        "interlocks": interlock_views(status, console.clauses, language),
        "alarms": alarm_views(status, language),
        "gateways": gateway_views(status, language),
        "accounting": tuple((say(language, word), count) for word, count in counts),
    }


async def blocks(console: Console, site: str, language: Language) -> list[Block]:
    """Return the live blocks of a site, each with what it depends on."""
    status = console.status.site(site)
    leads = (await console.lead_counts()).get(site, 0)
    shown = context(console, status, leads, language)
    bare = replace(status, as_of_us=0, version=0, values=(), gateways=())
    return [
        Block("interlocks", (status.link, status.interlocks), "block_interlocks.html", shown),
        Block("alarms", (status.link, status.alarms), "block_alarms.html", shown),
        Block("head", (bare, leads), "block_head.html", shown),
        Block("points", status.values, "block_points.html", shown),
        Block("gateways", status.gateways, "block_gateways.html", shown),
        Block(
            "accounting",
            (status.accounting, status.quarantined),
            "block_accounting.html",
            shown,
        ),
    ]
