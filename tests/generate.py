"""Writes what is generated, or with --check says what is stale: protobuf code, lists, tables.

`python -m tests.generate` is `make proto`; a second run changes nothing.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devices.schema import schema_text
from tests.house import ROOT, modules

PURE_LIST = re.compile(r"(?<=# pure modules: begin\n).*?(?=# pure modules: end)", re.DOTALL)
EVENTS = re.compile(r"(?<=<!-- events: begin -->\n).*?(?=<!-- events: end -->)", re.DOTALL)


def protobuf() -> Iterator[tuple[Path, str]]:
    """Yield the generated code of every .proto file."""
    sources = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("proto/v1/*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "grpc_tools.protoc", "-I."]
        subprocess.run(
            [*command, f"--python_out={scratch}", f"--pyi_out={scratch}", *sources],
            cwd=ROOT,
            check=True,
        )
        for path in sorted(Path(scratch).rglob("*_pb2.py*")):
            yield ROOT / path.relative_to(scratch), path.read_text(encoding="utf-8")


def profile_schema() -> Iterator[tuple[Path, str]]:
    """Yield the JSON Schema of device profiles."""
    yield ROOT / "devices" / "profiles" / "schema.json", schema_text()


def pure_modules() -> list[str]:
    """Return the modules whose docstring says `Pure.`."""
    return sorted(m.name for m in modules() if m.kind == "pure" and not m.is_bare)


def import_contract() -> Iterator[tuple[Path, str]]:
    """Yield pyproject.toml with the list of pure modules as the docstrings say it."""
    path = ROOT / "pyproject.toml"
    listed = "".join(f'  "{name}",\n' for name in pure_modules())
    yield path, PURE_LIST.sub(lambda _: listed, path.read_text(encoding="utf-8"))


EVENT = re.compile(r"^[a-z_]+\.[a-z_]+$")
PROCESSES = {
    "gateway": "edge/events.py",
    "centre": "central/events.py",
    "simulated plant": "simulators/events.py",
}
LEVELS = {"info", "warning", "error"}


@dataclass(frozen=True, slots=True)
class Event:
    """One log event: who writes it, how loud, what it means, what to do."""

    process: str
    name: str
    level: str
    meaning: str
    advice: str


def _catalogue(tree: ast.Module) -> dict[str, tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CATALOG" and node.value:
            return dict(ast.literal_eval(node.value))
    return {}


def _written(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield (event, method that writes it) of one typed function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.args[0].value
            if isinstance(name, str) and EVENT.match(name):
                yield name, ast.unparse(node.func).rpartition(".")[2]


def events() -> list[Event]:
    """Return every log event of the tree: the catalogue, and what the typed functions write."""
    found: dict[tuple[str, str], Event] = {}
    for process, path in PROCESSES.items():
        [module] = [m for m in modules() if m.path == path]
        catalogue = _catalogue(module.tree)
        for name, (level, advice) in catalogue.items():
            found[process, name] = Event(process, name, level, "", advice)
        for function in (n for n in module.tree.body if isinstance(n, ast.FunctionDef)):
            meaning = (ast.get_docstring(function) or "").split("\n")[0]
            for name, method in _written(function):
                level, advice = catalogue.get(name, (method if method in LEVELS else "info", ""))
                found[process, name] = Event(process, name, level, meaning, advice)
    return [found[key] for key in sorted(found)]


def event_tables() -> Iterator[tuple[Path, str]]:
    """Yield the operations guide with its tables of events."""
    path = ROOT / "docs" / "operations" / "events.md"
    lines = []
    for process in PROCESSES:
        lines += [
            f"## {process.capitalize()}",
            "",
            "| event | level | meaning | what to do |",
            "|---|---|---|---|",
        ]
        for e in events():
            if e.process == process:
                lines.append(f"| `{e.name}` | {e.level} | {e.meaning} | {e.advice} |")
        lines.append("")
    yield path, EVENTS.sub(lambda _: "\n".join(lines), path.read_text(encoding="utf-8"))


def generated() -> dict[Path, str]:
    """Return the text that each generated file must have."""
    return dict([*protobuf(), *profile_schema(), *import_contract(), *event_tables()])


def main(arguments: list[str]) -> int:
    """Write, or check; return the exit code."""
    wanted = generated()
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale, run `make proto`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
