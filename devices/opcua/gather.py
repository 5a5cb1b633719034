"""One publish response to rows of its block: a gather by slot, no call per value.  Pure.

Values of the declared type with a GOOD status, which is nearly all of them, are collected in lists
and go into the columns by one numpy assignment per column; every other value takes the slow way
through `value.decode`.  Several values of one item in one response are several rows, oldest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.address import NodeType
from devices.driver import BlockColumns
from devices.opcua.plan import NodeItem
from devices.opcua.value import NodeValue
from proto.quality import Quality, Reason

_INTEGERS = frozenset(set(NodeType) - {NodeType.FLOAT, NodeType.DOUBLE, NodeType.UINT64})


class Plain(NamedTuple):
    """Values without any doubt: parallel lists."""

    slots: list[int]
    numbers: list[float]
    times_us: list[int]


class Odd(NamedTuple):
    """One value that was looked at on its own."""

    slot: int
    value: NodeValue
    time_us: int


@dataclass(slots=True, eq=False)
class Layer:
    """What one row takes up: at most one value an item."""

    floats: Plain
    integers: Plain
    odd: list[Odd]


def layer() -> Layer:
    """Return an empty layer."""
    return Layer(Plain([], [], []), Plain([], [], []), [])


class Gather:
    """How the items of one block become columns; compiled once.

    Attributes:
        is_integer: per slot: True for whole numbers and booleans.
        is_plain: per slot: False where every value must be looked at (fault values, UInt64).
    """

    def __init__(self, items: Sequence[NodeItem]) -> None:
        self.is_integer = [item.type in _INTEGERS for item in items]
        self.is_plain = [
            not item.fault_values and item.type is not NodeType.UINT64 for item in items
        ]
        self._scale = np.array([item.scale for item in items], np.float64)
        self._offset = np.array([item.offset for item in items], np.float64)
        self._single = np.array([item.type is NodeType.FLOAT for item in items], np.bool_)

    def row(self, before: BlockColumns, found: Layer, mono_ns: int) -> BlockColumns:
        """Return the block after one layer; `before` stays as it is."""
        after = copy(before, mono_ns)
        if found.floats.slots:
            slots = np.array(found.floats.slots, np.intp)
            numbers = np.array(found.floats.numbers, np.float64)
            raw = numbers.view(np.int64)
            single = self._single[slots]
            if single.any():
                with np.errstate(over="ignore", invalid="ignore"):
                    short = numbers.astype(np.float32).view(np.uint32).astype(np.int64)
                raw = np.where(single, short, raw)
            self._put(after, slots, raw, numbers, found.floats.times_us)
        if found.integers.slots:
            slots = np.array(found.integers.slots, np.intp)
            whole = np.array(found.integers.numbers, np.int64)
            self._put(after, slots, whole, whole.astype(np.float64), found.integers.times_us)
        for slot, value, time_us in found.odd:
            after.raw[slot], after.value[slot] = value.raw, value.value
            after.quality[slot], after.reason[slot] = value.quality, value.reason
            after.no_value[slot], after.detail[slot] = value.no_value, value.detail
            after.source_us[slot] = time_us
        return after

    def _put(
        self,
        after: BlockColumns,
        slots: NDArray[np.intp],
        raw: NDArray[np.int64],
        numbers: NDArray[np.float64],
        times_us: list[int],
    ) -> None:
        value = numbers * self._scale[slots] + self._offset[slots]
        finite = np.isfinite(value)
        after.raw[slots], after.value[slots] = raw, value
        after.quality[slots] = np.where(finite, Quality.GOOD, Quality.BAD)
        after.reason[slots] = np.where(finite, Reason.NONE, Reason.NOT_A_NUMBER)
        after.no_value[slots] = False
        after.detail[slots] = 0
        after.source_us[slots] = times_us


def copy(before: BlockColumns, mono_ns: int) -> BlockColumns:
    """Return the same values with the times of `mono_ns`."""
    return BlockColumns(
        raw=before.raw.copy(),
        value=before.value.copy(),
        quality=before.quality.copy(),
        reason=before.reason.copy(),
        no_value=before.no_value.copy(),
        detail=before.detail.copy(),
        source_us=before.source_us.copy(),
        sent_mono_ns=mono_ns,
        receive_mono_ns=mono_ns,
    )


def lost(before: BlockColumns, detail: int, mono_ns: int) -> BlockColumns:
    """Return the row that shows a notification message that nobody has any more."""
    after = copy(before, mono_ns)
    after.quality[:] = Quality.BAD
    after.reason[:] = Reason.OVERFLOW
    after.detail[:] = detail
    after.no_value[:] = True
    return after
