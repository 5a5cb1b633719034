"""A gateway that sends rubbish harms itself alone."""

import queue
import secrets
from collections.abc import Iterator

import grpc
import pytest

from proto.batch import Frame
from proto.rpc import UPLINK_STREAM
from proto.v1 import uplink_pb2 as wire
from tests.builders import flipped, record_frame, stamp
from tests.e2e.rig import DUST, STEEL, Rig, until

WITHIN_S = 5.0


class Caller:
    """Speaks the uplink with a real gateway's certificate and sends what it is told."""

    def __init__(self, rig: Rig, gateway: str) -> None:
        pki = rig.folder / "pki"
        files = ("root.pem", f"{gateway}.key", f"{gateway}.pem")
        credentials = grpc.ssl_channel_credentials(*((pki / name).read_bytes() for name in files))
        self.channel = grpc.secure_channel(f"127.0.0.1:{rig.ports.gateways}", credentials)
        self.outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.answers = self.channel.stream_stream(UPLINK_STREAM)(self._sent(), timeout=60)

    def _sent(self) -> Iterator[bytes]:
        while (message := self.outbox.get()) is not None:
            yield message

    def hello(self) -> None:
        """Open the call."""
        greeting = wire.Hello(
            proto_min=1, proto_max=1, kind=wire.URGENT, session=secrets.token_bytes(16), boot_id=99
        )
        self.outbox.put(wire.EdgeMsg(hello=greeting).SerializeToString())
        assert self.next().WhichOneof("m") == "welcome"

    def frames(self, *frames: bytes) -> wire.Ack:
        """Send frames; return the acknowledgement."""
        message = wire.EdgeMsg(frames=wire.Frames(frame=frames))
        self.outbox.put(message.SerializeToString())
        return self.next().ack

    def next(self) -> wire.CentralMsg:
        """Return the next answer."""
        return wire.CentralMsg.FromString(next(self.answers))

    def close(self) -> None:
        """End the call."""
        self.outbox.put(None)
        self.channel.close()


def records(gateway: str, seq: int = 1) -> Frame:
    """Return a batch of one record of the gateway, of an epoch of its own."""
    body = {"k": "config.loaded", "id": secrets.token_hex(8), "t": 1, "m": 1}
    return record_frame(stamp(gateway), [body], seq=seq)


@pytest.fixture
def caller(rig: Rig) -> Iterator[Caller]:
    """Take the place of the dust gateway, which has ended in order."""
    assert rig.gateways[DUST.site].stop() == 0
    made = Caller(rig, DUST.gateway)
    yield made
    made.close()


def back_to_normal(rig: Rig, sessions: int) -> None:
    """The other gateway noticed nothing, and this one streams again when it returns."""
    assert rig.is_live(STEEL)
    assert rig.gateway(STEEL)["uplink"]["sessions"] == sessions
    rig.gateways[DUST.site].start()
    until("it is open", lambda: rig.uplink_state(DUST) == "OPEN", within_s=30)
    until("it streams again", lambda: rig.is_live(DUST), within_s=30)
    rig.settle()


def test_a_damaged_batch_is_kept_aside_and_the_stream_lives(rig: Rig, caller: Caller) -> None:
    sessions = rig.gateway(STEEL)["uplink"]["sessions"]
    caller.hello()
    frame = records(DUST.gateway)
    damaged = [flipped(frame.data, at) for at in (40, 200, len(frame.data) - 1)]
    ack = caller.frames(*damaged)
    assert [(i.nth, i.status) for i in ack.items] == [(n, wire.QUARANTINED) for n in (1, 2, 3)]
    assert all(i.code for i in ack.items)
    ack = caller.frames(frame.data)  # the same call goes on
    assert [(r.lo, r.hi) for r in ack.stored] == [(1, 1)]
    assert rig.site(DUST)["quarantined"] == 3
    caller.close()
    back_to_normal(rig, sessions)


def test_a_malformed_message_ends_its_stream_and_no_other(rig: Rig, caller: Caller) -> None:
    sessions = rig.gateway(STEEL)["uplink"]["sessions"]
    caller.hello()
    caller.outbox.put(b"\xff\xff\xff\xff")
    with pytest.raises(grpc.RpcError) as ended:
        caller.next()
    assert ended.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    caller.close()
    back_to_normal(rig, sessions)


def test_a_frame_of_another_gateway_is_refused(rig: Rig, caller: Caller) -> None:
    sessions = rig.gateway(STEEL)["uplink"]["sessions"]
    caller.hello()
    with pytest.raises(grpc.RpcError) as ended:
        caller.frames(records(STEEL.gateway).data)
    assert ended.value.code() in (
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    caller.close()
    back_to_normal(rig, sessions)
