"""What goes first when the disk is full.  Pure.

Rules of this file: acknowledged segments go first, oldest first, without any loss; then the oldest
others, and each becomes a gap.  The open segment never goes; ALARM, EVENT and META never go.

Clause: batches.md 3.10.  Thinning and the keep-window come with the richer plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from proto.ledger import RangeSet


class SegmentState(StrEnum):
    """OPEN -> SEALED -> DROPPED."""

    OPEN = "OPEN"
    SEALED = "SEALED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of BULK batches, `size` bytes long; `…_hi` say nothing while it is OPEN."""

    e: int
    no: int
    state: SegmentState
    seq_lo: int
    seq_hi: int
    sample_lo: int
    sample_hi: int
    t_lo: int
    t_hi: int
    tip_hash: bytes
    size: int
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class Drop:
    """One segment to drop; `lost` are the sequences that the centre does not hold."""

    segment: Segment
    lost: RangeSet


def plan(
    segments: Sequence[Segment], disposed: Sequence[RangeSet], *, used: int, quota: int
) -> list[Drop]:
    """Return what must go so that `used` bytes fit into `quota`, in order.

    Args:
        segments: oldest first, over all epochs.
        disposed: for each segment, the sequences of its lane that need not be kept.
        used: bytes of the whole spool now.
        quota: bytes that it may use.
    """
    sealed = [
        Drop(segment, gone.holes(segment.seq_lo, segment.seq_hi))
        for segment, gone in zip(segments, disposed, strict=True)
        if segment.state is SegmentState.SEALED
    ]
    order = [one for one in sealed if not one.lost] + [one for one in sealed if one.lost]
    chosen: list[Drop] = []
    for drop in order:
        if used <= quota:
            break
        chosen.append(drop)
        used -= drop.segment.size
    return chosen
