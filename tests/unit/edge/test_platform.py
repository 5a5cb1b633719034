"""Files are written whole, and a directory that cannot be used is one clear line."""

from pathlib import Path

import pytest

from edge import platform
from proto.errors import ConfigError


def test_a_file_is_replaced_whole_and_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    platform.write_whole(path, b"old and long")
    platform.write_whole(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_a_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError) as refused:
        platform.own_directory(tmp_path / "file" / "data", "data_dir")

    [fault] = refused.value.faults
    assert fault.code == "config.directory"
    assert "data_dir cannot be written" in fault.message


def test_the_machine_is_named_by_a_hash_only() -> None:
    name = platform.machine_hash()

    assert name == "" or (len(name) == 64 and int(name, 16) >= 0)


def test_the_process_knows_its_own_use() -> None:
    assert platform.cpu_s() > 0
    assert platform.rss_bytes() > 2**20
