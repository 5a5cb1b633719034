"""How long from a hazard to a proven effect, term by term, against the process safety time.  Pure.

`sensor_lag + plc_scan + max(poll + transport, max(max_age, bad_grace)) + window + scan + on_delay +
write_within + retries x readback + effect plc_scan + feedback_within <= process_safety_time / 2`
(half: rule of thumb after IEC 61511-1 11.2.7, unverified).  Source: `interlocks.md` 3.9.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.interlock.expression import windows
from edge.interlock.model import SCAN_NS
from edge.matrix.facts import PointFacts
from edge.matrix.file import InputTable, MatrixFile
from edge.matrix.parsing import Parsed, channel_paths

TRANSPORT_NS = 50 * 10**6
"""p99.9 of the transport unless measured."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One cause and one effect.

    Attributes:
        terms: (name, ns) in the order in which they pass.
        limit_ns: half the process safety time; None where none is given.
    """

    interlock: str
    cause: str
    effect: str
    terms: tuple[tuple[str, int], ...]
    limit_ns: int | None

    @property
    def total_ns(self) -> int:
        """All terms together."""
        return sum(ns for _, ns in self.terms)

    @property
    def fits(self) -> bool:
        """True within the limit, and where there is none."""
        return self.limit_ns is None or self.total_ns <= self.limit_ns

    def to_row(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "schema": "plan-budget/1",
            "interlock": self.interlock,
            "cause": self.cause,
            "effect": self.effect,
            "total_s": self.total_ns / 1e9,
            "limit_s": None if self.limit_ns is None else self.limit_ns / 1e9,
            "fits": self.fits,
            "terms_s": {name: ns / 1e9 for name, ns in self.terms},
        }


def max_age_ns(table: InputTable, facts: PointFacts) -> int:
    """Return how old a value may be; 0 = the age proves nothing (reported changes)."""
    if table.max_age_ns is not None:
        return table.max_age_ns
    return 0 if facts.subscribed else 3 * facts.poll_ns


def bad_grace_ns(table: InputTable, facts: PointFacts) -> int:
    """Return how long a channel keeps its last result after the last GOOD sample."""
    return 3 * facts.poll_ns if table.bad_grace_ns is None else table.bad_grace_ns


def budgets(
    file: MatrixFile, parsed: Parsed, facts: Mapping[str, PointFacts]
) -> tuple[Budget, ...]:
    """Return the budget of every X and S cell, in file order."""
    found: list[Budget] = []
    for name, interlock in file.interlock.items():
        whole = interlock.process_safety_time_ns
        for cause, effect, code in interlock.cells():
            table = file.effect.get(effect)
            if table is None or cause not in file.cause or table.kind == "alarm" or code == "P":
                continue
            seen = _to_cause(cause, file, parsed, facts)
            done = (
                ("write_within", table.write_within_ns),
                ("readback", table.retries * table.readback_ns),
                ("effect plc_scan", table.plc_scan_ns),
                ("feedback_within", table.feedback_within_ns or 0),
            )
            limit = None if whole is None else whole // 2
            found.append(Budget(name, cause, effect, (*seen, *done), limit))
    return tuple(found)


def _to_cause(
    name: str, file: MatrixFile, parsed: Parsed, facts: Mapping[str, PointFacts]
) -> tuple[tuple[str, int], ...]:
    paths = channel_paths(name, file)
    used = {i for path in paths for i in parsed.uses(path, file)}
    inputs = [
        (file.input[i], facts[file.input[i].point]) for i in used if file.input[i].point in facts
    ]
    nodes = [node for path in paths for node in parsed.trees(path, file)]
    window = max((w.length_ns for node in nodes for w in windows(node)), default=0)
    arrival = max(
        (
            max(known.poll_ns + TRANSPORT_NS, max_age_ns(table, known), bad_grace_ns(table, known))
            for table, known in inputs
        ),
        default=0,
    )
    return (
        ("sensor_lag", max((table.sensor_lag_ns for table, _ in inputs), default=0)),
        ("plc_scan", max((table.plc_scan_ns for table, _ in inputs), default=0)),
        ("arrival", arrival),
        ("window", window),
        ("scan", SCAN_NS),
        ("on_delay", file.cause[name].on_delay_ns),
    )
