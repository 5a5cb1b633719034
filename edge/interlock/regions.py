"""One interlock after one scan: protection, service, health, demands and their verdicts.  Pure.

Source: `interlocks.md` 3.7 phases 8 and 9, 3.10, 3.13.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.interlock import health, state
from edge.interlock.causes import CauseState, ChannelState
from edge.interlock.link import ControllerState, Heard
from edge.interlock.model import SCAN_NS, Condition, Interlock, Model
from edge.interlock.reading import BAD, Reading, is_false, known
from edge.interlock.reference import evaluate
from edge.interlock.verdict import BYPASSED, NOT_ACTED, NOT_DUE, PROVEN, Demand, Facts, judge


@dataclass(frozen=True, slots=True)
class InterlockState:
    """Everything that one interlock remembers.

    Attributes:
        held: causes (by number) that the standing trip rests on.
        first_out: ids of the causes that may have been first; `/INPUT_LOSS` where only bad inputs
            voted.
        demands: of the last trip, and those of earlier ones that are not judged yet.
        not_acted: effects that did not act and were not proven since.
        unpermitted: a demand met the plant's bypass, and it stands.
        plant: tripped, bypassed, in_service of the plant's own; None = not known.
        bypass_seen: last known answer to "is it bypassed".
    """

    protection: str = state.NORMAL
    service: str = state.INIT
    health: str = health.HEALTHY
    reasons: tuple[str, ...] = ()
    running: str = "UNKNOWN"
    occurrence: int = 0
    tripped_ns: int = 0
    held: frozenset[int] = frozenset()
    first_out: tuple[str, ...] = ()
    demands: tuple[Demand, ...] = ()
    not_acted: frozenset[int] = frozenset()
    unpermitted: bool = False
    plant: tuple[bool | None, bool | None, bool | None] = (None, None, None)
    bypass_seen: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Instant:
    """What one scan knows, for every interlock of the model."""

    model: Model
    readings: Sequence[Reading]
    windows: Sequence[Reading]
    channels: Sequence[ChannelState]
    causes: Sequence[CauseState]
    controllers: Sequence[ControllerState]
    now_ns: int
    engine_fault: bool

    def see(self, condition: Condition | None) -> Reading | None:
        """Return a condition's present value; None where there is none."""
        if condition is None:
            return None
        return evaluate(condition.node, self.readings, self.windows)


@dataclass(frozen=True, slots=True)
class Note:
    """A change of this scan; the event is made from it when all regions are done."""

    kind: str
    before: str = ""
    after: str = ""
    cause: int | None = None
    ordinal: int = 0
    ambiguity: tuple[int, ...] = ()
    demand: Demand | None = None


def step(
    number: int, before: InterlockState, at: Instant
) -> tuple[InterlockState, tuple[Note, ...]]:
    """Return interlock `number` after this scan, and its changes in order."""
    spec = at.model.interlocks[number]
    after, notes = _plant(spec, before, at)
    service, running = _service(number, spec, after, at), _running(spec, at)
    if service != after.service or running != after.running:
        after = replace(after, service=service, running=running)
    after, note = _protect(number, spec, after, at)
    notes += note
    after, judged = _verify(spec, after, at)
    notes += judged
    after = _assess_health(number, spec, after, at)
    if after.service != before.service:
        notes += (Note("interlock.service_changed", before.service, after.service),)
    if (after.health, after.reasons) != (before.health, before.reasons):
        notes += (Note("interlock.health_changed", before.health, after.health),)
    return after, notes


def _plant(
    spec: Interlock, before: InterlockState, at: Instant
) -> tuple[InterlockState, tuple[Note, ...]]:
    """Look at the plant's own interlock; its bypass seen or gone is an event."""
    observe = spec.observe
    seen = [at.see(c) for c in (observe.tripped, observe.bypassed, observe.in_service)]
    tripped, bypassed, in_service = (None if r is None else known(r) for r in seen)
    answers = [
        answer
        for answer, condition in (
            (bypassed, observe.bypassed),
            (None if in_service is None else not in_service, observe.in_service),
        )
        if condition is not None
    ]
    stands = before.bypass_seen  # a signal that cannot be seen changes nothing
    if True in answers:
        stands = True
    elif answers and None not in answers:
        stands = False
    plant = (tripped, bypassed, in_service)
    if stands == before.bypass_seen:
        return (before if plant == before.plant else replace(before, plant=plant)), ()
    after = replace(before, plant=plant, bypass_seen=stands)
    if stands:
        return after, (Note("plant.bypassed", "in service", "bypassed"),)
    restored = replace(after, unpermitted=False)
    return restored, (Note("plant.restored", "bypassed", "in service"),)


def _service(number: int, spec: Interlock, before: InterlockState, at: Instant) -> str:
    """Return the first service state that applies; anything unclear counts as armed."""
    controllers = at.model.controllers_of[number]
    if before.service == state.INIT and any(
        at.controllers[i].heard is Heard.INIT for i in controllers
    ):
        return state.INIT
    armed = at.see(spec.armed_when)
    if armed is not None and armed.quality == 0 and armed.value == 0.0:
        return state.NOT_REQUIRED
    return state.ARMED


def _running(spec: Interlock, at: Instant) -> str:
    witness = at.see(spec.witness)
    if witness is None or witness.quality == BAD:
        return "UNKNOWN"
    return "TRUE" if witness.value else "FALSE"


def _protect(
    number: int, spec: Interlock, before: InterlockState, at: Instant
) -> tuple[InterlockState, tuple[Note, ...]]:
    """Move the protection region by its table."""
    protecting = at.model.protecting[number]
    causes = [at.causes[i] for i in protecting]
    observed = at.see(spec.observe.tripped)
    ask = state.Ask(
        causes=causes,
        armed=before.service == state.ARMED,
        held=frozenset(i for i, cause in enumerate(protecting) if cause in before.held),
        min_trip_over=at.now_ns - before.tripped_ns >= spec.min_trip_ns,
        latch=spec.latch and observed is not None,
        plant_reset=observed is not None and is_false(observed),
        unseen=_unseen(spec, protecting, at),
    )
    suspended = any(
        c.suspended and (c.confirmed or before.protection == state.PENDING) for c in causes
    )
    if suspended != before.suspended:
        before = replace(before, suspended=suspended)
    asked = state.signal(before.protection, ask)
    row = state.TRANSITIONS.get((before.protection, asked)) if asked is not None else None
    if row is None or asked is None:
        return before, ()
    target, kind = row
    confirmed = [
        i for n, i in enumerate(protecting) if at.causes[i].confirmed and n not in ask.unseen
    ]
    after = replace(before, protection=target)
    if asked is state.Signal.CONFIRMED:
        return _trip(before, after, confirmed, at)
    if asked is state.Signal.ADDED:
        fresh = [i for i in confirmed if i not in before.held]
        after = replace(after, held=before.held | set(fresh))
        notes = [
            Note(kind, before.protection, target, cause, len(before.held) + n + 1)
            for n, cause in enumerate(fresh)
        ]
        return after, tuple(notes)
    if target == state.NORMAL and before.protection != state.PENDING:
        after = replace(after, first_out=())
    running = [i for i in protecting if at.causes[i].delay.running]
    cause = running[0] if running else None
    return replace(after, held=frozenset()), (Note(kind, before.protection, target, cause),)


def _unseen(spec: Interlock, protecting: Sequence[int], at: Instant) -> frozenset[int]:
    """Return the positions of causes that start nothing, because a lost line hides them.

    A suspended cause keeps its result and confirms nothing new.  Where the interlock is ARMED only
    because `armed_when` cannot be seen, neither does one of which nothing is heard.
    """
    armed = at.see(spec.armed_when)
    is_blind = armed is not None and armed.quality == BAD and not _heard(spec.armed_when, at)
    return frozenset(
        n
        for n, i in enumerate(protecting)
        if at.causes[i].suspended or (is_blind and not _heard_of(i, at))
    )


def _heard(condition: Condition | None, at: Instant) -> bool:
    inputs = () if condition is None else condition.inputs
    return all(at.controllers[at.model.inputs[i].controller].settled for i in inputs)


def _heard_of(cause: int, at: Instant) -> bool:
    """True when some channel of a cause rests on live lines only."""
    model = at.model
    return any(
        all(at.controllers[model.inputs[i].controller].settled for i in model.channels[c].inputs)
        for c in model.causes[cause].channels
    )


def _trip(
    before: InterlockState, after: InterlockState, confirmed: list[int], at: Instant
) -> tuple[InterlockState, tuple[Note, ...]]:
    model = at.model
    blurred = [(i, at.causes[i], model.causes[i].poll_ns) for i in confirmed]
    first, _ = state.first_out(blurred)
    names = tuple(
        model.causes[i].id + ("/INPUT_LOSS" if at.causes[i].ballot.is_input_loss else "")
        for i in first
    )
    after = replace(
        after,
        occurrence=before.occurrence + 1,
        tripped_ns=at.now_ns,
        held=frozenset(confirmed),
        first_out=names,
        demands=tuple(d for d in before.demands if d.verdict is None),
    )
    note = Note(
        "interlock.tripped",
        before.protection,
        after.protection,
        cause=first[0],
        ordinal=1,
        ambiguity=first[1:],
    )
    return after, (note,)


def _verify(
    spec: Interlock, before: InterlockState, at: Instant
) -> tuple[InterlockState, tuple[Note, ...]]:
    """Open the demands of a standing trip, and judge what can be judged."""
    if not before.demands and before.protection != state.TRIPPED:
        return before, ()
    demands = list(before.demands)
    if before.protection == state.TRIPPED:
        _open_demands(spec, before, demands, at)
    notes: list[Note] = []
    not_acted, unpermitted = set(before.not_acted), before.unpermitted
    for i, demand in enumerate(demands):
        judged = judge(demand, _facts(spec, before, demand, at), at.now_ns)
        if judged == demand:
            continue
        demands[i] = judged
        notes.append(Note("interlock.judged", before.protection, before.protection, demand=judged))
        if judged.verdict == NOT_ACTED:
            not_acted.add(judged.effect)
        elif judged.verdict == PROVEN:
            not_acted.discard(judged.effect)
        elif judged.verdict == BYPASSED:
            unpermitted = True
    after = replace(
        before,
        demands=tuple(demands),
        not_acted=frozenset(not_acted),
        unpermitted=unpermitted,
    )
    return after, tuple(notes)


def _open_demands(
    spec: Interlock, before: InterlockState, demands: list[Demand], at: Instant
) -> None:
    """A real cause opens a demand for each effect; bad inputs alone open one that is NOT_DUE."""
    real = frozenset(i for i in before.held if at.causes[i].ballot.true > 0)
    asked = set(spec.driven(real))
    open_by_effect = {
        demand.effect: i
        for i, demand in enumerate(demands)
        if demand.occurrence == before.occurrence
    }
    for effect in spec.driven(before.held):
        fresh = Demand(effect, before.occurrence, at.now_ns, is_input_loss=effect not in asked)
        known_at = open_by_effect.get(effect)
        if known_at is None:
            demands.append(fresh)
        elif demands[known_at].verdict == NOT_DUE and effect in asked:
            demands[known_at] = fresh  # the lost instrument is back and says TRUE


def _facts(spec: Interlock, before: InterlockState, demand: Demand, at: Instant) -> Facts:
    effect = at.model.effects[demand.effect]
    feedback = at.see(effect.feedback)
    behind = effect.feedback.inputs if effect.feedback is not None else ()
    lost = any(not at.controllers[at.model.inputs[i].controller].settled for i in behind)
    return Facts(feedback, effect.feedback_within_ns, before.bypass_seen, lost)


def _assess_health(
    number: int, spec: Interlock, before: InterlockState, at: Instant
) -> InterlockState:
    if before.service == state.INIT:
        return replace(before, reasons=(), health=health.HEALTHY)
    model = at.model
    protecting = [
        (at.causes[i], tuple(at.channels[c].says for c in model.causes[i].channels))
        for i in model.protecting[number]
    ]
    uncertain = any(
        at.channels[c].uncertain for i in model.protecting[number] for c in model.causes[i].channels
    )
    off = any(
        (r := at.readings[s.input]).quality != BAD and abs(r.value - s.equals) > s.tolerance
        for s in spec.observe.setpoints
    )
    seen = health.Seen(
        causes=protecting,
        uncertain=uncertain,
        controllers=[at.controllers[i] for i in model.controllers_of[number]],
        bypassed=before.bypass_seen,
        setpoint_off=off,
        not_acted=bool(before.not_acted),
        unpermitted=before.unpermitted,
        engine_fault=at.engine_fault,
    )
    found = health.reasons(seen)
    if found == before.reasons:  # the health follows from them alone, but for the first scans
        worst = health.health(found)
        return before if worst == before.health else replace(before, health=worst)
    return replace(before, reasons=found, health=health.health(found))


def blur_us(model: Model, causes: Sequence[int]) -> int:
    """Return the uncertainty of a time that rests on polled causes: the longest poll and a scan."""
    polls = [model.causes[i].poll_ns for i in causes]
    return (max(polls, default=0) + SCAN_NS) // 1000
