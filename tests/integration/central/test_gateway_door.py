"""The door for gateways over real gRPC and mTLS: who comes in, what is acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

from proto import limits
from proto.batch import Kind, Lane, decompress, seal
from proto.v1 import uplink_pb2 as wire
from tests.builders import flipped
from tests.central_builders import Plant, alarm, table
from tests.integration.central.centre import (
    GATEWAY,
    SESSION,
    SITE,
    URI,
    Centre,
    centre,
    held,
    short_folder,
)
from tests.integration.central.certificates import Authority, authority


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield Path(path)


@pytest.fixture
async def running(folder: Path) -> AsyncIterator[Centre]:
    async with centre(folder) as made:
        yield made


async def stored(running: Centre) -> dict[tuple[int, int], bytes]:
    """Return the bytes in the archive by lane and number."""
    found = await running.parts.archive.read(0)
    frames = [item.block + item.payload for item in found]
    return {(data[4], int.from_bytes(data[40:48], "little")): data for data in frames}


async def test_a_batch_is_acknowledged_and_stands_in_the_archive_byte_for_byte(
    running: Centre,
) -> None:
    plant = Plant()
    epoch, schema = plant.frames[0], plant.schema()
    first, second = plant.samples(), plant.samples()
    async with running.call() as urgent, running.call() as bulk:
        await urgent.hello()
        await urgent.ack(epoch, schema)
        await bulk.hello("BULK")
        ack = await bulk.ack(first, second)
    assert [(r.lane, r.lo, r.hi, r.samples) for r in ack.stored] == [(2, 1, 2, 60)]
    assert ack.stored[0].hash_hi == second.header.hash
    assert (ack.nth, len(ack.items)) == (2, 0)
    found = await stored(running)
    assert found[2, 1] == first.data
    assert found[2, 2] == second.data


async def test_a_resend_is_a_duplicate_and_changes_nothing(running: Centre) -> None:
    plant = Plant()
    batch = plant.records(alarm("a", "UNACKED", m=1))
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.ack(batch)
        ack = await urgent.ack(batch)
    assert [item.status for item in ack.items] == [wire.DUPLICATE]
    assert [(r.lo, r.hi) for r in ack.stored] == [(1, 1)]
    assert len(await stored(running)) == 1


@pytest.mark.parametrize("at", [60, 100, 270], ids=["length", "header", "payload"])
async def test_a_damaged_batch_is_quarantined_and_the_stream_lives_on(
    running: Centre, at: int
) -> None:
    plant = Plant()
    damaged = flipped(plant.samples().data, at)
    good = plant.samples()
    async with running.call() as urgent, running.call() as bulk:
        await urgent.hello()
        await bulk.hello("BULK")
        ack = await bulk.ack(good, damaged)
        after = await bulk.ack(plant.samples())
    [item] = ack.items
    assert (item.status, item.nth, ack.nth) == (wire.QUARANTINED, 2, 2)
    assert item.code in range(1, 100)
    assert [(r.lo, r.hi) for r in ack.stored] == [(2, 2)]
    assert [(r.lo, r.hi) for r in after.stored] == [(3, 3)]
    assert running.parts.archive.quarantined == {SITE: 1}
    kept = await running.parts.database.read(
        lambda db: db.execute("SELECT bytes, gateway_id FROM quarantine").fetchall()
    )
    assert kept == [(damaged, GATEWAY)]


async def test_a_payload_that_does_not_decode_is_quarantined_and_its_group_is_stored(
    running: Centre,
) -> None:
    plant, other = Plant(), Plant(part=table(7))
    epoch, schema = plant.frames[0], plant.schema()
    good = plant.samples()
    lie = _resealed(plant, other)
    async with running.call() as urgent, running.call() as bulk:
        await urgent.hello()
        await urgent.ack(epoch, schema)
        await bulk.hello("BULK")
        ack = await bulk.ack(good, lie)
    assert [(item.status, item.seq) for item in ack.items] == [(wire.QUARANTINED, 2)]
    assert held(ack.stored, Lane.BULK) == [(1, 1)]


def _resealed(plant: Plant, other: Plant) -> bytes:
    """Return a payload of seven points, sealed as the plant's next batch of three."""
    frame = other.samples()
    return seal(
        plant.stamp,
        lane=Lane.BULK,
        kind=Kind.SAMPLES,
        seq=plant.tips[Lane.BULK].next_seq,
        sample_first=plant.tips[Lane.BULK].next_sample,
        n=frame.header.n,
        raw=decompress(frame),
        t_first_us=frame.header.t_first_us,
        t_last_us=frame.header.t_last_us,
        schema_hash=plant.part.hash,
        prev_hash=plant.tips[Lane.BULK].prev_hash,
    ).data


async def test_one_key_with_two_contents_is_a_fork_and_both_are_kept(running: Centre) -> None:
    plant, clone = Plant(), Plant()
    mine, other = (
        plant.records(alarm("a", "UNACKED", m=1)),
        clone.records(alarm("b", "UNACKED", m=2)),
    )
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.ack(mine)
        ack = await urgent.ack(other)
    [item] = ack.items
    assert (item.status, item.stored_hash) == (wire.FORKED, mine.header.hash)
    assert (await stored(running))[0, 1] == mine.data
    kept = await running.parts.database.read(
        lambda db: db.execute("SELECT bytes FROM fork").fetchall()
    )
    assert kept == [(other.data,)]
    assert running.parts.archive.forked == {SITE: 1}


async def test_a_range_is_cut_where_the_chain_does_not_verify(running: Centre) -> None:
    plant, other = Plant(), Plant()
    first, _second = plant.records(alarm("a", "UNACKED", m=1)), plant.records({"k": "x.y"})
    other.records(alarm("c", "UNACKED", m=3))
    stranger = other.records({"k": "x.y"})
    async with running.call() as urgent:
        await urgent.hello()
        ack = await urgent.ack(first, stranger)
        assert held(ack.stored, Lane.ALARM) == [(1, 1), (2, 2)]
    tip = wire.LaneTip(epoch=plant.epoch, lane=0, held_lo=1, tip_seq=2, tip_sample=2)
    async with running.call() as urgent:
        welcome = await urgent.hello(tips=[tip])
    assert held(welcome.stored, Lane.ALARM) == [(1, 1), (2, 2)]


async def test_welcome_says_what_the_archive_holds(running: Centre) -> None:
    plant = Plant()
    frames = [plant.records({"k": "x.y"}) for _ in range(5)]
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.ack(*frames[:2], frames[4])
    tip = wire.LaneTip(epoch=plant.epoch, lane=0, held_lo=1, tip_seq=5, tip_sample=5)
    async with running.call() as urgent:
        welcome = await urgent.hello(tips=[tip], schemas=[plant.part.hash])
    assert held(welcome.stored, Lane.ALARM) == [(1, 2), (5, 5)]
    assert [r.hash_hi for r in welcome.stored] == [frames[1].header.hash, frames[4].header.hash]
    assert list(welcome.schemas_wanted) == [plant.part.hash]


@pytest.mark.parametrize(
    "uris",
    [
        ("spiffe://yujing-test/edge/610581-nobody",),
        ("https://yujing-test/edge/610581-bof1a",),
        (URI + "/",),
        (URI, "spiffe://yujing-test/edge/610502-dust1a"),
        (),
    ],
    ids=["unregistered", "wrong form", "trailing", "two", "none"],
)
async def test_a_certificate_that_names_no_gateway_of_ours_is_unauthenticated(
    running: Centre, uris: tuple[str, ...]
) -> None:
    async with running.call(authority().gateway(*uris)) as urgent:
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(("from_days", "to_days"), [(2, 30), (-30, -1)], ids=["early", "late"])
async def test_a_certificate_that_is_not_valid_now_does_not_pass(
    running: Centre, from_days: int, to_days: int
) -> None:
    who = authority().gateway(URI, from_days=from_days, to_days=to_days)
    async with running.call(who) as urgent:
        code, _details = await urgent.ending()
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)


async def test_a_certificate_of_another_root_does_not_pass_the_handshake(running: Centre) -> None:
    async with running.call(Authority().gateway(URI)) as urgent:
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_frame_of_another_gateway_is_denied(running: Centre) -> None:
    other = Plant(gateway="610502-dust1a", epoch=b"o" * 16)
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.frames(other.frames[0])
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert await stored(running) == {}


async def test_a_lane_on_the_wrong_call_ends_it_after_what_came_before_is_acknowledged(
    running: Centre,
) -> None:
    plant = Plant()
    async with running.call() as urgent:
        await urgent.hello()
        ack = await urgent.ack(plant.frames[0], plant.samples())
        code, _details = await urgent.ending()
    assert held(ack.stored, Lane.META) == [(1, 1)]
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_second_hello_ends_the_call(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        hello = wire.Hello(proto_min=1, proto_max=1, kind=wire.URGENT, session=SESSION)
        await urgent.send(wire.EdgeMsg(hello=hello))
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_call_without_a_hello_is_ended(
    running: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.listeners.stream.HELLO_WITHIN_S", 0.2)
    async with running.call() as silent, running.call() as hasty:
        await hasty.frames(Plant().frames[0])
        assert (await hasty.ending())[0] is grpc.StatusCode.INVALID_ARGUMENT
        assert (await silent.ending())[0] is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"", b"\x12\x03\x0a\x05a", b"\x0b\x0c", b"\x12\x00" * 40],
    ids=["garbage", "empty", "cut off", "group", "many"],
)
async def test_a_malformed_message_ends_the_call_and_its_bytes_are_kept(
    running: Centre, data: bytes
) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.send_bytes(data)
        code, details = await urgent.ending()
    assert code is grpc.StatusCode.INVALID_ARGUMENT, details
    kept = await running.parts.database.read(
        lambda db: db.execute("SELECT bytes FROM quarantine").fetchall()
    )
    assert kept == [(data,)]


async def test_too_many_frames_in_one_message_end_the_call(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.frames(*[b"x"] * (limits.FRAMES_PER_MESSAGE_MAX + 1))
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_oversize_message_is_refused_by_the_transport(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.frames(bytes(limits.MESSAGE_BYTES_MAX + 1))
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_unknown_version_is_a_failed_precondition(running: Centre) -> None:
    async with running.call() as urgent:
        said = wire.Hello(proto_min=9, proto_max=9, kind=wire.URGENT, session=SESSION)
        await urgent.send(wire.EdgeMsg(hello=said))
        code, details = await urgent.ending()
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "session.version" in details


async def test_bulk_needs_the_session_of_urgent(running: Centre) -> None:
    async with running.call() as bulk:
        said = wire.Hello(proto_min=1, proto_max=1, kind=wire.BULK, session=SESSION)
        await bulk.send(wire.EdgeMsg(hello=said))
        code, _details = await bulk.ending()
    assert code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_newer_session_supersedes_the_older(running: Centre) -> None:
    async with running.call() as older, running.call() as newer:
        await older.hello()
        await newer.hello(session=b"n" * 16)
        assert (await older.ending())[0] is grpc.StatusCode.ABORTED
        ack = await newer.ack(Plant().frames[0])
    assert ack.nth == 1


async def test_a_heartbeat_is_answered_and_tells_of_the_backlog(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        pending = [wire.Pending(lane=2, batches=3, bytes=4_000, samples=300)]
        beat = wire.Heartbeat(id=7, wall_us=123, boot_id=1, pending=pending)
        await urgent.send(wire.EdgeMsg(heartbeat=beat))
        reply = (await urgent.receive()).time
    assert (reply.id, reply.edge_wall_us) == (7, 123)
    assert reply.recv_us <= reply.send_us
    [gateway] = running.parts.status.site(SITE).gateways
    assert gateway.link.value == "LIVE"
    assert (gateway.pending_batches, gateway.pending_samples) == (3, 300)
    assert gateway.certificate_days == 29


async def test_too_many_messages_are_refused_with_their_reason(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        beat = wire.EdgeMsg(heartbeat=wire.Heartbeat(id=1)).SerializeToString()
        try:
            for _ in range(600):
                await urgent.send_bytes(beat)
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            pass
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_drained_call_gets_its_last_acknowledgement(running: Centre) -> None:
    plant = Plant()
    async with running.call() as urgent:
        await urgent.hello()
        await urgent.frames(plant.frames[0])
        ack = (await urgent.receive()).ack
        running.parts.door.drain()
        assert (await urgent.ending())[0] is grpc.StatusCode.UNAVAILABLE
    assert ack.nth == 1
