"""From an event of the engine to the record that travels.  Pure."""

from collections.abc import Mapping

from edge.interlock.events import Event, InputShot, InterlockView
from proto.interlock import Health, Protection, Running, Service, Verdict, shown_state
from proto.interlock_record import EffectVerdict, InterlockState
from proto.quality import Quality, Reason


def record_of(event: Event, ident: str, wall_us: int) -> dict[str, object]:
    """Return the record of an event.

    Args:
        event: of the engine.
        ident: unique text.
        wall_us: wall time of the scan.
    """
    view = event.view
    body: dict[str, object] = {
        "k": event.kind,
        "id": ident,
        "t": wall_us,
        "m": event.mono_ns // 1000,
        "interlock": view.interlock,
        "title": view.title,
        "clauses": list(view.clauses),
        "mode": view.mode,
        "occurrence": view.occurrence if event.occurrence is None else event.occurrence,
        "from": event.before,
        "to": event.after,
        "cause": event.cause,
        "ordinal": event.ordinal,
        "ambiguity": list(event.ambiguity),
        "matrix_hash": event.matrix_hash,
        "scan_no": event.scan_no,
        "inputs": [input_body(shot) for shot in event.inputs],
        "t_uncertainty_us": event.blur_us,
        "state": state_body(view),
    }
    if event.verdict is not None:
        body |= {
            "effect": event.effect,
            "verdict": event.verdict,
            "response_ms": event.response_ms,
            "response_uncertainty_ms": event.response_uncertainty_ms,
        }
    return body


def input_body(shot: InputShot) -> dict[str, object]:
    """Return one input as it travels."""
    return {
        "name": shot.name,
        "point": shot.point,
        "value": shot.value,
        "unit": shot.unit,
        "quality": Quality(shot.quality).name,
        "reason": Reason(shot.reason).name,
        "age_ms": shot.age_ms,
    }


def state_body(view: InterlockView) -> dict[str, object]:
    """Return the whole state of an interlock as it travels."""
    protection, health = Protection(view.protection), Health(view.health)
    service = Service(view.service)
    tripped, bypassed, in_service = view.plant
    return InterlockState(
        protection=protection,
        health=health,
        health_reasons=view.reasons,
        service=service,
        running=Running(view.running),
        shown=str(shown_state(protection, health, service)),
        occurrence=view.occurrence,
        first_out=view.first_out,
        plant_tripped=tripped,
        plant_bypassed=bypassed,
        plant_in_service=in_service,
        verdicts=tuple(EffectVerdict(e, Verdict(v), ms) for e, v, ms in view.verdicts),
    ).to_body()


def status_body(view: InterlockView, matrix_hash: str) -> Mapping[str, object]:
    """Return one interlock as it stands in the gateway's status."""
    return {
        "interlock": view.interlock,
        "title": view.title,
        "clauses": list(view.clauses),
        "mode": view.mode,
        "matrix_hash": matrix_hash,
        "sounding": list(view.sounding),
        "suspended": view.suspended,
        **state_body(view),
    }
