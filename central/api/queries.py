"""The queries behind gRPC and HTTP: one place for both.  Shell: asks board and archive."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from central.archive.history import Grid
from central.archive.lanes import LaneKey
from central.archive.model import ArchivedPoint, Bucket, GapRow, Record
from central.archive.query import ArchiveReader
from central.status.model import SiteStatus
from central.status.service import StatusService
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import BadRequest
from proto.ledger import Account
from proto.records import ALARM_RAISED, INTERLOCK_TRIPPED

DAY_US = 86_400_000_000
PAGE_MAX = 500

LeadBodies = Callable[[str | None], Awaitable[list[bytes]]]


@dataclass(frozen=True, slots=True)
class History:
    """A history and what surrounds it."""

    point: ArchivedPoint
    t0_us: int
    t1_us: int
    buckets: Sequence[Bucket]
    gaps: Sequence[GapRow]


@dataclass(frozen=True, slots=True)
class SiteAccount:
    """The accounting of one site: of its samples, of each lane, of each grid."""

    site: str
    account: Account
    lanes: Sequence[tuple[LaneKey, str, int, Account]]  # key, gateway, batches, account
    grids: Sequence[Grid]
    gaps: int
    quarantined: int
    forked: int
    trips: int
    alarms: int


class Queries:
    """What may be asked of this centre."""

    def __init__(
        self, status: StatusService, reader: ArchiveReader, leads: LeadBodies, clock: Clock
    ) -> None:
        self.status = status
        self.reader = reader
        self.leads = leads
        self.clock = clock

    def sites(
        self, *, region: str = "", after: str = "", limit: int = 0, with_values: bool = False
    ) -> tuple[list[SiteStatus], str]:
        """Return a page of sites by id, and the id to go on after; empty when that was all."""
        size = min(limit or PAGE_MAX, PAGE_MAX)
        wanted = [
            status
            for status in self.status.sites(with_values=with_values)
            if status.region.startswith(region) and status.site > after
        ]
        page = wanted[:size]
        return page, page[-1].site if len(wanted) > size else ""

    async def history(self, site: str, point: str, t0_us: int, t1_us: int, buckets: int) -> History:
        """Return the history of a point by name or tag.

        Raises:
            NotFound: no such site or point.
            BadRequest: a range that cannot be answered.
        """
        self.status.site(site)
        if buckets < 1:
            raise BadRequest("query.range", "buckets: 1 to 10000")
        found = await self.reader.point(site, point)
        made = await self.reader.history(site, found.point, t0_us, t1_us, buckets)
        gaps = await self.reader.gaps(site, t0_us, t1_us)
        return History(found, t0_us, t1_us, made, gaps)

    async def records(
        self, site: str, t0_us: int, t1_us: int, kinds: Sequence[str] | None
    ) -> list[Record]:
        """Return records of a site in time order.

        Raises:
            NotFound: no such site.
        """
        self.status.site(site)
        return await self.reader.records(site, t0_us, t1_us, kinds)

    async def accounts(self, site: str = "") -> list[SiteAccount]:
        """Return the accounting of one site or of all.

        Raises:
            NotFound: no such site.
        """
        names = [site] if site else [status.site for status in self.status.sites()]
        return [await self._account(name) for name in names]

    async def _account(self, site: str) -> SiteAccount:
        status = self.status.site(site)
        counts = await self.reader.counts(site)
        lanes = self.reader.lanes(site)
        total = Account()
        for (_site, _epoch, lane), _gateway, _batches, account in lanes:
            if lane == Lane.BULK:
                total = total + account
        return SiteAccount(
            site=site,
            account=total,
            lanes=lanes,
            grids=await self.reader.grids(site),
            gaps=counts.get("gap", 0),
            quarantined=status.quarantined,
            forked=self.reader.forked(site),
            trips=counts.get(INTERLOCK_TRIPPED, 0),
            alarms=counts.get(ALARM_RAISED, 0),
        )
