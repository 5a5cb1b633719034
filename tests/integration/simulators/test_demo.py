"""The demo's folder, certificates and children; the whole demo runs in tests/e2e."""

import asyncio
import json
import os
import signal
import stat
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from proto.identity import is_gateway_id
from simulators.demo import files
from simulators.demo.children import ChildFailed, ask, start
from simulators.demo.files import DemoRefused, free_ports, own_folder, write_all
from simulators.demo.layout import SITES
from simulators.demo.show import show
from tests.house import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo")
    write_all(made, free_ports())
    return made


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def uris(path: Path) -> list[str]:
    names = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


@pytest.mark.parametrize("gateway", [site.gateway for site in SITES])
def test_a_gateway_has_a_p256_client_certificate_with_exactly_one_name(
    folder: Path, gateway: str
) -> None:
    path = folder / "pki" / f"{gateway}.pem"
    names = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert len(list(names.value)) == 1
    assert uris(path) == [f"spiffe://yujing-demo/edge/{gateway}"]
    assert is_gateway_id(gateway)
    key = certificate(path).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    usage = certificate(path).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate(path).verify_directly_issued_by(certificate(folder / "pki" / "root.pem"))


def test_the_root_may_sign_and_its_key_is_nowhere(folder: Path) -> None:
    root = certificate(folder / "pki" / "root.pem")
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "throw-away" in root.subject.rfc4514_string()
    assert [path.name for path in sorted((folder / "pki").glob("*.key"))] == [
        "610502-dust1a.key",
        "610581-bof1a.key",
        "server.key",
    ]


def test_every_private_key_is_for_its_owner_alone(folder: Path) -> None:
    keys = [*folder.rglob("*.key"), *folder.rglob("key.pem")]
    assert len(keys) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_both_sides_of_opc_ua_know_each_other_and_nobody_else(folder: Path) -> None:
    plant, gateway = folder / "plants" / "dust_dry-pki", folder / "610502-dust1a" / "opcua"
    for own, other in ((plant, gateway), (gateway, plant)):
        trusted = [path.read_bytes() for path in (own / "trusted").iterdir()]
        assert trusted == [(other / "own" / "cert.der").read_bytes()]
        key = certificate(own / "own" / "cert.pem").public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 2048
    assert uris(plant / "own" / "cert.pem") == ["urn:yujing-sim:dust_dry:server"]
    assert uris(gateway / "own" / "cert.pem") == ["urn:yujing-demo:610502-dust1a"]


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.site)
async def test_the_gateway_finds_no_fault_in_what_the_demo_writes(
    folder: Path, site: object
) -> None:
    config = folder / str(getattr(site, "gateway", "")) / "edge.toml"
    code, out, err = await ask(["edge", "check", str(config)], Path.cwd(), 30)
    assert code == 0, out + err


async def test_the_centre_finds_no_fault_in_what_the_demo_writes(folder: Path) -> None:
    config = str(files.central_config(folder))
    code, out, err = await ask(["central", "check", config], Path.cwd(), 30)
    assert code == 0, out + err


def test_a_second_demo_in_the_same_folder_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_folder(tmp_path / "demo"):
        code = show(tmp_path / "demo", 5.0, as_json=True)
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "a demo is running here" in err


def test_a_folder_that_is_not_a_demos_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoRefused, match="not empty and no demo's"), own_folder(tmp_path):
        pass
    files.remove(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_an_earlier_demo_left_is_cleared(tmp_path: Path) -> None:
    with own_folder(tmp_path / "demo") as own:
        (own / "central").mkdir()
        (own / "demo.json").write_text("{}")
    with own_folder(tmp_path / "demo") as own:
        assert [path.name for path in own.iterdir()] == ["demo.lock"]
        files.remove(own)
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DemoRefused, match="name another one by --dir"),
        own_folder(tmp_path / "file"),
    ):
        pass


def test_a_folder_too_deep_for_a_socket_gets_a_short_data_directory(tmp_path: Path) -> None:
    assert files.central_data(Path("/short")) == "data"
    deep = files.central_data(tmp_path / ("x" * 100))
    assert Path(deep).is_dir()
    assert len(f"{deep}/client.sock") < files.SUN_PATH_MAX
    Path(deep).rmdir()


def test_ports_are_free_and_all_different() -> None:
    ports = free_ports()
    every = [ports.gateways, ports.clients, ports.http]
    every += [*ports.plants.values(), *ports.pages.values()]
    assert len(set(every)) == 7


async def test_a_child_that_ends_by_itself_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = await start("bof", ["simulators", "plant", "nope"], tmp_path / "bof.log", Path.cwd())
    await child.process.wait()
    with pytest.raises(ChildFailed) as failed:
        child.check()
    assert "exit code 2" in str(failed.value)
    assert "unknown plant 'nope'" in str(failed.value)


async def test_a_child_that_does_not_listen_to_sigterm_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    child = await start("deaf", ["tests.integration.simulators.deaf"], tmp_path / "log", Path.cwd())
    async with asyncio.timeout(20):
        while child.tail().strip() != "deaf":
            await asyncio.sleep(0.05)
    begin = time.monotonic()
    assert await child.stop(0.3) == -signal.SIGKILL
    assert time.monotonic() - begin < 3


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends orphans")
async def test_children_do_not_outlive_a_demo_that_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", "demo", "--dir", str(tmp_path / "demo"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    state = tmp_path / "demo" / "demo.json"
    async with asyncio.timeout(60):
        while not state.exists():
            await asyncio.sleep(0.1)
    pids = json.loads(state.read_text("utf-8"))["pids"].values()
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        while any(_is_alive(pid) for pid in pids):
            await asyncio.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
