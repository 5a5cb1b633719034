"""How a tag gets its value, quality and age, and how an interlock decides; as plain data.  Pure."""

import math
from collections.abc import Mapping, Sequence

from edge.image import Link, Snapshot
from edge.interlock.expression import names
from edge.interlock.model import Cause, Condition, Interlock, Model
from edge.interlock.reading import BAD, Reading
from edge.interlock.reference import evaluate
from edge.interlock.scan import State, shots, view
from edge.plant import LinePlan, Plant
from edge.scan.records import input_body, state_body
from proto.quality import Quality, Reason


def explain_point(
    plant: Plant, number: int, image: Snapshot | None, now_ns: int
) -> dict[str, object]:
    """Return the way of one point from line to value.

    Args:
        plant: what is read.
        number: of the point.
        image: frozen; None when no daemon runs.
        now_ns: monotonic.
    """
    point, axis = plant.points[number], plant.axes[plant.axis_of[number]]
    device = plant.device_configs[axis.device]
    line = next((line for line in plant.lines if line.config.name == axis.line), None)
    body: dict[str, object] = {
        "schema": "explain-point/1",
        "point": point.name,
        "tag": point.tag,
        "title": point.title,
        "parameter": point.parameter,
        "unit": point.unit,
        "range": [point.range_low, point.range_high],
        "line": {
            "name": axis.line,
            "kind": None if line is None else line.config.kind,
            "address": None if line is None else line.config.address,
        },
        "device": {
            "name": device.name,
            "unit_id": device.unit_id,
            "path": device.path,
            "life": device.life,
            "place": f"device.{axis.device}",
        },
        "profile": device.profile,
        "profile_version": _version(line, axis.block.device),
        "register": _register(plant, number),
        "scale": point.scale,
        "offset": point.offset,
        "block": axis.block.describe(),
        "axis": axis.index,
        "block_number": axis.block_index + 1,
        "poll": point.poll,
        "period_ms": axis.period_ns // 10**6,
        "acquire": "subscribe" if axis.subscribed else "read",
    }
    return body if image is None else body | value_of(plant, number, image, now_ns)


def _version(line: LinePlan | None, device: str) -> int | None:
    """Return the version of a device's profile; None for one that has none."""
    found = [] if line is None else [one for one in line.devices if one.name == device]
    return found[0].profile.version if found else None


def _register(plant: Plant, number: int) -> str:
    """Return where the device keeps a point; a point of our own says what it is."""
    if number < len(plant.bindings):
        return str(plant.bindings[number].address)
    return plant.axes[plant.axis_of[number]].block.request.describe()


def uses(models: Sequence[Model], column: int) -> list[dict[str, object]]:
    """Return the causes of interlocks that look at a point."""
    found: list[dict[str, object]] = []
    for model in models:
        inputs = {i for i, one in enumerate(model.inputs) if one.column == column}
        for spec in model.interlocks:
            for number in spec.causes:
                channels = [model.channels[i] for i in model.causes[number].channels]
                if any(inputs & set(channel.inputs) for channel in channels):
                    found.append({"interlock": spec.id, "cause": model.causes[number].id})
    return found


def value_of(plant: Plant, number: int, image: Snapshot, now_ns: int) -> dict[str, object]:
    """Return the live part of a point: value, quality, age, link."""
    received = image.receive_mono_ns[number]
    value = image.value[number]
    device = plant.axes[plant.axis_of[number]].device
    return {
        "point": plant.points[number].name,
        "tag": plant.points[number].tag,
        "title": plant.points[number].title,
        "unit": plant.points[number].unit,
        "value": value if math.isfinite(value) else None,
        "quality": Quality(image.quality[number]).name,
        "reason": Reason(image.reason[number]).name,
        "detail": image.detail[number],
        "age_ms": (now_ns - received) // 10**6 if received else None,
        "source_us": image.source_us[number] or None,
        "link": Link(image.link[device]).name,
    }


def explain_interlock(state: State, number: int, now_ns: int, *, live: bool) -> dict[str, object]:
    """Return how an interlock decides; with `live`, on what it decides now."""
    model = state.model
    spec = model.interlocks[number]
    body: dict[str, object] = {
        "schema": "explain-interlock/1",
        "interlock": spec.id,
        "title": spec.title,
        "mode": spec.mode,
        "clauses": list(spec.clauses),
        "matrix": {"title": model.title, "version": model.version, "hash": model.matrix_hash},
        "process_safety_s": _seconds(spec.process_safety_ns),
        "latch": spec.latch,
        "min_trip_s": _seconds(spec.min_trip_ns),
        "conditions": _conditions(state, spec, live=live),
        "causes": [_cause(state, spec, i, now_ns, live=live) for i in spec.causes],
        "effects": _effects(state, spec, live=live),
    }
    if live:
        body["state"] = state_body(view(state, number))
        body["inputs"] = [input_body(shot) for shot in shots(state, spec, now_ns)]
    return body


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e9


def _conditions(state: State, spec: Interlock, *, live: bool) -> list[dict[str, object]]:
    named: list[tuple[str, Condition | None]] = [
        ("armed_when", spec.armed_when),
        ("witness", spec.witness),
        ("observe.tripped", spec.observe.tripped),
        ("observe.bypassed", spec.observe.bypassed),
        ("observe.in_service", spec.observe.in_service),
    ]
    named += [("reset_permissive", condition) for condition in spec.reset_when]
    return [
        {"key": key, "text": condition.text} | _now(state, condition, live=live)
        for key, condition in named
        if condition is not None
    ]


def _now(state: State, condition: Condition, *, live: bool) -> dict[str, object]:
    if not live:
        return {}
    return {"is": _truth(evaluate(condition.node, state.readings, ()))}


def _truth(reading: Reading) -> str:
    if reading.quality == BAD:
        return "BAD"
    return "TRUE" if reading.value else "FALSE"


def _cause(
    state: State, spec: Interlock, number: int, now_ns: int, *, live: bool
) -> dict[str, object]:
    model = state.model
    cause = model.causes[number]
    cells = [c for c in spec.cells if c.cause == number]
    body: dict[str, object] = {
        "cause": cause.id,
        "title": cause.title,
        "vote": f"{cause.need}oo{len(cause.channels)}",
        "on_delay_s": cause.on_delay_ns / 1e9,
        "off_delay_s": cause.off_delay_ns / 1e9,
        "basis": cause.basis,
        "source": cause.source,
        "cells": {
            "RESET" if c.effect is None else model.effects[c.effect].id: c.code.value for c in cells
        },
        "channels": _channels(state, cause, live=live),
    }
    if live:
        now = state.causes[number]
        since = now.delay.true_ns
        body |= {
            "result": now.ballot.result.name,
            "true": now.ballot.true,
            "failed": now.ballot.failed,
            "lost": now.ballot.lost,
            "true_for_s": None if since is None else (now_ns - since) / 1e9,
            "confirmed": now.confirmed,
        }
    return body


def _channels(state: State, cause: Cause, *, live: bool) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for i in cause.channels:
        spec = state.model.channels[i]
        body: dict[str, object] = {"condition": spec.text, "deadband": spec.deadband}
        if live:
            body |= {"says": state.channels[i].says.name, "values": _values(state, i)}
        found.append(body)
    return found


def _values(state: State, channel: int) -> Mapping[str, object]:
    """Return the present value of every name in a channel's condition."""
    found: dict[str, object] = {}
    for name in names(state.model.channels[channel].node):
        reading = state.readings[name.slot]
        value = reading.value if math.isfinite(reading.value) else None
        found[name.name] = value if reading.quality != BAD else None
    return found


def _effects(state: State, spec: Interlock, *, live: bool) -> list[dict[str, object]]:
    model = state.model
    used = dict.fromkeys(cell.effect for cell in spec.cells if cell.effect is not None)
    found: list[dict[str, object]] = []
    for number in used:
        effect = model.effects[number]
        body: dict[str, object] = {
            "effect": effect.id,
            "title": effect.title,
            "kind": effect.kind,
            "output": effect.output,
            "feedback": None if effect.feedback is None else effect.feedback.text,
            "feedback_within_s": _seconds(effect.feedback_within_ns),
        }
        if live and effect.feedback is not None:
            body["feedback_is"] = _truth(evaluate(effect.feedback.node, state.readings, ()))
        found.append(body)
    return found


def find_interlock(models: Sequence[Model], name: str) -> tuple[Model, int] | None:
    """Return the model and number of an interlock by its id; None when there is none."""
    for model in models:
        for i, spec in enumerate(model.interlocks):
            if spec.id == name:
                return model, i
    return None
