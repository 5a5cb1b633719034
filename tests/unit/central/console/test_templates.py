"""Templates and static files read as text: nothing inline or foreign, every word known."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import central.console
from central.console.words import Language, known, say, say_reason
from proto.quality import Reason

HERE = Path(central.console.__file__).parent
TEMPLATES = sorted((HERE / "templates").glob("*.html"))
STATIC = sorted(path for path in (HERE / "static").iterdir() if path.is_file())
SOURCES = sorted(HERE.rglob("*.py"))
WORDS = re.compile(r"""\bt\(\s*(["'])(.+?)\1\s*\)""")
SAID = re.compile(r"""\bsay\(\s*\w+,\s*"([^"]+)"\s*\)""")

BANNED = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "an inline style": re.compile(r"<style|\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=|hx-on|javascript:|\bjs:", re.IGNORECASE),
    "an unescaped value": re.compile(r"\|\s*safe\b|Markup\(|autoescape\s+false"),
    "a foreign host": re.compile(r"(?:https?:)?//[a-z0-9]", re.IGNORECASE),
    "a script that writes markup": re.compile(
        r"\binnerHTML\b|outerHTML\s*=|document\.write|\beval\("
    ),
    "the browser's wall clock": re.compile(r"Date\.now|new Date\(\)"),
}


@pytest.mark.parametrize("path", [*TEMPLATES, *STATIC], ids=lambda path: path.name)
@pytest.mark.parametrize("what", BANNED)
def test_nothing_inline_and_nothing_foreign(path: Path, what: str) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert BANNED[what].findall(text) == []


def asked() -> set[str]:
    found = {match[1] for path in TEMPLATES for match in WORDS.findall(path.read_text("utf-8"))}
    return found | {word for path in SOURCES for word in SAID.findall(path.read_text("utf-8"))}


def test_every_word_that_a_page_asks_for_is_in_the_table() -> None:
    assert len(asked()) > 80
    assert asked() - known() == set()


def test_every_word_has_chinese_and_english() -> None:
    for word in known():
        assert say(Language.ZH, word).strip()
        assert say(Language.EN, word) == word


def test_a_word_outside_the_table_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(KeyError):
        say(Language.EN, "no such message")


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.NONE])
def test_every_reason_has_words(reason: Reason) -> None:
    assert all(say_reason(language, reason) for language in Language)


def test_screens_use_the_vocabulary_of_the_house() -> None:
    shown = " ".join(say(Language.ZH, word) for word in known())
    shown += " ".join(path.read_text("utf-8") for path in TEMPLATES)
    shown = shown.replace('role="alert"', "")
    assert [word for word in ("告警", "预警报警", "alert") if word in shown] == []


def test_vendored_files_are_listed_and_unchanged() -> None:
    folder = HERE / "static" / "vendor"
    listed = tomllib.loads((folder / "VENDOR.toml").read_text("utf-8"))["asset"]
    files = {entry["path"]: entry["sha256"] for asset in listed for entry in asset["files"]}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "VENDOR.toml"
    }
    assert found == files
    assert all(asset["licence"] and asset["version"] for asset in listed)


def test_the_live_page_is_light() -> None:
    own = sum(path.stat().st_size for path in STATIC)
    assert own <= 32_000
    assert (HERE / "static" / "live.js").stat().st_size <= 12_000


def test_own_scripts_stay_in_the_language_of_old_browsers() -> None:
    for path in STATIC:
        if path.suffix == ".js":
            assert (
                re.findall(r"\?\?=|\|\|=|&&=|\.at\(|structuredClone|#[a-z]+\(", path.read_text())
                == []
            )
        if path.suffix == ".css":
            assert re.findall(r":has\(|@container|@layer", path.read_text()) == []
