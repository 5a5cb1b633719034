"""The seam between the owner of a line and a protocol: blocks, columns, errors.  Pure.

A driver is asked for one block at a time and answers with columns, one entry per point of the
block, in the block's order.  Whatever concerns one block or one point comes back as a quality; an
error is raised only when the connection itself is gone, and then the driver has already closed and
the next `connect()` reopens.  A unit that is silent, or answers nonsense, costs its own points
only: its columns are BAD, `outcome` says why, and the driver stays usable for the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from devices.address import Address
from devices.profile import Profile
from devices.text import TextBinding
from proto.point import Point
from proto.quality import Quality, Reason

CHANGES_MAX = 4096
"""Bound of the queue behind `changes()`; the oldest change is dropped and counted."""

Acquire = Literal["read", "subscribe"]
Moves = Literal["counter", "second", "toggle"]
Digest = Literal["identity", "program", "setpoint"]


@dataclass(frozen=True, slots=True)
class PointBinding:
    """One point and where this device keeps it.

    Attributes:
        point: as gateway and centre know it.
        address: table and register, or node.
        acquire: `read` = periodic read; `subscribe` = the device reports changes (OPC UA only).
        fault_values: raw numbers (before scale and offset) that mean "sensor broken".
        moves: how a life signal moves: `counter`, `second`, `toggle`, or None.
        toggle_ns: period of a toggle, from edge to same edge; None = not stated.
        source: name of the controller behind another path than `plc`; empty = the device itself.
        active: True for the flag by which a member of a pair says that it is the active one.
        digest: the number identifies the device, its program or its set-points; None = no.
        rate_max: fastest believable change, in units a second; None = not judged.
        stuck_after_ns: an unchanged value is UNCERTAIN after this time; None = not judged.
        clamped: values at which the instrument saturates; UNCERTAIN at or beyond; None = none.
        current: raw numbers outside which a current loop is broken (`loop_current.py`); None =
            no loop.
        together: points of one such name are read in one request; empty = none.
        sampling_ns: sampling interval asked of an OPC UA server; None = the rule of the driver.
        enum: texts of the numbers that the point may take.
    """

    point: Point
    address: Address
    acquire: Acquire = "read"
    fault_values: tuple[float, ...] = ()
    moves: Moves | None = None
    toggle_ns: int | None = None
    source: str = ""
    active: bool = False
    digest: Digest | None = None
    rate_max: float | None = None
    stuck_after_ns: int | None = None
    clamped: tuple[float, float] | None = None
    current: tuple[float, float] | None = None
    together: str = ""
    sampling_ns: int | None = None
    enum: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One device as a driver takes it.

    Attributes:
        name: `[[device]] name`; the part before the slash in the names of its points.
        unit_id: Modbus unit (1-255); 0 where the protocol has none.
        profile: what the model offers; limits and quirks are read from here.
        points: what this site reads, in the order of its configuration.
        poll_ns: poll class -> period in ns, for every class that a point names.
        texts: serial numbers, versions, digests: read seldom, an event when they change.
    """

    name: str
    unit_id: int
    profile: Profile
    points: tuple[PointBinding, ...]
    poll_ns: Mapping[str, int]
    texts: tuple[TextBinding, ...] = ()


class Request(Protocol):
    """What a block asks of its device; known to the driver of its protocol alone."""

    def describe(self) -> str:
        """Return one line for `yujing-edge plan`, such as `unit 1 FC3 0+24`."""


@dataclass(frozen=True, slots=True)
class Block:
    """Points that are read in one request, or reported by one subscription.

    Attributes:
        device: name of the device.
        poll: name of the poll class.
        period_ns: period of the class; of a subscription its publishing interval.
        subscribed: True when the values come from `changes()` instead of `read()`.
        points: in the order of the columns.
        request: opaque to everybody but the driver.
        rides_on: index (in `Driver.blocks`) of the faster block of the same device whose answer
            this one shares; None = it has a request of its own.  A rider lies whole inside its
            host, has a longer period that is a whole multiple of the host's, the same phase, and a
            grid of its own: whenever its slot is due, the owner first runs the host's slot that is
            due at the same time and then calls `read(rider)`, which sends nothing: it decodes the
            rider's points from the host's last answer, with its times, or gives them the host's
            BAD reason.  A rider costs no time on the line and never counts for the breaker.
    """

    device: str
    poll: str
    period_ns: int
    subscribed: bool
    points: tuple[Point, ...]
    request: Request = field(repr=False)
    rides_on: int | None = None

    def describe(self) -> str:
        """Return one line for `yujing-edge plan`: device, class, points, request."""
        how = "subscribed" if self.subscribed else "read"
        if self.rides_on is not None:
            how = f"rides on block {self.rides_on}:"
        return (
            f"{self.device} {self.poll} {how} {len(self.points)} points: {self.request.describe()}"
        )


class Outcome(IntEnum):
    """What became of one request; the breaker of the unit goes by this."""

    ANSWERED = 0
    """A well-formed answer to this question."""
    REFUSED = 1
    """An exception of the device itself: the unit is there."""
    BUSY = 2
    """Exception 5 or 6: the unit is there, and wants a pause of at least one period."""
    TIMED_OUT = 3
    """Silence until the deadline, or a gateway that says so of its unit (exceptions 10, 11)."""
    REJECTED = 4
    """Bytes that are no answer to this question."""
    NOT_SYNCED = 5
    """Not asked: the unit has not proved that nothing older is on its way."""
    NOT_ASKED = 6
    """Not asked for another reason: forbidden range, suspended, skipped."""

    @property
    def is_failure(self) -> bool:
        """True for what counts against the unit (`acquisition.md` 3.9)."""
        return self in (Outcome.TIMED_OUT, Outcome.REJECTED, Outcome.NOT_SYNCED)


@dataclass(slots=True, eq=False)
class BlockColumns:
    """One answer for one block, in the order of its points; nobody writes to it afterwards.

    Attributes:
        raw: int64[n], integers as read, bool 0 or 1, floats as IEEE bits (float32 in the low 32).
        value: float64[n] in the points' units; NaN where `no_value`.
        quality: uint8[n] of `Quality`.
        reason: uint8[n] of `Reason`.
        no_value: bool[n], True where `raw` and `value` are only filler.
        detail: uint32[n], the device's own code, or one of `Detail`.
        source_us: int64[n], wall time that the device gave, µs since 1970 UTC; 0 = none.
        sent_mono_ns: when the request left.
        receive_mono_ns: when the answer was here; age counts from here alone.
        outcome: what became of the request as a whole.
    """

    raw: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    no_value: NDArray[np.bool_]
    detail: NDArray[np.uint32]
    source_us: NDArray[np.int64]
    sent_mono_ns: int
    receive_mono_ns: int
    outcome: Outcome = Outcome.ANSWERED

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.raw)

    @property
    def mid_mono_ns(self) -> int:
        """The time of the values: the midpoint between sending and receiving."""
        return (self.sent_mono_ns + self.receive_mono_ns) // 2

    @property
    def uncertainty_us(self) -> int:
        """Half the round trip, rounded up."""
        return -((self.sent_mono_ns - self.receive_mono_ns) // 2000)


def bad_columns(
    n: int,
    reason: Reason,
    detail: int,
    mono_ns: int,
    *,
    sent_mono_ns: int | None = None,
    quality: Quality = Quality.BAD,
    outcome: Outcome = Outcome.NOT_ASKED,
) -> BlockColumns:
    """Return columns without any value: n points BAD for one reason, at `mono_ns`.

    `sent_mono_ns` is given where a request had left; else both times are `mono_ns`.
    """
    return BlockColumns(
        raw=np.zeros(n, np.int64),
        value=np.full(n, np.nan),
        quality=np.full(n, quality, np.uint8),
        reason=np.full(n, reason, np.uint8),
        no_value=np.ones(n, np.bool_),
        detail=np.full(n, detail, np.uint32),
        source_us=np.zeros(n, np.int64),
        sent_mono_ns=mono_ns if sent_mono_ns is None else sent_mono_ns,
        receive_mono_ns=mono_ns,
        outcome=outcome,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a subscription reported: one row of a subscribed block.

    Attributes:
        block_index: index into `Driver.blocks`.
        columns: the whole block as it stands after this report; points that did not change
            keep their value and source time.
        keep_alive: True when nothing changed and the server only said that it is there: the
            receive time in the image is refreshed, no row is stored.
        token: number to hand to `Subscriber.committed` once this row and all before it are on
            disk; 0 = nothing waits for it.
        replayed: True for a row of the server's history (reason REPLAYED): stored, never shown as
            live, never judged by interlocks or alarms.
        message: (subscription, number) of the message that ends with this row, in the server's
            own words; (0, 0) = none ends here.
    """

    block_index: int
    columns: BlockColumns
    keep_alive: bool = False
    token: int = 0
    replayed: bool = False
    message: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person may want to know: an EVENT record and a log event (`device.…`).

    Attributes:
        code: of the catalogue `proto.message`, such as `device.answer_late`.
        device: name of the device; empty when the whole line is meant.
        body: figures of the event, JSON values with their units in the names.
    """

    code: str
    device: str = ""
    body: Mapping[str, object] = field(default_factory=dict)


class Driver(Protocol):
    """One connection to equipment: one task calls it, one call at a time."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked, planned before any connection; the order never changes."""

    @property
    def connected(self) -> bool:
        """True from a successful `connect()` until `close()` or a loss that was noticed."""

    @property
    def ready_ns(self) -> int:
        """When the next read may start (monotonic): later than now while a line is drained."""

    async def connect(self) -> None:
        """Open the connection, once.

        Raises:
            DeviceUnreachable: nobody answers within the deadline.
            DeviceRefused: the device, or our own trust in it, says no.
        """

    async def read(self, block: Block) -> BlockColumns:
        """Read one block now; whatever concerns this block or its unit comes back as columns.

        Time-outs and rejected answers are BAD columns with their `outcome`; the driver waits out
        `ready_ns` and proves a unit that is not synced before it asks it.

        Raises:
            DeviceUnreachable: the connection is gone; the driver has closed.
        """

    async def probe(self, device: str) -> bool:
        """Ask a suspended device for a sign of life; True when it gave the right one.

        One request, which is never a sample (`acquisition.md` 3.9, HALF_OPEN).

        Raises:
            DeviceUnreachable: the connection is gone; the driver has closed.
        """

    @property
    def errand_ns(self) -> int | None:
        """When the driver wants to ask something outside the plan (monotonic); None = nothing.

        Searches for holes and limits, re-tests, canaries: the owner grants them as last in the
        order and within 5 % of the line (`acquisition.md` 3.6).
        """

    async def run_errand(self) -> None:
        """Make one request of an errand.

        Raises:
            DeviceUnreachable: the connection is gone; the driver has closed.
        """

    def notes(self) -> list[Note]:
        """Return what happened since the last call, oldest first; bounded, never waits."""

    def changes(self) -> list[Change]:
        """Return what subscriptions reported since the last call, oldest first; never waits."""

    async def close(self) -> None:
        """Close, whatever the state; returns within 1 s and may be called twice."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a server says of its own time.

    Attributes:
        server_us: its wall time, µs since 1970 UTC.
        sent_mono_ns, receive_mono_ns: between these it was read.
    """

    server_us: int
    sent_mono_ns: int
    receive_mono_ns: int


class Progress(NamedTuple):
    """How far one subscribed block is on disk: last whole message, source times of the last row.

    `filled_us` is the newest source time that came from history, one a point; None = nothing came.
    """

    message: tuple[int, int]
    source_us: NDArray[np.int64]
    filled_us: NDArray[np.int64] | None = None


@runtime_checkable
class Served(Protocol):
    """What a driver offers whose server revises what it is asked for (OPC UA)."""

    def served(self, block_index: int) -> Mapping[str, float]:
        """Return what was asked for a subscribed block and what was granted; may be empty."""


@runtime_checkable
class Resumable(Protocol):
    """What a driver offers that can go on after a restart of our own where it stood."""

    def cursor(self, progress: Mapping[int, Progress]) -> bytes:
        """Return what the next start needs: committed with its rows; progress is by block."""


@runtime_checkable
class Subscriber(Protocol):
    """What a driver offers beside `Driver` where a server reports changes (OPC UA)."""

    @property
    def service_level(self) -> int:
        """0-255 as the server says (`acquisition.md` 3.13.4); 255 where it says nothing."""

    def committed(self, token: int) -> None:
        """Every row up to `Change.token` is on disk: the server may forget its notifications."""

    def stand_by(self, *, is_standby: bool) -> None:
        """Sample without reporting (standby of a pair), or report again; never waits."""

    def take_clock(self) -> ClockReading | None:
        """Return the newest reading of the server's clock, each one once."""
