"""The commands in-process: what they print, and with which code they end."""

import json
from pathlib import Path

import pytest

from edge import cli
from edge.control import NotFound
from tests.unit.edge.site import write_site


class Answer:
    """Runs a command line and keeps code, output and errors."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        self.code = ended.value.code
        self.out, self.err = capsys.readouterr()

    def rows(self) -> list[dict[str, object]]:
        """One JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def edge_toml(tmp_path: Path) -> str:
    """A site without faults."""
    return str(write_site(tmp_path))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """No daemon runs; what would have been asked is kept."""
    found: list[dict[str, object]] = []

    async def silent(_: Path, request: dict[str, object]) -> dict[str, object]:
        found.append(request)
        raise NotFound("control.silent", "nobody")

    for command in ("status", "explain", "read"):
        monkeypatch.setattr(f"edge.commands.{command}.ask", silent)
    return found


Capture = pytest.CaptureFixture[str]
RING_LINE = """
[[line]]
name = "holder_line"
kind = "modbus-tcp"
address = "127.0.0.1:5099"
[[device]]
name = "holder"
line = "holder_line"
unit_id = 1
profile = "gas_holder_plc"
path = "plc"
life = "life_counter"

"""


def test_check_of_a_good_site_is_0(edge_toml: str, capsys: Capture) -> None:
    found = Answer(capsys, "check", edge_toml)
    assert found.code == 0
    assert "配置无误" in found.out
    assert "no fault" in Answer(capsys, "check", edge_toml, "--lang", "en").out


def test_a_ring_in_registers_is_read_and_stands_in_the_traffic_contract(
    edge_toml: str, capsys: Capture
) -> None:
    path = Path(edge_toml)
    text = path.read_text("utf-8")
    cut = text.index("[[device]]")
    path.write_text(text[:cut] + RING_LINE + text[cut:], "utf-8")
    found = Answer(capsys, "check", edge_toml, "--json")
    assert found.code == 0, found.out
    assert "edge.ring_not_read" not in found.out
    assert "event ring unit 1 index FC3 100+3" in Answer(capsys, "plan", edge_toml, "--traffic").out


def test_check_of_a_faulty_site_is_78_with_every_fault_on_its_line(
    edge_toml: str, capsys: Capture
) -> None:
    path = Path(edge_toml)
    text = path.read_text("utf-8").replace("modbus-tcp", "modbus-rtu").replace('"1s"', '"1"')
    path.write_text(text)
    found = Answer(capsys, "check", edge_toml)
    assert found.code == 78
    assert "edge.toml: line[0].address: config.address" in found.err
    assert "edge.toml: poll.normal: config.value" in found.err
    rows = Answer(capsys, "check", edge_toml, "--json").rows()
    assert {row["schema"] for row in rows} == {"fault/1"}
    assert {"place", "code", "message"} <= set(rows[0])


def test_a_missing_file_is_78_and_one_clear_line(tmp_path: Path, capsys: Capture) -> None:
    found = Answer(capsys, "plan", str(tmp_path / "none.toml"))
    assert found.code == 78
    assert len(found.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["chek"], ["plan"], ["plan", "x", "--colour"], ["check", "a", "b"]]
)
def test_a_wrong_command_line_is_not_0(words: list[str], capsys: Capture) -> None:
    assert Answer(capsys, *words).code not in (0, None)


def test_plan_gives_blocks_loads_and_budgets(edge_toml: str, capsys: Capture) -> None:
    rows = Answer(capsys, "plan", edge_toml, "--json").rows()
    assert {row["schema"] for row in rows} == {"plan-block/1", "plan-line/1", "plan-budget/1"}
    assert len([row for row in rows if row["schema"] == "plan-block/1"]) == 5
    people = Answer(capsys, "plan", edge_toml)
    assert people.code == 0
    assert "25.45 s" in people.out


def test_explain_of_a_tag_shows_its_way_without_a_daemon(
    edge_toml: str, capsys: Capture, asked: list[dict[str, object]]
) -> None:
    found = Answer(capsys, "explain", edge_toml, "TE-103A", "--json")
    assert found.code == 0
    (row,) = found.rows()
    assert row["point"] == "bof1_plc/lance_out_t_a"
    assert row["register"] == "holding 4 float32 CDAB"
    assert row["block"] == "bof1_plc fast read 7 points: unit 1 FC3 0+12"
    assert "quality" not in row
    assert asked == [{"do": "explain", "id": "TE-103A"}]


def test_explain_of_an_interlock_shows_its_causes(
    edge_toml: str, capsys: Capture, asked: list[dict[str, object]]
) -> None:
    assert asked == []
    (row,) = Answer(capsys, "explain", edge_toml, "BOF1-LANCE", "--json").rows()
    causes = row["causes"]
    assert isinstance(causes, list)
    assert [(c["cause"], c["vote"], c["on_delay_s"]) for c in causes] == [
        ("C1", "1oo1", 1.0),
        ("C2", "2oo3", 2.0),
        ("C3", "1oo1", 5.0),
        ("C4", "1oo1", 0.0),
    ]
    assert causes[1]["channels"][0]["condition"] == "t_a >= 50"
    assert "leak >= 15" in Answer(capsys, "explain", edge_toml, "BOF1-LANCE").out


def test_explain_of_something_unknown_is_1_with_a_near_match(
    edge_toml: str, capsys: Capture, asked: list[dict[str, object]]
) -> None:
    assert asked == []
    found = Answer(capsys, "explain", edge_toml, "BOF1-LANC")
    assert found.code == 1
    assert 'did you mean "BOF1-LANCE"?' in found.err


def test_read_of_an_interlock_names_the_command_that_shows_it(
    edge_toml: str, capsys: Capture, asked: list[dict[str, object]]
) -> None:
    assert asked == []
    found = Answer(capsys, "read", edge_toml, "BOF1-LANCE")
    assert (found.code, "explain" in found.err, "did you mean" in found.err) == (1, True, False)


def test_status_without_a_daemon_is_1_and_shows_what_the_last_one_left(
    edge_toml: str, capsys: Capture, asked: list[dict[str, object]]
) -> None:
    found = Answer(capsys, "status", edge_toml)
    assert (found.code, found.out) == (1, "")
    folder = Path(edge_toml).parent / "data"
    body = {"schema": "gateway-status/1", "lines": [{"name": "bof1", "state": "lost"}]}
    (folder / "stopped.json").write_text(json.dumps(body))
    found = Answer(capsys, "status", "--data-dir", str(folder), "--json")
    assert found.code == 1
    assert found.rows() == [{**body, "running": False}]
    assert "中断" in Answer(capsys, "status", edge_toml).out
    assert "lost" in Answer(capsys, "status", edge_toml, "--lang", "en").out
    assert len(asked) == 4


def test_status_of_a_running_gateway_is_0(
    edge_toml: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(_: Path, __: dict[str, object]) -> dict[str, object]:
        return {
            "schema": "gateway-status/1",
            "lines": [{"name": "bof1", "state": "up", "detail": ""}],
            "interlocks": [
                {"interlock": "I", "shown": "TRIPPED", "health": "HEALTHY", "first_out": ["C1"]}
            ],
            "alarms": [{"priority": "urgent", "title": "联锁动作", "state": "UNACKED"}],
            "samples": {"acquired": 5},
        }

    monkeypatch.setattr("edge.commands.status.ask", answer)
    found = Answer(capsys, "status", edge_toml)
    assert found.code == 0
    assert "TRIPPED" in found.out
    assert "联锁动作" in found.out


def test_read_from_a_running_gateway_shows_value_quality_and_age(
    edge_toml: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"tag": "FT-101", "title": "t", "unit": "m3/h", "value": 1.5, "age_ms": 12}

    async def answer(_: Path, request: dict[str, object]) -> dict[str, object]:
        assert request == {"do": "points", "ids": ["bof1_plc/lance_in_flow"]}
        return {"points": [{**row, "quality": "GOOD", "reason": "NONE"}]}

    monkeypatch.setattr("edge.commands.read.ask", answer)
    found = Answer(capsys, "read", edge_toml, "FT-101", "--json")
    assert found.code == 0
    assert found.rows()[0]["value"] == 1.5
    assert "12 ms" in Answer(capsys, "read", edge_toml, "FT-101").out
    assert Answer(capsys, "read", edge_toml).code == 1


def test_ctrl_c_ends_with_130(
    edge_toml: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge.commands.check.load", interrupted)
    assert Answer(capsys, "check", edge_toml).code == 130
