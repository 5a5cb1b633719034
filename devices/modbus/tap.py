"""Which overheard answer belongs to which overheard request: the guard without a voice.  Pure.

Rules of the file.  A value exists only for a pair.  Open are the requests of a unit that are
younger than D and later than the last one answered, because a device answers in order.  An answer
is used only if all open requests that it fits ask the same registers, and the newest request of the
unit is among them; its time is the span from the oldest of them to the answer.  Anything else is
refused: ambiguous, or an answer to nothing.  Lost bytes may have been a request: for D after them,
and after the first byte heard, no answer counts.  Three bytes of bits that may as well be a request
are refused as the one and kept as the other.

D must be the longest time that the devices of the line have ever taken to answer: with half of it
the rule fails.  Source: `acquisition.md` 3.3 (passive tap), 3.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from devices.modbus.tap_frames import (
    BUFFER_MAX,
    Answer,
    Frame,
    Heard,
    Question,
    Refusal,
    Write,
    find,
)

QUIET_NS = 100_000_000
"""A frame begun before such a silence is noise."""
JITTER_NS = 20_000_000
"""How much later than on the wire bytes may reach us: adapters collect them for up to 16 ms."""
OPEN_MAX = 64
"""Requests kept open per unit; more of them within D are a line that cannot be told apart."""
PERIODS = 16
"""Intervals that the period of a request is learnt from."""
REQUESTS_MAX = 4096
"""Different requests whose period is kept; then the oldest is forgotten."""


class Verdict(StrEnum):
    """What became of an answer."""

    PAIRED = "paired"
    REFUSED = "refused"
    AMBIGUOUS = "ambiguous"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class Pair:
    """An answer that was overheard, and what it proves.

    Attributes:
        verdict: PAIRED = `data` stands in the registers of `ask`; REFUSED = the device refused
            `ask` with `exception`; AMBIGUOUS = it may be the answer to any of `asks`; UNASKED =
            to none that was heard.
        asks: what it may be the answer to, each once.
        data: as on the wire; empty unless PAIRED.
        sent_ns, received_ns: the span within which the device sampled.
        exception: of the device.
    """

    verdict: Verdict
    unit: int
    asks: tuple[Question, ...]
    data: bytes
    sent_ns: int
    received_ns: int
    exception: int = 0

    @property
    def ask(self) -> Question:
        """The one request that it answers."""
        return self.asks[0]


@dataclass(frozen=True, slots=True)
class WriteHeard:
    """A write of another master, and whether the device has confirmed it."""

    write: Write
    at_ns: int
    is_confirmed: bool


Event = Pair | WriteHeard


@dataclass(frozen=True, slots=True)
class Open:
    """One request without an answer: not earlier on the wire than `first_ns`."""

    ask: Question
    first_ns: int
    heard_ns: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a request was heard, and the intervals between its last ones (ns)."""

    last_ns: int
    count: int = 1
    intervals: tuple[int, ...] = ()

    @property
    def period_ns(self) -> int:
        """Median of the last intervals; 0 until there are three."""
        known = sorted(self.intervals)
        return known[len(known) // 2] if len(known) >= 3 else 0


@dataclass(frozen=True, slots=True)
class Tap:
    """What was heard so far.

    Attributes:
        bound_ns: D: the longest time that a device of this line takes to answer.
        buffer, at: bytes of a frame begun, and their position in the stream.
        chunks: (position behind the last byte, not before, not after) of what is in the buffer.
        last_ns: when the last byte came.
        hold_ns: before this time an answer may belong to a request that was not heard.
        open: per unit, oldest first.
        writes: per unit, the last write that was not confirmed, and when.
        paces: per request.
        frames, noise_bytes: figures.
    """

    bound_ns: int
    char_ns: int = 0
    buffer: bytes = b""
    at: int = 0
    chunks: tuple[tuple[int, int, int], ...] = ()
    last_ns: int = 0
    hold_ns: int = 0
    open: Mapping[int, tuple[Open, ...]] = field(default_factory=dict)
    writes: Mapping[int, tuple[Write, int]] = field(default_factory=dict)
    paces: Mapping[Question, Pace] = field(default_factory=dict)
    frames: int = 0
    noise_bytes: int = 0


def step(state: Tap, data: bytes, now_ns: int) -> tuple[Tap, list[Event]]:
    """Take bytes that were just read and return what they prove.

    Args:
        state: of the tap.
        data: bytes in the order of the line; empty = nothing came, only time passed.
        now_ns: monotonic time after reading them.
    """
    ear = _Ear(state)
    if state.buffer and now_ns - state.last_ns > QUIET_NS:
        ear.frames(is_final=True)
    if data:
        ear.append(data, now_ns)
        ear.frames(is_final=False)
    return ear.state(), ear.events


def overdue(state: Tap, ask: Question, since_ns: int, now_ns: int, period_ns: int) -> bool:
    """True when nothing was heard of `ask` since `since_ns` for three of its periods.

    `period_ns` counts until the period has been learnt.
    """
    pace = state.paces.get(ask)
    learnt = pace.period_ns if pace is not None else 0
    return now_ns - since_ns > 3 * (learnt or period_ns)


class _Ear:
    """One step under way: the fields of the state that change, and the events so far."""

    def __init__(self, state: Tap) -> None:
        self.events: list[Event] = []
        self._state = state
        self._buffer, self._at = state.buffer, state.at
        self._chunks, self._last_ns = list(state.chunks), state.last_ns
        self._hold_ns = state.hold_ns
        self._open = dict(state.open)
        self._writes = dict(state.writes)
        self._paces = dict(state.paces)
        self._frames, self._noise = state.frames, state.noise_bytes

    def state(self) -> Tap:
        """Return the state after the step."""
        return replace(
            self._state,
            buffer=self._buffer,
            at=self._at,
            chunks=tuple(self._chunks),
            last_ns=self._last_ns,
            hold_ns=self._hold_ns,
            open=self._open,
            writes=self._writes,
            paces=self._paces,
            frames=self._frames,
            noise_bytes=self._noise,
        )

    def append(self, data: bytes, now_ns: int) -> None:
        """Take bytes, and between which times they were on the wire."""
        if not self._last_ns:
            self._hold_ns = now_ns + self._state.bound_ns
        self._buffer += data
        not_before = now_ns - JITTER_NS - self._state.char_ns * len(data)
        self._chunks.append((self._at + len(self._buffer), max(not_before, self._last_ns), now_ns))
        self._last_ns = now_ns

    def frames(self, *, is_final: bool) -> None:
        """Take every whole frame off the buffer; bound what is left."""
        end = self._at
        for heard in find(self._buffer, self._at, is_final=is_final):
            if heard.skipped:
                self._lose(heard.skipped, self._time_of(heard.end)[1])
            self._frames += 1
            self._take(heard)
            end = heard.end
        left = self._buffer[end - self._at :]
        keep = 0 if is_final else min(len(left), BUFFER_MAX)
        if keep < len(left):
            self._lose(len(left) - keep, self._last_ns)
        self._at = end + len(left) - keep
        self._buffer = left[len(left) - keep :]
        self._chunks = [chunk for chunk in self._chunks if chunk[0] > self._at]

    def _lose(self, count: int, at_ns: int) -> None:
        self._noise += count
        self._hold_ns = at_ns + self._state.bound_ns

    def _time_of(self, position: int) -> tuple[int, int]:
        """Return between which times the byte before `position` was on the wire."""
        for end, first_ns, last_ns in self._chunks:
            if position <= end:
                return first_ns, last_ns
        return self._last_ns, self._last_ns

    def _take(self, heard: Heard) -> None:
        first_ns, heard_ns = self._time_of(heard.end)
        frame: Frame = heard.frame
        if isinstance(frame, Question):
            self._ask(frame, first_ns, heard_ns)
        elif isinstance(frame, Answer):
            self._answer(frame, heard.other, first_ns, heard_ns)
        elif isinstance(frame, Refusal):
            self._refusal(frame, first_ns, heard_ns)
        elif isinstance(frame, Write):
            self._write(frame, heard_ns)

    def _ask(self, ask: Question, first_ns: int, heard_ns: int) -> None:
        waiting = (*self._young(ask.unit, first_ns), Open(ask, first_ns, heard_ns))
        self._open[ask.unit] = waiting[-OPEN_MAX:]
        pace = self._paces.get(ask)
        if pace is None:
            if len(self._paces) >= REQUESTS_MAX:
                del self._paces[min(self._paces, key=lambda a: self._paces[a].last_ns)]
            self._paces[ask] = Pace(heard_ns)
            return
        intervals = (*pace.intervals, heard_ns - pace.last_ns)[-PERIODS:]
        self._paces[ask] = Pace(heard_ns, pace.count + 1, intervals)

    def _young(self, unit: int, now_ns: int) -> tuple[Open, ...]:
        """Return the open requests of a unit that may still be answered."""
        waiting = self._open.get(unit, ())
        return tuple(each for each in waiting if now_ns - each.heard_ns <= self._state.bound_ns)

    def _answer(self, answer: Answer, other: Question | None, first_ns: int, heard_ns: int) -> None:
        """Judge an answer; one that may as well be a request proves nothing by itself."""
        waiting = self._young(answer.unit, first_ns)
        fits = [
            each
            for each in waiting
            if each.ask.function == answer.function and each.ask.byte_count == len(answer.data)
        ]
        if other is not None:
            self._either(answer, other, fits, first_ns, heard_ns)
        else:
            self._settle(waiting, fits, heard_ns, answer.unit, answer.data)

    def _either(
        self, answer: Answer, other: Question, fits: list[Open], first_ns: int, heard_ns: int
    ) -> None:
        """Take a frame that is an answer or a request: refused as the one, kept as the other."""
        if fits:
            asks = _distinct(fits)
            self.events.append(
                Pair(Verdict.AMBIGUOUS, answer.unit, asks, b"", fits[0].first_ns, heard_ns)
            )
        self._ask(other, first_ns, heard_ns)

    def _refusal(self, refusal: Refusal, first_ns: int, heard_ns: int) -> None:
        waiting = self._young(refusal.unit, first_ns)
        fits = [each for each in waiting if each.ask.function == refusal.function]
        self._settle(waiting, fits, heard_ns, refusal.unit, b"", refusal.exception)

    def _settle(
        self,
        waiting: tuple[Open, ...],
        fits: list[Open],
        heard_ns: int,
        unit: int,
        data: bytes,
        exception: int = 0,
    ) -> None:
        if not fits:
            self.events.append(Pair(Verdict.UNASKED, unit, (), b"", heard_ns, heard_ns))
            return
        asks, first_ns = _distinct(fits), fits[0].first_ns
        is_whole = heard_ns >= self._hold_ns
        if is_whole:
            # answers come in order: whatever was asked before the oldest fit is answered or lost;
            # not so while a request may be missing, whose answer this one could be
            self._open[unit] = waiting[waiting.index(fits[0]) + 1 :]
        is_newest = fits[-1] is waiting[-1] and len(waiting) < OPEN_MAX
        is_certain = len(asks) == 1 and is_newest and is_whole
        verdict = Verdict.AMBIGUOUS
        if is_certain:
            verdict = Verdict.REFUSED if exception else Verdict.PAIRED
        kept = data if verdict is Verdict.PAIRED else b""
        self.events.append(Pair(verdict, unit, asks, kept, first_ns, heard_ns, exception))

    def _write(self, write: Write, heard_ns: int) -> None:
        before = self._writes.pop(write.unit, None)
        if before is not None and heard_ns - before[1] <= self._state.bound_ns:
            asked = before[0]
            if _is_echo(asked, write):
                self.events.append(WriteHeard(asked, before[1], is_confirmed=True))
                return
        if before is not None:
            self.events.append(WriteHeard(before[0], before[1], is_confirmed=False))
        if write.values:
            self._writes[write.unit] = (write, heard_ns)


def _is_echo(asked: Write, echo: Write) -> bool:
    if echo.values:
        return echo == asked and asked.function in (5, 6)
    return (asked.function, asked.start, asked.quantity) == (
        echo.function,
        echo.start,
        echo.quantity,
    )


def _distinct(fits: list[Open]) -> tuple[Question, ...]:
    """Return the different questions among open requests, oldest first."""
    return tuple(dict.fromkeys(each.ask for each in fits))
