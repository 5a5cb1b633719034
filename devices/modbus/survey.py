"""What `probe` asks an unknown unit, in which order, and what follows from the answers.  Pure.

A generator: it yields questions, is sent replies, and returns the findings.  Only reads: function
codes 1-4, the echo (8/0) and the identification (43/14).  Order: which functions exist, echo,
identification, then each table from the first to the last address in the longest reads that the
device takes; a refused read is searched (`search`): limit by halving, holes by bisect.

Source: `acquisition.md` 3.6, 3.16.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from devices.modbus import search
from devices.modbus.ask import Ask
from devices.modbus.search import Atom

ECHO, IDENTIFY = 8, 43
LOST = -1
"""Reply without a usable answer."""
LONGEST_REGISTERS, LONGEST_BITS = 125, 2000
QUESTIONS_MAX = 4096
MARGIN = 1.15
STEP_NS = 50 * 10**6


@dataclass(frozen=True, slots=True)
class Question:
    """A read, or (start and quantity 0) the echo or the identification."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Reply:
    """0 = a right answer, an exception code, or `LOST`; and how long it took."""

    exception: int
    took_ns: int = 0


@dataclass(frozen=True, slots=True)
class TableFound:
    """One table: its longest read, and what refuses to be read.

    `longest` is proved by a refusal of one more where `refused_with` is not 0; else it is the
    longest read that was answered: no longer one was tried, or the map ends there.
    """

    function: int
    longest: int
    refused_with: int = 0
    forbidden: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found.

    Attributes:
        functions: function code -> 0 (there), the exception, or `LOST`.
        tables: per function that is there.
        times_ns: of all answers, as they came.
        questions: requests made.
        is_whole: False when the search ended at its bound.
    """

    functions: dict[int, int]
    tables: tuple[TableFound, ...] = ()
    times_ns: tuple[int, ...] = field(default=(), repr=False)
    questions: int = 0
    is_whole: bool = True

    def percentile_ns(self, share: float) -> int:
        """Return an answer time that `share` of all answers keep."""
        ordered = sorted(self.times_ns)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0

    @property
    def answer_max_ns(self) -> int:
        """The longest answer with a margin, rounded up to 50 ms."""
        longest = round(self.percentile_ns(1.0) * MARGIN)
        return max(STEP_NS, -(-longest // STEP_NS) * STEP_NS)


Survey = Generator[Question, Reply, Findings]


@dataclass(slots=True)
class _Log:
    """Counts questions and keeps times."""

    times_ns: list[int] = field(default_factory=list)
    questions: int = 0

    def put(self, ask: Ask) -> Generator[Question, Reply, int]:
        """Ask one question; return the exception, 0 or `LOST`."""
        self.questions += 1
        reply = yield Question(ask)
        if reply.exception != LOST:
            self.times_ns.append(reply.took_ns)
        return reply.exception

    @property
    def is_full(self) -> bool:
        return self.questions >= QUESTIONS_MAX


def survey(first: int, last: int) -> Survey:
    """Yield the questions about addresses `first` to `last`, both included."""
    log = _Log()
    functions: dict[int, int] = {}
    for function in (1, 2, 3, 4):
        functions[function] = yield from log.put(Ask(function, first, 1))
    for function in (ECHO, IDENTIFY):
        functions[function] = yield from log.put(Ask(function, 0, 0))
    tables: list[TableFound] = []
    for function in [code for code in (1, 2, 3, 4) if functions[code] in (0, 2, 3)]:
        found = yield from _table(log, function, first, last + 1)
        tables.append(found)
    there = {function: 0 if code in (2, 3) else code for function, code in functions.items()}
    return Findings(there, tuple(tables), tuple(log.times_ns), log.questions, not log.is_full)


def _table(
    log: _Log, function: int, first: int, end: int
) -> Generator[Question, Reply, TableFound]:
    """Walk one table in reads that grow shorter when the device says so."""
    longest = LONGEST_BITS if function in (1, 2) else LONGEST_REGISTERS
    found = TableFound(function, 0)
    at, lost = first, 0
    while at < end and not log.is_full and lost < 3:
        ask = Ask(function, at, min(longest, end - at))
        exception = yield from log.put(ask)
        if exception == LOST:
            lost += 1
            continue
        lost = 0
        if exception == 0:
            found = replace(found, longest=max(found.longest, ask.quantity))
            at = ask.end
            continue
        limit, bad, is_done, answered = yield from _searched(log, ask, exception)
        found = replace(found, longest=max(found.longest, answered))
        if limit:
            longest = limit
            found = replace(found, longest=limit, refused_with=exception)
        elif is_done:
            found = replace(found, forbidden=_merged((*found.forbidden, *bad)))
            at = ask.end
        else:
            at = ask.end
    return found


def _searched(
    log: _Log, ask: Ask, exception: int
) -> Generator[Question, Reply, tuple[int, tuple[tuple[int, int], ...], bool, int]]:
    """Search a refused read; every refusal may mean a limit where the maker cannot count.

    Returns the limit (0 = none), what is bad, whether the search came to its end, and the longest
    read that was answered.
    """
    atoms = [Atom(at, at + 1) for at in range(ask.start, ask.end)]
    job = search.begin(ask.function, atoms, 3 if ask.quantity > 16 else exception)
    lost = longest = 0
    while not job.is_done and not log.is_full and lost < 3:
        part = search.ask(job)
        answer = yield from log.put(part)
        if answer == LOST:
            lost += 1
            continue
        lost = 0
        longest = longest if answer else max(longest, part.quantity)
        job = search.step(job, answer)
    bad = tuple((each.first, each.last) for each in job.found if each.last >= each.first)
    return job.limit, bad, job.is_done, longest


def _merged(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def draft(findings: Findings, *, name: str, source: str) -> str:
    """Return a profile draft: what was found, and the places that a person must fill in."""
    proved = [t for t in findings.tables if t.longest and t.refused_with]
    registers = [t for t in proved if t.function in (3, 4)]
    bits = [t for t in proved if t.function in (1, 2)]
    lines = [
        f"# {source}",
        "# A draft: fill in kind and points from the maker's manual, each with its vector.",
        f'profile = "{name}"',
        "version = 1",
        'kind = ""',
        'protocol = "modbus"',
        'grade = "bronze"',
        f'source = "{source}"',
        "",
        "[modbus]",
    ]
    if registers:
        lines.append(f"max_registers = {max(4, min(t.longest for t in registers))}")
    if bits:
        lines.append(f"max_bits = {min(t.longest for t in bits)}")
    lines.append(f'answer_max = "{findings.answer_max_ns // 10**6}ms"')
    lines += _forbidden_lines(findings)
    if findings.functions.get(ECHO) != 0:
        lines += ["", "[modbus.quirks]", "no_fc8 = true"]
    return "\n".join(lines) + "\n"


_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


def _forbidden_lines(findings: Findings) -> list[str]:
    rows = [
        f'  {{ table = "{_TABLES[table.function]}", from = {first}, to = {last}, '
        'why = "refused by the device (probe)" },'
        for table in findings.tables
        for first, last in table.forbidden
    ]
    return ["forbidden = [", *rows, "]"] if rows else []
