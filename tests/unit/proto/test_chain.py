"""The chain of a lane, and signed checkpoints over the tips of all lanes."""

from dataclasses import replace

import pytest

from proto.batch import Frame, Lane, gateway_uid, open_frame
from proto.chain import LaneTip, follows, root, tip_after, verify_run
from proto.checkpoint import Checkpoint, contradicted, open_checkpoint, seal_checkpoint
from proto.errors import BatchDamaged
from tests.unit.proto.builders import GATEWAY, T0_US, record_frame

EPOCH_HASH = b"e" * 32


def lane(count: int, start: LaneTip | None = None) -> list[Frame]:
    tip = start or root(Lane.ALARM, EPOCH_HASH)
    frames = []
    for number in range(count):
        body: list[dict[str, object]] = [{"k": "alarm.raised", "no": number}] * (number % 3 + 1)
        frames.append(
            record_frame(
                *body, seq=tip.next_seq, sample_first=tip.next_sample, prev_hash=tip.prev_hash
            )
        )
        tip = tip_after(frames[-1].header)
    return frames


def headers(frames: list[Frame]) -> list:
    return [open_frame(frame.data).header for frame in frames]


def test_a_run_verifies_from_its_root_to_its_tip() -> None:
    frames = lane(6)
    run = verify_run(root(Lane.ALARM, EPOCH_HASH), headers(frames))
    assert run.broken is None
    assert run.tip == LaneTip(7, 1 + 1 + 2 + 3 + 1 + 2 + 3, frames[-1].header.hash)
    assert (run.tip.tip_seq, run.tip.tip_sample) == (6, 12)


def test_all_lanes_root_in_the_epoch_batch_and_meta_in_zeros() -> None:
    assert root(Lane.META, EPOCH_HASH).prev_hash == bytes(32)
    for own in (Lane.ALARM, Lane.EVENT, Lane.BULK, Lane.RAW):
        assert root(own, EPOCH_HASH).prev_hash == EPOCH_HASH
    broken = verify_run(root(Lane.ALARM, b"x" * 32), headers(lane(1))).broken
    assert broken is not None
    assert broken.code == "chain.link"


@pytest.mark.parametrize("at", range(6))
def test_a_deleted_batch_is_found(at: int) -> None:
    frames = lane(6)
    del frames[at]
    broken = verify_run(root(Lane.ALARM, EPOCH_HASH), headers(frames)).broken
    if at == 5:
        assert broken is None  # the end alone is what checkpoints are for
    else:
        assert broken is not None
        assert (broken.seq, broken.code) == (at + 2, "chain.seq")


@pytest.mark.parametrize("at", range(6))
def test_a_batch_written_again_with_other_content_is_found_at_its_successor(at: int) -> None:
    frames = lane(6)
    old = frames[at].header
    frames[at] = record_frame(
        *[{"k": "alarm.raised", "forged": True}] * old.n,
        seq=old.seq,
        sample_first=old.sample_first,
        prev_hash=old.prev_hash,
    )
    broken = verify_run(root(Lane.ALARM, EPOCH_HASH), headers(frames)).broken
    assert (None if broken is None else broken.code) == (None if at == 5 else "chain.link")


def test_an_inserted_batch_is_found() -> None:
    frames = lane(4)
    middle = tip_after(frames[1].header)
    frames.insert(2, lane(1, middle)[0])
    frames.insert(3, frames[2])
    assert verify_run(root(Lane.ALARM, EPOCH_HASH), headers(frames)).broken is not None


def test_two_batches_in_another_order_are_found() -> None:
    frames = lane(5)
    frames[2], frames[3] = frames[3], frames[2]
    broken = verify_run(root(Lane.ALARM, EPOCH_HASH), headers(frames)).broken
    assert broken is not None
    assert broken.code == "chain.seq"


def test_sample_numbers_that_leap_are_found() -> None:
    first = lane(1)[0]
    tip = tip_after(first.header)
    leaping = record_frame({"k": "x"}, seq=2, sample_first=5, prev_hash=tip.prev_hash)
    broken = follows(tip, leaping.header)
    assert broken is not None
    assert broken.code == "chain.sample"


def test_another_lane_or_gateway_does_not_continue_a_run() -> None:
    frames = lane(1)
    tip = tip_after(frames[0].header)
    other = record_frame(
        {"k": "x"}, lane=Lane.EVENT, seq=2, sample_first=2, prev_hash=tip.prev_hash
    )
    broken = verify_run(root(Lane.ALARM, EPOCH_HASH), headers([*frames, other])).broken
    assert broken is not None
    assert broken.code == "chain.key"


def checkpoint() -> Checkpoint:
    alarm, bulk, meta = (
        LaneTip(8, 20, b"a" * 32),
        LaneTip(3, 5001, b"b" * 32),
        LaneTip(5, 5, b"m" * 32),
    )
    tips = (alarm, LaneTip(), bulk, meta, LaneTip())
    return Checkpoint(7, gateway_uid(GATEWAY), bytes(16), T0_US, 99, tips, b"k" * 32)


def sign(message: bytes) -> bytes:
    assert message.startswith(b"yujing/checkpoint/1\0")
    return bytes(sum(message[at::64]) % 256 for at in range(64))


def verify(signature: bytes, message: bytes) -> bool:
    return signature == sign(message)


def test_a_checkpoint_is_328_bytes_and_a_signature_and_reads_back() -> None:
    payload = seal_checkpoint(checkpoint(), sign)
    assert len(payload) == 328 + 64
    assert payload[:4] == b"\x01\x01\x40\x00"
    opened = open_checkpoint(payload)
    assert opened.checkpoint == checkpoint()
    assert opened.verify(verify)


def test_a_changed_checkpoint_does_not_verify_or_does_not_open() -> None:
    payload = seal_checkpoint(checkpoint(), sign)
    for at in range(len(payload)):
        broken = bytearray(payload)
        broken[at] ^= 0x10
        try:
            opened = open_checkpoint(bytes(broken))
        except BatchDamaged:
            continue
        assert not opened.verify(verify)


def test_cut_and_lengthened_checkpoints_are_damaged() -> None:
    payload = seal_checkpoint(checkpoint(), sign)
    for data in (payload[:328], payload[:-1], payload + b"x", b"", payload + bytes(500)):
        with pytest.raises(BatchDamaged):
            open_checkpoint(data)


def test_an_empty_lane_travels_as_zeros_whatever_its_root() -> None:
    rooted = replace(checkpoint(), tips=(root(Lane.ALARM, EPOCH_HASH), *checkpoint().tips[1:]))
    assert open_checkpoint(seal_checkpoint(rooted, sign)).checkpoint.tips[0] == LaneTip()


def test_a_checkpoint_contradicts_a_tip_of_the_same_sequence_and_other_hash() -> None:
    said = checkpoint()
    own = list(said.tips)
    own[1] = root(Lane.EVENT, EPOCH_HASH)
    assert contradicted(said, own) == ()
    own[2] = replace(own[2], prev_hash=b"z" * 32)
    own[0] = LaneTip(9, 21, b"q" * 32)
    assert contradicted(said, own) == (Lane.BULK,)


def test_a_signature_of_another_length_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="signature"):
        seal_checkpoint(checkpoint(), lambda _: b"short")
