"""What a gateway's records say of an interlock or an alarm.  Pure.

Unknown words of a later version never break the board: an unknown state is shown as the worst.
Nor does a figure or a text that no honest gateway writes: figures are bounded, texts are cut.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from central.archive.decode import number_of, text_of
from central.status.model import AlarmStatus, InterlockStatus
from proto.alarm import AlarmLevel, AlarmPriority, AlarmState
from proto.interlock import Health, Protection, Running, Service
from proto.quality import Quality

Body = Mapping[str, object]
E = TypeVar("E", bound=Enum)
TEXT_MAX = 256
TEXTS_MAX = 64
RESPONSE_MS_MAX = 2**53


def interlock_said(body: Body, since_us: int) -> InterlockStatus:
    """Return the interlock as its newest record states it."""
    state = _inner(body, "state")
    plant = _inner(state, "plant")
    return InterlockStatus(
        interlock=_text(body, "interlock"),
        title=_text(body, "title"),
        clauses=_texts(body, "clauses"),
        mode=_text(body, "mode"),
        shown=_text(state, "shown"),
        protection=_word(Protection, state, "protection", Protection.TRIPPED),
        health=_word(Health, state, "health", Health.PROTECTION_FAILED),
        health_reasons=_texts(state, "health_reasons"),
        service=_word(Service, state, "service", Service.INIT),
        running=_word(Running, state, "running", Running.UNKNOWN),
        occurrence=_occurrence(state) or _occurrence(body),
        first_out=_texts(state, "first_out"),
        plant_tripped=_flag(plant, "tripped"),
        plant_bypassed=_flag(plant, "bypassed"),
        last_verdicts=_verdicts(state),
        since_us=since_us,
        time_us=number_of(body, "t"),
    )


def alarm_said(body: Body, raised_us: int) -> AlarmStatus:
    """Return the alarm as its newest record states it."""
    return AlarmStatus(
        alarm=_text(body, "alarm"),
        point=_text(body, "point"),
        tag=_text(body, "tag"),
        title=_text(body, "title"),
        state=_word(AlarmState, body, "state", AlarmState.UNACKED),
        level=_word(AlarmLevel, body, "level", AlarmLevel.INVALID),
        priority=_word(AlarmPriority, body, "priority", AlarmPriority.URGENT),
        occurrence=_occurrence(body),
        value=_number(body, "value"),
        unit=_text(body, "unit"),
        limit=_number(body, "limit"),
        quality=_quality(body),
        raised_us=raised_us,
        time_us=number_of(body, "t"),
    )


def _inner(body: Body, key: str) -> Body:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _text(body: Body, key: str) -> str:
    return text_of(body, key)[:TEXT_MAX]


def _texts(body: Body, key: str) -> tuple[str, ...]:
    value = body.get(key)
    some = value[:TEXTS_MAX] if isinstance(value, list) else []
    return tuple(str(item)[:TEXT_MAX] for item in some)


def _occurrence(body: Body) -> int:
    return max(0, number_of(body, "occurrence"))


def _word(kind: type[E], body: Body, key: str, otherwise: E) -> E:
    value = body.get(key)
    return next((word for word in kind if word.value == value), otherwise)


def _flag(body: Body, key: str) -> bool | None:
    value = body.get(key)
    return value if isinstance(value, bool) else None


def _number(body: Body, key: str) -> float | None:
    value = body.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _quality(body: Body) -> Quality:
    value = body.get("quality")
    if isinstance(value, str) and value in Quality.__members__:
        return Quality[value]
    return Quality(value) if value in (0, 1, 2) else Quality.BAD


def _verdicts(state: Body) -> tuple[tuple[str, str, int | None], ...]:
    found = state.get("verdicts")
    made = []
    for item in found[:TEXTS_MAX] if isinstance(found, list) else []:
        if isinstance(item, dict):
            response = _number(item, "response_ms")
            bounded = None if response is None else max(0, min(round(response), RESPONSE_MS_MAX))
            made.append((_text(item, "effect"), _text(item, "verdict"), bounded))
    return tuple(made)
