"""The state of a gateway as metrics: the text of Prometheus (exposition format 0.0.4).  Pure.

Made from "gateway-status/1" when somebody asks; nothing is counted or kept for it.  Labels are of
bounded number: line, state, share of answers; never a point.  Source: `house_style.md` 4.6,
`acquisition.md` 3.17.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Body = Mapping[str, object]
Kind = Literal["counter", "gauge", "summary"]
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name behind `yujing_edge_`, kind, what it says, and its samples."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]


def text(status: Body, loads: Mapping[str, float]) -> str:
    """Return the metrics of a status, with the planned load (0 to 1 and above) of each line."""
    lines: list[str] = []
    for family in (*_gateway(status), *_lines(status, loads), *_sources(status)):
        if not family.samples:
            continue
        name = f"yujing_edge_{family.name}"
        lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
        lines += [f"{name}{_labels(labels)} {value:.12g}" for labels, value in family.samples]
    return "\n".join(lines) + "\n"


def _gateway(status: Body) -> Iterator[Family]:
    uplink = _map(status.get("uplink"))
    yield _one("up", "gauge", "1 while the gateway runs", status.get("running"))
    yield _one("uptime_seconds", "gauge", "since the start of the process", status.get("uptime_s"))
    yield _one("cpu_seconds_total", "counter", "processor time of the process", status.get("cpu_s"))
    memory = status.get("rss_bytes")
    yield _one("memory_bytes", "gauge", "resident memory of the process", memory)
    counts = _map(status.get("samples"))
    rows = [
        ({"state": key}, value) for key in counts if (value := _number(counts[key])) is not None
    ]
    yield Family("samples", "gauge", "samples by where they are", rows)
    for key, what in (
        ("bytes", "held"),
        ("quota_bytes", "allowed"),
        ("free_bytes", "free on disk"),
    ):
        yield _one(f"spool_{key}", "gauge", f"bytes {what}", _map(status.get("spool")).get(key))
    is_open = float(uplink.get("state") == "OPEN") if uplink else None
    yield _one("uplink_open", "gauge", "1 while the centre can be reached", is_open)
    sent = uplink.get("bytes_sent")
    yield _one("uplink_sent_bytes_total", "counter", "bytes sent to the centre", sent)


def _lines(status: Body, loads: Mapping[str, float]) -> Iterator[Family]:
    rows = _rows(status, "lines")
    ups: list[Sample] = [
        ({"line": str(r.get("name"))}, float(r.get("state") == "UP")) for r in rows
    ]
    yield Family("line_up", "gauge", "1 while every unit of the line answers", ups)
    for name, kind, key, what in (
        ("slots_skipped_total", "counter", "slots_skipped", "slots without a read: line busy"),
        ("line_probing_ratio", "gauge", "probing_share", "share of the last minute for probes"),
    ):
        yield Family(name, "counter" if kind == "counter" else "gauge", what, _of(rows, key))
    planned: list[Sample] = [({"line": line}, load) for line, load in loads.items()]
    yield Family("line_load_ratio", "gauge", "planned time of reads over their period", planned)
    figures = [{**_map(row.get("figures")), "name": row.get("name")} for row in rows]
    counters = (
        ("late_answers_total", "late_answers", "answers that came after their time-out"),
        ("resyncs_total", "resyncs", "times that a unit had to prove itself anew"),
        ("opcua_overflows_total", "opcua_overflows", "values whose server dropped older ones"),
    )
    for name, key, what in counters:
        yield Family(name, "counter", what, _of(figures, key))
    for name, key, what in (
        ("slot_held_seconds", "slot_held_s", "since the connection slot is held by another"),
        ("opcua_unacknowledged", "opcua_unacknowledged", "messages that the server still keeps"),
    ):
        yield Family(name, "gauge", what, _of(figures, key))
    answers: list[Sample] = [
        ({"line": str(row["name"]), "quantile": share}, value)
        for row in figures
        for share, took in _map(row.get("answer_s")).items()
        if (value := _number(took)) is not None
    ]
    yield Family("answer_seconds", "summary", "last answer times of a line", answers)


def _sources(status: Body) -> Iterator[Family]:
    states: Counter[str] = Counter()
    lost: list[Sample] = []
    for line in _rows(status, "lines"):
        for unit in _rows(line, "units"):
            states.update(str(one.get("life")) for one in _rows(unit, "sources"))
            count = _number(_map(unit.get("ring")).get("lost"))
            if count is not None:
                lost.append(({"device": str(unit.get("device"))}, count))
    rows: list[Sample] = [
        ({"state": state.lower()}, float(n)) for state, n in sorted(states.items())
    ]
    yield Family("sources", "gauge", "controllers by state of their life signal", rows)
    yield Family("ring_lost_total", "counter", "events overwritten before they were read", lost)


def _of(rows: Sequence[Body], key: str) -> list[Sample]:
    return [
        ({"line": str(row.get("name"))}, value)
        for row in rows
        if (value := _number(row.get(key))) is not None
    ]


def _one(name: str, kind: Kind, what: str, value: object) -> Family:
    number = float(value) if isinstance(value, bool) else _number(value)
    return Family(name, kind, what, [] if number is None else [({}, number)])


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return "{" + pairs + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _map(value: object) -> Body:
    return value if isinstance(value, dict) else {}


def _rows(body: Body, key: str) -> list[Body]:
    rows = body.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float) else None
