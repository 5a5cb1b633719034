"""The alarm loop of the gateway: one step of the book every 500 ms.  Shell: timers, records."""

import math
from collections.abc import Callable, Mapping, Sequence

from edge.alarm import book
from edge.alarm.book import Book, Change, Entry
from edge.alarm.builtin import Fact, LinkFacts, interlock_facts
from edge.alarm.limits import AlarmSpec
from edge.image import ProcessImage, Snapshot
from edge.interlock.events import InterlockView
from edge.interlock.model import Model
from edge.pulse import PULSE_NS, Pulse
from proto.alarm import AlarmLevel
from proto.alarm_record import AlarmRecord
from proto.batch import Lane
from proto.clock import Clock
from proto.quality import Quality, Reason

ALARM_NS = 500 * 10**6
"""Period of the detector (`interlocks.md` 3.17)."""

Record = Callable[[Lane, dict[str, object]], None]
Views = Callable[[], Sequence[InterlockView]]


class AlarmLoop:
    """Owns the alarm book; late beats are skipped and counted.

    Attributes:
        book: all alarms.
        skipped: beats missed since the start.
    """

    def __init__(
        self,
        specs: Sequence[AlarmSpec],
        models: Sequence[Model],
        *,
        image: ProcessImage,
        views: Views,
        record: Record,
        clock: Clock,
        pulse: Pulse | None = None,
    ) -> None:
        self.book = Book()
        self.skipped = 0
        self._specs, self._image, self._views = tuple(specs), image, views
        self._record, self._clock = record, clock
        self._pulse = pulse or Pulse(clock)
        self._links = LinkFacts(image.layout.devices, interlocks_behind(models))
        self._columns = tuple(spec.column for spec in self._specs)
        self._inputs: object = None
        self._until_ns = 0
        self._sounding = alarm_effects(models)

    async def run(self) -> None:
        """Step at every tenth beat, after the scan of that beat, until cancelled."""
        await self._pulse.keep(self._on_beat, every=ALARM_NS // PULSE_NS)

    def _on_beat(self, skipped: int, _late_ns: int) -> None:
        self.skipped += skipped
        self.step()

    def step(self) -> None:
        """Take one instant: image, interlocks, links."""
        image, now_ns = self._image.live, self._clock.mono_ns()
        views = self._views()
        inputs = (views, *image.link, *[image.sequence[i] for i in self._columns])
        is_new, self._inputs = inputs != self._inputs, inputs
        if not is_new and now_ns < self._until_ns:
            return  # proven to change nothing
        facts = self._facts(views, image)
        if is_new:
            self._until_ns = 0
        else:
            self._until_ns = book.quiet_until(self.book, self._specs, facts, image, now_ns)
            if now_ns < self._until_ns:
                return
        self.book, changes = book.step(self.book, self._specs, facts, image, now_ns)
        self._write(changes, image)

    def acknowledge(self, alarm: str, occurrence: int) -> str | None:
        """Acknowledge one occurrence; returns why it was refused, or None."""
        self._until_ns = 0
        self.book, changes, refusal = book.ack(self.book, alarm, occurrence)
        self._write(changes, self._image.live)
        return refusal

    def status(self) -> list[dict[str, object]]:
        """Return the standing alarms as they stand in the status."""
        image = self._image.live
        return [self._body("alarm", entry, image) for entry in self.book.standing]

    def _facts(self, views: Sequence[InterlockView], image: Snapshot) -> list[Fact]:
        found = [
            item
            for view in views
            for item in interlock_facts(view, self._sounding.get(view.interlock, {}))
        ]
        return found + self._links.of(image.link)

    def _write(self, changes: Sequence[Change], image: Snapshot) -> None:
        for change in changes:
            self._record(Lane.ALARM, self._body(change.kind, change.entry, image))

    def _body(self, kind: str, entry: Entry, image: Snapshot) -> dict[str, object]:
        spec, life = entry.spec, entry.life
        now_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        shown = spec.level(life.level or AlarmLevel.TRUE)
        at = spec.column
        fact_value = 1.0 if life.level is not None else 0.0
        value = fact_value if at < 0 else image.value[at]
        return AlarmRecord(
            kind=kind,
            id=f"{kind}/{spec.id}/{life.occurrence}/{now_us}-{mono_us}",
            time_us=now_us,
            mono_us=mono_us,
            alarm=spec.id,
            point=spec.point,
            tag=spec.tag,
            title=spec.title,
            priority=shown.priority,
            clauses=spec.clauses,
            state=life.state,
            level=life.level,
            occurrence=life.occurrence,
            value=value if math.isfinite(value) else None,
            unit=spec.unit,
            limit=shown.limit,
            quality=Quality.GOOD if at < 0 else Quality(image.quality[at]),
            reason=Reason.NONE if at < 0 else Reason(image.reason[at]),
        ).to_record()


def interlocks_behind(models: Sequence[Model]) -> Mapping[str, tuple[str, ...]]:
    """Return the interlocks that look at each controller."""
    found: dict[str, tuple[str, ...]] = {}
    for model in models:
        for interlock, controllers in zip(model.interlocks, model.controllers_of, strict=True):
            for i in controllers:
                name = model.controllers[i]
                found[name] = (*found.get(name, ()), interlock.id)
    return found


def alarm_effects(models: Sequence[Model]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Return, per interlock, its alarm effects: id -> (title, priority)."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for model in models:
        for interlock in model.interlocks:
            every = interlock.sounded(frozenset(interlock.causes))
            effects = [model.effects[i] for i in every]
            found[interlock.id] = {e.id: (e.title, e.priority) for e in effects}
    return found
