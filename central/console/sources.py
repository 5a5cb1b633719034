"""What the console asks of the rest of the centre: board, archive, book of leads.  Pure."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from central.analysis.lead import Lead
from central.archive.model import ArchivedPoint, Bucket, GapRow
from central.status.model import SiteStatus


class Change(Protocol):
    """One change of the board; the console only asks that there was one."""

    @property
    def version(self) -> int:
        """Board version of the change, ascending."""


class StatusSource(Protocol):
    """The status board."""

    @property
    def version(self) -> int:
        """Board version of the last change."""

    def sites(self, *, with_values: bool = True) -> list[SiteStatus]:
        """Return every site."""

    def site(self, site: str) -> SiteStatus:
        """Return one site; NotFound when there is none."""

    def subscribe(self, since_version: int | None = None) -> AsyncIterator[Change]:
        """Yield changes for ever; what was not taken yet is merged."""


class ArchiveSource(Protocol):
    """The archive's reader."""

    async def points(self, site: str) -> Sequence[ArchivedPoint]:
        """Return the points of a site."""

    async def history(
        self, site: str, point: str, t0_us: int, t1_us: int, buckets: int
    ) -> Sequence[Bucket]:
        """Return a point's history in equal buckets; BadRequest when it is too wide."""

    async def gaps(self, site: str, t0_us: int, t1_us: int) -> Sequence[GapRow]:
        """Return the gap records that touch a time."""


class LeadSource(Protocol):
    """The book of leads."""

    async def leads(self, site: str | None = None) -> list[Lead]:
        """Return leads, newest first."""

    async def horizons(self) -> Mapping[str, int]:
        """Return, per site, up to when its windows have been judged."""
