from pathlib import Path

import pytest

from central.analysis.catalogue import domain, load_pack
from central.analysis.pack import Pack, parse_pack
from proto.errors import PackError

PACKS = Path(__file__).parents[4] / "central" / "analysis" / "packs"
TEXT = (PACKS / "demo.toml").read_text("utf-8")


def parsed(text: str) -> Pack:
    return parse_pack(text, domain(), place="p.toml")


def codes(text: str) -> list[str]:
    with pytest.raises(PackError) as caught:
        parsed(text)
    assert all(fault.place.startswith("p.toml") for fault in caught.value.faults)
    return sorted(fault.code for fault in caught.value.faults)


@pytest.mark.parametrize("name", ["default", "demo"])
def test_every_pack_of_the_distribution_is_sound_and_flags_its_placeholders(name: str) -> None:
    pack = load_pack(name)
    assert pack.pack == name
    for rule in pack.rules:
        assert rule.clauses
        assert rule.remedy_zh
        assert rule.remedy_en
        assert {each.flag for each in rule.thresholds.values()} == {"placeholder"}


def test_the_demo_differs_from_the_default_in_patience_only() -> None:
    demo, default = load_pack("demo"), load_pack("default")
    assert (demo.window_us, default.window_us) == (10_000_000, 600_000_000)
    assert [rule.rule for rule in demo.rules] == [rule.rule for rule in default.rules]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('clauses  = ["O10-14"]', 'clauses  = ["O10-99"]', "pack.clause_unknown"),
        ('"bof.lance.cw_inlet_flow"', '"bof1_plc/lance_in_flow"', "pack.parameter_unknown"),
        ('window    = "10s"', 'window    = "900ms"', "pack.window"),
        ('window    = "10s"', "window    = 10", "pack.value_error"),
        ('grace     = "2s"', 'grace     = "2 s"', "pack.value_error"),
        ("version  = 1\njudge", "colour = 1\nversion  = 1\njudge", "pack.extra_forbidden"),
        ("flat_span_min        = {", "flat_span_max = {", "pack.threshold_unknown"),
        (
            'bypassed_min = { value = 3, unit = "s"',
            'bypassed_min = { value = 3, unit = "min"',
            "pack.unit",
        ),
        (
            'value = 3, unit = "s", basis = "placeholder"',
            'value = 3, unit = "s", basis = "legal"',
            "pack.source",
        ),
        ("bypassed_min = { value = 3", "bypassed_min = { value = -3", "pack.value"),
        ("bypassed_min = { value = 3", "bypassed_min = { value = nan", "pack.finite_number"),
        ('id        = "interlock-bypassed"', 'id = "channel-health"', "pack.duplicate"),
        ('judge     = "demand_unanswered"', 'judge = "tea_leaves"', "pack.literal_error"),
        ('schema    = "rule-pack/1"', 'schema = "rule-pack/2"', "pack.literal_error"),
        ("[[rules]]", "[[rules", "pack.toml"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, code: str) -> None:
    assert old in TEXT
    assert code in codes(TEXT.replace(old, new, 1))


def test_a_missing_threshold_is_a_fault() -> None:
    cut = TEXT.replace(
        'flat_span_min        = { value = 0.9, unit = "1", basis = "placeholder" }', ""
    )
    assert codes(cut) == ["pack.threshold_missing"]


def test_every_fault_of_a_pack_is_told_at_once() -> None:
    broken = TEXT.replace('"O10-14"', '"O10-99"').replace("value = 3,", "value = -3,")
    assert codes(broken) == ["pack.clause_unknown"] * 3 + ["pack.value"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("no-such-pack", None, "pack.unreadable"),
        ("missing.toml", None, "pack.unreadable"),
        ("binary.toml", b"\xff\xfe\x00", "pack.encoding"),
        ("huge.toml", b"#" * 1_048_577, "pack.size"),
    ],
)
def test_a_pack_that_cannot_be_read_is_one_clear_fault(
    tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PackError) as caught:
        load_pack(name, tmp_path)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_a_pack_of_people_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "county.toml").write_text(
        TEXT.replace('pack      = "demo"', 'pack = "county"'), "utf-8"
    )
    assert load_pack("county.toml", tmp_path).pack == "county"


def test_a_threshold_of_practice_is_called_unverified_until_it_is_not() -> None:
    basis = 'basis = "practice"'
    changed = parsed(TEXT.replace('basis = "placeholder"', basis))
    assert changed.rules[0].thresholds["samples_min"].flag == "practice (unverified)"
    verified = parsed(TEXT.replace('basis = "placeholder"', f"{basis}, verified = true"))
    assert verified.rules[0].thresholds["samples_min"].flag == "practice"
