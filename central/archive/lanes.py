"""What every lane of every epoch holds, was told of, and lacks.  Pure.

Source: `batches.md` 3.12(1).  The state lives on the event loop; it is built from the archive at
the start and changed after each commit, so that it never knows more than the disk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from central.archive.runs import LaneRuns, Link
from proto.ledger import Account, LaneLedger, RangeSet, Span

LaneKey = tuple[str, bytes, int]  # site, epoch, lane


class Announced(NamedTuple):
    """What a gateway says it holds: batches held_lo to tip_seq, samples numbered to tip_sample."""

    held_lo: int = 0
    tip_seq: int = 0
    tip_sample: int = 0


@dataclass(slots=True)
class LaneState:
    """One lane of one epoch.

    Attributes:
        gaps: sample numbers that a gap record names.
        samples: samples in stored batches, each batch counted.
    """

    runs: LaneRuns = field(default_factory=LaneRuns)
    gaps: RangeSet = field(default_factory=RangeSet)
    announced: Announced = field(default_factory=Announced)
    samples: int = 0

    def account(self) -> Account:
        """Return the identity of the lane."""
        held = RangeSet.of((run.sample_lo, run.sample_hi) for run in self.runs.runs)
        tops = [self.announced.tip_sample, *(found.high for found in (held, self.gaps) if found)]
        ledger = LaneLedger(
            announced=max(tops),
            held=held,
            gaps=self.gaps,
            waiting=RangeSet.of(self._waiting()),
            twice=self.samples - held.total,
        )
        return ledger.account()

    def _waiting(self) -> Iterator[Span]:
        """Yield spans of sample numbers that the gateway says it holds and we do not.

        What lies before a run is waiting when the gateway holds the batches there; what lies behind
        `held_lo` is not: nobody vouches for it.
        """
        told = self.announced
        seq, sample = 0, 0
        for run in self.runs.runs:
            if run.sample_lo > sample + 1 and 0 < told.held_lo <= run.lo - 1 and run.lo - 1 > seq:
                yield sample + 1, run.sample_lo - 1
            seq, sample = run.hi, max(sample, run.sample_hi)
        if told.tip_sample > sample and told.tip_seq > seq:
            yield sample + 1, told.tip_sample


@dataclass(slots=True)
class Lanes:
    """Every lane of the archive, and which gateway each epoch belongs to."""

    states: dict[LaneKey, LaneState] = field(default_factory=dict)
    owners: dict[bytes, tuple[str, str]] = field(default_factory=dict)  # epoch -> site, gateway
    newest: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # gateway -> boot, epoch

    def of(self, key: LaneKey) -> LaneState:
        """Return the state of a lane, made when there is none."""
        return self.states.setdefault(key, LaneState())

    def of_site(self, site: str) -> Iterator[tuple[LaneKey, LaneState]]:
        """Yield the lanes of one site."""
        return (item for item in self.states.items() if item[0][0] == site)

    def promised(self, site: str) -> int:
        """Return how many lanes of a site were announced and have nothing stored."""
        return sum(not state.runs.runs for _key, state in self.of_site(site))

    def store(self, key: LaneKey, link: Link) -> None:
        """Take one stored batch in."""
        state = self.of(key)
        state.runs.add(link)
        state.samples += link.n

    def announce(self, key: LaneKey, told: Announced) -> Announced:
        """Take a gateway's own statement in; the tip never goes back."""
        state = self.of(key)
        state.announced = Announced(
            told.held_lo,
            max(told.tip_seq, state.announced.tip_seq),
            max(told.tip_sample, state.announced.tip_sample),
        )
        return state.announced

    def gap(self, key: LaneKey, spans: Iterable[Span]) -> None:
        """Take spans of sample numbers in that a gap record names."""
        state = self.of(key)
        for low, high in spans:
            state.gaps = state.gaps.add(low, high)

    def is_late(
        self, site: str, gateway: str, epoch: bytes, boot_id: int, lane: int, seq: int
    ) -> bool:
        """True when a higher number of the lane is stored, or a newer epoch has spoken."""
        newest = self.newest.get(gateway)
        if newest is not None and newest[1] != epoch and boot_id <= newest[0]:
            return True
        return seq < self.of((site, epoch, lane)).runs.tip

    def seen(self, gateway: str, boot_id: int, epoch: bytes) -> None:
        """Learn a gateway's newest epoch: the one of its highest boot."""
        if boot_id >= self.newest.get(gateway, (-1, b""))[0]:
            self.newest[gateway] = (boot_id, epoch)
