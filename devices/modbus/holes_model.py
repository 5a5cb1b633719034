"""The nouns of `holes`: what is planned, what is known, what is heard, what follows.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from devices.modbus.ask import Ask

Policy = Literal["commissioning", "auto", "never"]
"""`probing` of the line or device: only under an open mark, at any time, not at all."""


@dataclass(frozen=True, slots=True)
class Target:
    """One planned block, as far as holes concern it.

    Attributes:
        hull: from its first to its last point, without padding.
        asks: what the plan sends, one a cycle in turn; one or two, each covers the hull.
        spans: (start, length) per column of the block; then those of its riders, by `read` never
            looked at but searched along, because a rider's hole is its host's.
        columns: how many of `spans` are the block's own columns.
        is_fenced: True on a line under the full guard: counts 1-3 belong to probes.
    """

    hull: Ask
    asks: tuple[Ask, ...]
    spans: tuple[tuple[int, int], ...]
    columns: int
    is_fenced: bool = False


class FactKind(StrEnum):
    """What can be known of a unit."""

    HOLE = "hole"
    """No request may touch `first` to `last` (a barrier without room: `last` = `first` - 1)."""
    LIMIT = "limit"
    """No request of this table may ask more than `last`."""
    TABLE = "table"
    """The unit does not have this table."""
    UNPADDED = "unpadded"
    """A read of exactly `first` to `last` is accepted, a longer one is not."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a device showed.

    Attributes:
        kind: see `FactKind`.
        function: function code 1-4.
        first, last: addresses, or a quantity; 0 for a table.
        exception: with which the device said so.
        probes: requests that it took to find out.
        date: ISO day on which it was found; empty until the shell has written it.
        retest_ns: when it is asked again (monotonic); 0 = at once.
    """

    kind: FactKind
    function: int
    first: int = 0
    last: int = 0
    exception: int = 2
    probes: int = 0
    date: str = ""
    retest_ns: int = 0

    def forbids(self, start: int, end: int) -> bool:
        """Return True for a hole that the addresses `start` to `end` (behind it) would touch."""
        return self.kind is FactKind.HOLE and self.first < end and start <= self.last

    def describe(self) -> str:
        """Return `FC3 50..51 refused (exception 2, 15 requests)`."""
        what = {
            FactKind.HOLE: f"FC{self.function} {self.first}..{self.last} refused",
            FactKind.LIMIT: f"FC{self.function} at most {self.last}",
            FactKind.TABLE: f"FC{self.function} not there",
            FactKind.UNPADDED: f"FC{self.function} {self.first}..{self.last} without padding",
        }[self.kind]
        return f"{what} (exception {self.exception}, {self.probes} requests)"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a block is read in this cycle.

    Attributes:
        asks: what to send, in this order; empty when nothing may be asked.
        missing: (column, exception) of points that no request covers: BAD(DEVICE_ERROR/exception).
    """

    asks: tuple[Ask, ...]
    missing: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A planned request of `block` was answered with exception 1, 2 or 3."""

    block: int
    ask: Ask
    exception: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A planned request of a block that is not calm was answered."""

    block: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class Probed:
    """A request of `errand` was answered: 0, or with an exception."""

    ask: Ask
    exception: int = 0


@dataclass(frozen=True, slots=True)
class ProbeLost:
    """A request of `errand` stayed without a usable answer."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Permission:
    """A mark that names the device for probing was opened, or is over."""

    is_open: bool


Event = Refused | Answered | Probed | ProbeLost | Permission


@dataclass(frozen=True, slots=True)
class Report:
    """Something to tell: becomes a `Note` of the driver, which adds the device.

    Attributes:
        code: `device.hole_found`, `device.hole_gone`, `device.probing_requested`,
            `device.plan_changed`.
        body: figures.
    """

    code: str
    body: Mapping[str, object] = field(default_factory=dict)
