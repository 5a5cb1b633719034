"""Identities, clauses, the parameter catalogue, situations of a value, and what proto loads."""

import subprocess
import sys
from dataclasses import replace

import pytest

import proto
from proto import Quality, Reason, Situation, catalogue, situation
from proto.clause import Observable, parse_hazards
from proto.errors import ConfigError, SiteUnknown
from proto.identity import gateway_of, gateway_uri, is_gateway_id, is_site_id
from proto.interlock import Health, Protection, Service, shown_state
from proto.parameter import Collect, parse_parameters
from proto.quality import pack_quality, unpack_quality

URI = "spiffe://yujing.demo/edge/610581-bof1a"


def test_one_uri_of_the_right_form_names_the_gateway() -> None:
    assert gateway_of([URI]) == "610581-bof1a"
    assert gateway_of([URI], "yujing.demo") == "610581-bof1a"
    assert gateway_uri("yujing.demo", "610581-bof1a") == URI
    with pytest.raises(ValueError, match="identity"):
        gateway_uri("yujing.demo", "bof1a")


@pytest.mark.parametrize(
    "uris",
    [
        [],
        [URI, URI],
        [URI + "\n"],
        [URI + "/x"],
        ["spiffe://yujing.demo/centre/610581-bof1a"],
        ["spiffe://other/edge/610581-bof1a"],
        ["spiffe://yujing.demo/edge/61058-bof1a"],
        ["spiffe://yujing.demo/edge/610581-BOF1A"],
        ["spiffe://yujing.demo/edge/610581-abc"],
        ["spiffe://yujing.demo/edge/٦10581-bof1a"],
        ["https://yujing.demo/edge/610581-bof1a"],
    ],
)
def test_any_other_certificate_names_nobody(uris: list[str]) -> None:
    with pytest.raises(SiteUnknown, match=r"identity\.san"):
        gateway_of(uris, "yujing.demo")


def test_ids_match_as_a_whole() -> None:
    assert is_gateway_id("610581-bof1a")
    assert not is_gateway_id("610581-bof1a\n")
    assert not is_gateway_id("610581-" + "a" * 27)
    assert is_site_id("hancheng-steel")
    assert not is_site_id("Hancheng")
    assert not is_site_id("ab")
    assert not is_site_id("a" * 41)


def test_the_catalogue_and_the_hazard_pack_load_and_cite_each_other() -> None:
    rows, pack = catalogue.catalogue(), catalogue.hazards()
    assert len(rows.parameters) == 175
    assert len(pack.clauses) == 66
    for row in rows.parameters.values():
        assert set(row.clauses) <= set(pack.clauses), row.id
    for clause in pack.clauses.values():
        assert {*clause.parameters, *clause.supporting} <= set(rows.parameters), clause.id
        assert set(clause.stand_in) <= set(clause.parameters), clause.id
    hopper = catalogue.parameter("dust.dry.hopper_temp")
    assert hopper is not None
    assert (hopper.unit, hopper.range, hopper.collect) == ("Cel", (0.0, 200.0), Collect.MANDATORY)
    assert [(limit.level, limit.value, limit.op) for limit in hopper.thresholds] == [
        ("H", 70.0, ">="),
        ("HH", 90.0, ">="),
    ]
    clause = catalogue.clause("O10-11.3")
    assert clause is not None
    assert (clause.document, clause.section) == ("O10", "11.3")
    assert clause.observable is Observable.AUTO_PARTLY
    assert catalogue.parameter("no.such") is None
    assert catalogue.clause("O10-99.9") is None


def test_all_faults_of_a_domain_file_come_at_once_with_their_places() -> None:
    text = """
    schema = "parameters/1"
    [[family]]
    id = "dust"
    zh = "粉尘"
    en = "dust"
    [[parameter]]
    id = "dust.x"
    range = [5, 1]
    collect = "perhaps"
    thresholds = [{ level = "H", value = [], basis = "b" }]
    """
    with pytest.raises(ConfigError) as caught:
        parse_parameters(text, place="p.toml")
    places = {fault.place for fault in caught.value.faults}
    assert {"p.toml parameter[0] dust.x range", "p.toml parameter[0] dust.x collect"} <= places
    assert "p.toml parameter[0] dust.x thresholds[0] value" in places
    assert "p.toml version" in places
    for wrong in ("schema = ", 'schema = "other/1"'):
        with pytest.raises(ConfigError):
            parse_parameters(wrong)
    with pytest.raises(ConfigError):
        parse_hazards('schema = "major_hazards/1"\nclause = 5\norder = 6')


GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


@pytest.mark.parametrize(
    ("quality", "reason", "age_us", "simulated", "expected"),
    [
        (GOOD, Reason.NONE, 0, False, Situation.GOOD),
        (GOOD, Reason.NONE, 10, False, Situation.GOOD),
        (GOOD, Reason.NONE, 11, False, Situation.STALE),
        (GOOD, Reason.NONE, None, False, Situation.NEVER),
        (BAD, Reason.INIT, 0, False, Situation.NEVER),
        (BAD, Reason.COMM_LOSS, 0, False, Situation.BAD),
        (BAD, Reason.COMM_LOSS, 99, True, Situation.BAD),
        (UNCERTAIN, Reason.STUCK, 0, True, Situation.UNCERTAIN),
        (UNCERTAIN, Reason.MAINTENANCE, 0, False, Situation.MARKED),
        (UNCERTAIN, Reason.FORCED, 0, False, Situation.SUBSTITUTED),
        (UNCERTAIN, Reason.FORCED, 11, False, Situation.STALE),
        (GOOD, Reason.NONE, 0, True, Situation.SIMULATED),
    ],
)
def test_the_situation_of_a_value(
    quality: Quality, reason: Reason, age_us: int | None, simulated: bool, expected: Situation
) -> None:
    assert situation(quality, reason, age_us, 10, simulated) is expected


def test_quality_codes_pack_and_unpack() -> None:
    for quality in Quality:
        for reason in Reason:
            for no_value in (False, True):
                code = pack_quality(quality, reason, no_value=no_value)
                assert 0 <= code < 2**16
                assert unpack_quality(code) == (quality, reason, no_value)
    with pytest.raises(ValueError, match="3"):
        unpack_quality(3 << 14)


def test_the_shown_state_is_the_worst_of_the_three_regions() -> None:
    failed = shown_state(Protection.TRIPPED, Health.PROTECTION_FAILED, Service.BYPASSED)
    assert failed == "PROTECTION_FAILED"
    assert shown_state(Protection.TRIPPED, Health.DEGRADED, Service.ARMED) == "TRIPPED"
    assert shown_state(Protection.NORMAL, Health.DEGRADED, Service.BYPASSED) == "BYPASSED"
    assert shown_state(Protection.NORMAL, Health.DEGRADED, Service.ARMED) == "DEGRADED"
    assert shown_state(Protection.NORMAL, Health.HEALTHY, Service.INIT) == "INIT"
    assert shown_state(Protection.NORMAL, Health.HEALTHY, Service.ARMED) == "NORMAL"


def test_the_vocabulary_loads_the_standard_library_only() -> None:
    script = (
        "import sys, proto; "
        "third = {'numpy', 'zstandard', 'google', 'grpc', 'pydantic'} & set(sys.modules); "
        "sys.exit(f'{third}' if third else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_name_of_the_vocabulary_is_there_and_frozen() -> None:
    assert sorted(proto.__all__) == sorted(set(proto.__all__))
    for name in proto.__all__:
        assert hasattr(proto, name), name
    point = proto.Point("d/p", "T", "t", proto.PointType.BOOL, "bool", "none", "fast")
    with pytest.raises(AttributeError):
        point.tag = "other"  # type: ignore[misc]
    assert replace(point, tag="other").tag == "other"
