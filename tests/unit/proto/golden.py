"""Golden frames: what a released version wrote must be read for ever.

A case is written once (`python -m tests.unit.proto.golden` writes those that are not there yet) and
never again: its expected values were checked by the plain decoder when it was made.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from proto.batch import Frame, Kind, Lane, decompress, seal
from proto.chain import LaneTip
from proto.checkpoint import Checkpoint, seal_checkpoint
from proto.gap import GapCause, GapEntry
from proto.meta_record import EpochReason, EpochRecord
from proto.point import PointType
from proto.quality import Quality, Reason, pack_quality
from proto.records import encode_records
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint
from tests.unit.proto.builders import (
    GATEWAY,
    T0_US,
    axis,
    f32,
    f64,
    record_frame,
    samples_frame,
    stamp,
)
from tests.unit.proto.plain_codec import decode_plain

FOLDER = Path(__file__).parents[2] / "cases" / "batch"
DEAD = pack_quality(Quality.BAD, Reason.COMM_LOSS, no_value=True)
WARY = pack_quality(Quality.UNCERTAIN, Reason.STUCK)

SAMPLES: dict[str, tuple[list, list[PointType]]] = {
    "samples_plain": (
        [axis([[5, 6, 8], [1, 0, 1]])],
        [PointType.U16, PointType.BOOL],
    ),
    "samples_every_type": (
        [
            axis(
                [
                    [0, 1, 1, 0],
                    [-5, 5, -32768, 32767],
                    [0, 65535, 1, 2],
                    [-(2**31), 2**31 - 1, 0, 0],
                    [0, 2**32 - 1, 7, 7],
                    [-(2**63), 2**63 - 1, 0, 1],
                    [-1, 0, 1, 2],
                    f32(63.5, 63.25, 64.0, -1.5),
                    f64(0.1, 0.2, 0.3, 1e-9),
                    [0x7F800001, 0x7FC00000, 0x80000000, 1],
                    f64(float("nan"), float("inf"), -0.0, 5e-324),
                ]
            )
        ],
        [*PointType, PointType.F32, PointType.F64],
    ),
    "samples_quality": (
        [
            axis(
                [[1, 2, 3, 4], [9, 9, 9, 9]],
                quality=[[0, DEAD, DEAD, WARY], [0, DEAD, DEAD, 0]],
                detail=[[0, 0x100, 0x100, 0], [7, 0x100, 0x100, 0]],
            )
        ],
        [PointType.I16, PointType.I16],
    ),
    "samples_times": (
        [
            axis(
                [[1, 2, 3]],
                skipped=[0, 2, 2],
                time_us=[T0_US + 3, T0_US + 3_000_000, T0_US + 3_999_990],
                source_us=[T0_US - 77, T0_US - 77, T0_US + 3_900_000],
                source_kind=2,
                uncertainty_us=321,
            ),
            axis([[7]], point_first=5, period_us=0, slot_first=None, time_us=[T0_US]),
        ],
        [PointType.U16] * 6,
    ),
}


def _meta(kind: Kind, raw: bytes, n: int = 1) -> Frame:
    return seal(
        stamp(),
        lane=Lane.META,
        kind=kind,
        seq=1,
        sample_first=1,
        n=n,
        raw=raw,
        t_first_us=T0_US,
        t_last_us=T0_US,
    )


def _schema() -> Frame:
    flow = SchemaPoint("bof1_plc/lance_in_flow", "FT-101", "进水流量", PointType.F32, "m3/h")
    table = SchemaAxis("bof1_plc", "bof_lance_plc", "fast", 100_000, 0, False, "plc", (flow,))
    return _meta(Kind.SCHEMA, SchemaPart((table,)).to_bytes())


def _gap() -> Frame:
    entry = GapEntry("g1", GapCause.DISK_FULL, bytes(16), Lane.BULK, 5, (1, 2), samples=(1, 5))
    return _meta(Kind.GAP, encode_records([entry.to_record()]))


def _epoch() -> Frame:
    record = EpochRecord(bytes(range(16)), EpochReason.NEW, GATEWAY, versions={"yujing": "0.1.0"})
    return _meta(Kind.EPOCH, encode_records([record.to_record()]))


def _checkpoint() -> Frame:
    tips = (LaneTip(2, 3, b"a" * 32), *[LaneTip()] * 4)
    said = Checkpoint(7, stamp().gateway_uid, stamp().epoch, T0_US, 5, tips, b"k" * 32)
    return _meta(Kind.CHECKPOINT, seal_checkpoint(said, lambda _: bytes(64)))


OTHERS: dict[str, Callable[[], Frame]] = {
    "records": lambda: record_frame({"k": "alarm.raised", "id": "1", "t": T0_US, "title": "漏水"}),
    "schema": _schema,
    "gap": _gap,
    "epoch": _epoch,
    "checkpoint": _checkpoint,
}


def _case(name: str) -> dict[str, object]:
    if name in OTHERS:
        frame = OTHERS[name]()
        return {"frame": frame.data.hex(), "raw": decompress(frame).hex()}
    axes, types = SAMPLES[name]
    frame = samples_frame(axes, types)
    raw = decompress(frame)
    kinds = [kind.value for kind in types]
    plain = decode_plain(raw, frame.header.t_first_us, kinds)
    return {
        "frame": frame.data.hex(),
        "raw": raw.hex(),
        "types": kinds,
        "axes": [asdict(one) for one in plain],
    }


def main() -> None:
    """Write the cases that are not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in (*SAMPLES, *OTHERS):
        path = FOLDER / f"v1_{name}.json"
        if not path.exists():
            path.write_text(json.dumps(_case(name), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
