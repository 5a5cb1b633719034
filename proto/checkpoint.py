"""The CHECKPOINT payload: tips of all lanes at one instant, under a signature.  Pure.

The signing and verifying functions are handed in: keys are the shells' affair.  What a checkpoint
proves: whatever follows from these tips backwards is what the key's holder had then.

Source: `batches.md` 3.5 and 3.6.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from proto.chain import LaneTip
from proto.errors import BatchDamaged
from proto.header import ZERO_HASH, Lane

BODY_BYTES = 328
VERSION = 1
SIGNATURE_BYTES_MAX = 128

_DOMAIN = b"yujing/checkpoint/1\0"
_HEAD = struct.Struct("<BBHI16s16sqq")
_LANE = struct.Struct("<QQ32s")
_LANES = len(Lane)

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]  # signature, message


class SignatureAlgorithm(IntEnum):
    """How a checkpoint is signed."""

    ED25519 = 1
    ECDSA_P256 = 2
    SM2 = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one checkpoint states.

    Attributes:
        boot_id, gateway_uid, epoch: as in the headers.
        wall_us, mono_us: when.
        tips: one per lane in the order of `Lane`; an empty lane's `LaneTip()` travels as zeros.
            Lane META states the tip before this batch.
        key_id: SHA-256 of the signing key's SubjectPublicKeyInfo.
    """

    boot_id: int
    gateway_uid: bytes
    epoch: bytes
    wall_us: int
    mono_us: int
    tips: tuple[LaneTip, ...]
    key_id: bytes


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as read; `verify` says whether its signature holds."""

    checkpoint: Checkpoint
    algorithm: SignatureAlgorithm
    body: bytes
    signature: bytes

    def verify(self, check: Verify) -> bool:
        """Return whether `check(signature, message)` accepts the signature over this body."""
        return check(self.signature, _DOMAIN + self.body)


def seal_checkpoint(
    checkpoint: Checkpoint,
    sign: Sign,
    *,
    algorithm: SignatureAlgorithm = SignatureAlgorithm.ED25519,
    signature_bytes: int = 64,
) -> bytes:
    """Return the payload of a CHECKPOINT batch: the fixed body of 328 bytes, then the signature.

    Args:
        checkpoint: what is stated.
        sign: returns the signature over the message that it is given.
        algorithm: of `sign`.
        signature_bytes: length of the signature, which stands in the signed body.

    Raises:
        ValueError: a field of wrong length, or a signature of another length.
    """
    body = _body(checkpoint, algorithm, signature_bytes)
    signature = sign(_DOMAIN + body)
    if len(signature) != signature_bytes:
        raise ValueError(f"a signature of {len(signature)} bytes, {signature_bytes} are stated")
    return body + signature


def open_checkpoint(payload: bytes) -> SignedCheckpoint:
    """Return the checkpoint in a payload, its signature not yet verified.

    Raises:
        BatchDamaged: `checkpoint.length`, `checkpoint.version` or `checkpoint.tips`; nothing else.
    """
    if not BODY_BYTES < len(payload) <= BODY_BYTES + SIGNATURE_BYTES_MAX:
        raise BatchDamaged("checkpoint.length", f"{len(payload)} bytes")
    body, signature = payload[:BODY_BYTES], payload[BODY_BYTES:]
    version, number, length, boot_id, uid, epoch, wall, mono = _HEAD.unpack_from(body)
    if version != VERSION or number not in set(SignatureAlgorithm):
        raise BatchDamaged("checkpoint.version", f"version {version}, algorithm {number}")
    if length != len(signature):
        raise BatchDamaged("checkpoint.length", f"a signature of {len(signature)} bytes")
    tips = tuple(_read_tip(body, lane) for lane in range(_LANES))
    checkpoint = Checkpoint(boot_id, uid, epoch, wall, mono, tips, body[-32:])
    return SignedCheckpoint(checkpoint, SignatureAlgorithm(number), body, signature)


def contradicted(checkpoint: Checkpoint, tips: Sequence[LaneTip]) -> tuple[Lane, ...]:
    """Return the lanes whose verified tip at the same sequence has another hash or sample number.

    `tips`: one per lane, as verified here; a lane that stands at another sequence says nothing.
    """
    pairs = zip(Lane, checkpoint.tips, tips, strict=True)
    return tuple(
        lane for lane, said, own in pairs if said.tip_seq == own.tip_seq > 0 and said != own
    )


def _body(checkpoint: Checkpoint, algorithm: SignatureAlgorithm, signature_bytes: int) -> bytes:
    lengths = (len(checkpoint.gateway_uid), len(checkpoint.epoch), len(checkpoint.key_id))
    if lengths != (16, 16, 32) or len(checkpoint.tips) != _LANES:
        raise ValueError("gateway_uid and epoch have 16 bytes, key_id 32, tips one per lane")
    if not 1 <= signature_bytes <= SIGNATURE_BYTES_MAX:
        raise ValueError(f"a signature of {signature_bytes} bytes")
    start = (VERSION, algorithm, signature_bytes, checkpoint.boot_id)
    times = (checkpoint.wall_us, checkpoint.mono_us)
    head = _HEAD.pack(*start, checkpoint.gateway_uid, checkpoint.epoch, *times)
    tips = [_write_tip(tip) for tip in checkpoint.tips]
    return b"".join((head, *tips, checkpoint.key_id))


def _write_tip(tip: LaneTip) -> bytes:
    own_hash = tip.prev_hash if tip.tip_seq else ZERO_HASH  # an empty lane is zeros
    return _LANE.pack(tip.tip_seq, tip.tip_sample, own_hash)


def _read_tip(body: bytes, lane: int) -> LaneTip:
    seq, sample, own_hash = _LANE.unpack_from(body, _HEAD.size + lane * _LANE.size)
    if not seq and (sample or own_hash != ZERO_HASH):
        raise BatchDamaged("checkpoint.tips", "a lane without batches is zeros")
    if seq and not (sample >= seq and own_hash != ZERO_HASH):
        raise BatchDamaged("checkpoint.tips", "a batch holds at least one sample and has a hash")
    return LaneTip(seq + 1, sample + 1, own_hash)
