"""What a unit refuses, how its blocks are read in spite of it, and what to ask to find out.  Pure.

One `Holes` a unit.  The driver tells it every refusal (exceptions 1, 2, 3), the answers of blocks
that are not calm (`is_calm`), the answers to its own questions (`errand`), and whether probing is
permitted; it reads each block as `reading` says.

============  =====================  ==========  ================================================
a block is    and hears              becomes     effect
============  =====================  ==========  ================================================
CALM          refused 2, 3           AGAIN       the very same request in its next slot
AGAIN         answered               CALM
AGAIN         refused, was padded    BARE        the hull alone from now on (not under `never`)
BARE          answered               CALM        the padding is a fact
AGAIN, BARE   refused                WANTED      a search is wanted; read on as planned, BAD
WANTED        answered               CALM
WANTED        not permitted          WANTED      `device.probing_requested`, once
WANTED        permitted              SEARCHING   not read: BAD until the search is done
SEARCHING     search done            CALM        holes are facts; the read is split around them
any           refused 1, permitted   CALM        the table is a fact: not read at all
============  =====================  ==========  ================================================

A fact is asked again at start and every 24 h, while permitted, and dropped when the device accepts
it.  A question that stays without answer is asked three times, then the search rests.  Exceptions
4, 5, 6, 8, 10, 11 are no refusals: the driver does not report them for planned requests.

Source: `acquisition.md` 3.6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from devices.modbus import detour, search
from devices.modbus.ask import Ask
from devices.modbus.holes_model import (
    Answered,
    Event,
    Fact,
    FactKind,
    Permission,
    Policy,
    Probed,
    ProbeLost,
    Reading,
    Refused,
    Report,
    Target,
)
from devices.modbus.search import Search

RETEST_NS = 24 * 3600 * 10**9
REST_NS, LONG_REST_NS, LOST_MAX = 10**9, 600 * 10**9, 3
FACTS_MAX = 1024
REFUSALS = (1, 2, 3)


class Phase(Enum):
    """Where a block stands; see the table of this file."""

    CALM = 0
    AGAIN = 1
    BARE = 2
    WANTED = 3
    SEARCHING = 4


@dataclass(frozen=True, slots=True)
class View:
    """One block.

    Attributes:
        phase: see the table.
        ask: the request that was refused; None while calm.
        exception: with which.
        is_bare: True when the device refused the padding.
        readings: how it is read, one a cycle in turn.
    """

    phase: Phase = Phase.CALM
    ask: Ask | None = None
    exception: int = 0
    is_bare: bool = False
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Holes:
    """What is known and wanted of one unit; made by `start`.

    Attributes:
        targets, views: per block, in the order of the blocks.
        policy, is_permitted: whether anything outside the plan may be asked now.
        facts: what the device showed; the learnt file keeps them.
        job: the search under way, and its block.
        rest_ns: no question before this time.
        lost: questions in a row without answer.
        is_told: `device.probing_requested` was said.
    """

    targets: tuple[Target, ...]
    views: tuple[View, ...]
    policy: Policy
    is_permitted: bool
    facts: tuple[Fact, ...] = ()
    job: tuple[int, Search] | None = None
    rest_ns: int = 0
    lost: int = 0
    is_told: bool = False


def start(targets: Sequence[Target], policy: Policy, facts: Iterable[Fact] = ()) -> Holes:
    """Return the state before the first read; facts of an earlier run are asked again soon.

    Args:
        targets: per block of the unit, in their order.
        policy: under `auto` probing is permitted from the start, else until `Permission`.
        facts: as the learnt file has them; none under `never`.
    """
    known = tuple(replace(fact, retest_ns=0) for fact in facts)
    state = Holes(tuple(targets), (), policy, policy == "auto", known)
    bare = {(fact.function, fact.first, fact.last) for fact in known if _is_unpadded(fact)}
    views = tuple(
        View(is_bare=(t.hull.function, t.hull.start, t.hull.end - 1) in bare) for t in targets
    )
    return _recomputed(replace(state, views=views))


def reading(state: Holes, block: int, cycle: int) -> Reading:
    """Return how `block` is read in its `cycle`-th slot; the counts of a fence alternate."""
    readings = state.views[block].readings
    return readings[cycle % len(readings)]


def is_calm(state: Holes, block: int) -> bool:
    """Return True when an answer of `block` need not be told."""
    return state.views[block].phase is Phase.CALM


def errand_ns(state: Holes) -> int | None:
    """Return when the next question is wanted (monotonic ns, may be past); None = no question."""
    if not state.is_permitted:
        return None
    if state.job is not None:
        return state.rest_ns
    due = [fact.retest_ns for fact in state.facts if _retest(state, fact) is not None]
    return max(state.rest_ns, min(due)) if due else None


def errand(state: Holes, now_ns: int) -> Ask | None:
    """Return the question to ask now; its answer comes as `Probed` or `ProbeLost`."""
    due_ns = errand_ns(state)
    if due_ns is None or due_ns > now_ns:
        return None
    if state.job is not None:
        return search.ask(state.job[1])
    fact = _due_fact(state)
    return None if fact is None else _retest(state, fact)


def step(state: Holes, event: Event, now_ns: int) -> tuple[Holes, tuple[Report, ...]]:
    """Take one event; return the state after it and what is to be told."""
    match event:
        case Refused(block, ask, exception):
            state, told = _refused(state, block, ask, exception, now_ns)
        case Answered(block, ask):
            state, told = _answered(state, block, ask, now_ns), ()
        case Probed(ask, exception) if exception == 0 or exception in REFUSALS:
            state, told = _probed(replace(state, lost=0), ask, exception, now_ns)
        case Probed(ask) | ProbeLost(ask):
            state, told = _probe_lost(state, ask, now_ns), ()
        case Permission(is_open):
            may = state.policy == "auto" or (state.policy == "commissioning" and is_open)
            state, told = replace(state, is_permitted=may, is_told=state.is_told and not may), ()
    state, asked = _next_job(state)
    return state, (*told, *asked)


def _refused(
    state: Holes, block: int, ask: Ask, exception: int, now_ns: int
) -> tuple[Holes, tuple[Report, ...]]:
    view = state.views[block]
    if exception == 1:
        if not state.is_permitted:
            return _told_once(state, block, ask, exception)
        return _with_facts(state, [Fact(FactKind.TABLE, ask.function, exception=1)], now_ns)
    hull = state.targets[block].hull
    match view.phase:
        case Phase.CALM:
            view = replace(view, phase=Phase.AGAIN, ask=ask, exception=exception)
        case Phase.AGAIN if ask == view.ask:
            is_padded = ask.start <= hull.start and ask.end >= hull.end and ask != hull
            if is_padded and not view.is_bare and state.policy != "never":
                view = View(Phase.BARE, hull, exception, is_bare=True)
            else:
                view = replace(view, phase=Phase.WANTED, exception=exception)
        case Phase.BARE:
            view = replace(view, phase=Phase.WANTED, ask=ask, exception=exception)
        case Phase.WANTED:
            view = replace(view, exception=exception)
        case _:
            return state, ()
    return _viewed(state, block, view), ()


def _answered(state: Holes, block: int, ask: Ask, now_ns: int) -> Holes:
    view = state.views[block]
    if view.phase is Phase.SEARCHING or (view.ask is not None and ask != view.ask):
        return state
    state = _viewed(state, block, View(is_bare=view.is_bare))
    if view.phase is Phase.BARE and state.is_permitted:
        hull = state.targets[block].hull
        fact = Fact(FactKind.UNPADDED, hull.function, hull.start, hull.end - 1, view.exception, 2)
        state, _ = _with_facts(state, [fact], now_ns)
    return state


def _probed(
    state: Holes, ask: Ask, exception: int, now_ns: int
) -> tuple[Holes, tuple[Report, ...]]:
    if state.job is None:
        return _retested(state, ask, exception, now_ns)
    block, job = state.job
    if search.ask(job) != ask:
        return state, ()
    job = search.step(job, exception)
    if not job.is_done:
        return replace(state, job=(block, job)), ()
    return _concluded(replace(state, job=None), block, job, now_ns)


def _concluded(
    state: Holes, block: int, job: Search, now_ns: int
) -> tuple[Holes, tuple[Report, ...]]:
    facts = [
        Fact(FactKind.HOLE, job.function, bad.first, bad.last, bad.exception, job.probes)
        for bad in job.found
    ]
    if job.limit:
        known = Fact(FactKind.LIMIT, job.function, 0, job.limit, job.exception, job.probes)
        facts.append(known)
    is_bare = state.views[block].is_bare
    return _with_facts(_viewed(state, block, View(is_bare=is_bare)), facts, now_ns)


def _probe_lost(state: Holes, ask: Ask, now_ns: int) -> Holes:
    """Rest a little; after three losses give the search up for a while."""
    lost = state.lost + 1
    if lost < LOST_MAX:
        return replace(state, lost=lost, rest_ns=now_ns + REST_NS * lost)
    state = replace(state, lost=0, rest_ns=now_ns + LONG_REST_NS)
    if state.job is not None:
        block, _ = state.job
        view = state.views[block]
        return _viewed(replace(state, job=None), block, replace(view, phase=Phase.WANTED))
    return _postponed(state, ask, now_ns)


def _retested(
    state: Holes, ask: Ask, exception: int, now_ns: int
) -> tuple[Holes, tuple[Report, ...]]:
    fact = _due_fact(state)
    if fact is None or _retest(state, fact) != ask:
        return state, ()
    if exception:
        return _postponed(state, ask, now_ns), ()
    facts = tuple(other for other in state.facts if other is not fact)
    reports = (Report("device.hole_gone", _body(fact)), Report("device.plan_changed"))
    return _recomputed(replace(state, facts=facts)), reports


def _postponed(state: Holes, ask: Ask, now_ns: int) -> Holes:
    facts = tuple(
        replace(fact, retest_ns=now_ns + RETEST_NS) if _retest(state, fact) == ask else fact
        for fact in state.facts
    )
    return replace(state, facts=facts)


def _next_job(state: Holes) -> tuple[Holes, tuple[Report, ...]]:
    """Begin the first search that is wanted; where none is permitted, say so once."""
    for block, view in enumerate(state.views):
        if view.phase is Phase.WANTED and view.ask is not None:
            if not state.is_permitted:
                return _told_once(state, block, view.ask, view.exception)
            if state.job is None and len(state.facts) < FACTS_MAX:
                return _begun(state, block, view), ()
    return state, ()


def _begun(state: Holes, block: int, view: View) -> Holes:
    assert view.ask is not None
    inside = search.atoms_of(state.targets[block].spans)
    atoms = [a for a in inside if view.ask.start <= a.first and a.end <= view.ask.end]
    state = _viewed(state, block, replace(view, phase=Phase.SEARCHING))
    job = search.begin(view.ask.function, atoms, view.exception)
    if job.is_done:  # a single atom, refused twice: nothing is left to ask
        return _concluded(state, block, job, 0)[0]
    return replace(state, job=(block, job))


def _told_once(
    state: Holes, block: int, ask: Ask, exception: int
) -> tuple[Holes, tuple[Report, ...]]:
    if state.is_told:
        return state, ()
    body = {"block": block, "request": str(ask), "exception": exception, "policy": state.policy}
    return replace(state, is_told=True), (Report("device.probing_requested", body),)


def _with_facts(
    state: Holes, found: Sequence[Fact], now_ns: int
) -> tuple[Holes, tuple[Report, ...]]:
    new = tuple(replace(fact, retest_ns=now_ns + RETEST_NS) for fact in found)
    kept = tuple(old for old in state.facts if not any(_same(old, fact) for fact in new))
    state = _recomputed(replace(state, facts=(*kept, *new)[:FACTS_MAX]))
    told = [Report("device.hole_found", _body(fact)) for fact in new]
    return state, (*told, Report("device.plan_changed"))


def _same(old: Fact, new: Fact) -> bool:
    """True when `new` says more of what `old` says; a table is refused only once."""
    is_unique = new.kind in (FactKind.LIMIT, FactKind.TABLE)
    same_place = (old.first, old.last) == (new.first, new.last)
    return (old.kind, old.function) == (new.kind, new.function) and (is_unique or same_place)


def _body(fact: Fact) -> dict[str, object]:
    return {
        "kind": str(fact.kind),
        "fc": fact.function,
        "first": fact.first,
        "last": fact.last,
        "exception": fact.exception,
        "requests": fact.probes,
    }


def _due_fact(state: Holes) -> Fact | None:
    able = [fact for fact in state.facts if _retest(state, fact) is not None]
    return min(able, key=lambda fact: fact.retest_ns, default=None)


def _retest(state: Holes, fact: Fact) -> Ask | None:
    """Return the smallest question whose good answer would disprove `fact`."""
    hulls = [target.hull for target in state.targets if target.hull.function == fact.function]
    match fact.kind:
        case FactKind.HOLE if fact.last < fact.first:
            return Ask(fact.function, fact.last, 2)
        case FactKind.HOLE:
            return Ask(fact.function, fact.first, fact.last - fact.first + 1)
        case FactKind.TABLE if hulls:
            return min(hulls, key=lambda hull: (hull.quantity, hull.start))
        case FactKind.LIMIT if hulls:
            widest = max(hulls, key=lambda hull: (hull.quantity, -hull.start))
            return Ask(fact.function, widest.start, fact.last + 1)
    return None


def _is_unpadded(fact: Fact) -> bool:
    return fact.kind is FactKind.UNPADDED


def _viewed(state: Holes, block: int, view: View) -> Holes:
    """Put the view of one block, with the readings that follow from it."""
    view = _with_readings(state, block, view)
    return replace(state, views=(*state.views[:block], view, *state.views[block + 1 :]))


def _recomputed(state: Holes) -> Holes:
    """Derive all readings anew: facts concern every block of their table."""
    views = tuple(_with_readings(state, at, view) for at, view in enumerate(state.views))
    return replace(state, views=views)


def _with_readings(state: Holes, block: int, view: View) -> View:
    is_again = view.phase is Phase.AGAIN
    sought = None
    if view.phase is Phase.SEARCHING and view.ask is not None:
        sought = (view.ask, view.exception)
    found = detour.readings(
        state.targets[block],
        state.facts,
        again=view.ask if is_again else None,
        is_bare=view.is_bare,
        sought=sought,
    )
    return replace(view, readings=found)
