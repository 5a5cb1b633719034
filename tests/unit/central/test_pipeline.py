"""The checks before any handler, and what ends a call."""

import pytest

from central.ingest.admission import Register, Sessions, check_hello, welcome
from central.listeners.pipeline import (
    RATE_BURST,
    STATUS_OF,
    Bucket,
    Certificate,
    Peer,
    Rejected,
    admit,
    status_of,
    take,
)
from proto.errors import CentralRefused
from proto.site import Site
from proto.v1 import uplink_pb2 as wire

GATEWAY = "610581-bof1a"
URI = f"spiffe://yujing/edge/{GATEWAY}"
REGISTER = Register.of([Site("hancheng-steel", "韩城", "610581", (GATEWAY,))])
DAY_US = 86_400_000_000
NOW = 100 * DAY_US
S = 1_000_000_000


def certificate(*uris: str) -> Certificate:
    return Certificate(uris or (URI,), NOW - DAY_US, NOW + 10 * DAY_US)


def test_a_registered_gateway_with_a_valid_certificate_is_admitted() -> None:
    peer = admit(certificate(), "TLSv1.3", REGISTER, NOW)
    assert isinstance(peer, Peer)
    assert (peer.registered.site, peer.certificate_days) == ("hancheng-steel", 10)


@pytest.mark.parametrize(
    ("shown", "tls", "at", "code"),
    [
        (None, "TLSv1.3", NOW, "identity.none"),
        (certificate(), "TLSv1.2", NOW, "identity.tls"),
        (certificate(URI, URI), None, NOW, "identity.san"),
        (certificate(URI + "\n"), None, NOW, "identity.san"),
        (certificate(), None, NOW - 2 * DAY_US, "identity.expired"),
        (certificate(), None, NOW + 11 * DAY_US, "identity.expired"),
        (certificate(URI + "2"), None, NOW, "identity.unregistered"),
    ],
)
def test_everybody_else_is_refused(
    shown: Certificate | None, tls: str | None, at: int, code: str
) -> None:
    found = admit(shown, tls, REGISTER, at)
    assert isinstance(found, Rejected)
    assert (found.rejection.value, found.code) == ("UNAUTHENTICATED", code)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket, passed = Bucket(), 0
    for _ in range(500):
        bucket, ok = take(bucket, S)
        passed += ok
    assert passed == RATE_BURST
    for _ in range(100):
        bucket, ok = take(bucket, 2 * S)
        passed += ok
    assert passed == RATE_BURST + 20


def test_every_code_has_a_status_and_an_unknown_one_is_internal() -> None:
    assert status_of("session.superseded") == "ABORTED"
    assert status_of("of the future") == "INTERNAL"
    assert "OK" not in STATUS_OF.values()


def hello(**more: object) -> wire.Hello:
    said: dict[str, object] = {
        "proto_min": 1,
        "proto_max": 2,
        "kind": wire.URGENT,
        "session": b"s" * 16,
        "boot_id": 1,
    }
    return wire.Hello(**(said | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"proto_min": 2}, "session.version"),
        ({"kind": wire.STREAM_UNSET}, "session.kind"),
        ({"session": b"short"}, "session.id"),
        ({"tips": [wire.LaneTip(epoch=b"x", lane=1)]}, "session.tips"),
        ({"tips": [wire.LaneTip(epoch=b"e" * 16, lane=9)]}, "session.tips"),
    ],
)
def test_a_hello_that_opens_no_session_is_refused(more: dict[str, object], code: str) -> None:
    check_hello(hello())
    with pytest.raises(CentralRefused) as refused:
        check_hello(hello(**more))
    assert refused.value.code == code


def test_an_older_start_that_speaks_again_is_flagged_and_supersedes_nobody() -> None:
    sessions = Sessions()
    newest, _none, disputed = sessions.open(GATEWAY, hello(boot_id=2))
    assert not disputed
    _older, superseded, disputed = sessions.open(GATEWAY, hello(boot_id=1, session=b"o" * 16))
    assert (superseded, disputed) == (None, True)
    assert sessions.calls[GATEWAY, wire.URGENT] == newest
    again, superseded, _ = sessions.open(GATEWAY, hello(boot_id=2, session=b"n" * 16))
    assert superseded == newest
    sessions.close(newest)
    assert sessions.calls[GATEWAY, wire.URGENT] == again


def test_more_ranges_than_a_welcome_holds_follow_as_acks() -> None:
    ranges = [wire.Range(epoch=b"e" * 16, lane=2, lo=n, hi=n) for n in range(300)]
    message, rest = welcome(hello(schemas=[b"a", b"b"]), ranges, [b"a"], 7)
    assert (len(message.welcome.stored), message.welcome.more, len(rest)) == (256, True, 44)
    assert list(message.welcome.schemas_wanted) == [b"b"]
