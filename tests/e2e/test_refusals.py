"""A program that cannot start says why in clear lines, starts nothing, and ends with 78."""

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulators.demo.files import central_config, free_ports, write_all
from simulators.demo.layout import SITES
from tests.e2e.rig import run

CONFIGURATION = 78
STEEL, _DUST = SITES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the demo's folder, nothing running."""
    write_all(tmp_path, free_ports())
    return tmp_path


@contextlib.contextmanager
def edited(path: Path, *changes: tuple[str, str]) -> Iterator[None]:
    """Change the text of a file; every change must find its place."""
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    yield


def edge_file(folder: Path) -> Path:
    """Return the gateway's configuration."""
    return folder / STEEL.gateway / "edge.toml"


def refused(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what the operator reads: clear lines, no traceback, exit 78."""
    said = (done.stderr + done.stdout).strip()
    assert "Traceback" not in said, said
    assert done.returncode == CONFIGURATION, (done.returncode, said)
    return said.splitlines()


def test_a_gateway_names_every_fault_at_once_and_starts_nothing(folder: Path) -> None:
    file = edge_file(folder)
    changes = (
        ('unit_id = 1', "unit_id = 999"),
        ('path = "plc"', 'path = "cloud"'),
        ('window = "1s"', 'window = "1"'),
        ('mode = "advisory"', 'mode = "advisory"\nmood = "good"'),
    )  # fmt: skip
    with edited(file, *changes):
        for command in ("check", "run"):
            said = "\n".join(refused(run("yujing-edge", command, file)))
            for key in ("unit_id", "path", "window", "mood"):
                assert key in said, said
    assert not (file.parent / "data").exists()


def test_a_centre_names_every_fault_at_once_and_starts_nothing(folder: Path) -> None:
    file = central_config(folder)
    changes = (
        ('language = "zh"', 'language = "xx"'),
        ('region = "610581"', 'region = "61"'),
        ("workers = 1", "workers = 0"),
    )
    with edited(file, *changes):
        for command in ("check", "run"):
            said = "\n".join(refused(run("yujing-central", command, file)))
            for key in ("http.language", "region", "workers"):
                assert key in said, said
    assert not (file.parent / "data").exists()


def test_the_configurations_of_the_demo_pass_the_check(folder: Path) -> None:
    for program, file in (
        ("yujing-central", central_config(folder)),
        *(("yujing-edge", folder / site.gateway / "edge.toml") for site in SITES),
    ):
        done = run(program, "check", file)
        assert done.returncode == 0, done.stderr


def missing_certificate(file: Path, name: str) -> None:
    """Take away one file of the key material."""
    (file.parent.parent / "pki" / name).unlink()


@pytest.mark.parametrize(
    ("program", "which", "name"),
    [
        ("yujing-edge", edge_file, "root.pem"),
        ("yujing-edge", edge_file, f"{STEEL.gateway}.pem"),
        ("yujing-edge", edge_file, f"{STEEL.gateway}.key"),
        ("yujing-central", central_config, "server.pem"),
        ("yujing-central", central_config, "root.pem"),
    ],
)
def test_a_missing_certificate_is_one_clear_line(
    folder: Path, program: str, which: Callable[[Path], Path], name: str
) -> None:
    file = which(folder)
    missing_certificate(file, name)
    said = [
        line
        for line in refused(run(program, "run", file))
        if name in line and not line.startswith("{")
    ]
    assert len(said) == 1, said


@pytest.mark.parametrize(
    ("program", "which"), [("yujing-edge", edge_file), ("yujing-central", central_config)]
)
def test_a_directory_that_cannot_be_written_is_one_clear_line(
    folder: Path, program: str, which: Callable[[Path], Path]
) -> None:
    file = which(folder)
    (file.parent / "taken").write_text("a file, not a folder", "utf-8")
    with edited(file, ('data_dir = "data"', 'data_dir = "taken/data"')):
        said = [
            line
            for line in refused(run(program, "run", file))
            if "taken" in line and not line.startswith("{")
        ]
    assert len(said) == 1, said


@pytest.mark.parametrize("table", ["gateways", "clients", "http"])
def test_a_port_in_use_is_one_clear_line(tmp_path: Path, table: str) -> None:
    ports = free_ports()
    write_all(tmp_path, ports)
    taken = getattr(ports, table)
    with socket.create_server(("127.0.0.1", taken)):
        done = run("yujing-central", "run", central_config(tmp_path))
    said = (done.stderr + done.stdout).strip()
    assert done.returncode not in (0, None)
    assert "Traceback" not in said, said
    assert [line for line in said.splitlines() if str(taken) in line and "error" in line.lower()]


def test_a_plant_whose_port_is_in_use_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("yujing-sim", "plant", "bof", "--modbus", port)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
