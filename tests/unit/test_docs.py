"""What the documents say is so: commands parse, links lead somewhere, samples pass the check."""

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator

import pytest

from proto.notice import NOTICE_EN, NOTICE_ZH
from tests.generate import PROCESSES, events
from tests.house import ROOT, files

DOCUMENTS = [
    p for p in files(".md") if p.parent == ROOT or ROOT / "docs" in p.parents
]  # simulators/peers has pages of its own
PROGRAMS = {
    "yujing-edge": "edge.cli",
    "yujing-central": "central.cli",
    "yujing-sim": "simulators.cli",
}
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`(yujing-[a-z]+ [^`]+|make [^`]+)`")
SYSTEM = {"python3.11", "install", "useradd", "runuser", "systemctl", "apt"}


def commands() -> Iterator[tuple[str, str]]:
    """Yield (document, command line) of every fenced line and of every inline one."""
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
        for line in [*lines, *INLINE.findall(text)]:
            if "|" not in line and "…" not in line and line.strip():
                yield path.relative_to(ROOT).as_posix(), line.partition("#")[0].strip()


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())))
def test_every_command_of_the_documents_is_one_that_we_have(document: str, line: str) -> None:
    name, *arguments = shlex.split(line)
    name = name.rpartition("/")[2]
    if name == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert {a for a in arguments if "=" not in a} <= set(targets)
    elif name in PROGRAMS:
        app = importlib.import_module(PROGRAMS[name]).app
        app.parse_args(arguments, print_error=False, exit_on_error=False)
    else:
        assert name in SYSTEM or name == "pip"


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            if not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_decision_is_in_the_list_and_short() -> None:
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text("utf-8")
    for path in sorted(folder.glob("0*.md")):
        text = path.read_text("utf-8")
        number = int(path.name[:4])
        assert f"| {number} | [" in listed, path.name
        assert f"({path.name})" in listed
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"\*\*(\w+)\.\*\*", text) == ["Context", "Decision", "Consequences"]
        assert len(text.splitlines()) <= 40


def test_the_readme_says_what_the_product_is_not() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert NOTICE_ZH in readme
    assert "not a safety instrumented system (IEC 61511 / GB/T 21109), carries no SIL" in readme
    assert "carries no SIL" in NOTICE_EN
    assert len(readme.splitlines()) <= 75


def test_every_event_is_in_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations" / "events.md").read_text("utf-8")
    assert {e.process for e in events()} == set(PROCESSES)
    assert [e.name for e in events() if f"| `{e.name}` | {e.level} |" not in guide] == []


def test_the_sample_configurations_pass_the_check() -> None:
    edge = importlib.import_module("edge.config")
    central = importlib.import_module("central.config")
    sample = ROOT / "packaging" / "edge.toml"
    assert edge.parse_config(sample.read_bytes(), "edge.toml")[1] == []
    document = tomllib.loads((ROOT / "packaging" / "central.toml").read_text("utf-8"))
    assert central.parse_config(document, "central.toml").central.name == "shaanxi"


def test_the_configuration_guide_names_every_table_and_key() -> None:
    guide = (ROOT / "docs" / "operations" / "configuration.md").read_text("utf-8")
    for name in ("edge.toml", "central.toml"):
        sample = tomllib.loads((ROOT / "packaging" / name).read_text("utf-8"))
        for table, content in sample.items():
            assert f"`{table}`" in guide or f"[{table}]" in guide, table
            rows = content if isinstance(content, list) else [content]
            for key in {k for row in rows for k in row} if table != "poll" else ():
                assert f"`{key}`" in guide or f".{key}`" in guide, f"{table}.{key}"
