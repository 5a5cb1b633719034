"""A person confirms the map after a program change: what is taken, what is refused, the record."""

import asyncio

import pytest

from devices.driver import Note
from edge.acquisition.map_desk import MapDesk
from proto.batch import Lane
from proto.errors import BadRequest, Conflict, NotFound
from proto.quality import Detail, Quality, Reason
from tests.unit.edge.acquisition.test_units import Stage, pair_text, two


def desk(stage: Stage) -> MapDesk:
    return MapDesk(stage.plant, stage.lines, stage.clock, stage.sink.record)


async def test_the_word_of_a_person_ends_the_doubt_of_one_device_and_is_a_record() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        for device in ("u1", "u2"):
            stage.drivers["rs"].pending.append(Note("plant.program_changed", device, {}))
        await asyncio.sleep(2.0)
        request = {"do": "map.confirm", "device": "u1", "by": " 李工 ", "change": "MOC-17"}
        said = desk(stage).table()["map.confirm"](request)
        assert (said["schema"], said["device"], said["by"]) == ("map/1", "u1", "李工")
        await asyncio.sleep(2.0)
        assert stage.now("u1/lance_in_flow")[0] == Quality.GOOD
        assert stage.now("u2/lance_in_flow") == (1, Reason.DEVIATION, Detail.MAP_UNPROVEN)

    stage = await Stage(two()).play(scene)
    [(lane, body)] = [one for one in stage.sink.records if one[1]["k"] == "plant.map_confirmed"]
    assert lane is Lane.EVENT
    assert (body["device"], body["by"], body["change_number"]) == ("u1", "李工", "MOC-17")
    assert {"id", "t", "m"} <= set(body)


async def test_the_name_of_a_pair_stands_for_the_members_that_are_in_doubt() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.drivers["line_b"].pending.append(Note("plant.program_changed", "b", {}))
        await asyncio.sleep(2.0)
        assert desk(stage).confirm("bof", "li")["members"] == ["b"]

    await Stage(pair_text()).play(scene)


@pytest.mark.parametrize(
    ("device", "by", "error", "code"),
    [
        ("u1", "  ", BadRequest, "map.by"),
        ("u1", "x" * 81, BadRequest, "map.by"),
        ("u9", "li", NotFound, "map.unknown_device"),
        ("u1", "li", Conflict, "map.not_in_doubt"),
    ],
)
async def test_what_confirms_nothing_is_refused_and_leaves_no_record(
    device: str, by: str, error: type[BadRequest | NotFound | Conflict], code: str
) -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        with pytest.raises(error) as caught:
            desk(stage).confirm(device, by)
        assert caught.value.code == code

    stage = await Stage(two()).play(scene)
    assert stage.sink.kinds() == []
