"""The scan: one instant of the image, one step of the engines each 50 ms, records.  Shell: timers.

Absolute deadlines: a late wake-up skips whole periods and counts them, never runs two back to back.
Three late beats in a row are an engine fault until twenty clean ones.  Nothing is ever written to a
plant: there is no writer.  Source: `interlocks.md` 3.7 and 3.16.
"""

from collections.abc import Callable, Mapping, Sequence

from edge.image import ProcessImage
from edge.interlock.events import SNAPSHOT, Event, InterlockView
from edge.interlock.model import Model
from edge.interlock.scan import Command, CommandKind, State, view
from edge.pulse import Pulse
from edge.scan.engine import Engine
from edge.scan.records import record_of, status_body
from proto.batch import Lane
from proto.clock import Clock

OVERRUNS_FAULT, CLEAN_SCANS = 3, 20
Record = Callable[[Lane, dict[str, object]], None]


class ScanLoop:
    """Owns the engines, one a matrix.

    Attributes:
        overruns: periods skipped since the start.
        late_ns_max: the latest start of a scan so far.
        last_ns: when the last one began (monotonic).
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        image: ProcessImage,
        record: Record,
        clock: Clock,
        pulse: Pulse | None = None,
    ) -> None:
        now_ns = clock.mono_ns()
        self._engines = [Engine(model, now_ns) for model in models]
        self.overruns = 0
        self.late_ns_max = 0
        self.last_ns = now_ns
        self._image, self._record, self._clock = image, record, clock
        self._pulse = pulse or Pulse(clock)
        self._late, self._clean, self._fault, self._commands_sent = 0, 0, False, 0

    @property
    def states(self) -> list[State]:
        """The newest states, in the order of the matrices."""
        return [engine.state for engine in self._engines]

    async def run(self) -> None:
        """Scan at every beat until cancelled."""
        await self._pulse.keep(self._on_beat)

    def step(self, commands: tuple[Command, ...] = ()) -> None:
        """Run one scan of every matrix on one instant of the image."""
        image, changes = self._image.live, self._image.changes
        self.last_ns = now_ns = self._clock.mono_ns()
        for engine in self._engines:
            events = engine.step(image, changes, now_ns, commands)
            if events:
                wall_us = self._clock.wall_us()
                for ordinal, event in enumerate(events):
                    self._write(event, ordinal, wall_us)

    def _on_beat(self, skipped: int, late_ns: int) -> None:
        self.late_ns_max = max(self.late_ns_max, late_ns)
        self.step(self._commands(skipped))

    def views(self) -> list[InterlockView]:
        """Return every interlock as it stands."""
        return [view(s, i) for s in self.states for i in range(len(s.interlocks))]

    def status(self) -> list[Mapping[str, object]]:
        """Return every interlock as it stands in the gateway's status."""
        return [
            status_body(view(state, i), state.model.matrix_hash)
            for state in self.states
            for i in range(len(state.interlocks))
        ]

    def state_of(self, interlock: str) -> tuple[State, int] | None:
        """Return the engine's state and the number of an interlock; None when there is none."""
        for state in self.states:
            for i, spec in enumerate(state.model.interlocks):
                if spec.id == interlock:
                    return state, i
        return None

    def _write(self, event: Event, ordinal: int, wall_us: int) -> None:
        ident = f"{event.kind}/{event.view.interlock}/{wall_us}-{event.mono_ns // 1000}-{ordinal}"
        lane = Lane.EVENT if event.kind == SNAPSHOT else Lane.ALARM
        self._record(lane, record_of(event, ident, wall_us))

    def _commands(self, skipped: int) -> tuple[Command, ...]:
        """Count late and clean beats; a change of the engine's own health is a command."""
        self.overruns += skipped
        self._late, self._clean = (self._late + 1, 0) if skipped else (0, self._clean + 1)
        if not self._fault and self._late >= OVERRUNS_FAULT:
            self._fault = True
            return (self._command(CommandKind.ENGINE_FAULT),)
        if self._fault and self._clean >= CLEAN_SCANS:
            self._fault = False
            return (self._command(CommandKind.ENGINE_CLEAN),)
        return ()

    def _command(self, kind: CommandKind) -> Command:
        self._commands_sent += 1
        return Command(f"engine-{self._commands_sent}", kind)
