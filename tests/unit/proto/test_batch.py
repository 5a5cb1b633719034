"""The frame: header layout, hashes, checks in their order, decompression."""

import hashlib
import os
import struct
from dataclasses import replace

import pytest
import zstandard

from proto import limits
from proto.batch import (
    ZERO_HASH,
    Codec,
    Flag,
    Frame,
    Kind,
    Lane,
    decompress,
    gateway_uid,
    open_frame,
    parse_header,
    seal,
)
from proto.errors import BatchDamaged
from tests.unit.proto.builders import T0_US, record_frame, stamp

RAW = b'{"k":"alarm.raised"}\n'


def frame(**changes: object) -> Frame:
    settings: dict[str, object] = {
        "lane": Lane.ALARM,
        "kind": Kind.RECORDS,
        "seq": 3,
        "sample_first": 5,
        "n": 1,
        "raw": RAW,
        "t_first_us": T0_US,
        "t_last_us": T0_US + 9,
        "schema_hash": b"s" * 32,
        "prev_hash": b"p" * 32,
    }
    return seal(stamp(), **(settings | changes))  # type: ignore[arg-type]


def rehash(block: bytes) -> bytes:
    """A header block with its own hash made right again."""
    return block[:224] + hashlib.sha256(b"yujing/batch/1\0" + block[:224]).digest()


def forged(at: int, code: str, value: int, made: Frame | None = None) -> bytes:
    made = made or frame()
    block = bytearray(made.block)
    struct.pack_into("<" + code, block, at, value)
    return rehash(bytes(block)) + made.payload


def with_payload(payload: bytes, **changes: object) -> Frame:
    """A frame of zstd codec whose payload is replaced, all its hashes right."""
    made = frame(**changes)
    header = replace(
        made.header, payload_len=len(payload), payload_hash=hashlib.sha256(payload).digest()
    )
    block = bytearray(made.block)
    struct.pack_into("<I", block, 60, len(payload))
    block[160:192] = header.payload_hash
    return open_frame(rehash(bytes(block)) + payload)


def code_of(data: bytes) -> str:
    with pytest.raises(BatchDamaged) as caught:
        open_frame(data)
    return caught.value.code


def test_the_header_stands_byte_for_byte_as_on_the_page() -> None:
    made = frame()
    block = made.block
    assert len(block) == 256
    assert block[:8] == b"YJB1\x00\x02\x01\x01"
    assert block[8:24] == hashlib.sha256(b"yujing/gateway/1\x00610581-bof1a").digest()[:16]
    assert block[24:40] == bytes(range(16))
    assert struct.unpack("<QQIIII", block[40:72]) == (3, 5, 1, len(made.payload), len(RAW), 0)
    assert struct.unpack("<qqqqq", block[72:112]) == (T0_US, T0_US + 9, T0_US, 12_345_678, -1500)
    assert struct.unpack("<IIIHBB", block[112:128]) == (900, 7, 12, 1, 3, 0)
    assert block[128:160] == b"s" * 32
    assert block[160:192] == hashlib.sha256(made.payload).digest()
    assert block[192:224] == b"p" * 32
    assert block[224:] == hashlib.sha256(b"yujing/batch/1\x00" + block[:224]).digest()


def test_a_frame_opens_to_what_was_sealed() -> None:
    made = frame()
    assert open_frame(made.data) == made
    assert decompress(made) == RAW
    assert parse_header(made.data) == made.header
    assert made.header.sample_last == 5
    assert not made.is_stub


def test_the_gateway_uid_is_sixteen_bytes_of_the_id() -> None:
    assert len(gateway_uid("610581-bof1a")) == 16
    assert gateway_uid("610581-bof1a") != gateway_uid("610581-bof1b")


def test_every_flipped_bit_of_a_frame_is_found() -> None:
    data = frame().data
    for at in range(len(data) * 8):
        broken = bytearray(data)
        broken[at // 8] ^= 1 << at % 8
        with pytest.raises(BatchDamaged):
            open_frame(bytes(broken))


def test_every_cut_of_a_frame_is_found() -> None:
    data = frame().data
    for length in range(len(data)):
        assert code_of(data[:length]) == "batch.length"
    assert code_of(data + b"\0") == "batch.length"


@pytest.mark.parametrize(
    ("at", "code", "value", "expected"),
    [
        (0, "I", 0x30424A58, "batch.magic"),
        (3, "B", ord("0"), "batch.magic"),
        (4, "B", 5, "batch.lane"),
        (4, "B", 2, "batch.kind"),
        (5, "B", 0, "batch.kind"),
        (5, "B", 1, "batch.kind"),
        (5, "B", 11, "batch.kind"),
        (6, "B", 2, "batch.codec"),
        (6, "B", 0, "batch.codec"),
        (7, "B", 2, "batch.hash_alg"),
        (40, "Q", 0, "batch.limit"),
        (40, "Q", 2**63, "batch.limit"),
        (48, "Q", 0, "batch.limit"),
        (48, "Q", 2**63 - 1, None),
        (48, "Q", 2**63, "batch.limit"),
        (56, "I", 0, "batch.limit"),
        (56, "I", 1025, "batch.limit"),
        (64, "I", 0, "batch.limit"),
        (64, "I", 2**20 + 1, "batch.limit"),
        (68, "I", 1, "batch.flags"),
        (68, "I", 8, "batch.flags"),
        (126, "B", 4, "batch.field"),
        (127, "B", 1, "batch.field"),
    ],
)
def test_a_field_out_of_its_rules_is_refused_by_name(
    at: int, code: str, value: int, expected: str | None
) -> None:
    data = forged(at, code, value)
    if expected is None:
        open_frame(data)
    else:
        assert code_of(data) == expected


def test_a_wrong_header_hash_is_told_before_anything_that_the_header_says() -> None:
    block = bytearray(frame().block)
    block[4] = 200
    assert code_of(bytes(block) + frame().payload) == "batch.header_hash"


def test_a_wrong_payload_is_told_before_the_rules() -> None:
    data = bytearray(forged(56, "I", 0))
    data[-1] ^= 1
    assert code_of(bytes(data)) == "batch.payload_hash"


def test_a_checkpoint_is_stored_and_never_compressed() -> None:
    made = frame(lane=Lane.META, kind=Kind.CHECKPOINT, raw=b"c" * 392, n=1)
    assert made.header.codec is Codec.STORED
    assert decompress(made) == b"c" * 392
    assert code_of(forged(6, "B", 1, made)) == "batch.codec"


def test_a_stub_is_lawful_in_lane_raw_only() -> None:
    raw_lane = frame(lane=Lane.RAW, kind=Kind.SAMPLES)
    stub = open_frame(raw_lane.block)
    assert stub.is_stub
    assert stub.header.payload_len == len(raw_lane.payload)
    assert stub.data == raw_lane.block
    assert code_of(frame().block) == "batch.length"
    with pytest.raises(BatchDamaged, match=r"batch\.stub"):
        decompress(stub)


def test_flags_stand_on_samples() -> None:
    made = frame(lane=Lane.BULK, kind=Kind.SAMPLES, flags=Flag.THINNED | Flag.REPLAYED)
    assert open_frame(made.data).header.flags == 3


def test_a_later_version_is_kept_and_not_decoded() -> None:
    later = open_frame(forged(3, "B", ord("2")))
    assert later.header.version == 2
    assert (later.header.seq, later.header.prev_hash) == (3, b"p" * 32)
    with pytest.raises(BatchDamaged, match=r"batch\.version"):
        decompress(later)
    open_frame(forged(127, "B", 9, later))  # what lies outside the frozen bytes is not judged


@pytest.mark.parametrize(
    "changes",
    [
        {"raw": b""},
        {"raw": b"x" * (2**20 + 1)},
        {"n": 0},
        {"n": 1025},
        {"seq": 0},
        {"seq": 2**63},
        {"sample_first": 0},
        {"lane": Lane.BULK},
        {"kind": Kind.GAP},
        {"flags": Flag.THINNED},
        {"t_first_us": 2**63},
        {"prev_hash": b"short"},
        {
            "raw": os.urandom(limits.FRAME_PAYLOAD_BYTES_MAX + 1),
            "lane": Lane.BULK,
            "kind": Kind.SAMPLES,
        },
    ],
)
def test_nothing_is_sealed_that_would_be_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BatchDamaged):
        frame(**changes)


def test_the_largest_frame_is_within_its_limit() -> None:
    raw = os.urandom(limits.FRAME_PAYLOAD_BYTES_MAX)
    made = frame(lane=Lane.BULK, kind=Kind.SAMPLES, raw=raw, codec=Codec.STORED)
    assert len(made.data) == limits.FRAME_BYTES_MAX
    assert open_frame(made.data).payload == raw
    assert code_of(made.data + b"x") == "batch.length"


def refused(payload: bytes) -> str:
    with pytest.raises(BatchDamaged) as caught:
        decompress(with_payload(payload))
    assert caught.value.code == "batch.zstd"
    return str(caught.value)


def test_a_payload_that_is_no_zstd_frame_is_refused() -> None:
    refused(RAW)
    refused(b"\x50\x2a\x4d\x18" + struct.pack("<I", len(RAW)) + RAW)  # a skippable frame


def test_trailing_bytes_after_the_zstd_frame_are_refused() -> None:
    good = zstandard.ZstdCompressor(level=3).compress(RAW)
    assert decompress(with_payload(good)) == RAW
    refused(good + b"\0")
    refused(good + good)


def test_a_zstd_frame_without_or_with_another_content_size_is_refused_before_decompression() -> (
    None
):
    refused(zstandard.ZstdCompressor(level=3, write_content_size=False).compress(RAW))
    refused(zstandard.ZstdCompressor(level=3).compress(RAW * 2))
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(2**24))
    assert "content size" in refused(bomb)


def test_a_zstd_window_of_more_than_eight_mebibytes_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj(size=len(RAW))
    # A frame of known size needs no window of its own; without single-segment it states one.
    plain = compressor.compress(RAW) + compressor.flush()
    assert zstandard.get_frame_parameters(plain).content_size == len(RAW)
    forged_window = (
        b"\x28\xb5\x2f\xfd" + bytes((0x80, (24 - 10) << 3)) + struct.pack("<I", len(RAW))
    )
    body = forged_window + struct.pack("<I", len(RAW) << 3 | 1)[:3] + RAW
    assert zstandard.get_frame_parameters(body).window_size == 2**24
    assert "window" in refused(body)


def test_a_record_frame_reads_back() -> None:
    made = record_frame({"k": "alarm.raised", "id": "1", "t": T0_US, "m": 1})
    assert made.header.prev_hash == ZERO_HASH
    assert decompress(open_frame(made.data)).endswith(b"\n")
