"""What all pages share: sources, templates, words, the leads of now.  Shell: Jinja, files.

Pages are rendered at the server and complete without scripts; live fragments are the same blocks.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from central.analysis.lead import Lead
from central.console.present import time_text
from central.console.sources import ArchiveSource, LeadSource, StatusSource
from central.console.words import Language, say
from proto.catalogue import hazards
from proto.clock import Clock
from proto.notice import NOTICE_EN, NOTICE_ZH

HERE: Final = Path(__file__).parent
LEADS_TTL_NS: Final = 2_000_000_000
LEADS_SHOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """What a bureau sets: its name, and the language of a page that names none."""

    name: str
    language: Language = Language.ZH


class Console:
    """What all pages share: the sources, the templates, the clauses' texts, the leads of now."""

    def __init__(
        self,
        settings: ConsoleSettings,
        status: StatusSource,
        archive: ArchiveSource,
        leads: LeadSource,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.status = status
        self.archive = archive
        self.clock = clock
        self.generation = secrets.token_hex(4)
        self.closing = asyncio.Event()
        self.streams = 0
        self.clauses = {each.id: (each.zh, each.en) for each in hazards().clauses.values()}
        self._leads = leads
        self._held: tuple[int, list[Lead], dict[str, int]] | None = None
        self._asking = asyncio.Lock()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def language(self, request: Request) -> Language:
        """Return the language that a request asks for, else the bureau's."""
        asked = request.query_params.get("lang", "")
        return Language(asked) if asked in set(Language) else self.settings.language

    def query(self, language: Language) -> str:
        """Return what links carry on: the language where it is not the bureau's own."""
        return "" if language is self.settings.language else f"?lang={language.value}"

    def block(self, template: str, language: Language, context: Mapping[str, object]) -> str:
        """Return one block of a page as HTML."""
        words = {"lang": language.value, "query": self.query(language)}
        found = self._templates.get_template(template)
        return found.render(words | dict(context), t=lambda text: say(language, text))

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, object],
        *,
        page: str,
        live: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """Return a whole page; `live` are the parameters of its stream, None for a page without."""
        language = self.language(request)
        frame: dict[str, object] = {
            "page": page,
            "centre": self.settings.name,
            "as_of": time_text(self.clock.wall_us()),
            "notice": NOTICE_ZH if language is Language.ZH else NOTICE_EN,
            "live": ""
            if live is None
            else "/live?" + urlencode({"page": page, "lang": language.value, **live}),
            "other_language_url": _other_language(request, language),
        }
        return HTMLResponse(self.block(template, language, frame | dict(context)), status)

    async def leads(self) -> tuple[list[Lead], dict[str, int]]:
        """Return leads and horizons of now; the book is asked at most each two seconds."""
        async with self._asking:
            now_ns = self.clock.mono_ns()
            if self._held is None or now_ns - self._held[0] > LEADS_TTL_NS:
                found = await self._leads.leads()
                horizons = dict(await self._leads.horizons())
                self._held = now_ns, found[:LEADS_SHOWN_MAX], horizons
            return self._held[1], self._held[2]

    async def lead_counts(self) -> dict[str, int]:
        """Return the number of leads per site."""
        counts: dict[str, int] = {}
        for lead in (await self.leads())[0]:
            counts[lead.newest.site] = counts.get(lead.newest.site, 0) + 1
        return counts


def _other_language(request: Request, language: Language) -> str:
    other = Language.EN if language is Language.ZH else Language.ZH
    kept = {key: value for key, value in request.query_params.items() if key != "lang"}
    return f"{request.url.path}?{urlencode({**kept, 'lang': other.value})}"
