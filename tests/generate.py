"""Writes what is generated, or with --check says what is stale: protobuf code, lists, tables.

`python -m tests.generate` is `make proto`; a second run changes nothing.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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


def pure_modules() -> list[str]:
    """Return the modules whose docstring says `Pure.`."""
    return sorted(m.name for m in modules() if m.kind == "pure")


def import_contract() -> Iterator[tuple[Path, str]]:
    """Yield pyproject.toml with the list of pure modules as the docstrings say it."""
    path = ROOT / "pyproject.toml"
    listed = "".join(f'  "{name}",\n' for name in pure_modules())
    yield path, PURE_LIST.sub(lambda _: listed, path.read_text(encoding="utf-8"))


def generated() -> dict[Path, str]:
    """Return the text that each generated file must have."""
    return dict([*protobuf(), *import_contract()])


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
