"""Runs the packs over each site's closed windows, incrementally.  Shell: archive, book, timer.

Each tick takes a bounded number of windows; the cursor is kept with the findings, in one
transaction.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from central import events
from central.analysis.book import LeadBook
from central.analysis.executor import Executor
from central.analysis.finding import Finding
from central.analysis.gather import Archive, Gatherer, is_thin
from central.analysis.pack import Pack
from central.analysis.plan import Cursor, advance, first_cursor, without, work_of
from central.analysis.window import SiteFacts
from central.archive.model import ArchivedPoint
from central.status.model import SiteStatus

TICK_S: Final = 1.0
THIN_EVERY: Final = 10  # ticks between two looks at windows that wait for late data


class Sites(Protocol):
    """The status board, as far as the runner needs it."""

    def sites(self) -> Sequence[SiteStatus]:
        """Return the newest status of each site."""


class Runner:
    """One pack over all sites."""

    def __init__(
        self, sites: Sites, archive: Archive, book: LeadBook, executor: Executor, pack: Pack
    ) -> None:
        self._sites = sites
        self._archive = archive
        self._book = book
        self._executor = executor
        self._pack = pack
        self._gatherer = Gatherer(archive, pack)
        self._again = Gatherer(archive, pack)  # looks back afresh: its windows are not in a row
        self._cursors: dict[str, Cursor] = {}
        self._active: dict[str, set[tuple[str, str, int, str, str]]] = {}
        self._turn = 0

    async def run(self) -> None:
        """Tick for ever."""
        events.pack_loaded(self._pack.pack, self._pack.version, self._pack.hash)
        while True:
            await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> int:
        """Judge what is due now at each site; return how many windows were judged."""
        self._turn += 1
        judged = 0
        for status in self._sites.sites():
            if status.newest_us is not None:
                judged += await self._site(status, status.newest_us)
        return judged

    async def _site(self, status: SiteStatus, newest_us: int) -> int:
        registry = SiteFacts(status.site, status.name, status.simulated, status.region)
        cursor = await self._cursor(status.site, newest_us)
        if cursor is None:
            return 0
        work = work_of(cursor, self._pack, newest_us, self._turn // THIN_EVERY)
        again = work.again if self._turn % THIN_EVERY == 0 else ()
        if not work.fresh and not again:
            return 0
        cursor = without(cursor, work.dropped)
        points = await self._archive.points(status.site)
        for t0_us in work.fresh:
            cursor = await self._judge(registry, points, t0_us, cursor, self._gatherer)
        for t0_us in again:
            cursor = await self._judge(registry, points, t0_us, cursor, self._again)
        return len(work.fresh) + len(again)

    async def _cursor(self, site: str, newest_us: int) -> Cursor | None:
        if site not in self._cursors:
            known = await self._book.cursor(site, self._pack)
            if known is None:
                points = await self._archive.points(site)
                if not points:
                    return None
                oldest_us = await self._gatherer.oldest_us(site, points, newest_us)
                known = first_cursor(self._pack, oldest_us, newest_us)
            self._cursors[site] = known
        return self._cursors[site]

    async def _judge(
        self,
        registry: SiteFacts,
        points: Sequence[ArchivedPoint],
        t0_us: int,
        cursor: Cursor,
        gatherer: Gatherer,
    ) -> Cursor:
        window = await gatherer.window(registry.site, points, t0_us)
        findings: list[Finding] = await self._executor.judge(window, registry, self._pack)
        moved = advance(cursor, self._pack, t0_us, thin=is_thin(window))
        await self._book.keep(registry.site, self._pack, t0_us, findings, moved)
        self._cursors[registry.site] = moved
        self._tell(registry.site, findings)
        return moved

    def _tell(self, site: str, findings: list[Finding]) -> None:
        """Log a lead when it begins, not each window in which it goes on."""
        before = self._active.get(site, set())
        for finding in findings:
            if finding.key not in before:
                events.lead_found(finding.site, finding.rule, finding.subject, finding.symptom)
        self._active[site] = {finding.key for finding in findings}


def build_runners(
    sites: Sites, archive: Archive, book: LeadBook, executor: Executor, packs: Sequence[Pack]
) -> list[Runner]:
    """Return one runner per pack; each is kept running by the composition root."""
    return [Runner(sites, archive, book, executor, pack) for pack in packs]
