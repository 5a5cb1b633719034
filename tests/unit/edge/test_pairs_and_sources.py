"""Pairs and sources as the file says them: what members inherit, what must be named."""

from pathlib import Path

import pytest

from devices.modbus.facts import Learnt, profile_hash
from devices.modbus.holes_model import Fact, FactKind
from devices.modbus.traffic import Contract, policy_of
from devices.profile import ModbusProfile
from edge import points
from edge.acquisition.contract import contract_of
from edge.acquisition.drivers import modbus_line
from edge.config import load_text
from edge.plant import Plant
from proto.errors import ConfigError, Fault
from tests.integration.edge.guarded import PROFILE, RING, TEXT, profile_of
from tests.integration.edge.test_line_units import HEAD, POLL
from tests.integration.edge.test_pair_sockets import HALF, SITE

HALVES = HALF.format(name="a", port=502) + HALF.format(name="b", port=503)
MIRROR = """
[[line]]
name = "mirror"
kind = "modbus-tcp"
address = "127.0.0.1:502"
[[device]]
name = "mirror"
line = "mirror"
unit_id = 1
profile = "half_plc"
path = "mirror"
source = [{ name = "one", life = "life" }, { name = "two", life = "none", reason = "no counter" }]
"""


def built(
    text: str, profile: ModbusProfile | None = None, **more: object
) -> tuple[Plant | None, list[Fault]]:
    """Plant or faults of a site."""
    config = load_text((HEAD + text + POLL).encode(), "edge.toml")
    found = profile or profile_of(PROFILE)
    return points.build(config, {"half_plc": found}, **more)  # type: ignore[arg-type]


def test_members_of_a_pair_inherit_profile_and_life() -> None:
    plant, faults = built(SITE + HALVES)
    assert faults == []
    assert plant is not None
    assert {axis.block.device for line in plant.lines for axis in line.axes} == {"half_a", "half_b"}
    assert [point.name for point in plant.points if point.life] == ["plc/life"]


def test_a_member_with_another_profile_than_its_pair_is_refused() -> None:
    text = SITE + HALVES.replace('name = "half_b"', 'name = "half_b"\nprofile = "other"')
    with pytest.raises(ConfigError, match=r"device\[0\]\.pair: config\.value"):
        load_text((HEAD + text + POLL).encode(), "edge.toml")


def test_a_pair_of_a_tap_and_a_connection_is_refused() -> None:
    text = SITE + HALVES.replace("modbus-tcp", "modbus-tap", 1)
    with pytest.raises(ConfigError) as refused:
        load_text((HEAD + text + POLL).encode(), "edge.toml")
    assert "config.protocol" in [fault.code for fault in refused.value.faults]


def test_what_members_learnt_may_differ() -> None:
    profile = profile_of(PROFILE + TEXT + RING)
    same = profile_hash(profile)
    learnt = {
        "half_a": Learnt(same, facts=(Fact(FactKind.HOLE, 3, 2, 2),)),
        "half_b": Learnt(same, facts=(Fact(FactKind.HOLE, 3, 1, 1),)),
    }
    for behind in ("", "behind_gateway = true\n"):
        halves = HALVES.replace('timeout = "200ms"\n', f'timeout = "200ms"\n{behind}', 1)
        plant, faults = built(SITE + halves, profile, learnt=learnt)
        assert faults == []
        assert plant is not None
        first, second = ([a.block.points for a in line.axes] for line in plant.lines)
        assert first == second


def test_the_contract_states_the_probing_that_the_member_itself_is_driven_with() -> None:
    text = SITE + HALVES.replace('name = "half_b"', 'name = "half_b"\nprobing = "never"')
    plant, _ = built(text)
    assert plant is not None
    for line, policy in zip(plant.lines, ("commissioning", "never"), strict=True):
        contract = contract_of(line, plant)
        assert isinstance(contract, Contract)
        driven = modbus_line(line, Path())
        assert policy_of(contract, 1) == driven.policy(line.devices[0].name) == policy


def test_points_without_a_source_of_their_own_on_a_device_with_two_are_a_fault() -> None:
    _, faults = built(MIRROR)
    assert [(fault.place, fault.code) for fault in faults] == [
        ("edge.toml: device[0].source", "config.source_missing")
    ]
    assert "mirror/level" in faults[0].message


def test_the_life_point_of_a_source_is_marked_for_the_centre() -> None:
    one = MIRROR.replace(', { name = "two", life = "none", reason = "no counter" }', "")
    plant, faults = built(one)
    assert faults == []
    assert plant is not None
    assert [
        p.name for part in plant.schema for a in part.table().axes for p in a.points if p.life
    ] == ["mirror/life"]


def test_a_source_whose_life_point_is_not_there_is_a_fault() -> None:
    one = MIRROR.replace('life = "life"', 'life = "lfe"')
    _, faults = built(one)
    assert ("edge.toml: device[0].source[0].life", "config.life") in [
        (fault.place, fault.code) for fault in faults
    ]
