"""Group commit: what waits goes into one transaction, then acknowledgements.  Shell: asyncio.

The archive does the I/O.  Source: `batches.md` 3.14(3).  A group is what has come within 2 ms, at
most 256 batches or 4 MB; an ALARM goes to the front and ends the wait.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from central import events
from central.archive.blocks import Archive
from central.archive.decode import Decoded
from central.archive.model import Admitted, ArchiveBroken, ArchiveFull, Outcome
from central.archive.rows import Derived
from central.ingest.derive import SiteParts, derive
from central.status.service import StatusService
from proto.batch import Lane
from proto.v1 import uplink_pb2 as wire

LINGER_S: Final = 0.002
BATCHES_MAX: Final = 256
BYTES_MAX: Final = 4 * 1024 * 1024
QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Job:
    """The frames of one message."""

    items: Sequence[Admitted]
    size: int
    done: asyncio.Future[list[Outcome]]


class Writer:
    """The one way into the archive.

    Attributes:
        committed: batches stored since the start; commits: transactions that held them.
    """

    def __init__(self, archive: Archive, status: StatusService, parts: SiteParts) -> None:
        self._archive = archive
        self._status = status
        self._parts = parts
        self._urgent: deque[_Job] = deque()
        self._normal: deque[_Job] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._alarmed = asyncio.Event()
        self._room = asyncio.Event()
        self.committed = 0
        self.commits = 0

    @property
    def idle(self) -> bool:
        """True when nothing waits."""
        return not self._urgent and not self._normal

    def knows(self, site: str) -> list[bytes]:
        """Return the hashes of the point tables of a site."""
        return list(self._parts.get(site, {}))

    async def submit(self, items: Sequence[Admitted]) -> list[Outcome]:
        """Return the outcomes, in order of `items`, after the commit is on disk.

        Raises:
            ArchiveFull, ArchiveBroken: nothing was stored and nothing may be acknowledged.
        """
        size = sum(len(item.block) + len(item.payload) for item in items)
        while self._waiting_bytes >= QUEUE_BYTES_MAX:
            self._room.clear()
            await self._room.wait()
        job = _Job(items, size, asyncio.get_running_loop().create_future())
        self._waiting_bytes += size
        if any(item.header.lane is Lane.ALARM for item in items):
            self._urgent.append(job)
            self._alarmed.set()
        else:
            self._normal.append(job)
        self._arrived.set()
        return await job.done

    async def run(self) -> None:
        """Commit groups for ever."""
        while True:
            await self._arrived.wait()
            if not self._urgent:
                await self._linger()
            group = self._take()
            try:
                await self._commit(group)
            finally:
                self._release(group)

    async def _linger(self) -> None:
        try:
            async with asyncio.timeout(LINGER_S):
                await self._alarmed.wait()
        except TimeoutError:
            return

    def _take(self) -> list[_Job]:
        group: list[_Job] = []
        batches = size = 0
        for queue in (self._urgent, self._normal):
            while queue and (
                not group
                or (
                    batches + len(queue[0].items) <= BATCHES_MAX
                    and size + queue[0].size <= BYTES_MAX
                )
            ):
                job = queue.popleft()
                batches += len(job.items)
                size += job.size
                group.append(job)
        if not self._urgent:
            self._alarmed.clear()
        if self.idle:
            self._arrived.clear()
        return group

    def _release(self, group: Sequence[_Job]) -> None:
        """Make room; a job that nothing was decided about is not acknowledged."""
        self._waiting_bytes -= sum(job.size for job in group)
        self._room.set()
        for job in group:
            if not job.done.done():
                job.done.set_exception(ArchiveBroken("archive.broken", "the commit failed"))

    async def _commit(self, group: Sequence[_Job]) -> None:
        items = [item for job in group for item in job.items]
        items = [item._replace(ref=number) for number, item in enumerate(items)]
        known = {item.site: dict(self._parts.get(item.site, {})) for item in items}
        decoded: list[Decoded] = []

        def derive_once(some: Sequence[Admitted]) -> Derived:
            derived, done, fresh = derive(some, known)
            decoded.extend(done)
            for site, part in fresh:
                known[site][part.hash] = part
            return derived

        try:
            outcomes = await self._archive.append(items, derive_once)
        except (ArchiveFull, ArchiveBroken) as error:
            events.archive_broken(str(error))
            for job in group:
                if not job.done.done():
                    job.done.set_exception(error)
            return
        self._parts.update(known)
        self._settle(group, outcomes)
        self._tell(items, outcomes, decoded)
        self._status.fold(decoded)

    def _tell(
        self, items: Sequence[Admitted], outcomes: Sequence[Outcome], decoded: Sequence[Decoded]
    ) -> None:
        """Log what a person should know, and count."""
        self.commits += 1
        for outcome in outcomes:
            item = items[outcome.ref]
            header = item.header
            if outcome.status == wire.STORED:
                self.committed += 1
            elif outcome.status == wire.QUARANTINED:
                size = len(item.block) + len(item.payload)
                events.batch_quarantined(item.site, str(outcome.code), size)
                self._status.touch(item.site)
            elif outcome.status == wire.FORKED:
                events.fork_found(item.site, header.epoch.hex(), int(header.lane), header.seq)
                self._status.touch(item.site)
        for batch in decoded:
            for gap in batch.gaps:
                events.gap_found(batch.site, gap.cause.value, gap.n)

    def _settle(self, group: Sequence[_Job], outcomes: Sequence[Outcome]) -> None:
        by_ref = {outcome.ref: outcome for outcome in outcomes}
        start = 0
        for job in group:
            end = start + len(job.items)
            if not job.done.done():
                job.done.set_result([by_ref[ref] for ref in range(start, end)])
            start = end
