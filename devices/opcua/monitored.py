"""What a subscription reports, folded into rows of its block.  Pure.

A server sends only what changed.  The fold keeps the last value of every item, so that each row is
the whole block.  Several values of one item in one report are several rows, oldest first: nothing
between two publishes is dropped.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from devices.driver import BlockColumns, bad_columns
from devices.opcua.value import NodeValue
from proto.quality import Detail, Reason


class Report(NamedTuple):
    """One value of one item: its position in the block, the value, the source time (0 = none)."""

    item: int
    value: NodeValue
    source_us: int


def initial(n: int, mono_ns: int) -> BlockColumns:
    """Return the block before the first report: BAD (INIT)."""
    return bad_columns(n, Reason.INIT, Detail.NONE, mono_ns)


def fold(before: BlockColumns, reports: Iterable[Report], mono_ns: int) -> list[BlockColumns]:
    """Return the rows that one report makes of the block, oldest first; `before` stays as it is.

    Args:
        before: the block as it stood.
        reports: in the server's order.
        mono_ns: when the report was here; the time of every row.
    """
    layers: list[list[Report]] = []
    depth: dict[int, int] = {}
    for report in reports:
        at = depth.get(report.item, 0)
        depth[report.item] = at + 1
        if at == len(layers):
            layers.append([])
        layers[at].append(report)
    rows: list[BlockColumns] = []
    for layer in layers:
        before = _apply(before, layer, mono_ns)
        rows.append(before)
    return rows


def refreshed(columns: BlockColumns, mono_ns: int) -> BlockColumns:
    """Return the same values, vouched for again by the server at `mono_ns`."""
    return _apply(columns, (), mono_ns)


def columns_of(
    values: Sequence[NodeValue], source_us: Sequence[int], sent_mono_ns: int, receive_mono_ns: int
) -> BlockColumns:
    """Return the answer to one bulk Read as columns."""
    return BlockColumns(
        raw=np.array([value.raw for value in values], np.int64),
        value=np.array([value.value for value in values], np.float64),
        quality=np.array([value.quality for value in values], np.uint8),
        reason=np.array([value.reason for value in values], np.uint8),
        no_value=np.array([value.no_value for value in values], np.bool_),
        detail=np.array([value.detail for value in values], np.uint32),
        source_us=np.array(source_us, np.int64),
        sent_mono_ns=sent_mono_ns,
        receive_mono_ns=receive_mono_ns,
    )


def _apply(before: BlockColumns, reports: Sequence[Report], mono_ns: int) -> BlockColumns:
    after = BlockColumns(
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
    for item, value, source_us in reports:
        after.raw[item] = value.raw
        after.value[item] = value.value
        after.quality[item] = value.quality
        after.reason[item] = value.reason
        after.no_value[item] = value.no_value
        after.detail[item] = value.detail
        after.source_us[item] = source_us
    return after
