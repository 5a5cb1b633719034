"""The spool as the uplink sees it: lanes, frames, claims.  Shell: spool files.

Structurally the `Source` of `edge.uplink`; the two rooms do not know one another.
"""

from collections.abc import Iterable, Sequence

from edge.claim import Belief, Claim, Key
from edge.spool.lanelog import Disposed, LaneLog
from edge.spool.store import Spool
from proto.batch import Frame
from proto.meta_record import EpochReason

_REASON = {Belief.FORKED: EpochReason.FORK, Belief.BEYOND: EpochReason.RESTORED}


class SpoolSource:
    """One spool, for sending."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._core = spool, spool.core

    @property
    def epoch(self) -> bytes:
        """The epoch that is being written."""
        return self._core.epoch

    @property
    def boot_id(self) -> int:
        """Number of this start."""
        return self._core.boot_id

    async def grown(self) -> None:
        """Wait until batches were committed since the last call."""
        await self._core.grown.wait()
        self._core.grown.clear()

    def lanes(self) -> Sequence[LaneLog]:
        """Return all lanes, epochs oldest first."""
        return sorted(self._core.logs.values(), key=lambda log: (log.e, log.lane))

    def schemas(self) -> Sequence[bytes]:
        """Return the hashes of the parts of the point table in force."""
        return list(self._core.schemas)

    def schema_batches(self, wanted: Iterable[bytes]) -> Sequence[int]:
        """Return the sequences in META of the current epoch that hold these parts."""
        known = self._core.schemas
        return [known[digest] for digest in wanted if digest in known]

    async def read(self, key: Key, high: int, *, frames: int, size: int) -> list[Frame]:
        """Return verified batches from `key` to at most `high`; none where the first is damaged."""
        epoch, lane, low = key
        log = self._core.logs[epoch, lane]
        return await self._spool.read(log, low, high, frames=frames, size=size)

    async def welcome(self, lanes: Sequence[object], claims: Sequence[Claim]) -> Belief:
        """Replace what is marked as stored by the centre's statement."""
        told = [log for log in self.lanes() if any(log is one for one in lanes)]
        return await self._spool.welcome(told, claims)

    async def acknowledge(self, claims: Sequence[Claim]) -> Belief:
        """Mark what the centre holds."""
        return await self._spool.acknowledge(claims)

    async def set_apart(self, key: Key, status: int) -> None:
        """The centre keeps this batch aside (QUARANTINED, FORKED)."""
        await self._spool.set_apart(*key, Disposed(status))

    async def refuse(self, key: Key) -> None:
        """The centre called this batch malformed twice: a gap names it."""
        await self._spool.refuse(*key)

    async def reopen(self, belief: Belief, epoch: bytes) -> None:
        """Begin a new epoch after `epoch`, because of a fork or a rollback."""
        await self._spool.open_epoch(_REASON[belief], instead_of=epoch)
