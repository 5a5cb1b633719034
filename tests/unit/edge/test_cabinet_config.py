"""`[cabinet]`: a module of our own on a line of its own; everything else is refused."""

import pytest

from edge.config import load_text, parse_config
from edge.config_cabinet import cabinet_faults
from tests.unit.edge.plant import EDGE

LINE = '[[line]]\nname = "cabinet"\nkind = "modbus-tcp"\naddress = "127.0.0.1:5029"\n'
TABLE = """[cabinet]
line = "cabinet"
outputs = { sounder = 0, lamp = 1, gateway_healthy = 2 }
inputs = { mains = 0, acknowledge = 4 }
"""


def refused(text: str) -> set[tuple[str, str]]:
    """Codes and places of what is wrong."""
    config, faults = parse_config(text.encode(), "edge.toml")
    assert config is None
    return {(fault.code, fault.place) for fault in faults}


def test_a_cabinet_on_a_line_of_its_own_is_taken() -> None:
    config = load_text((EDGE + LINE + TABLE).encode(), "edge.toml")
    assert config.cabinet is not None
    assert config.cabinet.outputs == {"sounder": 0, "lamp": 1, "gateway_healthy": 2}
    assert config.cabinet.watchdog_ns == 5 * 10**9


def test_without_the_table_there_is_none() -> None:
    assert load_text(EDGE.encode(), "edge.toml").cabinet is None


SHARED = ("config.cabinet_shared", "edge.toml: cabinet.line")


def test_a_line_that_carries_a_device_is_refused() -> None:
    assert SHARED in refused(EDGE + TABLE.replace('"cabinet"', '"bof1"'))


def test_the_address_of_a_plant_line_is_refused() -> None:
    assert SHARED in refused(EDGE + LINE.replace("5029", "5020") + TABLE)


@pytest.mark.parametrize("address", ["10.1.2.4:502", "10.1.2.9:503"])
def test_an_address_on_the_network_of_a_plant_line_is_refused(address: str) -> None:
    plant = EDGE.replace("127.0.0.1:5020", "10.1.2.9:502")
    assert SHARED in refused(plant + LINE.replace("127.0.0.1:5029", address) + TABLE)


def test_another_network_is_taken() -> None:
    plant = EDGE.replace("127.0.0.1:5020", "10.1.2.9:502")
    load_text((plant + LINE.replace("127.0.0.1", "192.168.250.2") + TABLE).encode(), "edge.toml")


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('"cabinet"\noutputs', '"cab"\noutputs', "config.unknown_line", "cabinet.line"),
        ("lamp = 1", "lamp = 0", "config.duplicate", "cabinet.outputs"),
        ("lamp = 1", "feeder = 1", "config.value", "cabinet.outputs.feeder"),
        ("lamp = 1", "lamp = 70000", "config.value", "cabinet.outputs.lamp"),
        ("mains = 0", "mains = 5000", "config.limit", "cabinet.inputs"),
        ("inputs", 'watchdog = "30s"\ninputs', "config.value", "cabinet.watchdog"),
        ("inputs", 'watchdog = "1s"\ninputs', "config.value", "cabinet.watchdog"),
    ],
)
def test_a_fault_is_refused_with_its_code_and_place(
    old: str, new: str, code: str, key: str
) -> None:
    assert old in TABLE
    found = refused(EDGE + LINE + TABLE.replace(old, new, 1))
    assert code in {code for code, _ in found}
    assert any(place.startswith(f"edge.toml: {key.rpartition('.')[0]}") for _, place in found)


def test_an_output_of_the_interlocks_on_the_cabinets_line_is_refused() -> None:
    config = load_text((EDGE + LINE + TABLE).encode(), "edge.toml")
    assert config.cabinet is not None
    faults = list(
        cabinet_faults(
            config.cabinet, config.line, config.device, "edge.toml", output_lines={"cabinet"}
        )
    )
    assert [(fault.code, fault.place) for fault in faults] == [SHARED]


def test_the_inputs_are_points_and_the_outputs_are_none() -> None:
    from devices import catalog
    from edge import points

    config = load_text((EDGE + LINE + TABLE).encode(), "edge.toml")
    profiles = {name: catalog.find(name) for name in ("bof_lance_plc", "dust_dry_plc")}
    plant, faults = points.build(config, profiles)
    assert plant is not None, faults
    assert plant.cabinet is not None
    assert [point.name for point in plant.cabinet.block.points] == [
        "sys.gw.mains",
        "sys.gw.acknowledge",
    ]
    assert plant.cabinet.period_ns == config.poll["fast"]
    assert "cabinet" not in [line.config.name for line in plant.lines]
    assert plant.cabinet not in plant.own
