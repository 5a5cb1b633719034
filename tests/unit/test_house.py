"""The test that reads the repository: what import contracts cannot say (house style, 3 and 10)."""

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator

import pytest

import proto
from tests import house
from tests.generate import events, pure_modules
from tests.house import ROOT

MODULES = house.modules()
PURE = [m for m in MODULES if m.kind == "pure"]
EVERY = house.modules("proto", "devices", "edge", "central", "simulators", "tests")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

LINES_OF_A_FUNCTION_MAX = 70
LINES_OF_A_FUNCTION_P95 = 40
LINES_OF_A_FILE_MAX = 400
LINES_OF_A_CLASS_MAX = 400
LONG_FILES: dict[str, str] = {}  # path: reason

SUPERVISORS = {"edge/supervisor.py", "central/supervisor.py"}

# pydantic stands where people write files.
FILES_OF_PEOPLE = (
    "*/config.py", "*/config/", "*/config_values.py", "*/config_line.py", "*/config_device.py",
    "*/config_cabinet.py",
    "*/toml_faults.py",
    "*/file.py", "*/pack.py", "*/limits.py",
    "devices/profile", "devices/preset.py", "devices/kinds.py", "devices/model_faults.py",
    "devices/schema.py",
)  # fmt: skip

# The one home of every third-party library: a path's beginning, or its end (`*/name.py`).
HOMES: dict[str, tuple[str, ...]] = {
    "aiosqlite": ("edge/spool/", "central/store/", "central/archive/"),
    "alembic": ("central/store/",),
    "asyncua": ("devices/opcua/", "simulators/serve/opcua"),
    "cryptography": (
        "edge/trust/",
        "central/listeners/",
        "simulators/demo/",
        "simulators/serve/opcua",
        "devices/opcua/trust",
    ),
    "cyclopts": ("*/cli.py", "*/commands/"),
    "defusedxml": ("devices/sheet_child.py",),
    "google": ("proto/", "edge/uplink/", "central/listeners/", "central/api/", "central/client"),
    "grpc": ("edge/uplink/link.py", "central/listeners/", "central/client", "central/app.py"),
    "jinja2": ("central/console/",),
    "numpy": ("proto/", "devices/", "edge/", "central/", "simulators/"),
    "openpyxl": ("devices/sheet_child.py",),
    "pydantic": FILES_OF_PEOPLE,
    "pydantic_core": FILES_OF_PEOPLE,
    "pymodbus": (
        "devices/modbus/transport.py",
        "devices/modbus/serial_line.py",
        "devices/modbus/writer.py",
        "devices/modbus/cabinet.py",
    ),
    "rich": ("*/cli.py", "*/commands/"),
    "segno": ("edge/matrix/print_html.py",),
    "sqlalchemy": ("central/store/",),
    "sqlite3": ("edge/spool/", "central/store/", "central/archive/", "central/doctor.py"),
    "starlette": ("central/listeners/http.py", "central/api/rest.py", "central/console/"),
    "structlog": ("edge/events.py", "central/events.py", "simulators/events.py"),
    "uvicorn": ("central/listeners/http.py",),
    "zstandard": ("proto/batch.py",),
}


def at_home(path: str, homes: tuple[str, ...]) -> bool:
    """Return True when the path is one of the homes."""
    return any(
        path.endswith(h[1:]) or h[1:] in path if h[0] == "*" else path.startswith(h) for h in homes
    )


def definitions(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, int]]:
    """Yield (`path:name`, lines) of every definition of the five packages."""
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, kind):
                yield f"{module.path}:{node.lineno} {node.name}", house.length(node)


def test_every_module_says_whether_it_is_pure_or_a_shell() -> None:
    silent = [m.path for m in MODULES if not m.is_bare and not m.kind]
    assert silent == []


def test_the_import_contract_lists_exactly_the_pure_modules() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    [listed] = [c["source_modules"] for c in contracts if c["name"].startswith("Pure cores")]
    assert listed == pure_modules()


def test_no_pure_module_calls_the_outside() -> None:
    outside = re.compile(
        r"^(open|print|input|exec|eval|breakpoint)$|(^|\.)(now|utcnow|today|getenv|read_text|write_text)$"
    )
    found = [
        f"{m.path}:{line} {name}"
        for m in PURE
        for name, line in house.calls(m)
        if outside.search(name)
    ]
    assert found == []


def test_the_engine_and_the_image_import_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names
    found = []
    for module in MODULES:
        if module.name.startswith("edge.interlock") or module.name == "edge.image":
            for name, line in house.imports(module):
                if name.split(".")[0] not in allowed and not name.startswith("edge.interlock"):
                    found.append(f"{module.path}:{line} {name}")
    assert found == []


def test_every_third_party_library_has_one_home() -> None:
    ours = set(house.PACKAGES)
    found = []
    for module in MODULES:
        for name, line in house.imports(module):
            top = name.split(".")[0]
            if top in ours or (top in sys.stdlib_module_names and top not in HOMES):
                continue
            if top not in HOMES or not at_home(module.path, HOMES[top]):
                found.append(f"{module.path}:{line} {top}")
    assert found == []


def test_exceptions_are_caught_by_name_and_cancellation_never() -> None:
    broad = {"Exception", "BaseException"}
    found = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            caught: list[str] = []
            if isinstance(node, ast.ExceptHandler):
                caught = [ast.unparse(node.type)] if node.type else ["BaseException"]
                if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                    continue  # it rolls back and lets everything through
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                caught = [ast.unparse(argument) for argument in node.args]
            names = {n.split(".")[-1] for text in caught for n in text.strip("()").split(", ")}
            if "CancelledError" in names or (names & broad and module.path not in SUPERVISORS):
                found.append(f"{module.path}:{node.lineno} {', '.join(sorted(names))}")
    assert found == []


def test_no_function_is_longer_than_a_screen() -> None:
    functions = list(definitions((ast.FunctionDef, ast.AsyncFunctionDef)))
    assert [f"{place} {n}" for place, n in functions if n > LINES_OF_A_FUNCTION_MAX] == []
    lengths = sorted(n for _, n in functions)
    assert lengths[int(len(lengths) * 0.95)] <= LINES_OF_A_FUNCTION_P95


def test_no_class_is_longer_than_a_file() -> None:
    assert [
        f"{place} {n}" for place, n in definitions(ast.ClassDef) if n > LINES_OF_A_CLASS_MAX
    ] == []


def test_no_file_is_longer_than_its_purpose() -> None:
    long = {m.path: n for m in EVERY if (n := len(m.source.splitlines())) > LINES_OF_A_FILE_MAX}
    assert {p: n for p, n in long.items() if p not in LONG_FILES} == {}
    assert set(LONG_FILES) <= set(long)  # a reason outlives its file no day
    assert statistics.median(len(m.source.splitlines()) for m in MODULES if not m.is_bare) <= 200


def test_half_of_the_running_lines_are_pure() -> None:
    lines = {
        kind: sum(len(m.source.splitlines()) for m in MODULES if m.kind == kind)
        for kind in ("pure", "shell")
    }
    assert lines["pure"] >= lines["shell"]


def test_the_package_proto_is_ours_and_not_that_of_proto_plus() -> None:
    assert proto.__file__ == str(ROOT / "proto" / "__init__.py")


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {
        "utils",
        "util",
        "helpers",
        "helper",
        "manager",
        "managers",
        "handler",
        "handlers",
        "common",
        "base",
        "misc",
    }
    assert [m.path for m in EVERY if m.name.split(".")[-1] in empty] == []


def test_nothing_that_runs_imports_the_tests() -> None:
    found = [
        f"{m.path}:{line}"
        for m in MODULES
        for name, line in house.imports(m)
        if name.split(".")[0] in ("tests", "conftest")
    ]
    assert found == []


def test_a_lock_names_versions_and_hashes_and_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert (
            re.findall(r".*(?:://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ).*", text)
            == []
        )
        blocks = re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2])
        unhashed = [b.split()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b]
        assert unhashed == []
    assert list(ROOT.glob("uv.lock")) == []


WORDS = {
    "a path of one machine": re.compile(
        r"/[w]ork/|/[r]oot/|/[h]ome/\w|/[U]sers/|/[f]arm/|[C]:\\\\",
    ),
    "a package index": re.compile(
        r"[p]ypi\.org|[p]ythonhosted|registry\.[n]pmjs|--(?:extra-)?[i]ndex-url[ =]\S",
    ),
    "a secret": re.compile(
        r"-----[B]EGIN [A-Z ]*PRIVATE KEY|[A]KIA[0-9A-Z]{16}"
        r"|[p]assw(?:or)?d\s*=\s*[\"'][^\"'{]+[\"']",
    ),
}
KNOWN_HOSTS = re.compile(
    r"^(host|127|yujing\.demo|127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0|([a-z0-9-]+\.)*example(\.(org|com|net))?|10\.0\.0\.\d+"
    r"|www\.w3\.org|opcfoundation\.org|www\.apache\.org|json-schema\.org|keepachangelog\.com|schemas\.openxmlformats\.org|spdx\.org)$"
)


def texts() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of what people wrote: no vendored asset, no lock, no licence."""
    for path in house.files():
        relative = path.relative_to(ROOT).as_posix()
        if (
            "/vendor/" in relative
            or path.suffix == ".lock"
            or path.name in ("LICENSE", "VENDOR.toml")
        ):
            continue
        yield relative, path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("what", WORDS)
def test_the_tree_holds_no_trace_of_a_machine(what: str) -> None:
    found = [f"{p}: {m.group()}" for p, text in texts() if (m := WORDS[what].search(text))]
    assert found == []


def test_the_tree_names_no_host_of_a_network() -> None:
    url = re.compile(r"\b(?:https?|grpcs?|wss?|opc\.tcp|ftp)://([A-Za-z0-9\[\].-]+[A-Za-z0-9\]])")
    found = {
        f"{p}: {h}"
        for p, text in texts()
        for h in url.findall(text)
        if "." in h and not KNOWN_HOSTS.match(h)
    }
    assert found == set()


def test_every_event_that_is_no_mere_change_says_what_to_do() -> None:
    silent = [f"{e.process} {e.name}" for e in events() if e.level != "info" and not e.advice]
    assert silent == []


def tables(pattern: str) -> list[tuple[str, dict[str, object]]]:
    """Return (path, parsed) of the data files that match."""
    return [
        (p.relative_to(ROOT).as_posix(), tomllib.loads(p.read_text("utf-8")))
        for p in sorted(ROOT.glob(pattern))
    ]


def entries(table: object, *keys: str) -> Iterator[dict[str, object]]:
    """Yield the rows under any of the keys, at any depth: `[[key]]` and `[key.NAME]` alike."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key in keys:
                rows = value if isinstance(value, list) else value.values()
                yield from (row for row in rows if isinstance(row, dict))
            else:
                for row in value if isinstance(value, list) else [value]:
                    yield from entries(row, *keys)


def test_every_profile_names_its_source_and_every_point_its_vector_and_parameter() -> None:
    profiles = tables("devices/profiles/*/*.toml")
    assert profiles != []
    for path, profile in profiles:
        assert profile.get("source"), path
        for point in entries(profile, "points"):
            assert {"vector", "parameter"} - point.keys() == set(), f"{path}: {point.get('name')}"
            assert point["parameter"] != "none" or point.get("parameter_reason"), (
                f"{path}: {point.get('name')}"
            )


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("edge/matrix/templates/[!l]*.toml", ("interlock",)),
        ("edge/matrix/templates/limits*.toml", ("alarm",)),
        ("central/analysis/packs/*.toml", ("rules",)),
    ],
)
def test_every_interlock_rule_and_limit_cites_a_clause_or_a_source(
    pattern: str, keys: tuple[str, ...]
) -> None:
    assert tables(pattern) != []
    for path, table in tables(pattern):
        found = list(entries(table, *keys))
        assert found != [], path
        for row in found:
            cited = [row.get(k) for k in ("clauses", "source", "basis")]
            assert any(cited), f"{path}: {row.get('id') or row.get('name') or row.get('point')}"
