from dataclasses import replace

from central.console.chips import interlock_chip, link_chip
from central.console.dossier import alarm_views, gateway_views, interlock_views, point_groups
from central.console.tables import counters, exception_rows, site_rows
from central.console.words import Language
from central.status.model import LinkState, SiteStatus
from proto.alarm import AlarmLevel, AlarmState
from proto.interlock import Health, Protection, Service, shown_state
from proto.quality import Quality
from tests.integration.console.bureau import Bureau

ZH, EN = Language.ZH, Language.EN


def sites(*faults: str) -> list[SiteStatus]:
    bureau = Bureau()
    for fault in faults:
        bureau.inject(fault)
    return bureau.sites()


def test_a_quiet_bureau_counts_nothing_abnormal() -> None:
    found = counters(sites(), {})
    assert (found.sites, found.lost, found.tripped, found.bypassed, found.alarms) == (2, 0, 0, 0, 0)
    assert exception_rows(sites(), ZH) == ()


def test_the_worst_site_stands_first() -> None:
    assert site_rows(sites("trip weinan-dust"), {}, ZH)[0].site == "weinan-dust"
    both = sites("trip weinan-dust", "fail hancheng-steel")
    assert site_rows(both, {}, ZH)[0].site == "hancheng-steel"
    lost = sites("silent weinan-dust", "bypass hancheng-steel")
    assert site_rows(lost, {}, ZH)[0].site == "hancheng-steel"


def test_what_is_abnormal_is_listed_by_consequence() -> None:
    found = exception_rows(
        sites("fail hancheng-steel", "trip weinan-dust", "bypass weinan-dust"), EN
    )
    assert [row.what.word for row in found] == [
        "PROTECTION FAILED",
        "LATCHED",
        "LATCHED",
        "BYPASSED",
        "B HH",
    ]
    assert "raise_lance NOT ACTED" in found[0].how


def test_an_alarm_whose_cause_is_gone_does_not_say_that_it_still_holds() -> None:
    [site] = [each for each in sites("trip weinan-dust") if each.alarms]
    over = replace(site.alarms[0], state=AlarmState.RETURNED, level=AlarmLevel.TRUE, limit=None)
    found = exception_rows([replace(site, interlocks=(), alarms=(over,))], ZH)
    assert [(row.what.word, row.how) for row in found] == [("D 已恢复未确认", "已恢复未确认")]


def test_a_silent_site_is_a_row_and_not_an_absence() -> None:
    [row] = exception_rows(sites("silent weinan-dust"), ZH)
    assert (row.what.word, row.site) == ("失联", "weinan-dust")


def test_every_point_is_shown_in_its_process_unit() -> None:
    [group] = point_groups(sites("bad weinan-dust")[1], ZH)
    assert group.unit == "DUST-1"
    assert [row.shown.css for row in group.rows if row.tag in ("TE-202", "IT-206", "DT-207")] == [
        "bad",
        "uncertain",
        "never",
    ]


def test_a_verdict_names_its_response_time() -> None:
    [view] = interlock_views(sites("trip hancheng-steel")[0], {"O10-4.4": ("短名", "short")}, EN)
    assert [(each.verdict.word, each.response) for each in view.verdicts] == [
        ("PROVEN", "3120 ms"),
        ("PROVEN", "410 ms"),
    ]
    assert view.clauses[0].text == "short"
    assert view.clauses[1].text == ""
    assert view.first_out == ("leak_hh",)


def test_a_bypass_that_nobody_can_see_is_not_known_rather_than_absent() -> None:
    site = sites()[0]
    blind = replace(site, interlocks=(replace(site.interlocks[0], plant_bypassed=None),))
    [view] = interlock_views(blind, {}, EN)
    assert view.plant_bypassed.word == "not known"


def test_every_shown_state_has_a_word_in_both_languages() -> None:
    for protection in Protection:
        for health in Health:
            for service in Service:
                word = shown_state(protection, health, service)
                assert interlock_chip(word, ZH).word != ""
                assert "_" not in interlock_chip(word, EN).word


def test_only_a_live_link_is_quiet() -> None:
    assert [link_chip(each, ZH).css for each in LinkState] == ["outline", "quiet", "late", "lost"]


def test_an_alarm_shows_the_value_of_its_own_moment() -> None:
    site = sites("trip hancheng-steel")[0]
    [view] = alarm_views(site, ZH)
    assert (view.letter, view.tag, view.shown.unit) == ("B", "FT-101", "m³/h")
    old = replace(site, as_of_us=site.as_of_us + 3_600_000_000)
    assert alarm_views(old, ZH)[0].shown.css == "good simulated"
    bad = replace(site, alarms=(replace(site.alarms[0], quality=Quality.BAD, value=None),))
    assert alarm_views(bad, ZH)[0].shown.number == "—"


def test_a_gateway_without_certificate_days_has_a_dash() -> None:
    site = sites()[0]
    bare = replace(site, gateways=(replace(site.gateways[0], certificate_days=None, version=""),))
    [view] = gateway_views(bare, ZH)
    assert (view.certificate, view.version) == ("—", "—")


def test_what_waits_at_the_edge_says_how_old_the_statement_is() -> None:
    site = sites()[0]
    said = replace(site.gateways[0], pending_batches=3, pending_us=site.as_of_us - 12_000_000)
    [view] = gateway_views(replace(site, gateways=(said,)), EN)
    assert view.waiting == "3 batches · 120 samples · 12 s ago"
    never = replace(said, pending_us=None)
    assert gateway_views(replace(site, gateways=(never,)), EN)[0].waiting == "—"


def test_a_reason_of_health_is_a_word_and_an_unknown_one_stands_as_it_is() -> None:
    site = sites("bypass weinan-dust")[1]
    assert interlock_views(site, {}, ZH)[0].health_reasons == ("厂方旁路",)
    assert interlock_views(site, {}, EN)[0].health_reasons == ("plant bypassed",)
    odd = replace(site, interlocks=(replace(site.interlocks[0], health_reasons=("new_kind",)),))
    assert interlock_views(odd, {}, ZH)[0].health_reasons == ("new kind",)
