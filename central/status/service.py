"""Runs the boards of all sites in memory and streams their changes.  Shell: asyncio, the archive.

A subscriber's queue is the set of sites that changed since it last looked: it is bounded by the
number of sites, and the newest state of a site replaces an older one that was not taken yet.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from central import events
from central.archive.blocks import Archive
from central.archive.decode import Decoded, decode
from central.archive.query import ArchiveReader
from central.status import link as links
from central.status import snapshot
from central.status.board import Board
from central.status.model import LinkState, SiteStatus
from central.status.view import Around, GatewayWord, view
from proto.batch import Frame, Kind, parse_header
from proto.clock import Clock
from proto.errors import BatchDamaged, NotFound
from proto.schema import SchemaPart
from proto.site import Site

TICK_S: Final = 1.0
SNAPSHOT_TICKS: Final = 30
SUBSCRIBERS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class StatusDelta:
    """One change: the site as it is now; `resync` tells the reader to fetch all sites anew."""

    version: int
    site: str
    status: SiteStatus | None
    resync: bool = False


class _Subscriber:
    """Sites that changed and were not taken yet."""

    def __init__(self) -> None:
        self.dirty: dict[str, None] = {}
        self.wake = asyncio.Event()


class StatusService:
    """What is true at every site now.

    Attributes:
        version: number of the last change, ascending also over restarts.
    """

    def __init__(
        self, sites: Sequence[Site], archive: Archive, reader: ArchiveReader, clock: Clock
    ) -> None:
        self._sites = {site.id: site for site in sites}
        self._site_of = {name: site.id for site in sites for name in site.gateways}
        self._archive = archive
        self._reader = reader
        self._clock = clock
        self._boards = {site.id: Board(site.id) for site in sites}
        self._links: dict[str, links.Link] = {}
        self._words: dict[str, GatewayWord] = {}
        self._changed: dict[str, int] = {}
        self._saved: dict[str, int] = {}  # arrival of the newest snapshot
        self._dumped: dict[str, int] = {}  # version of the newest snapshot
        self._waiting: set[str] = set()
        self._subscribers: list[_Subscriber] = []
        self._start = self.version = clock.wall_us()

    async def open(self) -> None:
        """Take the boards up from their snapshots, fold what came after, read the link journal."""
        parts = {site: await self._reader.parts(site) for site in self._sites}
        kept = await self._reader.boards()
        for site, (arrival, body) in kept.items():
            board = snapshot.load(site, body, parts.get(site, {}))
            if board is not None and site in self._boards:
                self._boards[site] = board
                self._saved[site] = arrival
        await self._catch_up(parts)
        now_ns = self._clock.mono_ns()
        for transition in await self._reader.journal():
            held = self._links.get(transition[0], links.Link(word_ns=now_ns))
            moved = links.Transition(
                transition[0], transition[1], LinkState(transition[2]), transition[3]
            )
            self._links[transition[0]] = links.fold(held, moved)

    def sites(self, *, with_values: bool = True) -> list[SiteStatus]:
        """Return every site, by id."""
        return [self._view(site, with_values=with_values) for site in sorted(self._sites)]

    def site(self, site: str) -> SiteStatus:
        """Return one site.

        Raises:
            NotFound: no such site is registered.
        """
        if site not in self._sites:
            raise NotFound("query.site_unknown", f"no site {site!r} is registered")
        return self._view(site, with_values=True)

    async def subscribe(self, since_version: int | None = None) -> AsyncIterator[StatusDelta]:
        """Yield changes for ever: those after `since_version` first, without it from now on."""
        subscriber = _Subscriber()
        if len(self._subscribers) >= SUBSCRIBERS_MAX:
            raise NotFound("query.too_many_streams", "too many streams are open; poll instead")
        self._subscribers.append(subscriber)
        try:
            if since_version is not None:
                if not self._start <= since_version <= self.version:
                    yield StatusDelta(self.version, "", None, resync=True)
                else:
                    later = [s for s, at in self._changed.items() if at > since_version]
                    subscriber.dirty.update(dict.fromkeys(later))
            while True:
                while subscriber.dirty:
                    site = next(iter(subscriber.dirty))
                    del subscriber.dirty[site]
                    yield StatusDelta(self._changed[site], site, self.site(site))
                subscriber.wake.clear()
                await subscriber.wake.wait()
        finally:
            self._subscribers.remove(subscriber)

    def fold(self, batches: Iterable[Decoded]) -> None:
        """Take batches in that have just become durable."""
        touched = set()
        for decoded in batches:
            if decoded.site in self._boards:
                self._boards[decoded.site].fold(decoded)
                touched.add(decoded.site)
                if decoded.waits:
                    self._waiting.add(decoded.site)
                elif decoded.header.kind is Kind.SCHEMA:
                    self._waiting.discard(decoded.site)
        for site in touched:
            self._mark(site)

    async def heard(self, gateway: str, word: GatewayWord | None = None) -> None:
        """A gateway has sent something; `word` is what it says of itself, where it does."""
        before = self._links.get(gateway, links.Link())
        after, moved = links.word(before, gateway, self._clock.wall_us(), self._clock.mono_ns())
        self._links[gateway] = after
        if word is not None and word != self._words.get(gateway):
            self._words[gateway] = word
            self._mark(self._site_of[gateway])
        if moved is not None:
            if before.state is LinkState.LOST:
                events.site_returned(self._site_of[gateway], gateway)
            await self._journal(moved)

    def word_of(self, gateway: str) -> GatewayWord:
        """Return what a gateway last said of itself."""
        return self._words.get(gateway, GatewayWord())

    def touch(self, site: str) -> None:
        """Something beside the fold has changed, for example a count of quarantined batches."""
        self._mark(site)

    async def run(self) -> None:
        """Watch for silence, and keep snapshots; for ever."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            await self.tick()
            ticks += 1
            if ticks % SNAPSHOT_TICKS == 0:
                await self.save()

    async def tick(self) -> None:
        """Move links whose gateways have been silent too long."""
        now_us, now_ns = self._clock.wall_us(), self._clock.mono_ns()
        for gateway, held in list(self._links.items()):
            after, moved = links.silence(held, gateway, now_us, now_ns)
            self._links[gateway] = after
            if moved is not None:
                if moved.state is LinkState.LOST:
                    events.site_went_silent(self._site_of.get(gateway, ""), gateway)
                await self._journal(moved)

    async def save(self) -> None:
        """Keep the boards that changed, with their place in the archive."""
        arrival = self._archive.arrival
        rows = []
        for site, board in self._boards.items():
            if site in self._waiting or self._changed.get(site, 0) <= self._dumped.get(site, 0):
                continue
            if arrival > self._saved.get(site, 0):
                board.prune()
                rows.append((site, arrival, snapshot.dump(board)))
                self._saved[site] = arrival
                self._dumped[site] = self._changed[site]
        if rows:
            await self._archive.save_boards(rows)

    async def _catch_up(self, parts: Mapping[str, dict[bytes, SchemaPart]]) -> None:
        after = min((self._saved.get(site, 0) for site in self._sites), default=0)
        while stored := await self._archive.read(after):
            for item in stored:
                after = item.arrival
                if item.site in self._boards and item.arrival > self._saved.get(item.site, 0):
                    frame = Frame(parse_header(item.block), item.block, item.payload)
                    try:
                        decoded = decode(
                            item.site,
                            item.gateway,
                            frame,
                            parts[item.site],
                            late=item.late,
                            received_us=item.received_us,
                        )
                    except BatchDamaged:
                        continue  # stored while its table was unknown, and unusable
                    self._boards[item.site].fold(decoded)

    async def _journal(self, moved: links.Transition) -> None:
        site = self._site_of.get(moved.gateway)
        if site is None:
            return
        self._mark(site)
        backlog = self.word_of(moved.gateway).pending_batches
        await self._archive.journal(
            site, moved.gateway, moved.at_us, moved.state.value, backlog, moved.reason
        )

    def _mark(self, site: str) -> None:
        self.version += 1
        self._changed[site] = self.version
        for subscriber in self._subscribers:
            subscriber.dirty[site] = None
            subscriber.wake.set()

    def _view(self, site: str, *, with_values: bool) -> SiteStatus:
        around = Around(
            site=self._sites[site],
            links=self._links,
            words=self._words,
            account=self._reader.accounting(site),
            quarantined=self._archive.quarantined.get(site, 0),
            version=self._changed.get(site, 0),
        )
        return view(self._boards[site], around, self._clock.wall_us(), with_values=with_values)
