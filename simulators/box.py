"""One plant in a box: physics, transmitters, controller, image, in this order at each step.  Pure.

The image is what servers show.  It is switched as a whole at the end of a scan of the controller:
nobody ever sees half of one.  Nothing reaches it but through transmitters and switches.
"""

from dataclasses import dataclass, replace
from typing import Generic

from simulators.faults.book import (
    BYPASS,
    CUT_LINE,
    PLC_STOP,
    PROTECTION_FAILS,
    FaultBook,
    expired,
)
from simulators.instrument import Reading, first_reading, read
from simulators.plants.model import Commands, Knobs, Memory, PlantModel, State, Values
from simulators.plc.plc import Plc, PlcEvent, after, step_plc

LIFE_POINT = "life_counter"


@dataclass(frozen=True, slots=True)
class Image:
    """Values by point name as the controller publishes them, and the plant time of its scan."""

    values: Values
    scan_ms: int


@dataclass(frozen=True, slots=True)
class Box(Generic[State, Memory, Commands]):
    """Everything of one plant at one tick.

    Attributes:
        tick: steps of the physics since the start.
        state: truth.
        commands: outputs of the controller.
        readings: one per transmitter.
        plc: the controller's own state.
        memory: what its program remembers.
        image: what its servers show.
        faults: what is broken.
    """

    tick: int
    state: State
    commands: Commands
    readings: tuple[Reading, ...]
    plc: Plc
    memory: Memory
    image: Image
    faults: FaultBook


def new_box(model: PlantModel[State, Knobs, Memory, Commands]) -> Box[State, Memory, Commands]:
    """Return the plant at its start, its controller booting."""
    state = model.first()
    truth = model.observe(state)
    readings = tuple(first_reading(each, float(truth[each.point])) for each in model.instruments)
    return Box(0, state, model.idle(), readings, Plc(), model.boot(), Image({}, 0), FaultBook())


def published_names(model: PlantModel[State, Knobs, Memory, Commands]) -> frozenset[str]:
    """Return the names of all points that the plant's controller publishes."""
    scan = model.scan(model.boot(), model.observe(model.first()), bypassed=False, failed=False)
    return frozenset((*scan.published, LIFE_POINT))


def time_ms(model: PlantModel[State, Knobs, Memory, Commands], tick: int) -> int:
    """Return the plant time of a tick in ms."""
    return tick * model.traits.step_ms


def is_serving(box: Box[State, Memory, Commands]) -> bool:
    """Return True while the plant's line is whole and its controller answers."""
    return box.plc.is_serving and bool(box.image.values) and CUT_LINE not in box.faults.kinds


def restart_plc(box: Box[State, Memory, Commands]) -> Box[State, Memory, Commands]:
    """Return the box whose controller has been told to restart."""
    return replace(box, plc=after(box.plc, PlcEvent.RESTART))


def step_box(
    model: PlantModel[State, Knobs, Memory, Commands], box: Box[State, Memory, Commands], seed: int
) -> Box[State, Memory, Commands]:
    """Return the plant one step of its physics later."""
    tick = box.tick + 1
    faults = expired(box.faults, time_ms(model, tick))
    state = model.step(box.state, model.knobs(faults.kinds), box.commands, tick)
    stepped = replace(box, tick=tick, state=state, faults=faults)
    if time_ms(model, tick) % model.traits.scan_ms:
        return stepped
    return _scan(model, stepped, seed)


def _scan(
    model: PlantModel[State, Knobs, Memory, Commands], box: Box[State, Memory, Commands], seed: int
) -> Box[State, Memory, Commands]:
    """One scan of the controller: transmitters, program, image."""
    traits = model.traits
    truth = model.observe(box.state)
    frozen = box.faults.frozen_points
    readings = tuple(
        read(
            each,
            last,
            float(truth[each.point]),
            frozen=each.point in frozen,
            seed=seed,
            channel=channel,
            tick=box.tick,
            dt_s=traits.scan_ms / 1000.0,
        )
        for channel, (each, last) in enumerate(zip(model.instruments, box.readings, strict=True))
    )
    wanted = PlcEvent.STOP if PLC_STOP in box.faults.kinds else PlcEvent.RUN
    plc = step_plc(after(box.plc, wanted), boot_ms=traits.boot_ms, dt_ms=traits.scan_ms)
    has_booted = plc.boot_id != box.plc.boot_id
    box = replace(box, readings=readings, plc=plc)
    if not plc.is_serving:
        return replace(box, commands=model.idle())
    if not plc.is_scanning:
        return box
    memory = model.boot() if has_booted else box.memory
    shown = {
        each.point: reading.shown for each, reading in zip(model.instruments, readings, strict=True)
    }
    scan = model.scan(
        memory,
        {**truth, **shown},
        bypassed=BYPASS in box.faults.kinds,
        failed=PROTECTION_FAILS in box.faults.kinds,
    )
    values: Values = {**scan.published, LIFE_POINT: plc.life}
    image = Image(values, time_ms(model, box.tick))
    return replace(box, memory=scan.memory, commands=scan.commands, image=image)
