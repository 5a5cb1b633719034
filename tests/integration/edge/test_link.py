"""The uplink over real gRPC with mutual TLS: the centre follows, or breaks, the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.clock import SystemClock
from edge.uplink.link import GrpcCarriage
from edge.uplink.settings import ClockWord, Ears, UplinkSettings
from edge.uplink.uplink import Uplink
from proto.batch import Lane
from tests.certificates import Authority, Pair
from tests.fake_centre import Centre, HeldSource
from tests.integration.edge.grpc_centre import GrpcCentre
from tests.uplink_builders import EPOCH, held

GATEWAY = "610581-bof1a"


def _source(bulk: int = 0, alarm: int = 0) -> HeldSource:
    return HeldSource(held(Lane.META, 3), held(Lane.ALARM, alarm), held(Lane.BULK, bulk))


@asynccontextmanager
async def _running(port: int, source: HeldSource, root: bytes, own: Pair) -> AsyncIterator[Uplink]:
    ears = Ears(lambda: ClockWord(3, 0, 0, 0), lambda *_: None, lambda _: None)
    address = f"127.0.0.1:{port}"
    uplink = Uplink(
        UplinkSettings(address, "0.1.0", b"c" * 32),
        source,
        lambda: GrpcCarriage(address, root=root, cert=own.cert, key=own.key),
        SystemClock(),
        ears,
    )
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        async with asyncio.timeout(3):
            await asyncio.gather(task, return_exceptions=True)


async def _until(condition, seconds: float = 10.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def own(authority: Authority) -> Pair:
    return authority.gateway(GATEWAY)


async def test_what_waits_is_delivered_over_mutual_tls(authority: Authority, own: Pair) -> None:
    centre, source = Centre(), _source(bulk=100, alarm=2)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.pending() == 0)

    assert sorted(centre.stored[EPOCH, 2]) == list(range(1, 101))
    assert centre.duplicates == 0
    assert len(centre.beats) == 1


async def test_frames_arrive_as_the_bytes_that_were_sealed(authority: Authority, own: Pair) -> None:
    centre, source = Centre(), _source(bulk=3)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.pending() == 0)

    sent = {seq: frame.data for seq, frame in source.lane(Lane.BULK).frames.items()}
    assert centre.stored[EPOCH, 2] == sent


async def test_a_centre_that_is_stopped_and_started_again_gets_everything(
    authority: Authority, own: Pair
) -> None:
    centre, source = Centre(), _source(bulk=5)
    async with GrpcCentre(authority, centre) as server:
        port = server.port
        async with _running(port, source, authority.pem, own) as uplink:
            await _until(lambda: uplink.pending() == 0)
            async with asyncio.timeout(5):
                await server.__aexit__(None, None, None)
            source.grow(Lane.BULK, 5)
            await _until(lambda: uplink.state.state == "LOST")
            async with GrpcCentre(authority, centre, port=port):
                await _until(lambda: uplink.pending() == 0, 20)
            sessions = uplink.state.sessions

    assert sessions == 2
    assert sorted(centre.stored[EPOCH, 2]) == list(range(1, 11))


async def test_a_silent_centre_is_left_within_its_deadline(
    authority: Authority, own: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.uplink.conduct.WELCOME_NS", 300_000_000)
    centre, source = Centre(silent=True), _source()
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.state.state == "LOST", 3)
        reason = uplink.state.last_error

    assert reason is not None
    assert "no Welcome" in reason


async def test_a_malformed_batch_is_set_aside_after_one_retry_and_the_rest_arrives(
    authority: Authority, own: Pair
) -> None:
    guilty = (EPOCH, Lane.BULK, 4)
    centre, source = Centre(refuse=guilty), _source(bulk=9)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.pending() == 0, 20)

    assert source.lane(Lane.BULK).refused.spans == ((4, 4),)
    assert sorted(centre.stored[EPOCH, 2]) == [1, 2, 3, 5, 6, 7, 8, 9]
    assert centre.received.count(guilty) >= 2


async def test_a_quarantined_batch_is_marked_and_the_stream_lives(
    authority: Authority, own: Pair
) -> None:
    centre, source = Centre(quarantine=(EPOCH, Lane.BULK, 2)), _source(bulk=4)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.pending() == 0)
        sessions = uplink.state.sessions

    assert source.lane(Lane.BULK).apart.spans == ((2, 2),)
    assert sessions == 1


async def test_a_wrong_hash_marks_nothing(authority: Authority, own: Pair) -> None:
    centre, source = Centre(wrong_hash=True), _source(bulk=4)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own),
    ):
        await _until(lambda: source.reopened)

    assert source.lane(Lane.BULK).stored.spans == ()


async def test_a_refused_identity_is_told_apart_from_a_dead_line(
    authority: Authority, own: Pair
) -> None:
    centre, source = Centre(refusal="UNAUTHENTICATED"), _source()
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.state.state == "REFUSED")


async def test_a_centre_of_another_authority_is_not_trusted(
    authority: Authority, own: Pair
) -> None:
    centre, source = Centre(), _source(bulk=1)
    async with (
        GrpcCentre(Authority("another"), centre) as server,
        _running(server.port, source, authority.pem, own) as uplink,
    ):
        await _until(lambda: uplink.state.state in ("LOST", "REFUSED"))
        reason = uplink.state.last_error

    assert centre.hellos == []
    assert reason is not None
    assert "certificate" in reason.lower()


async def test_a_gateway_of_another_authority_is_not_let_in(authority: Authority) -> None:
    stranger = Authority("another").gateway(GATEWAY)
    centre, source = Centre(), _source(bulk=1)
    async with (
        GrpcCentre(authority, centre) as server,
        _running(server.port, source, authority.pem, stranger) as uplink,
    ):
        await _until(lambda: uplink.state.state in ("LOST", "REFUSED"))

    assert centre.hellos == []


async def test_it_ends_within_a_second_of_its_cancellation_with_a_silent_peer(
    authority: Authority, own: Pair
) -> None:
    centre, source = Centre(silent=True), _source(bulk=1)
    async with GrpcCentre(authority, centre) as server:
        loop = asyncio.get_running_loop()
        async with _running(server.port, source, authority.pem, own):
            await asyncio.sleep(0.5)
            before = loop.time()
        took = loop.time() - before

    assert took < 1.0
