"""Columns of a block from values looked at one by one, and before the first report.  Pure."""

from collections.abc import Sequence

import numpy as np

from devices.driver import BlockColumns, bad_columns
from devices.opcua.value import NodeValue
from proto.quality import Detail, Reason


def initial(n: int, mono_ns: int) -> BlockColumns:
    """Return the block before the first report: BAD (INIT)."""
    return bad_columns(n, Reason.INIT, Detail.NONE, mono_ns)


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
