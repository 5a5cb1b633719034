"""What people, other programs and damaged files hand to the commands: never a traceback."""

import math
import os
from pathlib import Path

import pytest

from devices.modbus.survey import Findings
from edge.acquisition.learnt import FILE, read_learnt
from edge.commands import files, words
from edge.config import parse_config
from proto.errors import ConfigError
from proto.sheet import read_csv
from tests.unit.edge.plant import EDGE
from tests.unit.edge.site import write_site
from tests.unit.edge.test_cli import Answer, Capture
from tests.unit.edge.test_installation import change, faults_of

HEAD = "位号,名称,寄存器区,地址,数据类型,单位,倍率\n"
ROW = "TE-1,炉温,holding,1,int16,degC,0.1\n"


@pytest.fixture
def edge_toml(tmp_path: Path) -> Path:
    """A site without faults."""
    return write_site(tmp_path)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A point list without faults."""
    path = tmp_path / "list.csv"
    path.write_text(HEAD + ROW, "utf-8")
    return path


def test_a_day_that_no_calendar_has_is_a_fault_of_the_configuration(edge_toml: Path) -> None:
    excuse = 'security = "None"\nallow_insecure = { reason = "old server, no update", '
    excuse += 'until = "2026-02-31", approved_by = "Li" }'
    change(edge_toml, 'security = "Basic256Sha256"', excuse)
    assert faults_of(edge_toml) == {("config.value", "edge.toml: line[1].allow_insecure.until")}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Asia", "/etc/passwd"])
def test_a_zone_that_is_none_is_found_before_anything_runs(edge_toml: Path, zone: str) -> None:
    change(edge_toml, "version = 12", f'version = 12, timezone = "{zone}"')
    clock = f'life = "life_counter"\nclock = {{ zone = "{zone}", point = "life_counter" }}'
    change(edge_toml, 'life = "life_counter"', clock)
    assert {
        ("config.value", "edge.toml: config.timezone"),
        ("config.value", "edge.toml: device[0].clock.zone"),
    } <= faults_of(edge_toml)


def test_missing_keys_of_tls_and_login_are_found_by_check(edge_toml: Path) -> None:
    tls = 'kind = "modbus-tls"\ntls = { ca = "a.pem", cert = "b.pem", key = "c.pem" }'
    change(edge_toml, 'kind = "modbus-tcp"', tls)
    login = 'pki = "pki/opcua"\nlogin = { user = "u", password_file = "none" }'
    change(edge_toml, 'pki = "pki/opcua"', login)
    assert faults_of(edge_toml) == {
        ("config.file", "edge.toml: line[0].tls.ca"),
        ("config.file", "edge.toml: line[0].tls.cert"),
        ("config.file", "edge.toml: line[0].tls.key"),
        ("config.file", "edge.toml: line[1].login.password_file"),
    }


def test_a_registration_packet_beyond_ascii_is_refused() -> None:
    dial_in = 'kind = "modbus-dial-in"\nframing = "rtu"\nregistration = { text = "注册" }'
    _, faults = parse_config(EDGE.replace('kind = "modbus-tcp"', dial_in).encode(), "edge.toml")
    assert [fault.place for fault in faults] == ["edge.toml: line[0].registration.text"]


def test_a_pipe_as_learnt_json_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    assert read_learnt(tmp_path) == ({}, [f"{tmp_path / FILE}: not a regular file"])


def test_a_device_file_as_configuration_does_not_fill_the_memory() -> None:
    with pytest.raises(ConfigError) as refused:
        words.data_dir_of(Path("/dev/zero"), None)
    assert [fault.message for fault in refused.value.faults] == ["not a regular file"]


def test_a_nul_in_a_file_name_is_a_fault() -> None:
    with pytest.raises(ConfigError):
        files.read_bytes(Path("a\0b"))


def test_a_title_that_looks_like_markup_is_shown_as_written(
    listed: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    listed.write_text(HEAD + ROW.replace("炉温", "[/red]T[b] :fire:"), "utf-8")
    found = Answer(capsys, "points", str(listed), "--base", "one")
    assert found.code == 0
    assert "TE-1 [/red]T[b] :fire:" in found.out


def test_control_characters_in_a_list_are_refused() -> None:
    _, faults = read_csv((HEAD + ROW.replace("炉温", "T\x1b[31m")).encode(), "list.csv")
    assert [(fault.place, fault.code) for fault in faults] == [
        ("list.csv: row 2 column B", "point_list.cell")
    ]


def test_a_worked_example_that_is_wrong_is_not_called_fitting(
    listed: Path, capsys: Capture
) -> None:
    text = "位号,寄存器区,地址,数据类型,单位,样例寄存器,样例值\n"
    listed.write_text(text + "TE-1,holding,1,float32,degC,44FA 0000,3\n", "utf-8")
    found = Answer(capsys, "points", str(listed), "--base", "one")
    assert found.code == 78
    assert "row 2 column 样例值: profile.vector_wrong" in found.err


@pytest.mark.parametrize(
    "more", [["--panel", "TE-1=5"], ["--panel", "TE-1=nan"], ["--live", "--seconds", "nan"]]
)
def test_figures_that_nobody_compares_are_refused(
    listed: Path, edge_toml: Path, more: list[str], capsys: Capture
) -> None:
    change(edge_toml, 'path = "plc"', f'path = "plc"\npoints = "{listed.name}"')
    site = ["--config", str(edge_toml), "--base", "one"]
    assert Answer(capsys, "points", str(listed), *site, *more).code == 1


def test_a_loop_sheet_nested_too_deep_is_no_traceback(edge_toml: Path, capsys: Capture) -> None:
    sheet = edge_toml.parent / "sheet.json"
    sheet.write_text("[" * 100_000)
    words = ["loop", "TE-103A", "--file", str(edge_toml), "--sheet", str(sheet)]
    found = Answer(capsys, *words)
    assert (found.code, found.err.split()[0]) == (1, "loop.sheet")


def test_a_gateway_that_does_not_know_the_point_is_heard_and_no_second_master_reads(
    edge_toml: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def other(_: Path, __: dict[str, object]) -> dict[str, object]:
        return {"error": {"code": "edge.unknown_id", "message": "edge.unknown_id no such point"}}

    monkeypatch.setattr("edge.commands.read.ask", other)
    found = Answer(capsys, "read", str(edge_toml), "TE-103A")
    assert found.code == 1
    assert found.err.startswith("edge.unknown_id no such point")


def test_a_value_that_is_no_number_is_null_in_json(capsys: Capture) -> None:
    words.emit({"value": math.nan, "rows": [{"high": math.inf, "low": 1.5}]})
    assert capsys.readouterr().out == '{"value": null, "rows": [{"high": null, "low": 1.5}]}\n'


def test_a_unit_that_shows_nothing_gives_no_draft_and_no_success(
    edge_toml: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object, **__: object) -> Findings:
        return Findings(dict.fromkeys((1, 2, 3, 4, 8, 43), -1))

    monkeypatch.setattr("edge.acquisition.probing.survey_unit", silent)
    monkeypatch.setattr("edge.commands.probe._is_running", lambda _: False)
    out = edge_toml.parent / "draft.toml"
    words = ["probe", str(edge_toml), "--line", "bof1", "--unit", "1", "--mark", "why"]
    found = Answer(capsys, *words, "--out", str(out))
    assert found.code == 1
    assert "bof1 unit 1: probe.nothing" in found.err
    assert not out.exists()


def test_a_configuration_that_an_editor_of_windows_marked_is_read() -> None:
    assert parse_config(b"\xef\xbb\xbf" + EDGE.encode(), "edge.toml")[1] == []


def test_a_tap_that_should_hear_mbap_is_refused_and_not_heard_as_rtu() -> None:
    tap = 'kind = "modbus-tap"\nframing = "mbap"\nanswer_max = "200ms"'
    _, faults = parse_config(EDGE.replace('kind = "modbus-tcp"', tap).encode(), "edge.toml")
    assert ("config.value", "edge.toml: line[0].framing") in {(f.code, f.place) for f in faults}


def test_a_long_list_is_shown_in_part_and_says_how_much_is_left(
    listed: Path, capsys: Capture
) -> None:
    rows = "".join(f"TE-{i},炉温,holding,{i},int16,degC,0.1\n" for i in range(1, 251))
    listed.write_text(HEAD + rows, "utf-8")
    found = Answer(capsys, "points", str(listed), "--base", "protocol")
    assert "50 rows more" in found.out
    assert len(Answer(capsys, "points", str(listed), "--base", "protocol", "--json").rows()) > 249
