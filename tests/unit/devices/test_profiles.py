"""Profiles: every one of the package decodes; every fault of a bad one is named at once."""

from importlib import resources

import pytest

from devices import catalog
from devices.kinds import Kind, parse_kind
from devices.profile import ModbusProfile
from devices.profile_check import parse_profile
from devices.schema import schema_text
from proto.catalogue import catalogue, clause
from proto.errors import ProfileError
from tests.unit.devices.builders import MODBUS_TEXT, PARAMETERS

KINDS = {"test_kind": Kind(kind="test_kind", title="t", clauses=("O10-4.4",), requires=("a.flow",))}
OPCUA_TEXT = """
profile = "test_opc"
version = 1
kind = "test_kind"
protocol = "opcua"
grade = "bronze"
source = "written by hand"
[[points]]
name = "flow"
title = "流量"
parameter = "a.flow"
unit = "m3/h"
poll = "fast"
at = { node = "nsu=urn:x;s=Flow", type = "double" }
vector = { variant = { type = "Double", value = 63.5, status = "Good" }, value = 63.5 }
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ProfileError) as refused:
        parse_profile(text, "p.toml", PARAMETERS, KINDS)
    return [str(fault) for fault in refused.value.faults]


def point(**changes: str) -> str:
    """A second point, correct but for the changes."""
    keys = {
        "name": '"state"',
        "title": '"状态"',
        "parameter": '"a.state"',
        "unit": '"bool"',
        "poll": '"fast"',
        "at": '{ table = "discrete", address = 0, type = "bool" }',
        "vector": "{ bits = [1], value = true }",
    } | changes
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    return MODBUS_TEXT + "\n[[points]]\n" + "\n".join(lines)


@pytest.mark.parametrize("name", catalog.names())
def test_every_vector_of_every_profile_decodes(name: str) -> None:
    assert catalog.find(name).profile == name


def test_every_family_of_the_catalogue_has_a_profile() -> None:
    offered = {
        each.parameter.partition(".")[0]
        for name in catalog.names()
        for each in catalog.find(name).points
    }
    families = set(catalogue().families) - {"other"}
    assert families - offered == set()


def test_every_kind_has_a_profile_and_every_controller_a_life_signal() -> None:
    profiles = [catalog.find(name) for name in catalog.names()]
    assert {profile.kind for profile in profiles} == set(catalog.kinds())
    silent = {p.profile for p in profiles if not any(point.life for point in p.points)}
    # instruments without a program of their own: what reads them answers for them
    assert silent == {
        "cabinet_relay_box", "co_transmitters_adc", "current_module_8", "filter_bag_dp_gauge",
        "power_meter_3p", "ups_modbus",
    }  # fmt: skip


SUBSYSTEMS = (
    "bf.body", "bf.pci", "bof.vessel", "bof.ldg", "dust.elevator", "dust.silo", "bf.top",
    "bof.lance", "dust.dry", "dust.wet",
)  # fmt: skip


@pytest.mark.parametrize("subsystem", SUBSYSTEMS)
def test_a_subsystem_of_the_catalogue_has_a_profile(subsystem: str) -> None:
    points = [p for name in catalog.names() for p in catalog.find(name).points]
    assert any(point.parameter.startswith(f"{subsystem}.") for point in points)


def test_every_profile_point_names_a_parameter_or_says_why_not() -> None:
    for name in catalog.names():
        for each in catalog.find(name).points:
            assert (each.parameter == "none") == bool(each.parameter_reason)


def test_the_committed_schema_is_fresh() -> None:
    file = resources.files("devices") / "profiles" / "schema.json"
    assert file.read_text("utf-8") == schema_text()


def test_a_correct_profile_is_read() -> None:
    profile = parse_profile(point(), "p.toml", PARAMETERS, KINDS)
    assert isinstance(profile, ModbusProfile)
    assert [each.name for each in profile.points] == ["flow", "state"]


def test_a_profile_whose_vector_does_not_decode_is_refused_with_both_values() -> None:
    text = MODBUS_TEXT.replace("[0x0000, 0x44FA]", "[0x44FA, 0x0000]")
    assert faults(text) == [
        "p.toml: points[0].vector: profile.vector_wrong flow decodes to 2.4744128283e-41, "
        "source says 2000; order ABCD would fit 样例不符"
    ]


def test_a_vector_that_no_order_explains_says_so() -> None:
    text = MODBUS_TEXT.replace("value = 2000.0", "value = 1999.0")
    assert faults(text) == [
        "p.toml: points[0].vector: profile.vector_wrong flow decodes to 2000, "
        "source says 1999; no order would fit 样例不符"
    ]


def test_a_point_without_a_worked_example_is_refused_by_name() -> None:
    assert faults(point(vector="")) == [
        "p.toml: points[1].vector: profile.vector_missing state has no worked example 缺少样例"
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"adress": "1"}, "points[1].adress: config.unknown_key unknown key (did you mean"),
        ({"unit": '"m3/h"'}, "points[1].unit: profile.unit state is in m3/h, a.state in 1"),
        ({"parameter": '"a.nothing"'}, "points[1].parameter: profile.parameter_unknown"),
        ({"parameter": '"none"'}, "points[1].parameter_reason: profile.parameter_reason"),
        ({"name": '"flow"'}, "points[1].name: profile.duplicate flow twice"),
        ({"name": '"Flow rate"'}, "points[1].name: config.value"),
        ({"scale": "0.5"}, "points[1].scale: profile.scale"),
        ({"range": "[1.0, 0.0]"}, "points[1].range: profile.range state: low is not below high"),
        ({"life": "true"}, "points[1].moves: profile.life state: state how the life moves"),
        ({"fault_values": "[nan]"}, "points[1].fault_values[0]: config.value"),
        ({"fault_values": "[7.0]"}, "points[1].fault_values: profile.fault_value state: 7"),
        ({"poll": '"100 ms"'}, "points[1].poll: config.value"),
        (
            {"at": '{ table = "discrete", address = 0, type = "int16" }'},
            "points[1].at: profile.address state: table discrete holds single bits",
        ),
        (
            {"at": '{ table = "holding", address = 9, type = "bool" }'},
            "points[1].at.bit: profile.address state: type bool in a register needs bit",
        ),
        (
            {"at": '{ table = "holding", address = 65536, type = "bool", bit = 1 }'},
            "points[1].at.address: config.value",
        ),
        (
            {"vector": "{ registers = [1], value = true }"},
            "points[1].vector: profile.vector_shape state: this type needs bits",
        ),
        (
            {
                "unit": '"1"',
                "at": '{ table = "holding", address = 1, type = "uint16" }',
                "vector": "{ registers = [1], value = 1 }",
            },
            "points[1].at: config.overlap flow and state read one register as float32 and uint16",
        ),
        (
            {
                "unit": '"1"',
                "at": '{ table = "holding", address = 65535, type = "uint32" }',
                "vector": "{ registers = [0, 1], value = 65536 }",
            },
            "points[1].at.address: profile.address state: reaches beyond address 65535",
        ),
    ],
)
def test_a_faulty_point_is_refused_with_its_place(changes: dict[str, str], fault: str) -> None:
    assert any(found.startswith(f"p.toml: {fault}") for found in faults(point(**changes)))


def test_every_fault_is_named_at_once() -> None:
    text = point(parameter='"a.nothing"', range="[1.0, 0.0]", vector="{ bits = [0], value = true }")
    assert len(faults(text)) == 3


def test_a_profile_that_lacks_what_its_kind_requires_is_refused() -> None:
    text = MODBUS_TEXT.replace('"a.flow"', '"none"\nparameter_reason = "test"')
    assert faults(text) == [
        "p.toml: points: profile.kind_incomplete kind test_kind requires a.flow 缺少必备测点"
    ]


def test_an_unknown_kind_is_refused() -> None:
    assert faults(MODBUS_TEXT.replace("test_kind", "teapot")) == [
        "p.toml: kind: profile.kind_unknown teapot: no such kind"
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "profile.protocol"),
        ('protocol = "profibus"', "profile.protocol"),
        ("a = = 1", "config.toml"),
        ("a = " + "[" * 5000, "config.toml"),
        ("#" * (1 << 20) + "#", "config.too_long"),
        ('protocol = "modbus"', "config.missing"),
        ('protocol = "modbus"\nversion = 2020-01-01', "config.value"),
    ],
)
def test_any_text_gives_a_fault_not_a_crash(text: str, code: str) -> None:
    assert any(f" {code} " in found for found in faults(text))


def test_a_number_is_never_taken_for_a_text_nor_a_text_for_a_number() -> None:
    assert len(faults(MODBUS_TEXT.replace("version = 1", 'version = "1"'))) == 1
    assert len(faults(MODBUS_TEXT.replace('title = "流量"', "title = 1"))) == 1


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('type = "Double"', 'type = "Float"', "profile.vector_wrong flow: Float 63.5 is no double"),
        ("value = 63.5 }\n", "value = 60.0 }\n", "flow decodes to 63.5, source says 60"),
        ('"Good"', '"BadSensorFailure"', "flow decodes to BAD, source says GOOD"),
        ('"Good"', '"BadWeather"', "profile.status_unknown BadWeather"),
        ("nsu=urn:x;s=Flow", "ns=2;s=Flow", "points[0].at.node: config.value"),
    ],
)
def test_an_opc_ua_point_is_held_to_its_example(old: str, new: str, fault: str) -> None:
    assert fault in faults(OPCUA_TEXT.replace(old, new))[0]


def test_a_correct_opc_ua_profile_is_read() -> None:
    assert parse_profile(OPCUA_TEXT, "p.toml", PARAMETERS, KINDS).protocol == "opcua"


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProfileError) as refused:
        catalog.find("nothing")
    assert "bof_lance_plc" in str(refused.value.faults[0])


def test_a_kind_names_parameters_of_the_catalogue_only() -> None:
    text = 'kind = "k"\ntitle = "t"\nclauses = ["O10-4.4"]\nrequires = ["a.flow", "a.bad"]'
    with pytest.raises(ProfileError) as refused:
        parse_kind(text, "k.toml", PARAMETERS)
    assert [str(fault) for fault in refused.value.faults] == [
        "k.toml: requires[1]: profile.parameter_unknown a.bad: not in the catalogue"
    ]


def test_the_clauses_of_every_kind_stand_in_the_hazard_catalogue() -> None:
    for kind in catalog.kinds().values():
        assert [each for each in kind.clauses if clause(each) is None] == []
