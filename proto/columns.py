"""The columns of a SAMPLES batch: encode, decode, and engineering values.  Pure.

Source: `batches.md` 3.4.
"""

import numpy as np
from numpy.typing import NDArray

from proto.axis import Axis, EncodedSamples, Int64s, PointTypes
from proto.columns_decode import SampleColumns, decode_columns, decode_samples
from proto.columns_encode import encode_samples, halve
from proto.numbers import widen
from proto.point import PointType

__all__ = [
    "Axis",
    "EncodedSamples",
    "PointTypes",
    "SampleColumns",
    "decode_columns",
    "decode_samples",
    "encode_samples",
    "halve",
    "values",
]


def values(raw: Int64s, type: PointType, scale: float, offset: float) -> NDArray[np.float64]:
    """Return engineering values: float64(raw) * scale + offset, two IEEE operations in this order.

    Args:
        raw: int64[…] as in `Axis.raw`, any shape.
        type: how the raw code is to be read.
        scale: factor; with offset 0, 1 leaves every bit of a float as it is.
        offset: addend.
    """
    number: NDArray[np.float64]
    if type is PointType.F32:
        number = widen(np.ascontiguousarray(raw).astype(np.uint32))
    elif type is PointType.F64:
        number = np.ascontiguousarray(raw).view(np.float64).copy()
    elif type is PointType.U64:
        number = np.ascontiguousarray(raw).view(np.uint64).astype(np.float64)
    else:
        number = raw.astype(np.float64)
    if scale == 1.0 and offset == 0.0:
        return number
    with np.errstate(over="ignore", invalid="ignore"):  # an infinity is no finite value: no reader
        return number * scale + offset  # takes it for one
