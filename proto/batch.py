"""The frame: header block and payload, hashed and chained; one form on disk and wire.  Pure.

Rules of this file:
- `seal` is the only way to make a frame, `open_frame` the only way to trust one; bytes are never
  re-encoded for a hash.
- Checks run in the order length, magic, header hash, payload hash, then what the header says;
  no state is needed.
- A frame of a later version opens by its frozen fields and is kept; only `decompress` refuses it.
- The payload stands in the header's hash only by its own hash: it can be erased lawfully and the
  chain still verifies.

Source: `batches.md` 3.3 and 3.5.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import zstandard

from proto import limits
from proto.header import (
    HASH_SHA256,
    MAGIC,
    ZERO_HASH,
    ClockState,
    Codec,
    Flag,
    Header,
    Kind,
    Lane,
    check_numbers,
    check_rules,
    damaged,
    pack_header,
    parse_header,
)

__all__ = [
    "HASH_SHA256",
    "MAGIC",
    "ZERO_HASH",
    "ClockState",
    "Codec",
    "Flag",
    "Frame",
    "Header",
    "Kind",
    "Lane",
    "Stamp",
    "decompress",
    "gateway_uid",
    "open_frame",
    "parse_header",
    "seal",
]

_GATEWAY_DOMAIN = b"yujing/gateway/1\0"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1


@dataclass(frozen=True, slots=True)
class Stamp:
    """The header fields that a gateway knows and does not compute."""

    gateway_uid: bytes
    epoch: bytes
    anchor_wall_us: int
    anchor_mono_us: int
    clock_offset_us: int = 0
    clock_err_us: int = limits.CLOCK_ERR_UNKNOWN
    boot_id: int = 0
    config_version: int = 0
    step_no: int = 0
    clock_state: ClockState = ClockState.UNSET


class Frame(NamedTuple):
    """One batch as carried: header, its 256 bytes, payload (empty in a stub of lane RAW)."""

    header: Header
    block: bytes
    payload: bytes

    @property
    def data(self) -> bytes:
        """The bytes on disk, on the wire and in the archive."""
        return self.block + self.payload

    @property
    def is_stub(self) -> bool:
        """True for a header block alone: the payload stays on site."""
        return not self.payload


def gateway_uid(gateway_id: str) -> bytes:
    """Return the 16 bytes that stand for a gateway in headers."""
    return hashlib.sha256(_GATEWAY_DOMAIN + gateway_id.encode()).digest()[:16]


def seal(
    stamp: Stamp,
    *,
    lane: Lane,
    kind: Kind,
    seq: int,
    sample_first: int,
    n: int,
    raw: bytes,
    t_first_us: int,
    t_last_us: int,
    schema_hash: bytes = ZERO_HASH,
    prev_hash: bytes = ZERO_HASH,
    flags: int = 0,
    codec: Codec = Codec.ZSTD,
) -> Frame:
    """Make the frame of one batch: compress, hash, link.

    Args:
        stamp: what the gateway knows: identity, epoch, clocks, boot, configuration.
        lane: where the batch belongs.
        kind: what it holds; a CHECKPOINT is stored whatever `codec` says.
        seq: dense from 1 per (epoch, lane), never used twice.
        sample_first: number of the first sample or record, dense from 1 per (epoch, lane).
        n: samples or records.
        raw: payload before compression.
        t_first_us: gateway time of the oldest sample.
        t_last_us: gateway time of the newest sample.
        schema_hash: hash of the schema part that explains the payload; zeros where none.
        prev_hash: `hash` of seq - 1 in this lane; `proto.chain.LaneTip` carries it.
        flags: see `Flag`.
        codec: how the payload is carried.

    Raises:
        BatchDamaged: the batch breaks a limit or rule by which its own reader would refuse it.
    """
    stored = codec is Codec.STORED or kind is Kind.CHECKPOINT
    payload = raw if stored else zstandard.ZstdCompressor(level=limits.ZSTD_LEVEL).compress(raw)
    start = (lane, kind, Codec.STORED if stored else Codec.ZSTD, HASH_SHA256)
    counts = (seq, sample_first, n, len(payload), len(raw), flags, t_first_us, t_last_us)
    clocks = (stamp.anchor_wall_us, stamp.anchor_mono_us, stamp.clock_offset_us, stamp.clock_err_us)
    boot = (stamp.boot_id, stamp.config_version, stamp.step_no, stamp.clock_state)
    hashes = (schema_hash, hashlib.sha256(payload).digest(), prev_hash, ZERO_HASH)
    draft = Header(*start, stamp.gateway_uid, stamp.epoch, *counts, *clocks, *boot, *hashes)
    check_rules(draft)
    header, block = pack_header(draft)
    return Frame(header, block, payload)


def open_frame(data: bytes) -> Frame:
    """Return the frame in `data` after every check that needs no state.

    Raises:
        BatchDamaged: code `batch.` + `length`, `magic`, `hash_alg`, `header_hash`, `lane`, `kind`,
            `codec`, `field`, `payload_hash`, `flags` or `limit`; nothing else, on any bytes.
    """
    if len(data) > limits.FRAME_BYTES_MAX:
        raise damaged("length", f"{len(data)} bytes, at most {limits.FRAME_BYTES_MAX}")
    block, payload = data[: limits.HEADER_BYTES], data[limits.HEADER_BYTES :]
    header = parse_header(block)
    if payload or header.lane is not Lane.RAW:
        if len(payload) != header.payload_len:
            raise damaged("length", f"payload {len(payload)}, header says {header.payload_len}")
        if hashlib.sha256(payload).digest() != header.payload_hash:
            raise damaged("payload_hash", "the payload is not the one that was sealed")
    if header.version == 1:
        check_rules(header)
    else:
        check_numbers(header)
    return Frame(header, block, payload)


def decompress(frame: Frame) -> bytes:
    """Return the payload before compression.

    The zstd frame header is read before anything is allocated: python-zstandard ignores
    `max_output_size` when the frame states its size, and accepts trailing bytes by default.

    Raises:
        BatchDamaged: `batch.version` (a later version is kept undecoded), `batch.stub`,
            `batch.zstd`.
    """
    header, payload = frame.header, frame.payload
    if header.version != 1:
        raise damaged("version", f"format {header.version} is newer than this program")
    if frame.is_stub:
        raise damaged("stub", "the payload stays on site")
    if header.codec is Codec.STORED:
        return payload
    try:
        raw = _inflate(payload, header.raw_len)
    except zstandard.ZstdError as error:
        raise damaged("zstd", str(error)) from error
    if len(raw) != header.raw_len:
        raise damaged("zstd", f"{len(raw)} bytes, the header says {header.raw_len}")
    return raw


def _inflate(payload: bytes, raw_len: int) -> bytes:
    if payload[:4] != _ZSTD_MAGIC:
        raise damaged("zstd", "no zstd frame")
    parameters = zstandard.get_frame_parameters(payload)
    if parameters.content_size != raw_len or parameters.dict_id:
        raise damaged("zstd", "content size absent or not raw_len, or a dictionary asked for")
    if parameters.window_size > limits.ZSTD_WINDOW_BYTES_MAX:
        raise damaged("zstd", f"window of {parameters.window_size} bytes")
    inflater = zstandard.ZstdDecompressor(max_window_size=limits.ZSTD_WINDOW_BYTES_MAX)
    return inflater.decompress(payload, max_output_size=raw_len, allow_extra_data=False)
