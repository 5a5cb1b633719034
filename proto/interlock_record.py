"""Interlock records as they travel: what happened, the inputs, and the whole state after.  Pure.

Every record carries the whole state, so that the newest one alone tells how an interlock stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proto.fields import Fields
from proto.interlock import Health, Protection, Running, Service, Verdict


@dataclass(frozen=True, slots=True)
class EffectVerdict:
    """What the plant's own protection did for one effect on the last demand."""

    effect: str
    verdict: Verdict
    response_ms: int | None


@dataclass(frozen=True, slots=True)
class InterlockState:
    """The three regions of an interlock, and what the plant itself shows.

    `plant_tripped`, `plant_bypassed`, `plant_in_service`: None where nothing tells.
    """

    protection: Protection
    health: Health
    health_reasons: tuple[str, ...]
    service: Service
    running: Running
    shown: str
    occurrence: int
    first_out: tuple[str, ...]
    plant_tripped: bool | None
    plant_bypassed: bool | None
    plant_in_service: bool | None
    verdicts: tuple[EffectVerdict, ...]

    def to_body(self) -> dict[str, object]:
        """Return the value of `state` in a record."""
        return {
            "protection": self.protection.value,
            "health": self.health.value,
            "health_reasons": list(self.health_reasons),
            "service": self.service.value,
            "running": self.running.value,
            "shown": self.shown,
            "occurrence": self.occurrence,
            "first_out": list(self.first_out),
            "plant": {
                "tripped": self.plant_tripped,
                "bypassed": self.plant_bypassed,
                "in_service": self.plant_in_service,
            },
            "verdicts": [
                {"effect": v.effect, "verdict": v.verdict.value, "response_ms": v.response_ms}
                for v in self.verdicts
            ],
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> "InterlockState":
        """Return the state; raises `BatchDamaged` `record.field`."""
        plant = fields.inner("plant")
        return cls(
            protection=fields.word("protection", Protection),
            health=fields.word("health", Health),
            health_reasons=fields.texts("health_reasons"),
            service=fields.word("service", Service),
            running=fields.word("running", Running),
            shown=fields.text("shown"),
            occurrence=fields.integer("occurrence"),
            first_out=fields.texts("first_out"),
            plant_tripped=plant.flag_or_none("tripped"),
            plant_bypassed=plant.flag_or_none("bypassed"),
            plant_in_service=plant.flag_or_none("in_service"),
            verdicts=tuple(
                EffectVerdict(
                    row.text("effect"),
                    row.word("verdict", Verdict),
                    row.integer_or_none("response_ms"),
                )
                for row in fields.rows("verdicts")
            ),
        )


@dataclass(frozen=True, slots=True)
class InterlockRecord:
    """One interlock record, read.

    `effect`, `verdict` and `response_ms` are those of `interlock.judged`; None in all others.
    """

    kind: str
    id: str
    time_us: int
    mono_us: int
    interlock: str
    title: str
    clauses: tuple[str, ...]
    mode: str
    occurrence: int
    before: str | None
    after: str | None
    cause: str | None
    matrix_hash: str
    state: InterlockState
    effect: str | None = None
    verdict: Verdict | None = None
    response_ms: int | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "InterlockRecord":
        """Return the record; raises `BatchDamaged` `record.field`."""
        fields = Fields(record)
        judged = record.get("verdict") is not None
        return cls(
            kind=fields.text("k"),
            id=fields.text("id"),
            time_us=fields.integer("t"),
            mono_us=fields.integer("m"),
            interlock=fields.text("interlock"),
            title=fields.text("title"),
            clauses=fields.texts("clauses"),
            mode=fields.text("mode"),
            occurrence=fields.integer("occurrence"),
            before=fields.text_or_none("from"),
            after=fields.text_or_none("to"),
            cause=fields.text_or_none("cause"),
            matrix_hash=fields.text("matrix_hash"),
            state=InterlockState.from_fields(fields.inner("state")),
            effect=fields.text_or_none("effect"),
            verdict=fields.word("verdict", Verdict) if judged else None,
            response_ms=fields.integer_or_none("response_ms"),
        )
