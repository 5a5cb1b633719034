"""Plain builders of columns, stamps and frames, with good defaults."""

from collections.abc import Sequence

import numpy as np

from proto.batch import ZERO_HASH, ClockState, Frame, Kind, Lane, Stamp, gateway_uid, seal
from proto.columns import Axis, encode_samples
from proto.point import PointType
from proto.records import encode_records

T0_US = 1_700_000_000_000_000
GATEWAY = "610581-bof1a"


def stamp(epoch: bytes = bytes(range(16))) -> Stamp:
    return Stamp(
        gateway_uid=gateway_uid(GATEWAY),
        epoch=epoch,
        anchor_wall_us=T0_US,
        anchor_mono_us=12_345_678,
        clock_offset_us=-1500,
        clock_err_us=900,
        boot_id=7,
        config_version=12,
        step_no=1,
        clock_state=ClockState.SYNCED,
    )


def axis(
    raw: Sequence[Sequence[int]],
    *,
    point_first: int = 0,
    period_us: int = 1_000_000,
    slot_first: int | None = 100,
    skipped: Sequence[int] | None = None,
    time_us: Sequence[int] | None = None,
    source_us: Sequence[int] | None = None,
    source_kind: int = 0,
    uncertainty_us: int = 1000,
    quality: Sequence[Sequence[int]] | None = None,
    detail: Sequence[Sequence[int]] | None = None,
) -> Axis:
    block = np.array(raw, np.int64)
    rows = block.shape[1]
    times = [T0_US + k * period_us for k in range(rows)] if time_us is None else time_us
    return Axis(
        point_first=point_first,
        period_us=period_us,
        slot_first=slot_first,
        skipped=None if skipped is None else np.array(skipped, np.int64),
        time_us=np.array(times, np.int64),
        source_us=None if source_us is None else np.array(source_us, np.int64),
        source_kind=source_kind,
        uncertainty_us=uncertainty_us,
        raw=block,
        quality=np.zeros(block.shape, np.uint16)
        if quality is None
        else np.array(quality, np.uint16),
        detail=np.zeros(block.shape, np.uint32) if detail is None else np.array(detail, np.uint32),
    )


def f32(*values: float) -> list[int]:
    """IEEE bits of float32 values."""
    return np.array(values, np.float32).view(np.uint32).astype(np.int64).tolist()


def f64(*values: float) -> list[int]:
    """IEEE bits of float64 values."""
    return np.array(values, np.float64).view(np.int64).tolist()


def same(left: Sequence[Axis], right: Sequence[Axis]) -> None:
    """Assert that two lists of axes are equal in every bit."""
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        for name in ("point_first", "period_us", "slot_first", "source_kind"):
            assert getattr(one, name) == getattr(other, name), name
        for name in ("skipped", "time_us", "source_us", "raw", "quality", "detail"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None), name
            if a is not None:
                assert a.dtype == b.dtype, name
                assert a.tolist() == b.tolist(), name


def samples_frame(
    axes: Sequence[Axis],
    types: Sequence[PointType],
    *,
    seq: int = 1,
    sample_first: int = 1,
    prev_hash: bytes = ZERO_HASH,
    schema_hash: bytes = ZERO_HASH,
) -> Frame:
    made = encode_samples(axes, types)
    return seal(
        stamp(),
        lane=Lane.BULK,
        kind=Kind.SAMPLES,
        seq=seq,
        sample_first=sample_first,
        n=made.n,
        raw=made.raw,
        t_first_us=made.t_first_us,
        t_last_us=made.t_last_us,
        schema_hash=schema_hash,
        prev_hash=prev_hash,
    )


def record_frame(
    *records: dict[str, object],
    lane: Lane = Lane.ALARM,
    seq: int = 1,
    sample_first: int = 1,
    prev_hash: bytes = ZERO_HASH,
) -> Frame:
    return seal(
        stamp(),
        lane=lane,
        kind=Kind.RECORDS,
        seq=seq,
        sample_first=sample_first,
        n=len(records),
        raw=encode_records(records),
        t_first_us=T0_US,
        t_last_us=T0_US,
        prev_hash=prev_hash,
    )
