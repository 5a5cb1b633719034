"""The 256-byte header block of a frame: fields, layout, and the rules they obey.  Pure.

Bytes 0-63 and 160-255 keep their meaning in every later version, so that an older centre can key,
check and keep what it cannot decode.

Source: `batches.md` 3.3 and 3.5.
"""

import hashlib
import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from proto import limits
from proto.errors import BatchDamaged

MAGIC = b"YJB1"
HASH_SHA256 = 1
ZERO_HASH = bytes(32)

_DOMAIN = b"yujing/batch/1\0"
_LAYOUT = struct.Struct("<4sBBBB16s16sQQIIIIqqqqqIIIHBB32s32s32s32s")
_HASH_AT = 224


class Lane(IntEnum):
    """A lane: its own sequence, chain and place in the order of sending."""

    ALARM = 0
    EVENT = 1
    BULK = 2
    META = 3
    RAW = 4


class Kind(IntEnum):
    """What the payload holds."""

    SAMPLES = 1
    RECORDS = 2
    EPOCH = 3
    SCHEMA = 4
    BOOT = 5
    CLOCK = 6
    GAP = 7
    CHECKPOINT = 8
    KEY = 9
    WITHHELD = 10


class Codec(IntEnum):
    """How the payload is carried."""

    STORED = 0
    ZSTD = 1


class ClockState(IntEnum):
    """How far the gateway's wall clock may be believed."""

    UNSET = 0
    SUSPECT = 1
    DRIFT = 2
    SYNCED = 3


class Flag(IntFlag):
    """Flags of a SAMPLES batch."""

    THINNED = 1
    REPLAYED = 2
    SELECTED = 4


_FLAGS_ALL = int(Flag.THINNED | Flag.REPLAYED | Flag.SELECTED)
_KINDS: dict[Lane, frozenset[Kind]] = {
    Lane.ALARM: frozenset({Kind.RECORDS}),
    Lane.EVENT: frozenset({Kind.RECORDS}),
    Lane.BULK: frozenset({Kind.SAMPLES}),
    Lane.META: frozenset(Kind) - {Kind.SAMPLES, Kind.RECORDS},
    Lane.RAW: frozenset({Kind.SAMPLES}),
}
_N_MAX = {
    Kind.SAMPLES: limits.SAMPLES_PER_BATCH_MAX,
    Kind.RECORDS: limits.RECORDS_PER_BATCH_MAX,
    Kind.GAP: limits.RECORDS_PER_BATCH_MAX,
    Kind.WITHHELD: limits.RECORDS_PER_BATCH_MAX,
}  # every other kind: one a batch


@dataclass(frozen=True, slots=True)
class Header:
    """The header block, taken apart; field names as in the table of `batches.md` 3.3.

    `version` is the digit of the magic; above 1 the fields outside the frozen bytes mean nothing
    to this program.
    """

    lane: Lane
    kind: Kind
    codec: Codec
    hash_alg: int
    gateway_uid: bytes
    epoch: bytes
    seq: int
    sample_first: int
    n: int
    payload_len: int
    raw_len: int
    flags: int
    t_first_us: int
    t_last_us: int
    anchor_wall_us: int
    anchor_mono_us: int
    clock_offset_us: int
    clock_err_us: int
    boot_id: int
    config_version: int
    step_no: int
    clock_state: ClockState
    schema_hash: bytes
    payload_hash: bytes
    prev_hash: bytes
    hash: bytes
    version: int = 1

    @property
    def sample_last(self) -> int:
        """The number of the last sample or record of the batch."""
        return self.sample_first + self.n - 1


def damaged(noun: str, message: str) -> BatchDamaged:
    """Return the error `batch.<noun>` to be raised."""
    return BatchDamaged(f"batch.{noun}", message)


def parse_header(block: bytes) -> Header:
    """Return the header in the first 256 bytes, its magic and hash checked, its rules not.

    Raises:
        BatchDamaged: too short, another magic or hash algorithm, a wrong hash, or a field outside
            its enumeration.
    """
    if len(block) < limits.HEADER_BYTES:
        raise damaged("length", f"{len(block)} bytes, a header block has {limits.HEADER_BYTES}")
    block = block[: limits.HEADER_BYTES]
    if block[:3] != MAGIC[:3] or not ord("1") <= block[3] <= ord("9"):
        raise damaged("magic", "not a batch")
    if block[7] != HASH_SHA256:
        raise damaged("hash_alg", f"hash algorithm {block[7]} is unknown")
    if _own_hash(block) != block[_HASH_AT:]:
        raise damaged("header_hash", "the header block is not the one that was sealed")
    return _unpack(block)


def pack_header(header: Header) -> tuple[Header, bytes]:
    """Return the header with its own hash computed, and its 256 bytes.

    Raises:
        BatchDamaged: `batch.field`, a field does not fit its place.
    """
    h = header
    lengths = (len(h.gateway_uid), len(h.epoch), len(h.schema_hash), len(h.prev_hash))
    if lengths != (16, 16, 32, 32):
        raise damaged("field", "gateway_uid and epoch have 16 bytes, hashes 32")
    values = (MAGIC, h.lane, h.kind, h.codec, h.hash_alg, h.gateway_uid, h.epoch)
    counts = (h.seq, h.sample_first, h.n, h.payload_len, h.raw_len, h.flags)
    times = (h.t_first_us, h.t_last_us, h.anchor_wall_us, h.anchor_mono_us, h.clock_offset_us)
    state = (h.clock_err_us, h.boot_id, h.config_version, h.step_no, h.clock_state, 0)
    hashes = (h.schema_hash, h.payload_hash, h.prev_hash, ZERO_HASH)
    try:
        block = _LAYOUT.pack(*values, *counts, *times, *state, *hashes)[:_HASH_AT]
    except struct.error as error:
        raise damaged("field", str(error)) from error
    own = _own_hash(block)
    return replace(h, hash=own), block + own


def check_numbers(h: Header) -> None:
    """Refuse numbers that no archive can key; they are frozen, so this holds for every version.

    Raises:
        BatchDamaged: `batch.limit`.
    """
    numbers = (h.seq, h.sample_first, h.sample_last)
    if h.n < 1 or min(numbers) < 1 or max(numbers) > limits.SEQ_MAX:
        raise damaged("limit", f"seq {h.seq}, sample_first {h.sample_first}, n {h.n}")


def check_rules(h: Header) -> None:
    """Refuse what `batches.md` 3.3 and 3.5 forbid; needs the header alone.

    Raises:
        BatchDamaged: `batch.kind`, `.flags`, `.codec` or `.limit`.
    """
    check_numbers(h)
    if h.kind not in _KINDS[h.lane]:
        raise damaged("kind", f"{h.kind.name} does not belong in lane {h.lane.name}")
    if h.flags & ~_FLAGS_ALL or (h.flags and h.kind is not Kind.SAMPLES):
        raise damaged("flags", f"flags {h.flags:#x}")
    if h.codec is Codec.STORED and h.raw_len != h.payload_len:
        raise damaged("codec", "a stored payload has raw_len bytes")
    if h.kind is Kind.CHECKPOINT and h.codec is not Codec.STORED:
        raise damaged("codec", "a checkpoint is stored, never compressed")
    times = (h.t_first_us, h.t_last_us, h.anchor_wall_us, h.anchor_mono_us, h.clock_offset_us)
    if max(abs(time) for time in times) > limits.TIME_US_ABS_MAX:
        raise damaged("limit", "a time that no clock shows")
    n_max = _N_MAX.get(h.kind, 1)
    if not 1 <= h.n <= n_max:
        raise damaged("limit", f"n = {h.n}, {h.kind.name} has 1 to {n_max}")
    if not 1 <= h.payload_len <= limits.FRAME_PAYLOAD_BYTES_MAX:
        raise damaged("limit", f"payload of {h.payload_len} bytes")
    records = h.kind is Kind.RECORDS
    raw_max = limits.RECORDS_RAW_BYTES_MAX if records else limits.RAW_BYTES_MAX
    if not 1 <= h.raw_len <= raw_max:
        raise damaged("limit", f"raw_len = {h.raw_len}, at most {raw_max}")


def _own_hash(block: bytes) -> bytes:
    return hashlib.sha256(_DOMAIN + block[:_HASH_AT]).digest()


def _unpack(block: bytes) -> Header:
    magic, lane, kind, codec, *rest = _LAYOUT.unpack(block)
    *middle, clock_state, zero, schema, payload, prev, own = rest
    version = magic[3] - ord("0")
    if lane > Lane.RAW:
        raise damaged("lane", f"lane {lane} is unknown")
    if not Kind.SAMPLES <= kind <= Kind.WITHHELD:
        raise damaged("kind", f"kind {kind} is unknown")
    if codec > Codec.ZSTD:
        raise damaged("codec", f"codec {codec} is unknown")
    if version == 1 and (clock_state > ClockState.SYNCED or zero):
        raise damaged("field", "clock state or reserved byte")
    clock = ClockState(clock_state) if version == 1 else ClockState.UNSET
    tail = (clock, schema, payload, prev, own, version)
    return Header(*(Lane(lane), Kind(kind), Codec(codec), *middle, *tail))
