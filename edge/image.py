"""The process image: what every point is now, in columns, switched a block at a time.  Pure.

One writer (the owner of a line) replaces a whole block at once; a reader freezes everything and
sees one instant.  Under BAD without a value the last value and its old receive time stay, to be
shown with their age: no decision may use them.  Standard library only, as the engine beside it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

GOOD, UNCERTAIN, BAD, INIT = 0, 1, 2, 1
"""Qualities, and the reason of a point that was never read; pinned to `proto.quality` by a test."""


class Link(IntEnum):
    """Whether a controller can be heard.  INIT: not tried to the end since the start."""

    INIT = 0
    UP = 1
    LOST = 2
    STOPPED = 3  # answers, but its life signal stands


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """Which column is which point.

    Attributes:
        points: names `<device>/<point>` in the order of the plant's point table.
        devices: names of the devices.
        device_of: per point, index into `devices`.
        block_of: per point, number of the block (axis) that it arrives in.
    """

    points: tuple[str, ...]
    devices: tuple[str, ...]
    device_of: tuple[int, ...]
    block_of: tuple[int, ...]

    @property
    def hash(self) -> str:
        """Hex SHA-256 over names and order; writer and reader must agree on it."""
        text = "\n".join((*self.points, "", *self.devices, *map(str, self.device_of)))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The image at one instant; nobody writes to its lists.

    Attributes:
        value: engineering value per point; NaN when there never was one.
        quality, reason, detail: integers of `proto.quality` per point.
        receive_mono_ns: when the value was received; 0 when never.
        source_us: wall time that the device gave; 0 = none.
        sequence: how often the block of the point was switched; a new sample has a new number.
        link: per device, integers of `Link`.
    """

    value: list[float]
    quality: list[int]
    reason: list[int]
    detail: list[int]
    receive_mono_ns: list[int]
    source_us: list[int]
    sequence: list[int]
    link: list[int]


class ProcessImage:
    """The columns in the memory of the gateway; each change is one synchronous call."""

    def __init__(self, layout: ImageLayout) -> None:
        n = len(layout.points)
        self.layout = layout
        self._value = [float("nan")] * n
        self._quality = [BAD] * n
        self._reason = [INIT] * n
        self._detail = [0] * n
        self._receive = [0] * n
        self._source = [0] * n
        self._sequence = [0] * n
        self._link = [int(Link.INIT)] * len(layout.devices)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._value)

    def switch(
        self,
        first: int,
        *,
        value: Sequence[float],
        quality: Sequence[int],
        reason: Sequence[int],
        detail: Sequence[int],
        no_value: Sequence[bool],
        source_us: Sequence[int],
        receive_mono_ns: int,
    ) -> None:
        """Replace the block that begins at point `first`, all at once.

        Where `no_value` is True the last value, its receive and source time stay beside the new
        quality.  All sequences have the block's length, in point order.
        """
        end = first + len(value)
        assert end <= len(self._value), "a block never reaches beyond the image"
        if any(no_value):
            kept = [first + i for i, missing in enumerate(no_value) if missing]
            old = [(i, self._value[i], self._receive[i], self._source[i]) for i in kept]
        else:
            old = []
        self._value[first:end] = value
        self._quality[first:end] = quality
        self._reason[first:end] = reason
        self._detail[first:end] = detail
        self._source[first:end] = source_us
        self._receive[first:end] = [receive_mono_ns] * (end - first)
        sequence = self._sequence[first] + 1
        self._sequence[first:end] = [sequence] * (end - first)
        for i, last, receive, source in old:
            self._value[i], self._receive[i], self._source[i] = last, receive, source

    def switch_good(
        self,
        first: int,
        value: Sequence[float],
        receive_mono_ns: int,
        source_us: Sequence[int] | None = None,
    ) -> None:
        """Replace a block in which every value is GOOD; the common case, at a third of the cost."""
        n = len(value)
        end = first + n
        assert end <= len(self._value), "a block never reaches beyond the image"
        zeros = [0] * n
        self._value[first:end] = value
        self._quality[first:end] = zeros
        self._reason[first:end] = zeros
        self._detail[first:end] = zeros
        self._source[first:end] = zeros if source_us is None else source_us
        self._receive[first:end] = [receive_mono_ns] * n
        self._sequence[first:end] = [self._sequence[first] + 1] * n

    def doubt(self, points: Iterable[int], reason: int, detail: int) -> None:
        """Make the points that are GOOD UNCERTAIN at once for one reason; values stay."""
        for i in points:
            if self._quality[i] == GOOD:
                self._quality[i] = UNCERTAIN
                self._reason[i] = reason
                self._detail[i] = detail
                self._sequence[i] += 1

    def lose(self, points: Iterable[int], reason: int, detail: int) -> None:
        """Make points BAD at once for one reason; values and receive times stay."""
        for i in points:
            self._quality[i] = BAD
            self._reason[i] = reason
            self._detail[i] = detail
            self._sequence[i] += 1

    def set_link(self, device: int, link: Link) -> None:
        """Say whether controller `device` can be heard."""
        self._link[device] = int(link)

    def link(self, device: int) -> Link:
        """Return whether controller `device` can be heard."""
        return Link(self._link[device])

    def freeze(self) -> Snapshot:
        """Return the image of this instant."""
        return Snapshot(
            value=self._value.copy(),
            quality=self._quality.copy(),
            reason=self._reason.copy(),
            detail=self._detail.copy(),
            receive_mono_ns=self._receive.copy(),
            source_us=self._source.copy(),
            sequence=self._sequence.copy(),
            link=self._link.copy(),
        )
