"""The demo's own decisions: what it writes, when it is ready, when it may exit 0."""

import tomllib
from typing import Any

import pytest

from central.config import parse_config as parse_central
from edge.config import parse_config as parse_edge
from simulators.demo.layout import SITES, DemoSite, Ports, central_toml, edge_toml
from simulators.demo.pki import gateway_uri
from simulators.demo.summary import GatewayEnd, is_ready, summarise, why_not_ready
from simulators.demo.tell import farewell, welcome

PORTS = Ports(
    gateways=7443,
    clients=7445,
    http=8443,
    plants={"bof": 5020, "dust_dry": 4840},
    pages={"610581-bof1a": 8480, "610502-dust1a": 8481},
)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.site)
def test_a_gateway_accepts_its_configuration(site: DemoSite) -> None:
    config, faults = parse_edge(edge_toml(site, PORTS).encode(), "edge.toml")
    assert faults == []
    assert config is not None
    assert (config.gateway.id, config.gateway.site) == (site.gateway, site.site)
    assert config.line[0].kind in ("modbus-tcp", "opcua")
    assert config.spool.window_ns == 1_000_000_000


def test_the_centre_accepts_its_configuration_and_knows_every_gateway() -> None:
    config = parse_central(tomllib.loads(central_toml(SITES, PORTS)), "central.toml")
    assert [(site.id, site.gateways) for site in config.site] == [
        ("hancheng-steel", ("610581-bof1a",)),
        ("weinan-dust", ("610502-dust1a",)),
    ]
    assert all(site.simulated for site in config.site)
    assert config.analysis.packs == ("demo",)


def test_a_gateway_has_its_id_as_its_one_name() -> None:
    assert gateway_uri("610581-bof1a") == "spiffe://yujing-demo/edge/610581-bof1a"


def site(**changes: Any) -> dict[str, Any]:
    points = {"total": 15, "good": 15, "uncertain": 0, "bad": 0, "stale": 0}
    return {"site": "a", "link": "LIVE", "points": points | changes.pop("points", {}), **changes}


@pytest.mark.parametrize(
    ("sites", "ready"),
    [
        ([], False),
        ([site()], False),
        ([site(), site()], True),
        ([site(), site(link="LATE")], False),
        ([site(), site(points={"good": 14})], False),
        ([site(), site(points={"stale": 1})], False),
        ([site(), site(points={"total": 0, "good": 0})], False),
    ],
)
def test_the_demo_is_ready_when_every_point_of_every_site_is_good_and_fresh(
    sites: list[dict[str, Any]], ready: bool
) -> None:
    assert is_ready(sites, 2) == ready


def test_what_is_waited_for_is_named() -> None:
    assert why_not_ready([site(), site(site="b", link="NEVER")]).startswith("b: NEVER")
    assert why_not_ready([]) == "the centre knows no site"


def end(acquired: int = 1000, pending: int = 0, code: int | None = 0) -> GatewayEnd:
    return GatewayEnd("g", code, {"samples": {"acquired": acquired, "pending": pending}})


def account(**changes: int) -> dict[str, object]:
    counts = dict.fromkeys(("pending", "gaps", "unexplained", "duplicates", "alarms"), 0)
    return {"stored": 1000, "trips": 1, **counts, **changes}


def judged(
    ends: list[GatewayEnd],
    accounts: list[dict[str, object]],
    *,
    ready_s: float | None = 8.04,
    leaked: bool = True,
) -> tuple[dict[str, object], list[str]]:
    return summarise(ends, accounts, sites=2, seconds=40.02, ready_s=ready_s, leaked=leaked)


def test_two_witnesses_who_agree_let_the_demo_end_well() -> None:
    line, faults = judged([end(), end()], [account(), account(alarms=2)])
    assert faults == []
    assert line == {
        "schema": "demo-summary/1",
        "ok": True,
        "seconds": 40.0,
        "ready_s": 8.0,
        "sites": 2,
        "samples_acquired": 2000,
        "samples_archived": 2000,
        "samples_pending": 0,
        "gaps": 0,
        "duplicates": 0,
        "unexplained": 0,
        "trips": 2,
        "alarms": 2,
    }


@pytest.mark.parametrize(
    ("ends", "accounts", "more", "says"),
    [
        ([end(1001), end()], [account(), account()], {}, "2001 samples acquired, but 2000"),
        ([end(), end(pending=3)], [account(), account()], {}, "3 samples pending"),
        ([end(), end()], [account(pending=4), account()], {}, "4 samples pending"),
        ([end(), end()], [account(unexplained=5), account()], {}, "5 samples unexplained"),
        ([end(), end()], [account(duplicates=6), account()], {}, "6 samples duplicates"),
        ([end(), end(code=-9)], [account(), account()], {}, "g: ended with exit code -9"),
        (
            [GatewayEnd("h", 0, None), end(2000)],
            [account(), account()],
            {},
            "h: ended with exit code 0",
        ),
        ([end(), end(0)], [account()], {}, "accounts for 1 of 2 sites"),
        ([end(), end()], [account(), account()], {"ready_s": None}, "not every site became live"),
        ([end(), end()], [account(trips=0), account(trips=0)], {}, "no trip reached the centre"),
    ],
)
def test_whatever_is_lost_or_missing_is_said_and_fails_the_demo(
    ends: list[GatewayEnd],
    accounts: list[dict[str, object]],
    more: dict[str, Any],
    says: str,
) -> None:
    line, faults = judged(ends, accounts, **more)
    assert line["ok"] is False
    assert len(faults) == 1
    assert says in faults[0]


def test_without_a_leak_no_trip_is_expected() -> None:
    _, faults = judged([end(), end()], [account(trips=0), account(trips=0)], leaked=False)
    assert faults == []


def test_people_are_told_where_the_console_is_and_what_to_try() -> None:
    text = welcome("http://127.0.0.1:8443/", 7.25, ".venv/bin/", {"YUJING_DEMO_DIR": "x"})
    assert "http://127.0.0.1:8443/" in text
    assert "7.2 s" in text.replace("秒", "s") or "7.2" in text
    assert ".venv/bin/yujing-sim fault bof leak --for 10s" in text
    assert "export YUJING_DEMO_DIR=x" in text
    line, _ = judged([end(), end()], [account(), account()])
    assert "2000" in farewell(line, [])
    assert farewell(line, ["something"]).endswith("! something")
