"""A driver that answers from a table: for tests of whoever owns a line.  Pure.

It passes the same contract test as the real ones.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from devices.driver import CHANGES_MAX, Block, BlockColumns, Change, Note, Outcome, bad_columns
from devices.failure import LinkFailed
from proto.errors import DeviceError
from proto.point import PointType
from proto.quality import Detail, Quality, Reason


def good_columns(
    block: Block,
    values: Mapping[str, float],
    sent_mono_ns: int,
    receive_mono_ns: int,
    source_us: int = 0,
) -> BlockColumns:
    """Return columns with the given engineering values by point name; a missing one is BAD(CONFIG).

    Values must be exact in the points' types: raw is computed from them.
    """
    n = len(block.points)
    names = [point.name for point in block.points]
    missing = np.array([name not in values for name in names], np.bool_)
    value = np.array([values.get(name, np.nan) for name in names], np.float64)
    raw = [0 if gone else _raw(block, at, value[at]) for at, gone in enumerate(missing)]
    return BlockColumns(
        raw=np.array(raw, np.int64),
        value=value,
        quality=np.where(missing, Quality.BAD, Quality.GOOD).astype(np.uint8),
        reason=np.where(missing, Reason.CONFIG, Reason.NONE).astype(np.uint8),
        no_value=missing,
        detail=np.zeros(n, np.uint32),
        source_us=np.full(n, source_us, np.int64),
        sent_mono_ns=sent_mono_ns,
        receive_mono_ns=receive_mono_ns,
    )


REASONS: Mapping[Outcome, tuple[Reason, int]] = {
    Outcome.REFUSED: (Reason.DEVICE_ERROR, 2),
    Outcome.BUSY: (Reason.DEVICE_ERROR, 6),
    Outcome.TIMED_OUT: (Reason.COMM_LOSS, Detail.TIMED_OUT),
    Outcome.REJECTED: (Reason.PROTOCOL, Detail.WRONG_BYTE_COUNT),
    Outcome.NOT_SYNCED: (Reason.PROTOCOL, Detail.NOT_SYNCED),
    Outcome.NOT_ASKED: (Reason.DEVICE_ERROR, Detail.FORBIDDEN_RANGE),
}
"""What the points of a failed request say, per scripted outcome."""


def _raw(block: Block, at: int, value: float) -> int:
    point = block.points[at]
    match point.type:
        case PointType.F32:
            return int(np.float32(value).view(np.uint32))
        case PointType.F64:
            return int(np.float64(value).view(np.int64))
        case _:
            return round((value - point.offset) / point.scale)


class FakeDriver:
    """Answers each block from `values`; opens, closes and fails as told.

    Attributes:
        values: point name -> engineering value; change it between reads.
        errors: raised by the next calls of `connect`, `read`, `probe` and `run_errand`, oldest
            first; the driver closes.
        outcomes: device name -> what becomes of its reads and probes, until changed; a device
            that is not named answers.
        script: outcomes of the next reads, whatever the device, oldest first; they come before
            `outcomes`.
        reads: how often each block was read, by index.
        probes: how often each device was probed, by name.
        errands: how many errands were run; each takes the first of `errands_at`.
        errands_at: when the driver wants its errands (monotonic), oldest first.
        ready_at: what `ready_ns` says.
        pending: what `notes()` hands out next.
    """

    def __init__(
        self, blocks: Sequence[Block], mono_ns: Callable[[], int], *, round_trip_ns: int = 1_000_000
    ) -> None:
        self.values: dict[str, float] = {}
        self.errors: deque[DeviceError] = deque()
        self.outcomes: dict[str, Outcome] = {}
        self.script: deque[Outcome] = deque()
        self.reads: dict[int, int] = {}
        self.probes: dict[str, int] = {}
        self.errands = 0
        self.errands_at: deque[int] = deque()
        self.ready_at = 0
        self.pending: deque[Note] = deque(maxlen=CHANGES_MAX)
        self._blocks = tuple(blocks)
        self._mono_ns = mono_ns
        self._round_trip_ns = round_trip_ns
        self._connected = False
        self._changes: deque[Change] = deque(maxlen=CHANGES_MAX)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True between `connect()` and `close()` or a scripted error."""
        return self._connected

    @property
    def ready_ns(self) -> int:
        """What `ready_at` says."""
        return self.ready_at

    async def connect(self) -> None:
        """Open, or raise the next scripted error."""
        self._raise_next()
        self._connected = True

    async def read(self, block: Block) -> BlockColumns:
        """Answer from `values`, fail as scripted, or raise the next scripted error."""
        self._check(block.device)
        at = self._blocks.index(block)
        self.reads[at] = self.reads.get(at, 0) + 1
        now = self._mono_ns()
        outcome = self._outcome(block.device)
        if outcome is Outcome.ANSWERED:
            return good_columns(block, self.values, now - self._round_trip_ns, now)
        reason, detail = REASONS[outcome]
        sent = now - self._round_trip_ns
        n = len(block.points)
        return bad_columns(n, reason, detail, now, sent_mono_ns=sent, outcome=outcome)

    async def probe(self, device: str) -> bool:
        """Say whether the device answers now: what its reads would say."""
        self._check(device)
        self.probes[device] = self.probes.get(device, 0) + 1
        return not self._outcome(device).is_failure

    @property
    def errand_ns(self) -> int | None:
        """The first of `errands_at`."""
        return self.errands_at[0] if self.errands_at else None

    async def run_errand(self) -> None:
        """Take the first of `errands_at`, and count it."""
        self._check("")
        if self.errands_at:
            self.errands_at.popleft()
            self.errands += 1

    def notes(self) -> list[Note]:
        """Return and forget `pending`."""
        found = list(self.pending)
        self.pending.clear()
        return found

    def report(self, block_index: int, columns: BlockColumns, *, keep_alive: bool = False) -> None:
        """Let a subscription report; `changes()` hands it on."""
        self._changes.append(Change(block_index, columns, keep_alive))

    def changes(self) -> list[Change]:
        """Return what was reported since the last call."""
        found = list(self._changes)
        self._changes.clear()
        return found

    async def close(self) -> None:
        """Close; may be called twice."""
        self._connected = False

    def _check(self, device: str) -> None:
        if not self._connected:
            raise LinkFailed("not connected", place=device)
        self._raise_next()

    def _outcome(self, device: str) -> Outcome:
        if self.script:
            return self.script.popleft()
        return self.outcomes.get(device, Outcome.ANSWERED)

    def _raise_next(self) -> None:
        if self.errors:
            self._connected = False
            raise self.errors.popleft()
