"""What a lane holds: runs of batches whose links verify, from what is really there.  Pure.

Source: `batches.md` 3.6 and 3.13.  A run is cut where a number is missing, where `prev_hash` is
not the hash of the
batch before, and where sample numbers do not follow: no range that is told to a gateway ever
crosses a cut.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Link(NamedTuple):
    """What binds one batch to its neighbours."""

    seq: int
    sample_first: int
    n: int
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Batches lo to hi, all held and chained; samples sample_lo to sample_hi."""

    lo: int
    hi: int
    sample_lo: int
    sample_hi: int
    prev_hash: bytes  # of lo
    hash_hi: bytes  # of hi


@dataclass(slots=True)
class LaneRuns:
    """The runs of one (site, epoch, lane), ascending; `breaks` counts links that do not verify."""

    runs: list[Run] = field(default_factory=list)
    breaks: int = 0

    @property
    def tip(self) -> int:
        """The highest number held; 0 when there is none."""
        return self.runs[-1].hi if self.runs else 0

    @property
    def batches(self) -> int:
        """How many batches are held."""
        return sum(run.hi - run.lo + 1 for run in self.runs)

    def holds(self, seq: int) -> bool:
        """True when the batch is held."""
        return self._run_of(seq) is not None

    def add(self, link: Link) -> None:
        """Take one batch in; the caller has ensured that its number is new."""
        at = bisect_right(self.runs, link.seq, key=lambda run: run.lo)
        run = Run(
            link.seq,
            link.seq,
            link.sample_first,
            link.sample_first + link.n - 1,
            link.prev_hash,
            link.hash,
        )
        if at < len(self.runs) and self.runs[at].lo == link.seq + 1:
            run = self._joined(run, self.runs[at], at)
        if at > 0 and self.runs[at - 1].hi == link.seq - 1:
            before = self.runs[at - 1]
            if self._follows(before, run):
                self.runs[at - 1] = _join(before, run)
                if run.hi > link.seq:
                    del self.runs[at]
                return
        if run.hi > link.seq:
            self.runs[at] = run
        else:
            self.runs.insert(at, run)

    def touching(self, lo: int) -> list[Run]:
        """Return the runs that hold anything from `lo` on, whole."""
        return [run for run in self.runs if run.hi >= lo]

    def grouped(self, links: Sequence[Link]) -> list[tuple[Link, Link]]:
        """Cut batches that have just become durable into (first, last) of ranges that verify."""
        spans: list[tuple[Link, Link]] = []
        for link in sorted(links):
            if spans and spans[-1][1].seq == link.seq:
                continue
            if spans and _links(spans[-1][1], link):
                spans[-1] = (spans[-1][0], link)
            else:
                spans.append((link, link))
        return spans

    def _joined(self, run: Run, after: Run, at: int) -> Run:
        if self._follows(run, after):
            joined = _join(run, after)
            self.runs[at] = joined
            return joined
        return run

    def _follows(self, before: Run, after: Run) -> bool:
        good = after.prev_hash == before.hash_hi and after.sample_lo == before.sample_hi + 1
        if not good:
            self.breaks += 1
        return good

    def _run_of(self, seq: int) -> Run | None:
        at = bisect_right(self.runs, seq, key=lambda run: run.lo) - 1
        return self.runs[at] if at >= 0 and self.runs[at].hi >= seq else None


def _links(before: Link, after: Link) -> bool:
    return (
        after.seq == before.seq + 1
        and after.prev_hash == before.hash
        and after.sample_first == before.sample_first + before.n
    )


def _join(before: Run, after: Run) -> Run:
    return replace(before, hi=after.hi, sample_hi=after.sample_hi, hash_hi=after.hash_hi)
