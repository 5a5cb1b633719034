"""One matrix at work: runs a scan, or proves that it would only count itself.  Pure.

A scan is left out when no input of the matrix was written since the last one (each write gives a
point a number that it never had) and `quiet_until` has shown that no delay, age or window ends yet.
What would have come of it is the state that stands, one scan later; so it is the same engine.
"""

from edge.image import Snapshot
from edge.interlock.events import Event
from edge.interlock.model import Model
from edge.interlock.quiet import quiet_until
from edge.interlock.scan import Command, State, initial, scan

REST_MAX = 19
"""Scans that are run without asking again, after asking was in vain several times."""


class Engine:
    """The state of one matrix, from scan to scan."""

    def __init__(self, model: Model, now_ns: int) -> None:
        self._state = initial(model, now_ns)
        self._columns = tuple(spec.column for spec in model.inputs)
        self._links = model.controller_columns
        self._written: tuple[int, ...] = ()
        self._changes = -1
        self._until_ns = 0
        self._calm = 0
        self._rest = self._vain = 0

    @property
    def model(self) -> Model:
        """What it runs."""
        return self._state.model

    @property
    def state(self) -> State:
        """The state after the newest scan, left out or not."""
        if self._calm:
            self._state = self._state.counted(self._calm)
            self._calm = 0
        return self._state

    def step(
        self, image: Snapshot, changes: int, now_ns: int, commands: tuple[Command, ...] = ()
    ) -> tuple[Event, ...]:
        """Run one scan and return what it reports.

        Args:
            image: one instant.
            changes: number of the newest change of the image.
            now_ns: monotonic, not before the step before.
            commands: in the order of their arrival.
        """
        if not commands and self._is_as_before(image, changes) and self._is_quiet(image, now_ns):
            self._calm += 1
            return ()
        done = scan(self.state, image, now_ns, commands)
        assert not done.outputs, "advisory mode writes nothing"
        self._state, self._until_ns = done.state, 0
        return done.events

    def _is_as_before(self, image: Snapshot, changes: int) -> bool:
        """Return True when no input was written since the last call."""
        if changes == self._changes:
            return True
        self._changes = changes
        sequence, link = image.sequence, image.link
        written = (*[sequence[i] for i in self._columns], *[link[i] for i in self._links])
        if written == self._written:
            return True
        self._written = written
        self._until_ns = self._rest = self._vain = 0
        return False

    def _is_quiet(self, image: Snapshot, now_ns: int) -> bool:
        if now_ns < self._until_ns:
            return True
        if self._rest:
            self._rest -= 1
            return False
        self._until_ns = quiet_until(self.state, image, now_ns)
        if now_ns < self._until_ns:
            self._vain = 0
            return True
        self._rest = min(2**self._vain - 1, REST_MAX)
        self._vain = min(self._vain + 1, 6)
        return False
