"""The standing alarms: a fold over what the detector and the interlocks say.  Pure.

`step` is called on a fixed grid with one frozen image; it returns the changes, which are records.
Source: `interlocks.md` 3.17.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.alarm import detector
from edge.alarm.builtin import Fact
from edge.alarm.life import ACTIVE, Life, acknowledge, set_level
from edge.alarm.limits import AlarmSpec
from edge.interlock.quiet import Horizon, Probe
from edge.interlock.reading import LINK_INIT, LINK_LOST, LINK_STOPPED, Image
from proto.alarm import AlarmState


@dataclass(frozen=True, slots=True)
class Entry:
    """One alarm that has spoken or may speak.

    Attributes:
        raised_ns: when the present occurrence began (monotonic).
        suppressed: what its point would say is said by the alarm of its controller, or nothing
            was heard since the start.
    """

    spec: AlarmSpec
    memory: detector.Memory = field(default_factory=detector.Memory)
    life: Life = field(default_factory=Life)
    raised_ns: int = 0
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """All alarms by id; never changed in place."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def standing(self) -> tuple[Entry, ...]:
        """Alarms that are not NORMAL, in the order in which they were raised."""
        found = [e for e in self.entries.values() if e.life.state is not AlarmState.NORMAL]
        return tuple(sorted(found, key=lambda entry: (entry.raised_ns, entry.spec.id)))


@dataclass(frozen=True, slots=True)
class Change:
    """One transition: a record of lane ALARM is made from it."""

    kind: str
    entry: Entry


def step(
    book: Book, specs: Sequence[AlarmSpec], facts: Iterable[Fact], image: Image, now_ns: int
) -> tuple[Book, tuple[Change, ...]]:
    """Return the book after one instant, and what changed.

    Args:
        book: so far.
        specs: alarms at points.
        facts: built-in alarms, each whether it holds now.
        image: frozen.
        now_ns: monotonic.
    """
    entries: dict[str, Entry] = {}
    changes: list[Change] = []
    for spec in specs:
        before = book.entries.get(spec.id) or Entry(spec)
        if image.link[spec.device] in (LINK_INIT, LINK_LOST, LINK_STOPPED):
            entries[spec.id] = before if before.suppressed else replace(before, suppressed=True)
            continue
        memory, level = detector.detect(spec, before.memory, image, now_ns)
        entries[spec.id] = _moved(
            replace(before, memory=memory, suppressed=False),
            set_level(before.life, level),
            now_ns,
            changes,
        )
    for item in facts:
        spec = item.spec
        before = book.entries.get(spec.id) or Entry(spec)
        memory, level = detector.detect_fact(before.memory, item.holds, now_ns, spec.on_delay_ns)
        if memory is before.memory and before.life.state is AlarmState.NORMAL:
            entries[spec.id] = before
            continue
        shown = spec if item.holds else before.spec  # the words of the moment it was raised
        entries[spec.id] = _moved(
            replace(before, spec=shown, memory=memory),
            set_level(before.life, level),
            now_ns,
            changes,
        )
    return Book(entries), tuple(changes)


def quiet_until(
    book: Book, specs: Sequence[AlarmSpec], facts: Iterable[Fact], image: Image, now_ns: int
) -> int:
    """Return until when (monotonic, exclusive) steps with the same arguments change nothing.

    `now_ns` itself when this one would, or nothing is known; see `edge.interlock.quiet`.
    """
    horizon = Horizon()
    after, changes = step(book, specs, facts, image, Probe.of(now_ns, horizon))
    if changes or after.entries != book.entries:
        return now_ns
    return now_ns + horizon.margin_ns


def _moved(entry: Entry, life: Life, now_ns: int, changes: list[Change]) -> Entry:
    """Return the entry with its new life, and note the change."""
    before = entry.life
    if life == before:
        return entry
    raised = life.occurrence != before.occurrence
    after = replace(entry, life=life, raised_ns=now_ns if raised else entry.raised_ns)
    changes.append(Change(_kind(before, life), after))
    return after


def _kind(before: Life, after: Life) -> str:
    if before.state in ACTIVE and after.state in ACTIVE:
        return "alarm.level_changed"
    if after.state in ACTIVE:
        return "alarm.raised"
    return "alarm.cleared" if after.state is AlarmState.NORMAL else "alarm.returned"


def ack(book: Book, alarm: str, occurrence: int) -> tuple[Book, tuple[Change, ...], str | None]:
    """Return the book after an acknowledgement, its changes, and why it was refused (or None)."""
    entry = book.entries.get(alarm)
    if entry is None:
        return book, (), "unknown"
    life, refusal = acknowledge(entry.life, occurrence)
    if refusal is not None or life == entry.life:
        return book, (), refusal
    after = replace(entry, life=life)
    changes = [Change("alarm.acknowledged", after)]
    if life.state is AlarmState.NORMAL:
        changes.append(Change("alarm.cleared", after))
    return Book({**book.entries, alarm: after}), tuple(changes), None
