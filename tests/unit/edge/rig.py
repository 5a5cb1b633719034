"""An engine in virtual time: a matrix, a table of values, scans as fast as the test wants them."""

import math
from dataclasses import dataclass, field

from edge.interlock.events import Event, InterlockView
from edge.interlock.model import SCAN_NS
from edge.interlock.reading import BAD, COMM_LOSS, GOOD, INIT, LINK_INIT, LINK_LOST, LINK_UP
from edge.interlock.scan import Command, State, initial, scan, view
from edge.matrix.build import Compiled, compile_matrix
from edge.matrix.facts import PointFacts
from proto.duration import parse_duration

CLAUSES = ("O10-4.4", "O10-11.6")
POLL_NS = 10**8


def facts(**units: str) -> dict[str, PointFacts]:
    """Points by key word: `plc__flow="m3/h"` is the point `plc/flow` with range 0 to 1000."""
    devices: list[str] = []
    found: dict[str, PointFacts] = {}
    for word, unit in units.items():
        device, _, point = word.partition("__")
        if device not in devices:
            devices.append(device)
        low, high = (None, None) if unit == "bool" else (0.0, 1000.0)
        name = f"{device}/{point}"
        index = devices.index(device)
        found[name] = PointFacts(len(found), index, device, unit, low, high, POLL_NS)
    return found


def compiled(text: str, known: dict[str, PointFacts]) -> Compiled:
    """Compile a matrix."""
    return compile_matrix(text.encode(), "m.toml", known, CLAUSES)


@dataclass
class Columns:
    """A process image that a test writes."""

    value: list[float]
    quality: list[int]
    reason: list[int]
    receive_mono_ns: list[int]
    sequence: list[int]
    link: list[int]


@dataclass
class Rig:
    """Runs one matrix; every value that is not bad is a new sample in each poll."""

    text: str
    known: dict[str, PointFacts]
    now_ns: int = 10**12
    bad: dict[str, int] = field(default_factory=dict)
    still: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        made = compiled(self.text, self.known)
        assert made.model is not None, "\n".join(map(str, made.faults))
        n = len(self.known)
        devices = max(fact.device for fact in self.known.values()) + 1
        self.image = Columns(
            [math.nan] * n, [BAD] * n, [INIT] * n, [0] * n, [0] * n, [LINK_INIT] * devices
        )
        self.state: State = initial(made.model, self.now_ns)

    def put(self, **values: float) -> "Rig":
        """Set values by the last part of the point's name."""
        for word, value in values.items():
            i = self.column(word)
            self.image.value[i] = float(value)
            self.bad.pop(word, None)
        return self

    def spoil(self, word: str, reason: int = 15) -> "Rig":
        """Make a point BAD from now on."""
        self.bad[word] = reason
        return self

    def cut(self, device: str) -> "Rig":
        """Lose a controller: its points BAD(COMM_LOSS), its link LOST."""
        for fact in self.known.values():
            if fact.device_name == device:
                self.image.link[fact.device] = LINK_LOST
        return self

    def join(self, device: str) -> "Rig":
        """Bring a controller back."""
        for fact in self.known.values():
            if fact.device_name == device:
                self.image.link[fact.device] = LINK_UP
        return self

    def column(self, word: str) -> int:
        """Return the column of a point by the last part of its name."""
        return next(f.column for n, f in self.known.items() if n.partition("/")[2] == word)

    def poll(self) -> None:
        """Write what a poll would write now."""
        for name, fact in self.known.items():
            word, i = name.partition("/")[2], fact.column
            if self.image.link[fact.device] == LINK_LOST:
                self.image.quality[i], self.image.reason[i] = BAD, COMM_LOSS
                continue
            self.image.link[fact.device] = LINK_UP
            if word in self.still:
                continue
            if math.isnan(self.image.value[i]):
                continue
            self.image.sequence[i] += 1
            self.image.receive_mono_ns[i] = self.now_ns
            good = word not in self.bad
            self.image.quality[i] = GOOD if good else BAD
            self.image.reason[i] = 0 if good else self.bad[word]
            if not good:
                self.image.receive_mono_ns[i] -= 1

    def run(self, duration: str, *commands: Command) -> list[str]:
        """Poll and scan for a time; returns the kinds of the events, without the snapshot."""
        seen = len(self.events)
        end_ns = self.now_ns + parse_duration(duration)
        while self.now_ns < end_ns:
            self.now_ns += SCAN_NS
            if self.now_ns % POLL_NS == 0:
                self.poll()
            step = scan(self.state, self.image, self.now_ns, commands)
            commands = ()
            assert step.outputs == ()
            self.state = step.state
            self.events += step.events
        return [e.kind for e in self.events[seen:] if e.kind != "interlock.snapshot"]

    def events_of(self, duration: str) -> list[Event]:
        """Run for a time and return its events, snapshots too."""
        seen = len(self.events)
        self.run(duration)
        return self.events[seen:]

    def view(self, number: int = 0) -> InterlockView:
        """Return an interlock as it stands."""
        return view(self.state, number)

    def last(self, kind: str) -> Event:
        """Return the newest event of a kind."""
        return next(e for e in reversed(self.events) if e.kind == kind)
