"""What the archive takes in and gives back: shapes between ingest, archive and readers.  Pure.

Source: `batches.md` 3.14, `central.md` 3.2 and 3.9.  Times are microseconds since 1970 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proto.batch import Header
from proto.errors import IngestError
from proto.gap import GapEntry
from proto.point import PointType
from proto.quality import Quality


class Admitted(NamedTuple):
    """One frame that judge and admission let through; not decoded yet."""

    site: str
    gateway: str
    carrier: str
    header: Header
    block: bytes
    payload: bytes
    received_us: int
    late: bool
    ref: int


class Outcome(NamedTuple):
    """What became of one admitted frame, after the commit."""

    ref: int
    status: int  # proto.v1.uplink_pb2.Status
    stored_hash: bytes
    code: int


class Stored(NamedTuple):
    """One batch as read back: the bytes received, with its arrival number."""

    arrival: int
    site: str
    gateway: str
    block: bytes
    payload: bytes
    received_us: int
    late: bool


@dataclass(frozen=True, slots=True)
class ArchivedPoint:
    """One point as the newest point table of its gateway declares it.

    Attributes:
        point: `<device>/<point>`; unique in the site.
        period_us: nominal period of its axis; 0 when the value comes on change.
    """

    point: str
    tag: str
    title: str
    type: PointType
    unit: str
    scale: float
    offset: float
    range_low: float | None
    range_high: float | None
    parameter: str
    process_unit: str
    life: bool
    device: str
    profile: str
    poll: str
    period_us: int
    subscribed: bool
    path: str
    gateway: str


@dataclass(frozen=True, slots=True, eq=False)
class PointColumns:
    """Samples of one point in time order.

    Attributes:
        time_us: int64[n], gateway time of acquisition, ascending.
        value: float64[n] in the point's unit; NaN where there is no number.
        quality, reason: uint8[n].
        late: bool[n], stored after newer data (backfill).
    """

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    late: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of a history; n = 0 is a gap and is drawn as one."""

    t_us: int
    n: int
    n_good: int
    v_min: float | None
    v_max: float | None
    v_avg: float | None
    v_last: float | None
    quality: Quality  # worst in the bucket; BAD where there is no sample
    late: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record of lane ALARM or EVENT (or META, kind `gap` and so on) as the gateway wrote it."""

    site: str
    gateway: str
    lane: int
    t_us: int
    m_us: int
    boot_id: int
    late: bool
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap entry with the time it covers."""

    site: str
    gateway: str
    epoch: bytes
    entry: GapEntry
    t0_us: int
    t1_us: int


@dataclass(frozen=True, slots=True)
class ForkRow:
    """Two batches with one key and different bytes: both are kept."""

    site: str
    epoch: bytes
    lane: int
    seq: int
    stored_hash: bytes
    other_hash: bytes
    received_us: int


class ArchiveFull(IngestError):
    """No room; nothing was changed and nothing is acknowledged."""

    retry = True


class ArchiveBroken(IngestError):
    """The database refused; nothing was changed and nothing is acknowledged."""

    retry = True
