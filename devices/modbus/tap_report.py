"""What a tap heard, for people: every request, how often, and what of it can be proved.  Pure.

A line whose requests have equal counts and no pause longer than D cannot be told apart: the share
that can be proved says so before anybody relies on it.  The draft of a profile names what was
asked, not what it means: names, units and worked examples are the work of a person with the map.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from devices.modbus.tap import Event, Tap, Verdict, WriteHeard
from devices.modbus.tap_frames import Question, Write
from devices.modbus.tap_plan import TapRead

_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One request of the other master.

    Attributes:
        question: unit, function code, registers.
        heard: how often.
        period_ms: median; 0 = too few.
        proved, ambiguous, refused: its answers, by what can be said of them.
    """

    question: Question
    heard: int
    period_ms: int
    proved: int
    ambiguous: int
    refused: int

    @property
    def share(self) -> float:
        """Share of its requests whose answer can be used."""
        return self.proved / self.heard if self.heard else 0.0


@dataclass(slots=True)
class Tally:
    """Collects the events of a tap while it listens."""

    answers: Counter[tuple[Question, Verdict]] = field(default_factory=Counter)
    writes: Counter[Write] = field(default_factory=Counter)
    unasked: int = 0

    def take(self, events: Iterable[Event]) -> None:
        """Take what a step returned."""
        for event in events:
            if isinstance(event, WriteHeard):
                self.writes[event.write] += 1
                continue
            self.unasked += event.verdict is Verdict.UNASKED
            for question in event.asks:
                self.answers[question, event.verdict] += 1


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard.

    Attributes:
        rows: requests, by unit and registers.
        writes: what the other master wrote, and how often.
        frames, noise_bytes, unasked: figures of the line.
        missing: declared blocks (`unit 1 FC3 0+24 overheard`) that nobody asks for, by point.
    """

    rows: tuple[QuestionRow, ...]
    writes: tuple[tuple[Write, int], ...]
    frames: int
    noise_bytes: int
    unasked: int
    missing: Mapping[str, str]


def report(state: Tap, tally: Tally, declared: Mapping[str, TapRead]) -> Report:
    """Return what was heard; `declared` is what the configuration wants, by point."""
    rows = tuple(_row(state, tally, question) for question in sorted(state.paces, key=_order))
    return Report(
        rows=rows,
        writes=tuple(sorted(tally.writes.items(), key=lambda item: (item[0].unit, item[0].start))),
        frames=state.frames,
        noise_bytes=state.noise_bytes,
        unasked=tally.unasked,
        missing={
            name: read.describe()
            for name, read in declared.items()
            if not any(read.is_covered(question) for question in state.paces)
        },
    )


def draft(rows: Collection[QuestionRow], unit: int, name: str) -> str:
    """Return the beginning of a profile for one unit: every register that is asked for, in TOML."""
    lines = [
        "# Drafted from what another master asks for; nothing here is known but the addresses.",
        "# Each point needs its name, title, parameter, unit, type and a worked example (vector).",
        f'profile = "{name}"',
        "version = 1",
        'kind = ""',
        'protocol = "modbus"',
        'grade = "bronze"',
        'source = ""',
    ]
    for row in rows:
        question = row.question
        if question.unit != unit:
            continue
        table = _TABLES[question.function]
        group = f"{table}_{question.start}_{question.quantity}"
        lines += [
            "",
            f"# heard {row.heard} times, every {row.period_ms} ms, {row.share:.0%} provable",
            f"# [[points]] of {table} {question.start}..{question.start + question.quantity - 1}: "
            f'together = "{group}"',
        ]
    return "\n".join(lines) + "\n"


def _row(state: Tap, tally: Tally, question: Question) -> QuestionRow:
    pace = state.paces[question]
    return QuestionRow(
        question=question,
        heard=pace.count,
        period_ms=round(pace.period_ns / 1e6),
        proved=tally.answers[question, Verdict.PAIRED],
        ambiguous=tally.answers[question, Verdict.AMBIGUOUS],
        refused=tally.answers[question, Verdict.REFUSED],
    )


def _order(question: Question) -> tuple[int, int, int, int]:
    return question.unit, question.function, question.start, question.quantity
