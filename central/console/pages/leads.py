"""Leads of off-site analysis (线索): what a rule found, by which numbers.  Shell: asks the book."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from central.console.frame import Console
from central.console.leadlist import horizon_views, lead_views
from central.console.live import Block
from central.console.words import Language


def page(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of `/leads`; `?site=` keeps the leads of one site."""

    async def handler(request: Request) -> Response:
        site = request.query_params.get("site", "")
        if site:
            console.status.site(site)  # NotFound for a site outside
        shown = await _context(console, site, console.language(request))
        live = {"site": site} if site else {}
        return console.page(request, "leads.html", shown, page="leads", live=live)

    return handler


async def _context(console: Console, site: str, language: Language) -> dict[str, object]:
    found, horizons = await console.leads()
    sites = [site] if site else list(horizons)
    kept = [lead for lead in found if not site or lead.newest.site == site]
    return {
        "leads": lead_views(kept, language),
        "horizons": horizon_views(horizons, sites),
    }


async def blocks(console: Console, site: str, language: Language) -> list[Block]:
    """Return the live block of the leads."""
    shown = await _context(console, site, language)
    return [Block("leads", (shown["leads"], shown["horizons"]), "block_leads.html", shown)]
