"""The wire pre-scan refuses by counting, before protobuf makes an object."""

import tracemalloc

import pytest

from proto import limits
from proto.errors import IngestError, LimitExceeded, MessageMalformed
from proto.prescan import EdgeKind, prescan_edge, prescan_request
from proto.v1 import uplink_pb2 as wire


def frames(*sizes: int) -> bytes:
    return wire.EdgeMsg(
        frames=wire.Frames(frame=[b"f" * size for size in sizes])
    ).SerializeToString()


def refusal(data: bytes) -> str:
    with pytest.raises(IngestError) as caught:
        prescan_edge(data)
    return caught.value.code


def test_honest_messages_pass_and_show_their_shape() -> None:
    shape = prescan_edge(frames(300, 256, 1000))
    assert (shape.kind, shape.unknown_bytes) == (EdgeKind.FRAMES, 0)
    assert shape.frame_bytes == (300, 256, 1000)
    tip = wire.LaneTip(epoch=bytes(16), lane=2, held_lo=1, tip_seq=9, tip_sample=9)
    hello = wire.EdgeMsg(
        hello=wire.Hello(
            proto_min=1,
            proto_max=1,
            kind=wire.URGENT,
            session=bytes(16),
            version="0.1",
            boot_id=3,
            tips=[tip] * 64,
            schemas=[bytes(32)] * 1024,
            config_hash=bytes(32),
        )
    )
    assert prescan_edge(hello.SerializeToString()).kind is EdgeKind.HELLO
    waiting = [wire.Pending(lane=2, samples=5, oldest_t_us=-9)] * 5
    beat = wire.EdgeMsg(heartbeat=wire.Heartbeat(id=1, wall_us=-1, pending=waiting, clock_state=3))
    assert prescan_edge(beat.SerializeToString()).kind is EdgeKind.HEARTBEAT


def test_every_field_of_the_messages_is_known_to_the_scan() -> None:
    for name, message in (
        ("hello", wire.Hello),
        ("heartbeat", wire.Heartbeat),
        ("frames", wire.Frames),
    ):
        full = message()
        for field in message.DESCRIPTOR.fields:
            if field.is_repeated:
                value = getattr(full, field.name)
                value.add() if field.message_type else value.append(b"x")
            else:
                setattr(
                    full,
                    field.name,
                    {field.TYPE_BYTES: b"x", field.TYPE_STRING: "x"}.get(field.type, 1),
                )
        assert prescan_edge(wire.EdgeMsg(**{name: full}).SerializeToString()).unknown_bytes == 0


def test_half_a_million_empty_sub_messages_are_refused_cheaply() -> None:
    bomb = frames(*[0] * 500_000)
    beats = wire.EdgeMsg(
        heartbeat=wire.Heartbeat(pending=[wire.Pending()] * 30_000)
    ).SerializeToString()
    hellos, strangers = b"\x0a\x00" * 500_000, b"\xa2\x06\x00" * 300_000
    tracemalloc.start()
    assert refusal(bomb) == "wire.frames"
    assert refusal(beats) == "wire.fields"
    assert refusal(hellos) == "wire.fields"
    assert refusal(strangers) == "wire.fields"
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_thirty_two_frames_pass_and_thirty_three_do_not() -> None:
    prescan_edge(frames(*[300] * 32))
    assert refusal(frames(*[300] * 33)) == "wire.frames"


def test_several_frames_share_256_kibibytes_and_one_may_be_larger() -> None:
    prescan_edge(frames(*[limits.FRAMES_BYTES_MAX // 2] * 2))
    assert refusal(frames(limits.FRAMES_BYTES_MAX, 1)) == "wire.frames"
    prescan_edge(frames(limits.FRAME_BYTES_MAX))
    assert refusal(frames(limits.FRAME_BYTES_MAX + 1)) == "wire.frames"
    assert refusal(bytes(limits.MESSAGE_BYTES_MAX + 1)) == "wire.bytes"


def test_any_other_message_has_at_most_64_kibibytes() -> None:
    long = wire.EdgeMsg(hello=wire.Hello(version="v" * 65_536)).SerializeToString()
    assert refusal(long) == "wire.bytes"


def test_unknown_fields_pass_up_to_four_kibibytes_in_sum() -> None:
    def unknown(size: int) -> bytes:
        return b"\xa2\x06" + bytes((size & 0x7F | 0x80, size >> 7)) + b"u" * size

    assert prescan_edge(frames(300) + unknown(4000)).unknown_bytes == 4004
    assert refusal(frames(300) + unknown(4093)) == "wire.unknown"
    inner = wire.Hello(version="1").SerializeToString() + unknown(200)
    message = b"\x0a" + bytes((len(inner) & 0x7F | 0x80, len(inner) >> 7)) + inner
    assert prescan_edge(message).unknown_bytes == 204


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x12",
        b"\x12\x05\x0a",
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff" * 11,
        b"\x13\x14",
        b"\x16\x00",
        b"\x10\x01",
        b"\x12\x00",
        b"\x12\x02\x0a\x05",
        frames(3) + b"\x1a\x00",
        b"\xa2\x06\x00",
    ],
)
def test_what_no_honest_peer_writes_is_malformed(data: bytes) -> None:
    with pytest.raises(MessageMalformed, match=r"wire\.malformed"):
        prescan_edge(data)


def test_a_request_has_at_most_64_fields_and_64_kibibytes() -> None:
    prescan_request(b"")
    prescan_request(b"\x0a\x03abc" * 64)
    for data in (b"\x0a\x03abc" * 65, bytes(65_537)):
        with pytest.raises(LimitExceeded):
            prescan_request(data)
    with pytest.raises(MessageMalformed):
        prescan_request(b"\x0a\x09abc")
