"""The step of the engine: `scan(state, image, now, commands) -> (state', outputs, events)`.  Pure.

Theory of operation.  One call sees one instant.  Inputs are qualified, derived points calculated,
conditions compared, causes voted and timed, then each interlock moves its three regions and judges
the plant's own protection.  Arguments are never changed.  Permuting the file changes nothing but
declared ties.  In advisory mode, the only one of this version, there are never any outputs.
Source: `interlocks.md` 3.7.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from edge.interlock import causes, link, qualify, regions
from edge.interlock.causes import CauseState, ChannelState
from edge.interlock.events import SNAPSHOT, Event, InputShot, InterlockView
from edge.interlock.link import ControllerState, Heard
from edge.interlock.model import INPUTS_SHOWN_MAX, SCAN_NS, SNAPSHOT_NS, Interlock, Model
from edge.interlock.qualify import Motion
from edge.interlock.reading import Image, Reading
from edge.interlock.regions import Instant, InterlockState, Note
from edge.interlock.windows import Memory


class CommandKind(StrEnum):
    """What a shell may tell the engine."""

    ENGINE_FAULT = "engine_fault"
    ENGINE_CLEAN = "engine_clean"


@dataclass(frozen=True, slots=True)
class Command:
    """One command, with an id that is unique in this boot."""

    id: str
    kind: CommandKind


@dataclass(frozen=True, slots=True)
class Output:
    """A level that is to be written; advisory mode has none, and nothing here can write."""

    id: str
    level: bool


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the engine remembers of one matrix."""

    model: Model
    scan_no: int
    snapshot_ns: int
    motions: tuple[Motion, ...]
    memories: tuple[Memory, ...]
    channels: tuple[ChannelState, ...]
    causes: tuple[CauseState, ...]
    controllers: tuple[ControllerState, ...]
    interlocks: tuple[InterlockState, ...]
    engine_fault: bool = False
    readings: tuple[Reading, ...] = ()

    def counted(self, scans: int) -> "State":
        """Return the state after scans that are known to do nothing but count."""
        return replace(self, scan_no=self.scan_no + scans)


class Step(NamedTuple):
    """What one scan gives."""

    state: State
    outputs: tuple[Output, ...]
    events: tuple[Event, ...]


def initial(model: Model, now_ns: int) -> State:
    """Return the state before the first scan: nothing known, nothing tripped, INIT."""
    return State(
        model=model,
        scan_no=0,
        snapshot_ns=now_ns,
        motions=(Motion(math.nan, now_ns),) * len(model.inputs),
        memories=(Memory(),) * len(model.windows),
        channels=(ChannelState(),) * len(model.channels),
        causes=(CauseState(),) * len(model.causes),
        controllers=(ControllerState(Heard.INIT, now_ns),) * len(model.controllers),
        interlocks=(InterlockState(),) * len(model.interlocks),
    )


def scan(state: State, image: Image, now_mono_ns: int, commands: tuple[Command, ...] = ()) -> Step:
    """Return the engine after one scan of an image, and what it reports.

    Args:
        state: from `initial` or the scan before.
        image: frozen; one instant.
        now_mono_ns: monotonic, not before the scan before.
        commands: in the order of their arrival.
    """
    model = state.model
    fault = state.engine_fault
    for command in commands:
        fault = command.kind is CommandKind.ENGINE_FAULT
    inputs, motions = qualify.read_inputs(model, image, state.motions, now_mono_ns)
    controllers = tuple(
        link.step(
            before,
            image.link[model.controller_columns[i]],
            [inputs[n] for n, spec in enumerate(model.inputs) if spec.controller == i],
            now_mono_ns,
        )
        for i, before in enumerate(state.controllers)
    )
    readings, windows, memories = qualify.derive(model, inputs, state.memories, now_mono_ns)
    channels, moved = causes.step_all(
        model, (state.channels, state.causes), (readings, windows), controllers, now_mono_ns
    )
    at = Instant(model, readings, windows, channels, moved, controllers, now_mono_ns, fault)
    steps = [regions.step(i, before, at) for i, before in enumerate(state.interlocks)]
    due = now_mono_ns >= state.snapshot_ns
    after = replace(
        state,
        scan_no=state.scan_no + 1,
        snapshot_ns=now_mono_ns + SNAPSHOT_NS if due else state.snapshot_ns,
        motions=motions,
        memories=memories,
        channels=channels,
        causes=moved,
        controllers=controllers,
        interlocks=tuple(interlock for interlock, _ in steps),
        engine_fault=fault,
        readings=tuple(readings),
    )
    events: list[Event] = []
    for i, (interlock, notes) in enumerate(steps):
        snapshot = (Note(SNAPSHOT, interlock.protection, interlock.protection),) if due else ()
        events += [_event(after, i, note, now_mono_ns) for note in (*notes, *snapshot)]
    return Step(after, (), tuple(events))


def view(state: State, number: int) -> InterlockView:
    """Return everything that can be said of interlock `number` now."""
    model = state.model
    spec, now = model.interlocks[number], state.interlocks[number]
    confirmed = frozenset(i for i in spec.causes if state.causes[i].confirmed)
    return InterlockView(
        interlock=spec.id,
        title=spec.title,
        clauses=spec.clauses,
        mode=spec.mode,
        priority=spec.priority,
        protection=now.protection,
        health=now.health,
        reasons=now.reasons,
        service=now.service,
        running=now.running,
        occurrence=now.occurrence,
        first_out=now.first_out,
        plant=now.plant,
        verdicts=tuple(
            (model.effects[d.effect].id, d.verdict, _ms(d.response_ns))
            for d in now.demands
            if d.verdict is not None and d.occurrence == now.occurrence
        ),
        sounding=tuple(model.effects[e].id for e in spec.sounded(confirmed)),
        suspended=now.suspended,
    )


def _event(state: State, number: int, note: Note, now_ns: int) -> Event:
    model = state.model
    spec = model.interlocks[number]
    demand = note.demand
    effect = None if demand is None else model.effects[demand.effect]
    blur = regions.blur_us(model, spec.causes)
    behind = effect.feedback.inputs if effect is not None and effect.feedback is not None else ()
    slowest = max((model.inputs[i].poll_ns for i in behind), default=0)
    return Event(
        kind=note.kind,
        view=view(state, number),
        before=note.before,
        after=note.after,
        mono_ns=now_ns,
        blur_us=blur,
        scan_no=state.scan_no,
        matrix_hash=model.matrix_hash,
        inputs=shots(state, spec, now_ns),
        cause=None if note.cause is None else model.causes[note.cause].id,
        ordinal=note.ordinal,
        ambiguity=tuple(model.causes[i].id for i in note.ambiguity),
        effect=None if effect is None else effect.id,
        verdict=None if demand is None else demand.verdict,
        occurrence=None if demand is None else demand.occurrence,
        response_ms=None if demand is None else _ms(demand.response_ns),
        response_uncertainty_ms=(
            None
            if demand is None or demand.response_ns is None
            else blur // 1000 + (slowest + SCAN_NS) // 10**6
        ),
    )


def shots(state: State, spec: Interlock, now_ns: int) -> tuple[InputShot, ...]:
    """Return what an interlock rests on at this instant: its inputs, then its derived points."""
    model = state.model
    found = [
        _shot(item.name, item.point, item.unit, state.readings[i], now_ns)
        for i in spec.inputs
        if (item := model.inputs[i])
    ]
    mine = set(spec.inputs)
    found += [
        _shot(point.name, "", point.unit, state.readings[point.slot], now_ns)
        for point in model.derived
        if mine.issuperset(point.inputs)
    ]
    return tuple(found[:INPUTS_SHOWN_MAX])


def _shot(name: str, point: str, unit: str, reading: Reading, now_ns: int) -> InputShot:
    value = reading.value if math.isfinite(reading.value) else None
    age_ms = (now_ns - reading.mono_ns) // 10**6 if reading.mono_ns else None
    return InputShot(name, point, value, unit, reading.quality, reading.reason, age_ms)


def _ms(response_ns: int | None) -> int | None:
    return None if response_ns is None else response_ns // 10**6
