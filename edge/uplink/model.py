"""What the uplink asks of the log that it sends, and what it tells it.  Pure.

The seam between uplink and spool: the uplink knows lanes and frames, never files.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from edge.claim import Belief, Claim, Key
from proto.batch import Frame, Lane
from proto.chain import LaneTip
from proto.ledger import RangeSet


class LaneView(Protocol):
    """One lane of one epoch; older epochs only drain."""

    @property
    def epoch(self) -> bytes:
        """16 bytes."""

    @property
    def lane(self) -> Lane:
        """Which lane."""

    @property
    def held_lo(self) -> int:
        """The first sequence that may still be held."""

    @property
    def tip(self) -> LaneTip:
        """What the next batch will carry."""

    @property
    def pending(self) -> RangeSet:
        """Sequences that are held and wait for the centre."""

    @property
    def pending_samples(self) -> int:
        """Samples or records in them."""

    @property
    def pending_bytes(self) -> int:
        """About how many bytes they have."""


class Source(Protocol):
    """The durable log as the uplink sees it."""

    @property
    def epoch(self) -> bytes:
        """The epoch that is being written."""

    @property
    def boot_id(self) -> int:
        """Number of this start."""

    async def grown(self) -> None:
        """Wait until batches were committed since the last call."""

    def lanes(self) -> Sequence[LaneView]:
        """Return all lanes, epochs oldest first."""

    def schemas(self) -> Sequence[bytes]:
        """Return the hashes of the parts of the point table in force."""

    def schema_batches(self, wanted: Iterable[bytes]) -> Sequence[int]:
        """Return the sequences in META of the current epoch that hold these parts."""

    async def read(self, key: Key, high: int, *, frames: int, size: int) -> list[Frame]:
        """Return verified batches from `key` to at most `high`; none where the first is damaged."""

    async def welcome(self, lanes: Sequence[LaneView], claims: Sequence[Claim]) -> Belief:
        """Replace what is marked as stored by the centre's statement."""

    async def acknowledge(self, claims: Sequence[Claim]) -> Belief:
        """Mark what the centre holds."""

    async def set_apart(self, key: Key, status: int) -> None:
        """The centre keeps this batch aside (QUARANTINED, FORKED)."""

    async def refuse(self, key: Key) -> None:
        """The centre called this batch malformed twice: a gap names it."""

    async def reopen(self, belief: Belief, epoch: bytes) -> None:
        """Begin a new epoch after `epoch`, because of a fork or a rollback."""
