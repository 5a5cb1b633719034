"""Frames of every released version are read as on the day they were written."""

import json
from pathlib import Path

import pytest

from proto.batch import Kind, decompress, open_frame
from proto.checkpoint import open_checkpoint
from proto.columns import decode_samples, encode_samples
from proto.gap import GapEntry
from proto.meta_record import EpochRecord
from proto.point import PointType
from proto.records import decode_records
from proto.schema import SchemaPart
from tests.unit.proto.golden import FOLDER, OTHERS, SAMPLES
from tests.unit.proto.plain_codec import PlainAxis, decode_plain

CASES = sorted(FOLDER.glob("v1_*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_golden_frame_is_read_as_it_was_written(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    frame = open_frame(bytes.fromhex(case["frame"]))
    raw = decompress(frame)
    assert raw.hex() == case["raw"]
    header = frame.header
    match header.kind:
        case Kind.SAMPLES:
            types = [PointType(name) for name in case["types"]]
            axes = decode_samples(raw, header.n, header.t_first_us, types)
            wanted = [PlainAxis(**one) for one in case["axes"]]
            assert decode_plain(raw, header.t_first_us, case["types"]) == wanted
            for one, other in zip(axes, wanted, strict=True):
                assert one.raw.tolist() == other.raw
                assert one.quality.tolist() == other.quality
                assert one.detail.tolist() == other.detail
                assert one.time_us.tolist() == other.time_us
            assert encode_samples(axes, types).raw == raw  # the encoder still writes the same
        case Kind.SCHEMA:
            assert SchemaPart.parse(raw).points[0].tag == "FT-101"
        case Kind.CHECKPOINT:
            assert open_checkpoint(raw).checkpoint.tips[0].tip_seq == 1
        case Kind.GAP:
            assert GapEntry.from_record(decode_records(raw)[0]).n == 5
        case Kind.EPOCH:
            assert EpochRecord.from_record(decode_records(raw)[0]).epoch == header.epoch
        case _:
            assert decode_records(raw)[0]["title"] == "漏水"


def test_every_kind_of_golden_frame_is_there() -> None:
    assert {path.stem for path in CASES} >= {f"v1_{name}" for name in (*SAMPLES, *OTHERS)}
