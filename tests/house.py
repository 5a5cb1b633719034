"""Reads the repository as text and syntax trees, for those tests that keep the house."""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("proto", "devices", "edge", "central", "simulators")
IGNORED = {
    ".git", ".venv", "build", "dist", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".hypothesis", ".import_linter_cache",
}  # fmt: skip
BINARY = {".png", ".ico", ".woff2", ".pyc", ".db"}


@dataclass(frozen=True, slots=True)
class Module:
    """One hand-written module: dotted name, path from the root, source and syntax tree."""

    name: str
    path: str
    source: str
    tree: ast.Module

    @property
    def first_paragraph(self) -> str:
        """Return the first paragraph of the docstring on one line."""
        text = ast.get_docstring(self.tree) or ""
        return " ".join(text.split("\n\n")[0].split())

    @property
    def kind(self) -> str:
        """Return "pure", "shell", or "" when the docstring does not say."""
        if self.first_paragraph.endswith("Pure."):
            return "pure"
        return "shell" if re.search(r"\bShell: \S.*\.$", self.first_paragraph) else ""

    @property
    def is_bare(self) -> bool:
        """Return True for an `__init__.py` that holds at most a docstring."""
        return self.path.endswith("__init__.py") and all(
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            for node in self.tree.body
        )

    @property
    def package(self) -> str:
        """Return the package that relative imports start from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]


@cache
def _walk() -> tuple[Path, ...]:
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in IGNORED and not f.endswith(".egg-info")]
        found += [Path(folder, name) for name in names if Path(name).suffix not in BINARY]
    return tuple(sorted(found))


def files(*suffixes: str) -> Iterator[Path]:
    """Yield the text files of the tree, sorted, with one of the suffixes (none = all)."""
    return (path for path in _walk() if not suffixes or path.suffix in suffixes)


@cache
def read_module(path: Path) -> Module:
    """Return one module, parsed."""
    relative = path.relative_to(ROOT)
    dotted = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    source = path.read_text(encoding="utf-8")
    return Module(dotted, relative.as_posix(), source, ast.parse(source, filename=str(relative)))


@cache
def modules(*roots: str) -> tuple[Module, ...]:
    """Return every hand-written module under the roots (default: the five packages)."""
    wanted = roots or PACKAGES
    return tuple(
        read_module(path)
        for path in files(".py")
        if path.relative_to(ROOT).parts[0] in wanted and not path.stem.endswith("_pb2")
    )


def imports(module: Module) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of everything that a module imports, wherever it stands."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.package.split(".")
                stem = ".".join(parts[: len(parts) - node.level + 1])
                base = f"{stem}.{base}".rstrip(".")
            yield base, node.lineno


def calls(module: Module) -> Iterator[tuple[str, int]]:
    """Yield (dotted name as written, line) of every call."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Return the lines of a definition, decorators and docstring included."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return (node.end_lineno or node.lineno) - first + 1
