"""What commands print for people: rounded, with units, in their language; never raw or guessed."""

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import pytest

from devices.modbus.frame import Framing, Rejected, Request, adu, judge
from devices.modbus.inquiry import IDENTIFICATION, is_identification
from devices.modbus.survey import Findings, Question, Reply, TableFound, draft, survey
from devices.point_list import ListOptions, read_point_list
from edge.commands import probe
from edge.commands.browse_rows import HEADERS, point_rows
from edge.commands.quantities import bytes_text, moment_text, reading_text, span_text
from edge.commands.read_words import reading_lines
from proto.sheet import write_csv

NOW_US = 1_763_914_805_412_000 + 365 * 86_400 * 10**6


def surveyed(end: int, limit: int = 125) -> Findings:
    """What `probe` finds in a map of `end` registers, asked for 0..199."""
    asking = survey(0, 199)
    question: Question = next(asking)
    try:
        while True:
            ask = question.ask
            exception = 1 if ask.function not in (3, 43) else 0
            if ask.function == 3:
                exception = 3 if ask.quantity > limit else 2 if ask.end > end else 0
            question = asking.send(Reply(exception, 5_000_000))
    except StopIteration as stop:
        found: Findings = stop.value
        return found


@pytest.mark.parametrize(("end", "longest"), [(20, 20), (64, 64), (3, 3), (200, 125)])
def test_a_map_shorter_than_the_range_shows_its_longest_read_and_not_0(
    end: int, longest: int
) -> None:
    (table,) = surveyed(end).tables
    assert table.longest == longest
    assert table.forbidden == (((end, 199),) if end < 200 else ())


def test_a_longest_read_that_nothing_proved_is_no_limit_of_the_draft() -> None:
    assert "max_registers" not in draft(surveyed(20), name="p", source="s")
    assert "max_registers = 64" in draft(surveyed(200, limit=64), name="p", source="s")


GOOD = bytes((1, 43, 14, 1, 1, 0, 0, 1, 0, 5)) + b"maker"


@pytest.mark.parametrize("framing", list(Framing))
def test_an_identification_is_known_by_its_head_and_junk_is_none(framing: Framing) -> None:
    request = Request(1, 1, IDENTIFICATION, IDENTIFICATION[:2], 0, "FC43/14")
    verdicts = {}
    for name, body in {
        "right": GOOD,
        "junk": bytes(range(90, 105)),
        "other unit": b"\2" + GOOD[1:],
        "other function": b"\1\3" + GOOD[2:],
        "other MEI type": b"\1\x2b\x0d" + GOOD[3:],
        "nothing behind": GOOD[:3],
    }.items():
        head = adu(request, Framing.MBAP, 7)[:4] + len(body).to_bytes(2, "big")
        frame = head + body if framing is Framing.MBAP else body + b"\0\0"
        verdicts[name] = judge(request, framing, 7, frame)
    found = {name: isinstance(v, Rejected) and is_identification(v) for name, v in verdicts.items()}
    assert found == dict.fromkeys(found, False) | {"right": True}
    assert not is_identification(None)


def test_a_probe_is_shown_in_the_language_of_the_caller(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Findings(
        {1: 1, 2: -1, 3: 0, 4: 1, 8: 0, 43: 1},
        (TableFound(3, 64, 3, ((50, 51),)),),
        (6_000_000, 19_000_000, 213_000_000),
        57,
    )
    probe._show(found, (0, 199), 4.8, Path("probe-rs485-1-1.toml"), "en")
    assert capsys.readouterr().out.splitlines() == [
        "fc 1 no (exception 1)   fc 2 no answer   fc 3 yes   fc 4 no (exception 1)   "
        "fc 8 echo yes   fc 43/14 no (exception 1)",
        "fc 3   longest read 64 registers (65: exception 3)      forbidden within 0..199: 50..51",
        'turnaround p50 19 ms  p99 213 ms  longest 213 ms   -> answer_max = "250ms"',
        "57 requests in 4.8 s, no writes                  -> probe-rs485-1-1.toml",
    ]
    probe._show(found, (0, 199), 4.8, Path("p.toml"), "zh")
    said = capsys.readouterr().out
    assert "fc 1 无（异常 1）   fc 2 无应答   fc 3 有" in said
    assert "最长读取 64 个寄存器 (65: 异常 3)" in said
    assert "exception" not in said


def test_a_reading_reads_as_the_page_shows_it() -> None:
    row = {
        "tag": "PDT-101", "title": "", "unit": "Pa", "value": 2000.0, "quality": "GOOD",
        "reason": "NONE", "age_ms": 0, "uncertainty_ms": 16.2, "type": "f32",
        "register": "holding 0 float32 CDAB", "registers": ["0000", "44FA"],
        "orders": {"ABCD": 2.505e-41, "CDAB": 2000.0},
    }  # fmt: skip
    assert reading_lines(row, NOW_US, "en", UTC) == [
        "PDT-101  2000.0 Pa  GOOD  2026-11-23 16:20:05.412+00:00 ± 16 ms   holding 0 float32 CDAB",
        "  registers 0000 44FA    ABCD 2.505e-41   CDAB 2000.0    compare with the panel",
    ]
    bad = row | {
        "quality": "BAD",
        "reason": "COMM_LOSS",
        "value": None,
        "age_ms": None,
        "orders": 0,
    }
    (line,) = reading_lines(bad, NOW_US, "zh", UTC)
    assert line == "PDT-101  -  BAD COMM_LOSS  启动以来未读到   holding 0 float32 CDAB"


@pytest.mark.parametrize(
    ("value", "bits", "text"),
    [
        (0.10000000149011612, 32, "0.1"),
        (78.49999237060547, 32, "78.49999"),
        (1234.5, 64, "1234.5"),
        (0.1 + 0.2, 64, "0.3"),
        (2000.0, 32, "2000.0"),
        (1e10, 64, "10000000000"),
        (float("nan"), 64, "nan"),
        (None, 64, "-"),
        (7, 64, "7"),
    ],
)
def test_a_number_has_no_digits_that_its_source_never_had(
    value: object, bits: int, text: str
) -> None:
    assert reading_text(value, bits) == text


def test_spans_sizes_and_moments_have_units() -> None:
    assert [span_text(ms) for ms in (412, 12_000, 107_000, 11_100_000, 180_000_000)] == [
        "412 ms", "12 s", "1 min 47 s", "3 h 5 min", "2 d 2 h",
    ]  # fmt: skip
    assert [bytes_text(n) for n in (0, 412, 1234, 121_000_000)] == [
        "0 B", "412 B", "1.2 kB", "121.0 MB",
    ]  # fmt: skip
    assert moment_text(None) == "-"
    assert moment_text(NOW_US) == "2026-11-23 16:20:05+00:00"
    assert moment_text(10**30).endswith("?")


@dataclass
class Node:
    """A variable as a server may offer it."""

    path: str
    node: str = "nsu=urn:x;s=N"
    type: str = "Double"
    unit: str = "Pa"
    low: float | None = None
    high: float | None = None
    is_readable: bool = True


def test_what_browse_saves_is_read_back_whatever_the_server_says() -> None:
    nodes = [
        Node("A/Temp", unit="°C", low=0.0, high=0.0),
        Node("B/temp", low=0.0, high=float("inf")),
        Node("C/" + "x" * 60, low=0.0, high=9.5),
        Node("D/" + "x" * 60, low=9.0, high=1.0),
        Node("=cmd()", unit="Pa"),
        Node("+line\nbreak\x1b[31m", unit="kPa"),
        Node("压力/正压", type="Boolean", low=0.0, high=1.0),
        Node("bad", node="nsu=urn:x;s=a\nb"),
        Node("long", node="nsu=urn:x;s=" + "n" * 2000),
    ]
    rows, left_out = point_rows(nodes)
    assert left_out == 2
    data = write_csv([HEADERS, *rows])
    found, faults = read_point_list(data, ListOptions("points.csv", "opcua"))
    assert faults == []
    assert found is not None
    assert [(p.unit, p.low, p.high) for p in found.points] == [
        ("Cel", None, None), ("Pa", None, None), ("Pa", 0.0, 9.5), ("Pa", None, None),
        ("Pa", None, None), ("kPa", None, None), ("bool", None, None),
    ]  # fmt: skip
    assert all(line.isprintable() for line in data.decode("utf-8-sig").split("\r\n"))


def test_a_unit_of_the_server_that_is_none_of_ours_stands_in_the_title() -> None:
    ((_, title, _, _, unit, _, _),), _ = point_rows([Node("Flow", unit="Nm³/min·x")])
    assert (title, unit) == ("Flow [Nm³/min·x]", "")


def test_a_table_of_which_nothing_answers_is_not_shown_as_a_hole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    functions = dict.fromkeys((1, 2, 3, 4, 8, 43), 0)
    found = Findings(functions, (TableFound(1, 0, 0, ((0, 60),)),), (1,), 9)
    probe._show(found, (0, 60), 1.0, Path("p.toml"), "en")
    assert "fc 1   0..60 nothing of it answers" in capsys.readouterr().out
    probe._show(found, (0, 60), 1.0, Path("p.toml"), "zh")
    assert "fc 1   0..60 内无可读数据" in capsys.readouterr().out
