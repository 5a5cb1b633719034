"""What `check` must not let pass: each was accepted once."""

from datetime import date
from pathlib import Path

import pytest

from edge.config import load_text, parse_config
from edge.config_outside import exceptions
from edge.installation import load
from edge.marks import from_json
from proto.errors import ConfigError
from tests.unit.edge.plant import DUST, EDGE
from tests.unit.edge.site import write_site
from tests.unit.edge.test_cli import Answer

Capture = pytest.CaptureFixture[str]
DIAL_IN = """
[[line]]
name = "dtu"
kind = "modbus-dial-in"
address = "127.0.0.1:5021"
framing = "rtu"
registration = { match = "imei", text = "490154203237518" }
heartbeat = { text = "ping", interval = "30s" }
[[device]]"""


def told(text: str) -> set[tuple[str, str]]:
    """Code and place of every fault of a configuration."""
    _, faults = parse_config(text.encode(), "edge.toml")
    return {(fault.code, fault.place.removeprefix("edge.toml: ")) for fault in faults}


def with_dial_in(old: str = "", new: str = "") -> str:
    """A configuration with a line that dials in, one thing of it changed."""
    assert old in DIAL_IN
    return EDGE.replace("\n[[device]]", DIAL_IN.replace(old, new, 1), 1)


def faults_of(path: Path) -> set[tuple[str, str]]:
    """Code and place of every fault of a whole site."""
    with pytest.raises(ConfigError) as refused:
        load(path)
    return {(f.code, f.place.removeprefix("edge.toml: ")) for f in refused.value.faults}


def change(path: Path, old: str, new: str) -> None:
    """Replace one text in a file, which must be there."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def edge_toml(tmp_path: Path) -> Path:
    """A site without faults."""
    return write_site(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"490154203237518"', '"49015420323751"', "line[1].registration.text"),
        ('"490154203237518"', '"IMEI:49015420323"', "line[1].registration.text"),
        ('match = "imei"', 'match = "iccid"', "line[1].registration.text"),
        ('text = "ping"', 'text = "490154203237518"', "line[1].heartbeat"),
        ('text = "ping"', 'hex = "343930313534323033323337353138"', "line[1].heartbeat"),
        ('text = "ping"', 'text = "心跳"', "line[1].heartbeat.text"),
    ],
)
def test_a_packet_that_says_nothing_or_two_things_is_refused(
    old: str, new: str, place: str
) -> None:
    assert told(with_dial_in()) == set()
    assert told(with_dial_in(old, new)) == {("config.value", place)}


@pytest.mark.parametrize("text", ["89860000000000000001", "8986000000000000001"])
def test_an_iccid_has_19_or_20_digits(text: str) -> None:
    assert told(with_dial_in('match = "imei", text = "490154203237518"',
                             f'match = "iccid", text = "{text}"')) == set()  # fmt: skip


@pytest.mark.parametrize("ports", ["[40011]", "[40011, 40011]", "[40011, 40012, 40013]"])
def test_local_ports_are_two_that_differ(ports: str) -> None:
    text = EDGE.replace('kind = "modbus-tcp"', f'kind = "modbus-tcp"\nlocal_ports = {ports}', 1)
    assert told(text) == {("config.value", "line[0].local_ports")}


def test_one_unit_twice_is_told_in_the_words_of_the_page() -> None:
    second = EDGE[EDGE.index("[[device]]") : EDGE.index("[poll]")]
    text = EDGE + second.replace('"bof1_plc"', '"bof2_plc"')
    _, faults = parse_config(text.encode(), "edge.toml")
    assert [fault.message for fault in faults] == [
        'unit 1 twice on line "bof1": devices "bof1_plc" and "bof2_plc" 站号重复'
    ]


def test_a_clock_needs_a_point_that_shows_it(edge_toml: Path) -> None:
    wrong = 'path = "plc"\nclock = { zone = "Asia/Shanghai", point = "cluck" }'
    change(edge_toml, 'path = "plc"', wrong)
    assert faults_of(edge_toml) == {("config.unknown_point", "device bof1_plc.clock.point")}


def test_a_modbus_device_has_no_clock_of_a_server(edge_toml: Path) -> None:
    wrong = 'path = "plc"\nclock = { zone = "+08:00", point = "server" }'
    change(edge_toml, 'path = "plc"', wrong)
    assert faults_of(edge_toml) == {("config.unknown_point", "device bof1_plc.clock.point")}


def test_an_unknown_server_profile_is_refused_with_a_near_match(edge_toml: Path) -> None:
    change(
        edge_toml, 'security = "Basic256Sha256"', 'security = "Basic256Sha256"\nserver = "kepwar"'
    )
    with pytest.raises(ConfigError) as refused:
        load(edge_toml)
    (fault,) = refused.value.faults
    assert (fault.code, "did you mean" in fault.message) == ("config.unknown_server", True)


def test_a_data_dir_that_is_a_file_is_refused(edge_toml: Path) -> None:
    change(edge_toml, 'data_dir = "data"', 'data_dir = "gw.pem"')
    assert faults_of(edge_toml) == {("config.directory", "gateway.data_dir")}
    change(edge_toml, 'data_dir = "gw.pem"', 'data_dir = "gw.pem/below"')
    assert faults_of(edge_toml) == {("config.directory", "gateway.data_dir")}


WEAK = DUST.replace(
    'security = "Basic256Sha256"',
    'security = "Basic256"\nallow_insecure = { reason = "until the overhaul", '
    'until = "2026-10-01", approved_by = "Li" }',
)


def test_an_exception_that_is_over_is_a_fault_and_one_that_holds_a_notice() -> None:
    config = load_text((EDGE + WEAK).encode(), "edge.toml")
    over, held = exceptions(config, date(2026, 10, 2), "edge.toml")
    assert ([f.code for f in over], held) == (["config.insecure_lapsed"], [])
    over, held = exceptions(config, date(2026, 10, 1), "edge.toml")
    assert (over, [f.code for f in held]) == ([], ["config.insecure_allowed"])


def test_check_refuses_a_lapsed_exception_and_run_starts_with_it(
    edge_toml: Path, capsys: Capture
) -> None:
    change(edge_toml, DUST, WEAK.replace("2026-10-01", "2001-01-01"))
    found = Answer(capsys, "check", str(edge_toml))
    assert (found.code, "config.insecure_lapsed" in found.err) == (78, True)
    assert load(edge_toml).config.line[1].allow_insecure is not None


def test_the_list_of_a_missing_folder_of_certificates_is_no_empty_list(
    tmp_path: Path, capsys: Capture
) -> None:
    found = Answer(capsys, "trust", "list", "--pki", str(tmp_path / "nowhere"))
    assert (found.code, "trust.folder" in found.err) == (1, True)
    (tmp_path / "pki").mkdir()
    assert Answer(capsys, "trust", "list", "--pki", str(tmp_path / "pki")).code == 0


@pytest.mark.parametrize("body", [{}, {"marks": 7}, {"marks": [1]}, {"hello": "world"}])
@pytest.mark.parametrize("command", ["mark", "status"])
def test_an_answer_that_is_none_of_ours_is_no_good_news(
    body: dict[str, object],
    command: str,
    edge_toml: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(_: Path, __: dict[str, object]) -> dict[str, object]:
        return body

    monkeypatch.setattr(f"edge.commands.{command}.ask", answer)
    words = ["mark", "list", "--file"] if command == "mark" else ["status"]
    found = Answer(capsys, *words, str(edge_toml))
    assert (found.code, "control.answer" in found.err) == (1, True)


@pytest.mark.parametrize(
    ("opened_us", "until_us"),
    [
        (0, 10**30),
        (-(10**18), 10**18),
        (1_800_000_000_000_000, 1_800_000_000_000_000 + 25 * 3600 * 10**6),
        (1_800_000_000_000_000, 1_700_000_000_000_000),
        ("true", "true"),
    ],
)
def test_a_mark_file_with_times_that_no_mark_has_permits_nothing(
    opened_us: object, until_us: object
) -> None:
    row = (
        '{"kind":"MAINTENANCE","device":"a","reason":"new map","by":"li",'
        f'"opened_us":{opened_us},"until_us":{until_us}}}'
    )
    assert from_json(f'{{"schema":"marks/1","marks":[{row}]}}'.encode()) == ()


STATUS: dict[str, object] = {
    "schema": "gateway-status/1",
    "gateway": "610581-bof1a",
    "site": "hancheng-steel",
    "config_version": 12,
    "uptime_s": 11_100.0,
    "cpu_s": 444.0,
    "rss_bytes": 121_000_000,
    "clock_state": "SYNCED",
    "clock_offset_us": -2_000,
    "lines": [{"name": "bof1", "state": "PARTLY", "since_us": 10**15, "probing_share": 0.034}],
    "samples": {"acquired": 81_146, "committed": 81_000, "acknowledged": 80_900, "pending": 246},
    "uplink": {"state": "OPEN", "since_us": 10**15, "bytes_sent": 1_234_567, "frames_sent": 4},
    "spool": {"bytes": 5_000_000, "quota_bytes": 8_000_000_000, "free_bytes": 40_000_000_000},
}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["3 h 5 min", "4.0 % of one core", "121.0 MB", "81,146 samples", "of 8.0 GB",
                "partly", "3.4 %", "1.2 MB"]),
        ("zh", ["已运行", "单核占用", "121.0 MB", "81,146 个样本", "部分", "磁盘剩余"]),
    ],
)  # fmt: skip
def test_the_state_is_a_table_with_units_and_no_json(
    lang: str,
    words: list[str],
    edge_toml: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(_: Path, __: dict[str, object]) -> dict[str, object]:
        return STATUS

    monkeypatch.setattr("edge.commands.status.ask", answer)
    found = Answer(capsys, "status", str(edge_toml), "--lang", lang)
    assert (found.code, [word for word in words if word not in found.out]) == (0, [])
    assert "{" not in found.out
    (raw,) = Answer(capsys, "status", str(edge_toml), "--json").rows()
    assert raw == {**STATUS, "running": True}
