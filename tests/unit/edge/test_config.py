"""Wrong configuration: every fault at once, with file, key path and reason; each is a test."""

import pytest

from edge.config import load_text, parse_config
from edge.config_values import parse_address, parse_size
from proto.duration import parse_duration
from proto.errors import ConfigError
from tests.unit.edge.plant import DUST, EDGE

BAD = [
    ('id = "610581-bof1a"', 'id = "bof1"', "config.value", "gateway.id"),
    ('site = "hancheng-steel"', 'site = "X"', "config.value", "gateway.site"),
    (', data_dir = "data"', "", "config.missing", "gateway.data_dir"),
    ("127.0.0.1:7443", "127.0.0.1", "config.value", "central.address"),
    ("127.0.0.1:7443", "127.0.0.1:70000", "config.value", "central.address"),
    (', key = "gw.key"', "", "config.missing", "central.key"),
    ("version = 12", 'version = "12"', "config.value", "config.version"),
    ('kind = "modbus-tcp"', 'kind = "modbus-rtu"', "config.address", "line[0].address"),
    ('kind = "modbus-tcp"', 'kind = "modbus"', "config.value", "line[0].kind"),
    ('"127.0.0.1:5020"', '"127.0.0.1"', "config.address", "line[0].address"),
    ('"127.0.0.1:5020"', '"opc.tcp://x:1"', "config.address", "line[0].address"),
    ('timeout = "500ms"', "timeout = 500", "config.value", "line[0].timeout"),
    ('timeout = "500ms"', 'timeout = "2min"', "config.value", "line[0].timeout"),
    ('timeout = "500ms"', 'timeuot = "1s"', "config.unknown_key", "line[0].timeuot"),
    ('timeout = "500ms"', 'pki = "x"', "config.value", "line[0].pki"),
    ('line = "bof1"', 'line = "bof2"', "config.unknown_line", "device[0].line"),
    ("unit_id = 1\n", "", "config.missing", "device[0].unit_id"),
    ("unit_id = 1\n", "unit_id = 300\n", "config.value", "device[0].unit_id"),
    ('path = "plc"\n', "", "config.path_missing", "device[0].path"),
    ('path = "plc"\n', 'path = "somewhere"\n', "config.value", "device[0].path"),
    ('life = "life_counter"\n', "", "config.life_missing", "device[0].life"),
    ('life = "life_counter"\n', 'life = "none"\n', "config.life_reason", "device[0].reason"),
    ('fast = "100ms"', 'fast = "10ms"', "config.limit", "poll.fast"),
    ('fast = "100ms"', 'fast = "soon"', "config.value", "poll.fast"),
    ("[poll]", "[pol]", "config.unknown_key", "pol"),
    ("[poll]", '[output]\nline = "x"\n[poll]', "config.later", "output"),
    ("[poll]", '[interlock]\nmode = "actuating"\n[poll]', "config.value", "interlock.mode"),
    ("[poll]", '[interlock]\nmatrices = "x"\n[poll]', "config.value", "interlock.matrices"),
    ("[poll]", '[spool]\nquota = "8"\n[poll]', "config.value", "spool.quota"),
    ("[poll]", '[spool]\nquota = "1MB"\n[poll]', "config.value", "spool.quota"),
    ("[poll]", '[spool]\nwindow = "5"\n[poll]', "config.value", "spool.window"),
    ("[poll]", "[page]\noperate = true\n[poll]", "config.missing", "page.listen"),
    ("[poll]", "[poll", "config.syntax", ""),
]


@pytest.mark.parametrize(("old", "new", "code", "key"), BAD)
def test_a_fault_is_refused_with_its_code_and_place(
    old: str, new: str, code: str, key: str
) -> None:
    assert old in EDGE
    config, faults = parse_config(EDGE.replace(old, new, 1).encode(), "edge.toml")
    assert config is None
    place = f"edge.toml: {key}" if key else "edge.toml"
    assert (code, place) in {(fault.code, fault.place) for fault in faults}


def test_a_second_device_may_not_take_the_name_or_the_unit_of_another() -> None:
    second = EDGE[EDGE.index("[[device]]") : EDGE.index("[poll]")]
    _, faults = parse_config((EDGE + second).encode(), "e")
    assert {(f.code, f.place) for f in faults} == {("config.duplicate", "e: device[1].name")}
    renamed = second.replace('"bof1_plc"', '"bof2_plc"')
    _, faults = parse_config((EDGE + renamed).encode(), "e")
    assert {(f.code, f.place) for f in faults} == {
        ("config.duplicate_unit", "e: device[1].unit_id")
    }


def test_a_second_line_may_not_take_the_name_of_another() -> None:
    line = EDGE[EDGE.index("[[line]]") : EDGE.index("[[device]]")]
    _, faults = parse_config((EDGE + line).encode(), "e")
    assert {f.code for f in faults} == {"config.duplicate"}


def test_an_opc_ua_line_needs_certificates_and_an_endpoint() -> None:
    text = EDGE + DUST.replace('security = "Basic256Sha256"\n', "").replace("opc.tcp://", "")
    _, faults = parse_config(text.encode(), "e")
    assert {(f.code, f.place) for f in faults} == {
        ("config.missing", "e: line[1].security"),
        ("config.address", "e: line[1].address"),
    }
    weak = EDGE + DUST.replace("Basic256Sha256", "None")
    assert "e: line[1].security" in {f.place for f in parse_config(weak.encode(), "e")[1]}


def test_all_faults_come_at_once() -> None:
    text = EDGE
    for old, new, _, _ in (BAD[0], BAD[3], BAD[7], BAD[15], BAD[22]):
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as refused:
        load_text(text.encode(), "edge.toml")
    assert len(refused.value.faults) >= 5
    assert str(refused.value.faults[0]).startswith("edge.toml: ")


def test_a_misspelt_word_gets_its_near_match() -> None:
    _, faults = parse_config(EDGE.replace("timeout", "timeuot").encode(), "e")
    assert 'did you mean "timeout"?' in faults[0].message
    _, faults = parse_config(EDGE.replace('line = "bof1"', 'line = "bof11"').encode(), "e")
    assert 'did you mean "bof1"?' in faults[0].message


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = " + b"[" * 5000, b"x" * 3_000_000])
def test_what_is_no_toml_is_one_fault(data: bytes) -> None:
    config, faults = parse_config(data, "e")
    assert config is None
    assert [fault.code for fault in faults] == ["config.syntax"]


def test_defaults_are_those_of_the_page() -> None:
    made = load_text(EDGE.encode(), "e")
    assert made.poll["slow"] == 10 * 10**9
    assert made.spool.window_ns == 5 * 10**9
    assert made.interlock.mode == "advisory"
    assert made.line_of(made.device[0]).timeout_ns == 500 * 10**6


@pytest.mark.parametrize(
    ("text", "ns"),
    [("500ms", 5 * 10**8), ("1.5s", 15 * 10**8), ("2min", 12 * 10**10), ("30d", None)],
)
def test_a_duration_is_text_with_a_unit(text: str, ns: int | None) -> None:
    assert parse_duration(text) == (ns or 30 * 86_400 * 10**9)


@pytest.mark.parametrize("text", ["", "5", "5 s", "-1s", "1h30", "１s", 5, None, True])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(text)


def test_sizes_and_addresses() -> None:
    assert parse_size("8GB") == 8 * 10**9
    assert parse_size("1MiB") == 2**20
    assert parse_address("[::1]:502") == ("::1", 502)
    assert parse_address("plc1.plant:502") == ("plc1.plant", 502)
    for text in ("plc", "plc:0", "plc:x", ":502", "a b:502", "[::zz]:5", "plc:５０２"):
        with pytest.raises(ValueError, match=r".+"):
            parse_address(text)


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 5000 + "ms"])
def test_a_duration_beyond_all_numbers_is_a_fault_and_no_traceback(text: str) -> None:
    config, faults = parse_config(EDGE.replace('"500ms"', f'"{text}"', 1).encode(), "e")
    assert config is None
    assert {("config.value", "e: line[0].timeout")} == {(f.code, f.place) for f in faults}


def test_a_size_beyond_all_numbers_is_a_fault_and_no_traceback() -> None:
    with pytest.raises(ValueError, match="write a size"):
        parse_size("9" * 400 + "GB")


def test_a_number_of_thousands_of_digits_is_a_fault_and_no_traceback() -> None:
    config, faults = parse_config(f"a = {'9' * 5000}".encode(), "e")
    assert (config, [fault.code for fault in faults]) == (None, ["config.syntax"])


def test_an_endpoint_with_half_a_bracket_is_a_fault_and_no_traceback() -> None:
    wrong = DUST.replace("opc.tcp://127.0.0.1:4840", "opc.tcp://[::1", 1)
    assert wrong != DUST
    config, faults = parse_config(wrong.encode(), "e")
    assert config is None
    assert ("config.address", "e: line[0].address") in {(f.code, f.place) for f in faults}


def test_a_key_with_a_line_break_is_told_on_one_line() -> None:
    config, faults = parse_config((EDGE + '"a\\nb" = 1\n').encode(), "e")
    assert config is None
    assert not [fault for fault in faults if "\n" in str(fault)]


@pytest.mark.parametrize("host", ["a..b", "-a", "a-", "a.", "x" * 64])
def test_a_host_that_no_resolver_takes_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        parse_address(f"{host}:502")
