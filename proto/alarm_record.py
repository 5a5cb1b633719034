"""Alarm records as they travel: one transition of one alarm, with the value then.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from proto.alarm import AlarmLevel, AlarmPriority, AlarmState
from proto.fields import Fields
from proto.quality import Quality, Reason


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One transition of one alarm.

    Attributes:
        kind: `alarm.raised`, `.level_changed`, `.returned`, `.cleared` or `.acknowledged`.
        level: None once the alarm is cleared.
        value: engineering value then; None where there was none.
        limit: the limit that is crossed; None for a switch or for bad data.
        quality, reason: of the value, by name on the wire.
    """

    kind: str
    id: str
    time_us: int
    mono_us: int
    alarm: str
    point: str
    tag: str
    title: str
    priority: AlarmPriority
    clauses: tuple[str, ...]
    state: AlarmState
    level: AlarmLevel | None
    occurrence: int
    value: float | None
    unit: str
    limit: float | None
    quality: Quality
    reason: Reason

    def to_record(self) -> dict[str, object]:
        """Return the record for lane ALARM."""
        return {
            "k": self.kind,
            "id": self.id,
            "t": self.time_us,
            "m": self.mono_us,
            "alarm": self.alarm,
            "point": self.point,
            "tag": self.tag,
            "title": self.title,
            "priority": self.priority.value,
            "clauses": list(self.clauses),
            "state": self.state.value,
            "level": None if self.level is None else self.level.value,
            "occurrence": self.occurrence,
            "value": self.value,
            "unit": self.unit,
            "limit": self.limit,
            "quality": self.quality.name,
            "reason": self.reason.name,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "AlarmRecord":
        """Return the transition; raises `BatchDamaged` `record.field`."""
        fields = Fields(record)
        return cls(
            kind=fields.text("k"),
            id=fields.text("id"),
            time_us=fields.integer("t"),
            mono_us=fields.integer("m"),
            alarm=fields.text("alarm"),
            point=fields.text("point"),
            tag=fields.text("tag"),
            title=fields.text("title"),
            priority=fields.word("priority", AlarmPriority),
            clauses=fields.texts("clauses"),
            state=fields.word("state", AlarmState),
            level=None if record.get("level") is None else fields.word("level", AlarmLevel),
            occurrence=fields.integer("occurrence"),
            value=fields.real_or_none("value"),
            unit=fields.text("unit"),
            limit=fields.real_or_none("limit"),
            quality=_quality(fields),
            reason=_reason(fields),
        )


def _quality(fields: Fields) -> Quality:
    """Accept the name, and the number that an early writer may have used."""
    value = fields.values.get("quality")
    if isinstance(value, str) and value in Quality.__members__:
        return Quality[value]
    if fields.integer("quality") in set(Quality):
        return Quality(fields.integer("quality"))
    raise fields.bad("quality")


def _reason(fields: Fields) -> Reason:
    value = fields.values.get("reason")
    if isinstance(value, str) and value in Reason.__members__:
        return Reason[value]
    if fields.integer("reason") in set(Reason):
        return Reason(fields.integer("reason"))
    raise fields.bad("reason")
