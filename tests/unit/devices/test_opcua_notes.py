"""What the OPC UA driver tells people: in both languages, each thing once, lapsed papers daily."""

from dataclasses import replace

import pytest
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from devices.opcua.certificate import DAY_US, Presented, Standing, Verdict
from devices.opcua.session import Found
from devices.opcua.watchdog import Papers
from proto.message import MESSAGES, say

NOW_US = 20_000 * DAY_US


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.us = NOW_US

    def wall_us(self) -> int:
        return self.us

    def mono_ns(self) -> int:
        return self.us * 1000


def found(verdict: Verdict, ends_us: int) -> Found:
    shown = Presented(b"k", "t1", "urn:x", ("urn:x",), 0, ends_us, None, False, ())
    return Found(SecurityPolicyBasic256Sha256, "Basic256Sha256", b"d", "urn:x", shown, verdict)


def test_an_ending_certificate_is_announced_at_each_threshold_once() -> None:
    clock = Clock()
    papers = Papers(clock, "opc.tcp://plc:4840")
    good = found(Verdict(Standing.IN_FORCE), NOW_US + 31 * DAY_US)
    own_end = NOW_US + 400 * DAY_US
    [first] = papers.look(own_end, good)
    assert (first.code, first.body["days"]) == ("device.certificate_expires", 31)
    assert papers.look(own_end, good) == []
    clock.us += 2 * DAY_US
    [second] = papers.look(own_end, good)
    assert second.body["days"] == 29


def test_a_lapsed_certificate_is_announced_daily() -> None:
    clock = Clock()
    papers = Papers(clock, "opc.tcp://plc:4840")
    lapsed = found(Verdict(Standing.LAPSED), NOW_US - DAY_US)
    own_end = NOW_US + 400 * DAY_US
    [note] = papers.look(own_end, lapsed)
    assert note.code == "device.certificate_lapsed"
    clock.us += DAY_US // 2
    assert papers.look(own_end, lapsed) == []
    clock.us += DAY_US // 2
    assert [n.code for n in papers.look(own_end, lapsed)] == ["device.certificate_lapsed"]


def test_a_renewed_certificate_and_a_broken_policy_are_told() -> None:
    papers = Papers(Clock(), "opc.tcp://plc:4840")
    renewed = found(Verdict(Standing.IN_FORCE, is_renewed=True), NOW_US + 400 * DAY_US)
    weak = replace(renewed, policy_name="Basic256")
    codes = {note.code for note in papers.look(NOW_US + 400 * DAY_US, weak)}
    assert codes == {"device.certificate_renewed", "device.policy_insecure"}


BODIES: dict[str, dict[str, object]] = {
    "device.certificate_expires": {"endpoint": "e", "whose": "gateway", "days": 7},
    "device.certificate_lapsed": {
        "endpoint": "e",
        "thumbprint": "t",
        "standing": "lapsed",
        "since_us": 1,
        "is_deferred": False,
    },
    "device.certificate_renewed": {"endpoint": "e", "thumbprint": "t"},
    "device.history_filled": {
        "from_us": 1,
        "to_us": 2,
        "values": 3,
        "points_filled": 1,
        "points_partly": 0,
        "points_no_history": 0,
    },
    "device.item_refused": {"node": "n", "count": 1, "status": "s", "retry_s": 300},
    "device.server_slower": {
        "items": 3,
        "asked_publishing_ms": 100.0,
        "publishing_ms": 200.0,
        "asked_sampling_ms": 50.0,
        "sampling_ms": 250.0,
    },
    "device.policy_insecure": {"endpoint": "e", "policy": "None"},
    "device.publish_lost": {"sequence": 4, "items": 5},
    "device.server_condition": {"state": 0, "service_level": 150},
}


@pytest.mark.parametrize("code", sorted(BODIES))
def test_every_note_has_its_words(code: str) -> None:
    english, chinese = say(code, "en", **BODIES[code]), say(code, "zh", **BODIES[code])
    assert english != chinese
    assert "{" not in english + chinese
    assert code in MESSAGES
