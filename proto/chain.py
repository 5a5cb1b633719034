"""The hash chain of a lane: its tip, its advance, and the verification of a run.  Pure.

Every lane roots in META seq 1 (the EPOCH batch): `prev_hash` of seq 1 is zero in META and the hash
of META seq 1 in all others.  Detected: deletion, insertion, change, reordering, rollback, clones.

Source: `batches.md` 3.6.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from proto.header import ZERO_HASH, Header, Lane


@dataclass(frozen=True, slots=True)
class LaneTip:
    """What the next batch of one (epoch, lane) must carry; numbers are dense from 1."""

    next_seq: int = 1
    next_sample: int = 1
    prev_hash: bytes = ZERO_HASH

    @property
    def tip_seq(self) -> int:
        """The sequence of the last batch; 0 when there is none."""
        return self.next_seq - 1

    @property
    def tip_sample(self) -> int:
        """The number of the last sample or record; 0 when there is none."""
        return self.next_sample - 1


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first batch of a run that does not follow from the one before.

    `code` is `chain.key` (another gateway, epoch or lane), `chain.seq`, `chain.sample` or
    `chain.link`.
    """

    seq: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """How far a run verifies: the tip after its last good batch, and the break, if any."""

    tip: LaneTip
    broken: ChainBreak | None


def root(lane: Lane, epoch_hash: bytes) -> LaneTip:
    """Return the tip of an empty lane; `epoch_hash` is the hash of META seq 1, unused in META."""
    return LaneTip(1, 1, ZERO_HASH if lane is Lane.META else epoch_hash)


def advance(tip: LaneTip, header: Header) -> LaneTip:
    """Return the tip after `header`, which must follow from `tip` (`follows` says so)."""
    assert header.seq == tip.next_seq, "a batch is appended in order"
    return tip_after(header)


def tip_after(header: Header) -> LaneTip:
    """Return the tip of a lane whose last batch is `header`; read from the last row at a start."""
    return LaneTip(header.seq + 1, header.sample_first + header.n, header.hash)


def follows(tip: LaneTip, header: Header) -> ChainBreak | None:
    """Return why `header` cannot be the next batch after `tip`; None when it is."""
    if header.seq != tip.next_seq:
        return ChainBreak(header.seq, "chain.seq", f"{tip.next_seq} was due")
    if header.sample_first != tip.next_sample:
        return ChainBreak(
            header.seq, "chain.sample", f"sample {tip.next_sample} due, got {header.sample_first}"
        )
    if header.prev_hash != tip.prev_hash:
        return ChainBreak(header.seq, "chain.link", "prev_hash is not the hash of the one before")
    return None


def verify_run(tip: LaneTip, headers: Iterable[Header]) -> Run:
    """Verify batches of one (gateway, epoch, lane) that should follow from `tip`, in order.

    The headers come from `open_frame` or `parse_header`, so each one's own hash is proven already.
    """
    key: tuple[bytes, bytes, Lane] | None = None
    for header in headers:
        own = (header.gateway_uid, header.epoch, header.lane)
        if own != (key or own):
            return Run(tip, ChainBreak(header.seq, "chain.key", "another gateway, epoch or lane"))
        key = own
        broken = follows(tip, header)
        if broken is not None:
            return Run(tip, broken)
        tip = advance(tip, header)
    return Run(tip, None)
