"""The process image: what every point is now, in columns, switched a block at a time.  Pure.

One writer (the owner of a line) replaces a whole block at once; a reader freezes everything and
sees one instant.  Under BAD without a value the last value and its old receive time stay, to be
shown with their age: no decision may use them.  Standard library only, as the engine beside it.
"""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

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


class Column(Protocol):
    """Numbers that lie in memory as the image keeps them, such as a numpy array of its type."""

    def __len__(self) -> int:
        """Return how many."""

    def tobytes(self) -> bytes:
        """Return them as they lie."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The image at one instant; nobody writes to its columns.

    Attributes:
        value: engineering value per point; NaN when there never was one.
        quality, reason, detail: integers of `proto.quality` per point.
        receive_mono_ns: when the value was received; 0 when never.
        source_us: wall time that the device gave; 0 = none.
        sequence: number of the newest change of the point; no change of any point has it again.
        link: per device, integers of `Link`.
    """

    value: Sequence[float]
    quality: Sequence[int]
    reason: Sequence[int]
    detail: Sequence[int]
    receive_mono_ns: Sequence[int]
    source_us: Sequence[int]
    sequence: Sequence[int]
    link: Sequence[int]


class ProcessImage:
    """The columns in the memory of the gateway; each change is one synchronous call.

    Attributes:
        layout: which column is which point.
        live: the columns themselves, without a copy: one instant for whoever reads them without
            giving up control in between, and of no worth after that.
        changes: number of the newest change; it rises with every one, those of links included.
    """

    def __init__(self, layout: ImageLayout) -> None:
        n = len(layout.points)
        self.layout = layout
        self.changes = 0
        self._value = array("d", [float("nan")]) * n
        self._quality = array("B", [BAD]) * n
        self._reason = array("B", [INIT]) * n
        self._detail = array("I", [0]) * n
        self._receive = array("q", [0]) * n
        self._source = array("q", [0]) * n
        self._sequence = array("q", [0]) * n
        self._link = array("B", [Link.INIT]) * len(layout.devices)
        self.live = Snapshot(
            value=self._value,
            quality=self._quality,
            reason=self._reason,
            detail=self._detail,
            receive_mono_ns=self._receive,
            source_us=self._source,
            sequence=self._sequence,
            link=self._link,
        )

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._value)

    def switch(
        self,
        first: int,
        *,
        value: Sequence[float] | Column,
        quality: Sequence[int] | Column,
        reason: Sequence[int] | Column,
        detail: Sequence[int] | Column,
        no_value: Sequence[bool],
        source_us: Sequence[int] | Column,
        receive_mono_ns: int,
    ) -> None:
        """Replace the block that begins at point `first`, all at once.

        Where `no_value` is True the last value, its receive and source time stay beside the new
        quality.  All sequences have the block's length, in point order.
        """
        end = first + len(value)
        assert end <= len(self._value), "a block never reaches beyond the image"
        if True in no_value:
            kept = [first + i for i, missing in enumerate(no_value) if missing]
            old = [(i, self._value[i], self._receive[i], self._source[i]) for i in kept]
        else:
            old = []
        self._value[first:end] = _floats(value)
        self._quality[first:end] = _ints("B", quality)
        self._reason[first:end] = _ints("B", reason)
        self._detail[first:end] = _ints("I", detail)
        self._source[first:end] = _ints("q", source_us)
        self._stamp(first, end, receive_mono_ns)
        for i, last, receive, source in old:
            self._value[i], self._receive[i], self._source[i] = last, receive, source

    def switch_good(
        self,
        first: int,
        value: Sequence[float] | Column,
        receive_mono_ns: int,
        source_us: Sequence[int] | Column | None = None,
    ) -> None:
        """Replace a block in which every value is GOOD; the common case, at a third of the cost."""
        n = len(value)
        end = first + n
        assert end <= len(self._value), "a block never reaches beyond the image"
        self._value[first:end] = _floats(value)
        self._quality[first:end] = self._reason[first:end] = array("B", bytes(n))
        self._detail[first:end] = array("I", bytes(4 * n))
        if source_us is None:
            self._source[first:end] = array("q", bytes(8 * n))
        else:
            self._source[first:end] = _ints("q", source_us)
        self._stamp(first, end, receive_mono_ns)

    def _stamp(self, first: int, end: int, receive_mono_ns: int) -> None:
        n = end - first
        self._receive[first:end] = array("q", [receive_mono_ns]) * n
        self.changes += 1
        self._sequence[first:end] = array("q", [self.changes]) * n

    def doubt(self, points: Iterable[int], reason: int, detail: int) -> None:
        """Make the points that are GOOD UNCERTAIN at once for one reason; values stay."""
        self.changes += 1
        for i in points:
            if self._quality[i] == GOOD:
                self._quality[i] = UNCERTAIN
                self._reason[i] = reason
                self._detail[i] = detail
                self._sequence[i] = self.changes

    def lose(self, points: Iterable[int], reason: int, detail: int) -> None:
        """Make points BAD at once for one reason; values and receive times stay."""
        self.changes += 1
        for i in points:
            self._quality[i] = BAD
            self._reason[i] = reason
            self._detail[i] = detail
            self._sequence[i] = self.changes

    def set_link(self, device: int, link: Link) -> None:
        """Say whether controller `device` can be heard."""
        if self._link[device] != link:
            self.changes += 1
            self._link[device] = int(link)

    def link(self, device: int) -> Link:
        """Return whether controller `device` can be heard."""
        return Link(self._link[device])

    def freeze(self) -> Snapshot:
        """Return a copy of the image of this instant, for whoever keeps it."""
        return Snapshot(
            value=self._value.tolist(),
            quality=self._quality.tolist(),
            reason=self._reason.tolist(),
            detail=self._detail.tolist(),
            receive_mono_ns=self._receive.tolist(),
            source_us=self._source.tolist(),
            sequence=self._sequence.tolist(),
            link=self._link.tolist(),
        )


def _floats(values: Sequence[float] | Column) -> "array[float]":
    """Return values as the image keeps them; numpy arrays are taken as they lie."""
    if isinstance(values, Sequence):
        return array("d", values)
    made: array[float] = array("d", values.tobytes())
    assert len(made) == len(values), "of the type of the column"
    return made


def _ints(code: str, values: Sequence[int] | Column) -> "array[int]":
    """Return integers as a column of type `code` keeps them."""
    if isinstance(values, Sequence):
        return array(code, values)
    made: array[int] = array(code, values.tobytes())
    assert len(made) == len(values), "of the type of the column"
    return made
