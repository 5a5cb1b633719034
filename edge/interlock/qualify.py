"""From the image to readings: range, NaN, age, stuck; then the derived points.  Pure.

Age is now - received, and nothing else; a wall clock plays no part.
Source: `interlocks.md` 3.5 and 3.7, phases 2 and 3.
"""

import math
from dataclasses import dataclass

from edge.interlock import windows
from edge.interlock.expression import Node
from edge.interlock.expression import windows as windows_in
from edge.interlock.model import Input, Model
from edge.interlock.reading import (
    BAD,
    INIT,
    NOT_A_NUMBER,
    OUT_OF_RANGE,
    STALE,
    STUCK,
    UNCERTAIN,
    Image,
    Reading,
    is_true,
)
from edge.interlock.reference import evaluate


@dataclass(frozen=True, slots=True)
class Motion:
    """When an input last changed; for inputs that are watched for being stuck."""

    value: float = math.nan
    changed_ns: int = 0


def qualify(spec: Input, image: Image, now_ns: int) -> Reading:
    """Return an input as the matrix sees it: an unusable value is BAD, never "not above limit"."""
    at = spec.column
    received = image.receive_mono_ns[at]
    value, quality, reason = image.value[at], image.quality[at], image.reason[at]
    if quality != BAD:
        if spec.max_age_ns and now_ns - received > spec.max_age_ns:
            quality, reason = BAD, STALE
        elif not math.isfinite(value):
            quality, reason = BAD, NOT_A_NUMBER
        elif not spec.low <= value <= spec.high:
            quality, reason = BAD, OUT_OF_RANGE
    return Reading(value, quality, reason, image.sequence[at], received)


def read_inputs(
    model: Model, image: Image, motions: tuple[Motion, ...], now_ns: int
) -> tuple[list[Reading], tuple[Motion, ...]]:
    """Return the readings of all inputs, and the motions after them."""
    readings = [qualify(spec, image, now_ns) for spec in model.inputs]
    moved = tuple(
        _moved(motion, reading, now_ns) if spec.stuck_after_ns else motion
        for spec, motion, reading in zip(model.inputs, motions, readings, strict=True)
    )
    stuck = [
        i
        for i, spec in enumerate(model.inputs)
        if spec.stuck_after_ns
        and readings[i].quality != BAD
        and now_ns - moved[i].changed_ns > spec.stuck_after_ns
    ]
    plain = list(readings)
    for i in stuck:
        must_move = model.inputs[i].moving_when
        worse = must_move is not None and is_true(evaluate(must_move, plain, ()))
        quality = BAD if worse else UNCERTAIN
        readings[i] = readings[i]._replace(quality=quality, reason=STUCK)
    return readings, moved


def _moved(motion: Motion, reading: Reading, now_ns: int) -> Motion:
    if reading.quality == BAD:
        return Motion(math.nan, now_ns)  # frozen only counts while there is a value
    return motion if reading.value == motion.value else Motion(reading.value, now_ns)


def derive(
    model: Model, inputs: list[Reading], memories: tuple[windows.Memory, ...], now_ns: int
) -> tuple[list[Reading], list[Reading], tuple[windows.Memory, ...]]:
    """Return the readings of all slots, the values of all windows, and their memories after now."""
    readings = list(inputs)
    after = list(memories)
    values = [Reading(math.nan, BAD, INIT)] * len(memories)
    has_windows = bool(memories)
    for point in model.derived:
        if has_windows:
            _advance(point.node, readings, values, after, now_ns)
        readings.append(evaluate(point.node, readings, values))
    for channel in model.channels if has_windows else ():
        _advance(channel.node, readings, values, after, now_ns)
    return readings, values, tuple(after)


def _advance(
    node: Node,
    readings: list[Reading],
    values: list[Reading],
    memories: list[windows.Memory],
    now_ns: int,
) -> None:
    for window in windows_in(node):
        argument = evaluate(window.argument, readings, values)
        memory = windows.advance(window, memories[window.number], argument, now_ns)
        memories[window.number] = memory
        values[window.number] = windows.value_of(window, memory, argument, now_ns)
