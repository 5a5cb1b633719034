"""All files of a gateway are checked together: every fault of every file at once."""

import os
from pathlib import Path

import pytest

from edge.installation import load
from proto.errors import ConfigError
from tests.unit.edge.site import write_site


@pytest.fixture
def edge_toml(tmp_path: Path) -> Path:
    """A site without faults."""
    return write_site(tmp_path)


def change(path: Path, old: str, new: str) -> None:
    """Replace text in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))


def faults_of(path: Path) -> set[tuple[str, str]]:
    """Codes and places of everything that is refused."""
    with pytest.raises(ConfigError) as refused:
        load(path)
    return {(fault.code, fault.place) for fault in refused.value.faults}


def test_a_site_without_faults_is_loaded(edge_toml: Path) -> None:
    made = load(edge_toml)
    assert [i.id for model in made.models for i in model.interlocks] == ["BOF1-LANCE", "DUST1-DRY"]
    assert [spec.id for spec in made.alarms][:2] == ["LANCE-T-A", "LANCE-T-B"]
    assert {warning.code for warning in made.warnings} == {"CEM-145"}
    assert made.data_dir == edge_toml.parent / "data"
    assert len(bytes.fromhex(made.config_hash)) == 32


def test_the_hash_follows_every_file(edge_toml: Path) -> None:
    first = load(edge_toml).config_hash
    assert load(edge_toml).config_hash == first
    change(edge_toml.parent / "limits.toml", "limit = 45", "limit = 44")
    assert load(edge_toml).config_hash != first


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("root.pem", "edge.toml: central.ca"),
        ("gw.pem", "edge.toml: central.cert"),
        ("gw.key", "edge.toml: central.key"),
        ("pki/opcua/own/key.pem", "edge.toml: line[1].pki"),
        ("matrices/bof.toml", "edge.toml: interlock.matrices[0]"),
        ("limits.toml", "edge.toml: alarm.limits"),
    ],
)
def test_a_missing_file_is_named_with_the_key_that_names_it(
    edge_toml: Path, name: str, place: str
) -> None:
    (edge_toml.parent / name).unlink()
    assert faults_of(edge_toml) == {("config.file", place)}


def test_a_missing_configuration_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert faults_of(path) == {("config.file", str(path))}


def test_an_unknown_profile_is_refused(edge_toml: Path) -> None:
    change(edge_toml, 'profile = "bof_lance_plc"', 'profile = "bof_lance"')
    assert ("profile.unknown", "bof_lance") in faults_of(edge_toml)


def test_a_point_list_that_is_not_there_is_a_fault_of_its_device(edge_toml: Path) -> None:
    change(edge_toml, 'path = "plc"', 'path = "plc"\npoints = "points.csv"')
    assert ("config.file", "edge.toml: device[0].points") in faults_of(edge_toml)


def test_one_interlock_may_not_stand_in_two_files(edge_toml: Path) -> None:
    change(edge_toml, "matrices/dust.toml", "matrices/two.toml")
    text = (edge_toml.parent / "matrices" / "bof.toml").read_text("utf-8")
    (edge_toml.parent / "matrices" / "two.toml").write_text(text)
    assert faults_of(edge_toml) == {("CEM-102", "matrices/two.toml: interlock.BOF1-LANCE")}


def test_faults_of_all_files_come_at_once(edge_toml: Path) -> None:
    change(edge_toml, 'life = "life_counter"', 'life = "life"')
    change(edge_toml.parent / "matrices" / "bof.toml", 'drawing = "DEMO', 'drawin = "DEMO')
    change(edge_toml.parent / "limits.toml", 'basis = "placeholder"', 'basis = "rumour"')
    (edge_toml.parent / "gw.pem").unlink()
    places = {place for _, place in faults_of(edge_toml)}
    assert places == {
        "edge.toml: central.cert",
        "edge.toml: device[0].life",
        "matrices/bof.toml: drawin",
        "limits.toml: alarm.LANCE-T-A.basis",
    }


def test_a_faulty_configuration_does_not_hide_the_faults_of_its_files(edge_toml: Path) -> None:
    change(edge_toml, 'kind = "modbus-tcp"', 'kind = "modbus-tpc"')
    change(edge_toml.parent / "matrices" / "bof.toml", 'drawing = "DEMO', 'drawin = "DEMO')
    places = {place for _, place in faults_of(edge_toml)}
    assert places == {"edge.toml: line[0].kind", "matrices/bof.toml: drawin"}


def test_an_actuating_matrix_is_refused(edge_toml: Path) -> None:
    matrix = edge_toml.parent / "matrices" / "bof.toml"
    change(matrix, 'mode = "advisory"', 'mode = "actuating"')
    assert faults_of(edge_toml) == {("CEM-003", "matrices/bof.toml: interlock.BOF1-LANCE.mode")}


def test_one_matrix_named_twice_is_refused(edge_toml: Path) -> None:
    old = 'matrices = ["matrices/bof.toml"'
    change(edge_toml, old, old + ', "matrices/bof.toml"')
    place = "matrices/bof.toml: interlock.BOF1-LANCE"
    assert ("CEM-102", place) in faults_of(edge_toml)


def test_a_name_that_no_file_can_have_is_a_fault_and_no_traceback(edge_toml: Path) -> None:
    change(edge_toml, 'limits = "limits.toml"', 'limits = "a\\u0000b"')
    assert ("edge.toml: alarm.limits") in {place for _, place in faults_of(edge_toml)}


def test_a_profile_with_an_impossible_name_is_a_fault_and_no_traceback(edge_toml: Path) -> None:
    change(edge_toml, 'profile = "bof_lance_plc"', 'profile = "a\\u0000b.toml"')
    assert "profile.unreadable" in {code for code, _ in faults_of(edge_toml)}


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(edge_toml: Path) -> None:
    (edge_toml.parent / "limits.toml").unlink()
    os.mkfifo(edge_toml.parent / "limits.toml")
    assert ("config.file", "edge.toml: alarm.limits") in faults_of(edge_toml)


def test_a_date_in_a_matrix_is_no_traceback(edge_toml: Path) -> None:
    text = (edge_toml.parent / "matrices/bof.toml").read_text("utf-8")
    drawing = next(line for line in text.splitlines() if line.startswith("drawing"))
    change(edge_toml.parent / "matrices/bof.toml", drawing, "drawing = 2026-01-01")
    assert load(edge_toml).models


def test_a_window_beyond_all_numbers_is_a_fault_and_no_traceback(edge_toml: Path) -> None:
    matrix = edge_toml.parent / "matrices/bof.toml"
    change(matrix, "flow_in - flow_out", f"RATE(flow_in - flow_out, {'9' * 400}h)")
    assert "matrices/bof.toml: derived.leak.expr" in {
        place.partition(" col")[0] for _, place in faults_of(edge_toml)
    }
