"""A step of the alarms that is left out is one that would have changed nothing: any history."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alarm import book
from edge.alarm.builtin import link_facts
from edge.alarm.loop import ALARM_NS, AlarmLoop
from edge.image import ImageLayout, Link, ProcessImage
from proto.batch import Lane
from tests.unit.edge.alarm.test_alarms import specs

VALUES = st.sampled_from([0.0, 42.0, 43.0, 44.0, 45.0, 49.0, 50.0, 51.0])
WRITES = st.one_of(
    st.tuples(st.just("poll"), st.tuples(VALUES, st.sampled_from([0.0, 1.0]))),
    st.tuples(st.just("lose"), st.sampled_from([(0,), (1,), (0, 1)])),
    st.tuples(st.just("link"), st.sampled_from(Link)),
    st.tuples(st.just("ack"), st.sampled_from(["T", "SPARK", "link.plc"])),
    st.tuples(st.just("nothing"), st.none()),
)


class Both:
    """The loop, and beside it the book that is stepped every time; also the clock of both."""

    def __init__(self) -> None:
        self.now_ns = 10**12
        self.image = ProcessImage(ImageLayout(("plc/t", "plc/spark"), ("plc",), (0, 0), (0, 0)))
        self.specs, self.plain = specs(), book.Book()
        self.kinds: list[str] = []
        self.plain_kinds: list[str] = []
        self.loop = AlarmLoop(
            self.specs, (), image=self.image, views=tuple, record=self.keep, clock=self
        )

    def mono_ns(self) -> int:
        return self.now_ns

    def wall_us(self) -> int:
        return self.now_ns // 1000

    def keep(self, _: Lane, body: dict[str, object]) -> None:
        self.kinds.append(f"{body['k']} {body['alarm']} {body['occurrence']}")

    def note(self, changes: tuple[book.Change, ...]) -> None:
        """Keep what the plain book changed."""
        self.plain_kinds += [
            f"{c.kind} {c.entry.spec.id} {c.entry.life.occurrence}" for c in changes
        ]

    def write(self, what: str, value: object) -> None:
        """Do one thing to image or book."""
        if isinstance(value, Link):
            self.image.set_link(0, value)
        elif isinstance(value, str):
            entry = self.plain.entries.get(value)
            occurrence = 0 if entry is None else entry.life.occurrence
            self.loop.acknowledge(value, occurrence)
            self.plain, changes, _ = book.ack(self.plain, value, occurrence)
            self.note(changes)
        elif isinstance(value, tuple) and what == "poll":
            self.image.switch_good(0, value, self.now_ns)
        elif isinstance(value, tuple):
            self.image.lose(value, 15, 0)

    def steps(self, number: int) -> None:
        """Step both, and compare."""
        for _ in range(number):
            self.now_ns += ALARM_NS
            facts = link_facts(("plc",), self.image.live.link, {})
            self.plain, changes = book.step(
                self.plain, self.specs, facts, self.image.live, self.now_ns
            )
            self.note(changes)
            self.loop.step()
            assert self.loop.book == self.plain
            assert self.kinds == self.plain_kinds


@settings(max_examples=150, deadline=None)
@given(history=st.lists(st.tuples(WRITES, st.sampled_from([1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 30]))))
def test_the_loop_that_leaves_steps_out_is_the_plain_book(
    history: list[tuple[tuple[str, object], int]],
) -> None:
    both = Both()
    for (what, value), wait in [(("link", Link.UP), 1), (("poll", (0.0, 0.0)), 3), *history]:
        both.write(what, value)
        both.steps(wait)
