"""How a block is read around what its device refuses.  Pure.

Runs of points that touch no hole and exceed no limit, each one request, in ascending address; the
points between them are missing.  A block that nothing concerns is read as planned.
"""

from collections.abc import Sequence

from devices.modbus.ask import Ask
from devices.modbus.holes_model import Fact, FactKind, Reading, Target
from devices.modbus.search import Atom, atoms_of

FENCED_MIN, FENCED_MIN_BITS = 4, 25
"""Shorter counts belong to the probes of the guard (counts 1-3; of bits, steps of 8)."""
ADDRESSES = 65_536


def readings(
    target: Target,
    facts: Sequence[Fact],
    *,
    again: Ask | None = None,
    is_bare: bool = False,
    sought: tuple[Ask, int] | None = None,
) -> tuple[Reading, ...]:
    """Return how `target` is read, one reading a cycle in turn.

    Args:
        target: the block as planned.
        facts: of the whole unit.
        again: ask this once more, and nothing else of the plan's two.
        is_bare: the device refuses the padding.
        sought: the request in which a search runs, and the exception of its points meanwhile.
    """
    mine = [fact for fact in facts if fact.function == target.hull.function]
    if any(fact.kind is FactKind.TABLE for fact in mine):
        return (Reading((), _columns(target, target.hull.start, target.hull.end, 1)),)
    runs, lost = _runs(target, mine)
    if sought is None and not lost and runs == [target.hull]:
        planned = [ask for ask in target.asks if not is_bare and _is_open(ask, mine)]
        asks = [again] if again in planned and again is not None else planned
        return tuple(Reading((ask,)) for ask in asks) or (Reading((target.hull,)),)
    asks = runs if is_bare or not target.is_fenced else [_long_enough(run, mine) for run in runs]
    missing = [column for atom, k in lost for column in _columns(target, atom.first, atom.end, k)]
    if sought is not None:
        hidden, exception = sought
        gone = [ask for ask in asks if hidden.start < ask.end and ask.start < hidden.end]
        for ask in gone:
            missing += _columns(target, ask.start, ask.end, exception)
        asks = [ask for ask in asks if ask not in gone]
    return (Reading(tuple(asks), tuple(sorted(dict(missing).items()))),)


def limit_of(facts: Sequence[Fact], function: int) -> int:
    """Return the shortest limit that is known for a table; 0 = none."""
    found = [f.last for f in facts if f.kind is FactKind.LIMIT and f.function == function]
    return min(found, default=0)


def _runs(target: Target, facts: Sequence[Fact]) -> tuple[list[Ask], list[tuple[Atom, int]]]:
    """Return the hulls that can be read, and the atoms that cannot, with their exception."""
    function = target.hull.function
    limit = limit_of(facts, function) or target.hull.quantity
    runs: list[Ask] = []
    lost: list[tuple[Atom, int]] = []
    is_open = False
    for atom in atoms_of(target.spans):
        hole = next((f for f in facts if f.forbids(atom.first, atom.end)), None)
        if hole is not None or atom.end - atom.first > limit:
            lost.append((atom, 3 if hole is None else hole.exception))
            continue
        if runs and is_open:
            longer = Ask(function, runs[-1].start, atom.end - runs[-1].start)
            if longer.quantity <= limit and _is_open(longer, facts):
                runs[-1] = longer
                continue
        runs.append(Ask(function, atom.first, atom.end - atom.first))
        is_open = True
    return runs, lost


def _is_open(ask: Ask, facts: Sequence[Fact]) -> bool:
    limit = limit_of(facts, ask.function)
    if limit and ask.quantity > limit:
        return False
    return not any(fact.forbids(ask.start, ask.end) for fact in facts)


def _long_enough(run: Ask, facts: Sequence[Fact]) -> Ask:
    """Lengthen a run to the shortest count that is no probe's, upwards if it can be, else down."""
    least = FENCED_MIN_BITS if run.is_bits else FENCED_MIN
    if run.quantity >= least:
        return run
    for first in (run.start, run.end - least):
        longer = Ask(run.function, first, least)
        if first >= 0 and longer.end <= ADDRESSES and _is_open(longer, facts):
            return longer
    return run


def _columns(target: Target, first: int, end: int, exception: int) -> tuple[tuple[int, int], ...]:
    return tuple(
        (column, exception)
        for column, (start, length) in enumerate(target.spans[: target.columns])
        if first < start + length and start < end
    )
