"""central.toml: every fault at once, with its place."""

import copy

import pytest

from central.config import parse_config, settings_of
from proto.errors import ConfigError

GOOD: dict[str, object] = {
    "central": {"name": "shaanxi", "data_dir": "data"},
    "gateways": {"listen": "0.0.0.0:7443", "cert": "pki/server.pem", "key": "/k"},
    "clients": {"listen": "127.0.0.1:7445"},
    "http": {"listen": "[::1]:8443"},
    "pki": {"root": "pki/root.pem"},
    "site": [
        {"id": "hancheng-steel", "name": "韩城", "region": "610581", "gateways": ["610581-bof1a"]}
    ],
}


def faults(**changes: object) -> dict[str, str]:
    """Return place -> message of the faults that some changes make."""
    document = copy.deepcopy(GOOD) | changes
    try:
        parse_config(document, "f")
    except ConfigError as error:
        return {fault.place.removeprefix("f: "): fault.message for fault in error.faults}
    return {}


def test_a_sound_configuration_has_absolute_paths() -> None:
    settings = settings_of(parse_config(GOOD, "f"), "f", "/etc/yujing")
    assert settings.cert == "/etc/yujing/pki/server.pem"
    assert settings.key == "/k"
    assert settings.client_socket == "/etc/yujing/data/client.sock"


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        gateways={"listen": "nowhere", "cert": "c"},
        http={"listen": "127.0.0.1:1", "langauge": "zh"},
        analysis={"workers": 0},
    )
    assert set(found) == {"gateways.listen", "gateways.key", "http.langauge", "analysis.workers"}
    assert "did you mean 'language'?" in found["http.langauge"]


@pytest.mark.parametrize("table", ["clients", "http"])
@pytest.mark.parametrize("address", ["0.0.0.0:1", "10.0.0.5:1", "example:1", "[::]:1"])
def test_people_are_served_on_loopback_until_access_control_exists(
    table: str, address: str
) -> None:
    found = faults(**{table: {"listen": address}})
    assert "until access control exists" in found[f"{table}.listen"]


def test_enrolment_cannot_be_opened_yet() -> None:
    assert (
        "does not exist yet" in faults(enrol={"listen": "127.0.0.1:1", "open": True})["enrol.open"]
    )


def test_ids_are_checked_and_stand_once() -> None:
    site = {"id": "hancheng-steel", "name": "x", "region": "610581", "gateways": ["610581-bof1a"]}
    found = faults(site=[site, site, site | {"id": "Ü", "region": "61", "gateways": ["x"]}])
    assert set(found) == {
        "site.1.id",
        "site.1.gateways",
        "site.2.id",
        "site.2.region",
        "site.2.gateways",
    }


def test_an_unknown_table_is_refused() -> None:
    assert "did you mean 'gateways'?" in faults(gateway={})["gateway"]
