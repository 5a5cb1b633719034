"""The routes of the console.  Shell: Starlette, static files."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from central.console.frame import HERE, Console
from central.console.pages import leads, overview, site, trend
from central.console.sse import live


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the console."""

    async def home(_request: Request) -> Response:
        return RedirectResponse("/overview", 307)

    return [
        Route("/", home),
        Route("/overview", overview.page(console)),
        Route("/sites/{site}", site.page(console)),
        Route("/sites/{site}/trend", trend.page(console)),
        Route("/sites/{site}/trend/data", trend.data(console)),
        Route("/leads", leads.page(console)),
        Route("/live", live(console)),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
