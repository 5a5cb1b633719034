"""A device with `points = …`: read in place by check, plan and run, part of the configuration."""

from pathlib import Path

import pytest

from edge.installation import load
from proto.errors import ConfigError
from tests.unit.edge.site import write_site

LIST = """位号,名称,寄存器区,地址,数据类型,字节序,单位,量程下限,量程上限,工艺单元
PT-9,炉口压力,保持寄存器,200,float32,CDAB,Pa,-200,200,1#炉
LIFE-9,心跳,保持寄存器,202,uint16,,1,,,
"""
DEVICE = """
[[device]]
name = "extra"
line = "bof1"
unit_id = 7
path = "plc"
life = "life_9"
points = { file = "extra.csv", base = "protocol" }
"""


@pytest.fixture
def edge_toml(tmp_path: Path) -> Path:
    path = write_site(tmp_path)
    path.write_text(path.read_text("utf-8") + DEVICE)
    (tmp_path / "extra.csv").write_text(LIST, "utf-8")
    return path


def test_a_list_alone_makes_a_device(edge_toml: Path) -> None:
    plant = load(edge_toml).plant
    point = plant.points[plant.index_of["PT-9"]]
    assert (point.name, point.process_unit, point.unit) == ("extra/pt_9", "1#炉", "Pa")
    assert str(plant.bindings[plant.index_of["PT-9"]].address) == "holding 200 float32 CDAB"
    life = plant.bindings[plant.index_of["LIFE-9"]]
    assert (life.point.life, life.moves) == (True, "counter")


def test_a_changed_list_is_a_changed_configuration(edge_toml: Path) -> None:
    before = load(edge_toml).config_hash
    (edge_toml.parent / "extra.csv").write_text(LIST.replace("炉口", "炉顶"), "utf-8")
    assert load(edge_toml).config_hash != before


def test_a_list_over_a_profile_adds_its_points(edge_toml: Path) -> None:
    text = edge_toml.read_text("utf-8").replace(DEVICE, "")
    path = 'path = "plc"\nlife = "life_counter"\n'
    points = 'points = { file = "extra.csv", base = "protocol" }\n'
    edge_toml.write_text(text.replace(path, path + points, 1))
    plant = load(edge_toml).plant
    assert plant.points[plant.index_of["PT-9"]].name == "bof1_plc/pt_9"
    assert "bof1_plc/life_counter" in plant.index_of


def faults_of(path: Path) -> set[tuple[str, str]]:
    with pytest.raises(ConfigError) as refused:
        load(path)
    return {(fault.code, fault.place) for fault in refused.value.faults}


def test_faults_of_list_and_configuration_come_together(edge_toml: Path) -> None:
    edge_toml.write_text(edge_toml.read_text("utf-8").replace('"root.pem"', '"none.pem"'))
    (edge_toml.parent / "extra.csv").write_text(LIST.replace("Pa,", "Pb,"), "utf-8")
    assert faults_of(edge_toml) >= {
        ("config.file", "edge.toml: central.ca"),
        ("point_list.unit", "extra.csv: row 2 column 单位"),
    }


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (', base = "protocol"', "", "point_list.base"),
        (', base = "protocol"', ', preset = "nowhere"', "address.preset"),
        ("extra.csv", "absent.csv", "config.file"),
        ("life_9", "life_8", "config.life"),
    ],
)
def test_what_is_stated_wrong_beside_the_list_is_named(
    edge_toml: Path, old: str, new: str, code: str
) -> None:
    edge_toml.write_text(edge_toml.read_text("utf-8").replace(old, new))
    found = faults_of(edge_toml)
    assert code in {each for each, _ in found}, found
