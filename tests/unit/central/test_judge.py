"""One frame to one verdict."""

import pytest

from central.archive.codes import number_of_code
from central.ingest.judge import Aside, Good, Refusal, Refused, Verdict, judge
from proto.batch import gateway_uid
from proto.v1 import uplink_pb2 as wire
from tests.builders import flipped
from tests.central_builders import Plant

GATEWAY = "610581-bof1a"
SITE = "hancheng-steel"
OWNERS = {bytes(range(16)): (SITE, GATEWAY)}


def verdict(
    data: bytes,
    call: wire.StreamKind = wire.URGENT,
    owners: dict[bytes, tuple[str, str]] | None = None,
) -> Verdict:
    uid = gateway_uid(GATEWAY)
    return judge(data, call=call, site=SITE, gateway=GATEWAY, uid=uid, owners=owners or {})


def test_a_sound_frame_goes_on() -> None:
    frame = Plant().frames[0]
    assert verdict(frame.data) == Good(frame, late=False)
    assert verdict(frame.data, owners=OWNERS) == Good(frame, late=False)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (0, "batch.magic"),
        (7, "batch.hash_alg"),
        (40, "batch.header_hash"),
        (230, "batch.header_hash"),
        (260, "batch.payload_hash"),
    ],
)
def test_a_damaged_frame_goes_aside_with_its_code(at: int, code: str) -> None:
    found = verdict(flipped(Plant().frames[0].data, at))
    assert found == Aside(code)
    assert found.number == number_of_code(code) < 255


@pytest.mark.parametrize("size", [0, 1, 255, 256, 280])
def test_a_frame_of_another_length_goes_aside(size: int) -> None:
    assert isinstance(verdict(Plant().samples().data[:size]), Aside)


def test_a_frame_of_another_gateway_ends_the_stream() -> None:
    found = verdict(Plant(gateway="610502-dust1a").frames[0].data)
    assert isinstance(found, Refused)
    assert found.refusal is Refusal.NOT_YOURS


def test_an_epoch_belongs_to_one_gateway_for_ever() -> None:
    owners = {bytes(range(16)): ("weinan-dust", "610502-dust1a")}
    found = verdict(Plant().frames[0].data, owners=owners)
    assert isinstance(found, Refused)
    assert found.refusal is Refusal.EPOCH_BOUND


def test_each_lane_has_its_call() -> None:
    plant = Plant()
    samples, records = plant.samples().data, plant.records({"k": "x.y"}).data
    assert isinstance(verdict(samples, wire.BULK), Good)
    assert isinstance(verdict(records, wire.URGENT), Good)
    for data, call in ((samples, wire.URGENT), (records, wire.BULK)):
        found = verdict(data, call)
        assert isinstance(found, Refused)
        assert found.refusal is Refusal.WRONG_CALL


def test_a_code_that_is_not_listed_has_a_number_too() -> None:
    assert number_of_code("batch.of_the_future") == 255
