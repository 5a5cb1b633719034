"""A scan that is left out is one that would have done nothing: over any history, step by step."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.image import ImageLayout, Link, ProcessImage
from edge.interlock.model import SCAN_NS
from edge.interlock.quiet import Horizon, Probe, _same
from edge.interlock.reading import Reading
from edge.interlock.scan import Command, CommandKind, State, initial, scan
from edge.scan import engine as engine_module
from edge.scan.engine import Engine
from tests.unit.edge.interlock.one_interlock import MATRIX, POINTS
from tests.unit.edge.rig import compiled

COLUMNS = {name.partition("/")[2]: fact.column for name, fact in POINTS.items()}
GRACE = MATRIX.replace('bad_grace = "0ms"', 'bad_grace = "700ms"')
STUCK = MATRIX.replace(
    'flow = { point = "plc/flow", unit = "m3/h", bad_grace = "0ms" }',
    'flow = { point = "plc/flow", unit = "m3/h", bad_grace = "0ms", stuck_after = "60s",'
    ' moving_when = "run" }',
)
SINCE = MATRIX.replace('when = "flow >= 10"', 'when = "SINCE(flow >= 12) >= 3"')
RATE = MATRIX.replace('when = "flow >= 10"', 'when = "RATE(flow, 5s) >= 1"')
TEXTS = (MATRIX, GRACE, STUCK, SINCE, RATE)

WAITS = st.sampled_from([1, 1, 1, 2, 3, 7, 19, 20, 21, 40, 59, 60, 61, 100, 101, 199, 600, 1300])
ANALOG, SWITCH = st.sampled_from([0.0, 9.0, 11.9, 12.0, 15.0, 16.0, 50.0, 51.0]), st.booleans()
NAMES = st.sampled_from(sorted(COLUMNS))
WRITES = st.one_of(
    st.tuples(st.just("poll"), st.dictionaries(NAMES, ANALOG, max_size=4)),
    st.tuples(st.just("poll"), st.dictionaries(NAMES, SWITCH.map(float), max_size=4)),
    st.tuples(st.just("spoil"), NAMES),
    st.tuples(st.just("doubt"), NAMES),
    st.tuples(st.just("link"), st.sampled_from(Link)),
    st.tuples(st.just("command"), st.sampled_from(CommandKind)),
    st.tuples(st.just("nothing"), st.none()),
)


class Both:
    """The same history for the plain scan and for the engine that leaves scans out."""

    def __init__(self, text: str) -> None:
        model = compiled(text, POINTS).model
        assert model is not None
        self.now_ns = 10**12
        self.image = ProcessImage(ImageLayout(tuple(POINTS), ("plc",), (0,) * 8, (0,) * 8))
        self.plain, self.engine = initial(model, self.now_ns), Engine(model, self.now_ns)
        self.values = dict.fromkeys(COLUMNS, 0.0) | {"run": 1.0}

    def write(self, what: str, value: object) -> tuple[Command, ...]:
        """Do one thing to the image; or give a command."""
        if isinstance(value, CommandKind):
            return (Command("c", value),)
        if isinstance(value, Link):
            self.image.set_link(0, value)
        elif isinstance(value, dict):
            self.values |= value
            self.image.switch_good(0, list(self.values.values()), self.now_ns)
        elif isinstance(value, str):
            act = self.image.lose if what == "spoil" else self.image.doubt
            act([COLUMNS[value]], 15, 0)
        return ()

    def scans(self, number: int, commands: tuple[Command, ...] = ()) -> None:
        """Scan with both, and compare what they report and where they stand."""
        for _ in range(number):
            self.now_ns += SCAN_NS
            done = scan(self.plain, self.image.live, self.now_ns, commands)
            self.plain = done.state
            found = self.engine.step(self.image.live, self.image.changes, self.now_ns, commands)
            commands = ()
            assert repr(found) == repr(done.events)
            assert told(self.engine.state) == told(done.state)


def told(state: State) -> tuple[str, ...]:
    """Everything in a state but the model, so that no value (NaN) equals no value."""
    return tuple(repr(getattr(state, name)) for name in State.__slots__ if name != "model")


@settings(max_examples=60, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    history=st.lists(st.tuples(WRITES, WAITS), min_size=1, max_size=12),
)
def test_the_engine_that_leaves_scans_out_is_the_plain_engine(
    text: str, history: list[tuple[tuple[str, object], int]]
) -> None:
    both = Both(text)
    both.write("link", Link.UP)
    both.write("poll", {})
    both.scans(3)
    for (what, value), wait in history:
        both.scans(wait, both.write(what, value))


def test_a_calm_plant_costs_one_scan_a_sample_and_one_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it the property above would hold of an engine that leaves nothing out."""
    both, ran = Both(MATRIX), []

    def counted(*arguments: object) -> object:
        ran.append(1)
        return scan(*arguments)  # type: ignore[arg-type]

    both.write("link", Link.UP)
    both.write("poll", {})
    both.scans(60)
    monkeypatch.setattr(engine_module, "scan", counted)
    for _ in range(20):
        both.write("poll", {})
        both.scans(4)
    assert len(ran) <= 22  # of 80: those of the samples, and of a snapshot


@settings(max_examples=300, deadline=None)
@given(
    now=st.integers(-50, 50),
    limit=st.integers(-50, 50),
    since=st.integers(-50, 50),
    falls=st.booleans(),
    compare=st.sampled_from(["__gt__", "__ge__", "__lt__", "__le__"]),
    mirrored=st.booleans(),
)
def test_the_margin_is_exactly_how_far_the_answer_holds(
    now: int, limit: int, since: int, falls: bool, compare: str, mirrored: bool
) -> None:
    def answer(at: int) -> bool:
        elapsed = since - at if falls else at - since
        one, other = (limit, elapsed) if mirrored else (elapsed, limit)
        ask: Callable[[int, int], bool] = {
            "__gt__": lambda a, b: a > b,
            "__ge__": lambda a, b: a >= b,
            "__lt__": lambda a, b: a < b,
            "__le__": lambda a, b: a <= b,
        }[compare]
        return ask(one, other)

    horizon = Horizon()
    first = answer(Probe.of(now, horizon))
    turns = next((k for k in range(1, 400) if answer(now + k) != first), None)
    assert first == answer(now)
    assert horizon.margin_ns == turns or (turns is None and horizon.margin_ns > 400)


@pytest.mark.parametrize(
    "use",
    [
        lambda now: now == 5,
        lambda now: {now: 1},
        lambda now: now / 2,
        lambda now: now // 2,
        lambda now: 3 * now,
        float,
        int,
        str,
        lambda now: f"{now}",
        lambda now: -now,
        bool,
        lambda now: now + now,
        lambda now: now - 0.5,
        lambda now: now > 0.5,
    ],
)
def test_whatever_else_is_done_with_now_is_no_proof(use: Callable[[int], object]) -> None:
    horizon = Horizon()
    use(Probe.of(5, horizon))
    assert horizon.margin_ns == 0


def test_a_reading_that_came_after_no_number_is_another_one() -> None:
    none = Reading(math.nan)
    assert _same([none], [Reading(math.nan)])
    assert not _same([none], [Reading(5.0)])
    assert not _same([Reading(5.0)], [none])
