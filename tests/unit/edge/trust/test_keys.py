"""The gateway's credentials: every fault at once, and a reason when a handshake must fail."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.trust import keys
from proto.errors import ConfigError
from tests.certificates import Authority

DAY_US = 86_400 * 1_000_000


def _files(folder: Path, *, mode: int = 0o600) -> dict[str, Path]:
    authority = Authority()
    cert, key = authority.gateway("610581-bof1a").write(folder, "gw", mode=mode)
    root = folder / "root.pem"
    root.write_bytes(authority.pem)
    return {"root": root, "cert": cert, "key": key}


def _codes(files: dict[str, Path]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        keys.load(**files)
    return [fault.code for fault in refused.value.faults]


def test_files_that_fit_are_read(tmp_path: Path) -> None:
    found = keys.load(**_files(tmp_path))

    assert found.uris == ("spiffe://test.invalid/edge/610581-bof1a",)
    assert "PRIVATE" not in repr(found)


def test_every_missing_file_is_named_at_once(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("root", "cert", "key")}

    assert _codes(files) == ["config.credential"] * 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    assert _codes(_files(tmp_path, mode=mode)) == ["config.key_open"]


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    files = _files(tmp_path)
    _, files["key"] = Authority().gateway("610581-bof1a").write(tmp_path, "other")

    assert _codes(files) == ["config.key_mismatch"]


def test_text_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    files = _files(tmp_path)
    files["cert"].write_text("not a certificate")
    files["root"].write_text("neither")

    assert _codes(files) == ["config.credential", "config.credential"]


def test_text_that_is_no_key_is_refused(tmp_path: Path) -> None:
    files = _files(tmp_path)
    files["key"].write_text("not a key")

    assert _codes(files) == ["config.credential"]


@pytest.mark.parametrize(
    ("shift_days", "said"),
    [(0, None), (-11, "not valid yet"), (21, "has expired"), (31, "has expired")],
)
def test_a_handshake_that_must_fail_is_explained(
    tmp_path: Path, shift_days: int, said: str | None
) -> None:
    found = keys.load(**_files(tmp_path))
    now_us = found.not_after_us - 20 * DAY_US + shift_days * DAY_US
    reason = keys.diagnose(found, now_us)

    assert (reason is None) == (said is None)
    assert said is None or said in (reason or "")


def test_the_certificate_of_another_gateway_is_refused(tmp_path: Path) -> None:
    found = keys.load(**_files(tmp_path))
    keys.check_identity(found, "610581-bof1a")

    with pytest.raises(ConfigError) as refused:
        keys.check_identity(found, "610502-dust1a")
    with pytest.raises(ConfigError) as nameless:
        keys.check_identity(replace(found, uris=()), "610581-bof1a")

    assert [fault.code for fault in refused.value.faults] == ["config.identity"]
    assert [fault.code for fault in nameless.value.faults] == ["config.identity"]


def test_the_days_that_are_left_are_counted(tmp_path: Path) -> None:
    found = keys.load(**_files(tmp_path))

    assert keys.days_left(found, found.not_after_us - 3 * DAY_US) == 3
    assert keys.days_left(found, found.not_after_us + DAY_US) == -1


@pytest.mark.parametrize("which", ["root", "cert", "key"])
def test_an_empty_file_is_named(tmp_path: Path, which: str) -> None:
    files = _files(tmp_path)
    files[which].write_bytes(b"")
    with pytest.raises(ConfigError) as refused:
        keys.load(**files)
    assert [f.place for f in refused.value.faults] == [str(files[which])]
    assert refused.value.faults[0].message.endswith("is empty")
