"""Metrics: the names of the page, one line a sample, and an outside parser that reads them."""

import re
from pathlib import Path

import pytest

from edge.health.metrics import text
from proto.errors import NotFound
from tests.unit.edge.site import write_site
from tests.unit.edge.test_cli import Answer

STATUS: dict[str, object] = {
    "schema": "gateway-status/1",
    "running": True,
    "cpu_s": 41.5,
    "samples": {"acquired": 81_146, "pending": 3},
    "spool": {"bytes": 5_000_000},
    "uplink": {"state": "OPEN", "bytes_sent": 12},
    "lines": [
        {
            "name": 'rs485-"1"',
            "state": "UP",
            "slots_skipped": 7,
            "figures": {
                "late_answers": 2,
                "resyncs": 3,
                "slot_held_s": 4.5,
                "answer_s": {"0.5": 0.006, "0.99": 0.019},
            },
            "units": [
                {"device": "a", "sources": [{"life": "ALIVE"}, {"life": "STOPPED"}],
                 "ring": {"lost": 9}},
            ],
        },
        {"name": "dust", "state": "LOST",
         "figures": {"opcua_unacknowledged": 4, "opcua_overflows": 1}},
    ],
}  # fmt: skip
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? ([-+0-9.e]+)')
ASKED = {
    "slots_skipped_total", "late_answers_total", "resyncs_total", "answer_seconds",
    "line_load_ratio", "opcua_unacknowledged", "opcua_overflows_total", "sources",
    "slot_held_seconds", "ring_lost_total",
}  # fmt: skip


def samples(body: str) -> dict[tuple[str, str], float]:
    """What a scraper reads, by an independent expression."""
    found: dict[tuple[str, str], float] = {}
    for line in body.splitlines():
        if not line.startswith("# "):
            read = SAMPLE.fullmatch(line)
            assert read is not None, line
            found[read[1].removeprefix("yujing_edge_"), read[2] or ""] = float(read[3])
    return found


def test_the_metrics_of_the_page_are_there_under_their_names() -> None:
    found = samples(text(STATUS, {"dust": 0.22}))
    assert {name for name, _ in found} >= ASKED
    assert found["late_answers_total", r'line="rs485-\"1\""'] == 2
    assert found["answer_seconds", r'line="rs485-\"1\"",quantile="0.99"'] == 0.019
    assert found["sources", 'state="stopped"'] == 1
    assert found["line_load_ratio", 'line="dust"'] == 0.22
    assert found["line_up", 'line="dust"'] == 0
    assert found["up", ""] == 1


def test_each_name_is_declared_once_with_help_and_type_before_its_samples() -> None:
    lines = text(STATUS, {}).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert len(types) == len(set(types))
    declared: set[str] = set()
    for line in lines:
        if line.startswith("# TYPE "):
            declared.add(line.split()[2])
        elif not line.startswith("#"):
            assert re.split(r"[ {]", line)[0] in declared
    assert text(STATUS, {}).endswith("\n")


def test_an_odd_status_gives_no_metric_and_no_traceback() -> None:
    odd: dict[str, object] = {"lines": [{"figures": 7, "units": [3]}], "samples": [], "cpu_s": "x"}
    assert set(samples(text(odd, {}))) == {("line_up", 'line="None"')}


def test_the_command_says_that_no_gateway_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: Path, __: dict[str, object]) -> dict[str, object]:
        raise NotFound("control.silent", "nobody")

    monkeypatch.setattr("edge.commands.metrics.ask", silent)
    found = Answer(capsys, "metrics", str(write_site(tmp_path)))
    assert (found.code, samples(found.out)) == (1, {("up", ""): 0.0})
    target = tmp_path / "yujing.prom"
    edge_toml = str(tmp_path / "edge.toml")
    assert Answer(capsys, "metrics", edge_toml, "--out", str(target)).code == 1
    assert "yujing_edge_up 0" in target.read_text("utf-8")
