"""The wheel holds what the programs read, and the commands of the package start."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house import IGNORED, PACKAGES, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the tree, without the network."""
    tree = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns(*IGNORED))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    out = tree / "out"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "-w", str(out), str(tree)], check=True, timeout=120)
    [path] = out.glob("yujing-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    missing = []
    for name in PACKAGES:
        for path in (ROOT / name).rglob("*"):
            relative = path.relative_to(ROOT)
            if path.is_dir() or IGNORED.intersection(relative.parts) or "peers" in relative.parts:
                continue
            if relative.as_posix() not in packed:
                missing.append(relative.as_posix())
    assert missing == []


@pytest.mark.parametrize("program", ["yujing-edge", "yujing-central", "yujing-sim"])
def test_every_program_answers_help_in_a_second(program: str) -> None:
    path = Path(sys.executable).parent / program
    done = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Commands" in done.stdout
