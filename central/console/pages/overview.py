"""The overview (总览): figures and sites, worst first.  Shell: asks the board."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from central.console.frame import Console
from central.console.live import Block
from central.console.tables import counters, exception_rows, site_rows
from central.console.words import Language, say
from central.status.model import SiteStatus

EXCEPTIONS_SHOWN_MAX = 30


def page(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/overview`."""

    async def handler(request: Request) -> Response:
        language = console.language(request)
        sites = console.status.sites(with_values=False)
        shown = context(sites, await console.lead_counts(), language)
        return console.page(request, "overview.html", shown, page="overview", live={})

    return handler


def context(
    sites: list[SiteStatus], leads: Mapping[str, int], language: Language
) -> dict[str, object]:
    """Return what the templates of the overview print."""
    found = counters(sites, leads)
    return {
        "exceptions": exception_rows(sites, language),
        "shown_max": EXCEPTIONS_SHOWN_MAX,
        "rows": site_rows(sites, leads, language),
        "counters": (
            (say(language, "Sites"), found.sites, ""),
            (say(language, "link lost"), found.lost, "lost"),
            (say(language, "Interlocks failed"), found.failed, "loud"),
            (say(language, "Interlocks tripped"), found.tripped, "loud"),
            (say(language, "Interlocks bypassed"), found.bypassed, "plain"),
            (say(language, "Alarms standing"), found.alarms, "plain"),
            (say(language, "Points not good"), found.not_good, "plain"),
            (say(language, "Leads"), found.leads, "plain"),
        ),
    }


async def blocks(console: Console, language: Language) -> list[Block]:
    """Return the live blocks of the overview; what moves with time alone is left to the browser."""
    sites = console.status.sites(with_values=False)
    leads = await console.lead_counts()
    shown = context(sites, leads, language)
    mark = tuple(replace(site, as_of_us=0, version=0) for site in sites), tuple(leads.items())
    return [
        Block("counters", shown["counters"], "block_counters.html", shown),
        Block("exceptions", _standing(sites), "block_exceptions.html", shown),
        Block("sites", mark, "block_sites.html", shown),
    ]


def _standing(sites: list[SiteStatus]) -> tuple[object, ...]:
    return tuple((site.site, site.link, site.interlocks, site.alarms) for site in sites)
