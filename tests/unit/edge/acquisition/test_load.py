"""Whether a plan fits its line: the arithmetic, and what would fit where it does not."""

import pytest

from devices import catalog
from edge.acquisition.contract import contract_of
from edge.acquisition.load import line_load, overload_text, overloads
from edge.commands.plan_words import line_summary, plan_text, traffic_text
from edge.config import load_text
from edge.plant import LinePlan, Plant
from edge.points import build

HEAD = """
[gateway]
id = "330000-bof1"
site = "demo"
data_dir = "data"
[central]
address = "127.0.0.1:7443"
ca = "a"
cert = "b"
key = "c"
[config]
version = 42
[[line]]
name = "rs485-1"
"""
SERIAL = 'kind = "modbus-rtu"\naddress = "/dev/ttyS0"\nserial = { baud = 9600, mode = "8N1" }\n'
TCP = 'kind = "modbus-tcp"\naddress = "10.0.0.5:502"\n'
UNIT = """
[[device]]
name = "u{unit}"
line = "rs485-1"
unit_id = {unit}
profile = "bof_lance_plc"
path = "plc"
life = "none"
reason = "nothing of it moves"
"""


def plant(units: int, line: str, poll: str = "") -> Plant:
    text = HEAD + line + "".join(UNIT.format(unit=at + 1) for at in range(units)) + poll
    config = load_text(text.encode(), "edge.toml")
    profile = catalog.find("bof_lance_plc")
    bare = tuple(point.model_copy(update={"tag": ""}) for point in profile.points)
    unnamed = profile.model_copy(update={"points": bare})  # many units share no tag
    made, faults = build(config, {"bof_lance_plc": unnamed})
    assert made is not None, faults
    return made


def only(made: Plant) -> LinePlan:
    [line] = made.lines
    return line


def test_one_unit_on_tcp_fits_and_beats_one_request_a_point() -> None:
    load = line_load(only(plant(1, TCP)))
    assert load.verdict == "ok"
    assert load.share < load.per_tag_share / 2


def test_a_dozen_units_at_9600_baud_do_not_fit_and_it_says_what_would() -> None:
    made = plant(12, SERIAL, '[poll]\nfast = "1s"\nnormal = "4s"\n')
    load = line_load(only(made))
    assert load.verdict == "too_much"
    assert load.share > 1
    assert all(share <= 1 for _, share in load.fits)
    names = [what for what, _ in load.fits]
    assert names[0].startswith("fast ")
    assert names[0].endswith(" s")
    assert any(what.endswith("baud") for what in names)
    [fault], _ = overloads(made)
    assert (fault.place, fault.code) == ("edge.toml: line[0]", "device.line_overloaded")
    assert "cannot keep class fast" in fault.message
    assert "would fit" in fault.message


def test_two_lines_are_proposed_where_each_half_fits() -> None:
    made = plant(8, SERIAL, '[poll]\nfast = "1s"\n')
    load = line_load(only(made))
    assert load.verdict == "too_much"
    assert dict(load.fits)["two lines"] == pytest.approx(load.share / 2, rel=0.05)


def test_the_fast_class_alone_may_take_seven_tenths() -> None:
    made = plant(4, SERIAL, '[poll]\nfast = "500ms"\nnormal = "1h"\n')
    load = line_load(only(made))
    assert load.fast_share > 0.7
    assert load.verdict == "too_much"
    assert "%" in overload_text(load)


def test_a_serial_line_is_reckoned_with_its_own_prior() -> None:
    slow = line_load(only(plant(1, SERIAL)))
    fast = line_load(only(plant(1, SERIAL.replace("9600", "115200"))))
    assert slow.share > 2 * fast.share


def test_a_guarded_line_is_fenced_and_direct_tcp_is_not() -> None:
    serial = "\n".join(plan_text(only(plant(1, SERIAL)), {}, "en"))
    assert "fences complete" in serial
    assert "n 12/13" in serial or "n 13/14" in serial
    direct = "\n".join(plan_text(only(plant(1, TCP)), {}, "en"))
    assert "fences none" in direct
    assert "(prior)" in direct


def test_both_languages_show_the_same_figures() -> None:
    line = only(plant(1, SERIAL))
    zh, en = line_summary(line, "zh"), line_summary(line, "en")
    assert zh.split()[-2:] == en.split()[-2:]
    assert "rtu 9600 8N1" in en


def test_the_contract_names_every_planned_count_and_what_is_never_sent() -> None:
    made = plant(1, SERIAL)
    contract = contract_of(only(made), made)
    text = "\n".join(traffic_text(contract, 42, "en"))
    assert "fc 3" in text
    assert "never a write" in text
    assert "under a work mark of u1 only" in text
    assert contract.hash in text
    assert "configuration 42" in text


def test_the_contract_changes_with_the_plan_and_with_nothing_else() -> None:
    one = plant(1, SERIAL)
    same = plant(1, SERIAL)
    slower = plant(1, SERIAL, '[poll]\nfast = "2s"\n')
    hashes = [contract_of(only(made), made).hash for made in (one, same, slower)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_tap_sends_not_one_byte_by_its_contract() -> None:
    tap = 'kind = "modbus-tap"\naddress = "/dev/ttyS0"\nanswer_max = "200ms"\n'
    made = plant(1, tap)
    contract = contract_of(only(made), made)
    assert "not one byte" in "\n".join(traffic_text(contract, 1, "en"))
    assert line_load(only(made)).requests_s == 0
