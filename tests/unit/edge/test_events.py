"""The log is a finite set of events, each with its level and what to do."""

import ast
import io
import json
from pathlib import Path

import structlog

from edge import events


def _written() -> set[str]:
    tree = ast.parse(Path(events.__file__).read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "_write"]
    return {c.args[0].value for c in named if isinstance(c.args[0], ast.Constant)}


def test_every_function_writes_an_event_of_the_catalogue() -> None:
    assert _written() <= set(events.CATALOG)


def test_every_event_says_what_to_do() -> None:
    assert all(level in ("info", "warning", "error") for level, _ in events.CATALOG.values())
    assert all(";" in text for _, text in events.CATALOG.values())


def test_a_line_is_json_with_time_level_and_event_first() -> None:
    out = io.StringIO()
    events.configure(out, people=False)
    try:
        events.bind(boot_id=7, config_version=12)
        events.recorded("interlock.tripped", interlock="I1", cause="C2")
        events.recorded("interlock.snapshot", interlock="I1")
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.reset_defaults()

    [line] = out.getvalue().splitlines()
    body = json.loads(line)
    assert list(body)[:6] == ["time", "level", "event", "process", "boot_id", "config_version"]
    assert (body["level"], body["event"], body["cause"]) == ("warning", "interlock.tripped", "C2")
