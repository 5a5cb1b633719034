"""One life for every abnormal condition: the table row by row, limits, delays, bad data."""

from importlib.resources import files
from itertools import product

import pytest

from edge.alarm import book
from edge.alarm.builtin import fact, interlock_facts, link_facts
from edge.alarm.life import ACTIVE, TRANSITIONS, Event, Life, acknowledge, set_level
from edge.alarm.limits import AlarmSpec, compile_limits
from edge.image import ImageLayout, Link, ProcessImage
from edge.matrix.facts import PointFacts
from proto.alarm import AlarmLevel, AlarmPriority, AlarmState
from proto.catalogue import hazards
from tests.unit.edge.interlock.test_scan import rig

S = AlarmState
FACTS = {
    "plc/t": PointFacts(0, 0, "plc", "Cel", 0.0, 100.0, 10**8),
    "plc/spark": PointFacts(1, 0, "plc", "bool", None, None, 10**8),
}
LIMITS = """
schema = "limits/1"
[alarm.T]
title = "temperature"
on = "plc/t"
levels = [{ level = "H", limit = 45, priority = "medium" }, { level = "HH", limit = 50, priority = "high" }]
deadband = 2
on_delay = "5s"
off_delay = "1s"
clauses = ["O10-4.4"]
basis = "placeholder"
[alarm.SPARK]
title = "spark"
on = "plc/spark"
levels = [{ level = "TRUE", priority = "urgent" }]
basis = "placeholder"
"""  # noqa: E501 - a row of the file


def specs(text: str = LIMITS) -> tuple[AlarmSpec, ...]:
    """The alarms of a limits file."""
    tags = {"plc/t": "TE-1", "plc/spark": "BS-1"}
    found, faults = compile_limits(text.encode(), "l.toml", FACTS, tags, ("O10-4.4",))
    assert faults == []
    return found


TABLE = {
    (S.NORMAL, Event.ACTIVATE): (S.UNACKED, True),
    (S.UNACKED, Event.ESCALATE): (S.UNACKED, True),
    (S.ACKED, Event.ESCALATE): (S.UNACKED, True),
    (S.RETURNED, Event.ACTIVATE): (S.UNACKED, True),
    (S.LATCHED_UNACKED, Event.ACTIVATE): (S.UNACKED, True),
    (S.LATCHED_ACKED, Event.ACTIVATE): (S.UNACKED, True),
    (S.UNACKED, Event.RETURN): (S.RETURNED, False),
    (S.ACKED, Event.RETURN): (S.NORMAL, False),
    (S.UNACKED, Event.ACK): (S.ACKED, False),
    (S.RETURNED, Event.ACK): (S.NORMAL, False),
    (S.LATCHED_UNACKED, Event.ACK): (S.LATCHED_ACKED, False),
    (S.LATCHED_ACKED, Event.RESET): (S.NORMAL, False),
}


@pytest.mark.parametrize(("state", "event"), list(product(AlarmState, Event)))
def test_every_pair_moves_as_its_row_says_or_not_at_all(state: AlarmState, event: Event) -> None:
    assert TRANSITIONS.get((state, event)) == TABLE.get((state, event))


@pytest.mark.parametrize("state", list(AlarmState))
@pytest.mark.parametrize("level", [None, AlarmLevel.H, AlarmLevel.HH, AlarmLevel.INVALID])
def test_every_state_takes_every_level(state: AlarmState, level: AlarmLevel | None) -> None:
    before = Life(state, None if state is S.NORMAL else AlarmLevel.H, 3)
    after = set_level(before, level)
    assert (after.state in ACTIVE) == (level is not None)
    assert after.occurrence >= before.occurrence
    assert (after.level is None) == (after.state is S.NORMAL)


def test_a_higher_level_is_a_new_occurrence_and_a_lower_one_is_not() -> None:
    life = set_level(Life(), AlarmLevel.H)
    life, _ = acknowledge(life, 1)
    higher = set_level(life, AlarmLevel.HH)
    assert (higher.state, higher.level, higher.occurrence) == (S.UNACKED, AlarmLevel.HH, 2)
    lower = set_level(higher, AlarmLevel.H)
    assert (lower.level, lower.occurrence) == (AlarmLevel.HH, 2)
    acked, _ = acknowledge(lower, 2)
    assert set_level(acked, AlarmLevel.H) == Life(S.ACKED, AlarmLevel.H, 2)


def test_an_acknowledgement_never_covers_a_newer_occurrence() -> None:
    life = Life(S.UNACKED, AlarmLevel.H, 2)
    assert acknowledge(life, 1) == (life, "stale")
    assert acknowledge(Life(), 0) == (Life(), "normal")
    assert acknowledge(life, 2) == (Life(S.ACKED, AlarmLevel.H, 2), None)
    again = Life(S.ACKED, AlarmLevel.H, 2)
    assert acknowledge(again, 2) == (again, None)


class Bench:
    """A process image of two points and a book, in virtual time."""

    def __init__(self, text: str = LIMITS) -> None:
        layout = ImageLayout(("plc/t", "plc/spark"), ("plc",), (0, 0), (0, 0))
        self.image, self.specs, self.book = ProcessImage(layout), specs(text), book.Book()
        self.image.set_link(0, Link.UP)
        self.now_ns = 10**12
        self.kinds: list[str] = []
        self.put(20.0)

    def put(self, t: float, spark: float = 0.0, quality: int = 0, reason: int = 0) -> "Bench":
        """Switch the block."""
        self.image.switch(
            0,
            value=[t, spark],
            quality=[quality, 0],
            reason=[reason, 0],
            detail=[0, 0],
            no_value=[False, False],
            source_us=[0, 0],
            receive_mono_ns=self.now_ns,
        )
        return self

    def run(self, seconds: float) -> list[str]:
        """Step each 500 ms; returns `kind alarm level`."""
        found: list[str] = []
        for _ in range(int(seconds * 2)):
            self.now_ns += 5 * 10**8
            facts = link_facts(("plc",), self.image.freeze().link, {"plc": ("I",)})
            self.book, changes = book.step(
                self.book, self.specs, facts, self.image.freeze(), self.now_ns
            )
            found += [
                f"{c.kind.partition('.')[2]} {c.entry.spec.id} {c.entry.life.level}"
                for c in changes
            ]
        return found


def test_a_value_over_its_limit_is_raised_after_the_on_delay() -> None:
    bench = Bench().put(45.0)
    assert bench.run(5) == []
    assert bench.run(1) == ["raised T H"]


def test_an_alarm_that_is_over_its_limit_at_the_start_is_armed() -> None:
    bench = Bench()
    bench.put(60.0)
    assert bench.run(6) == ["raised T HH"]


def test_from_high_to_high_high_each_level_has_its_own_delay() -> None:
    bench = Bench().put(46.0)
    bench.run(3)
    bench.put(51.0)
    assert bench.run(3) == ["raised T H"]
    assert bench.run(3) == ["level_changed T HH"]


def test_the_deadband_and_the_off_delay_hold_the_alarm() -> None:
    bench = Bench().put(46.0)
    bench.run(6)
    assert bench.put(43.0).run(10) == []
    assert bench.put(42.9).run(1) == []
    assert bench.run(1) == ["returned T H"]
    assert [e.spec.id for e in bench.book.standing] == ["T"]


def test_bad_data_outrank_a_high_value_and_keep_its_memory() -> None:
    bench = Bench().put(51.0)
    bench.run(6)
    bench.put(51.0, quality=2, reason=15)
    assert bench.run(6) == ["level_changed T INVALID"]
    entry = bench.book.entries["T"]
    assert entry.spec.level(AlarmLevel.INVALID).priority is AlarmPriority.HIGH


def test_acknowledged_and_back_is_cleared() -> None:
    bench = Bench().put(46.0)
    bench.run(6)
    bench.book, changes, refusal = book.ack(bench.book, "T", 1)
    assert (refusal, [c.kind for c in changes]) == (None, ["alarm.acknowledged"])
    assert bench.put(20.0).run(3) == ["cleared T None"]
    assert bench.book.standing == ()


def test_returned_and_acknowledged_is_cleared_too() -> None:
    bench = Bench().put(46.0)
    bench.run(6)
    bench.put(20.0).run(3)
    bench.book, changes, _ = book.ack(bench.book, "T", 1)
    assert [c.kind for c in changes] == ["alarm.acknowledged", "alarm.cleared"]


def test_an_unknown_alarm_cannot_be_acknowledged() -> None:
    assert book.ack(book.Book(), "X", 1)[2] == "unknown"


def test_a_lost_controller_is_one_alarm_and_its_points_say_nothing() -> None:
    bench = Bench()
    bench.run(1)
    bench.image.lose((0, 1), 2, 0)
    bench.image.set_link(0, Link.LOST)
    assert bench.run(60) == ["raised link.plc TRUE"]
    entry = bench.book.entries["link.plc"]
    assert "I" in entry.spec.title
    assert bench.book.entries["T"].suppressed
    bench.image.set_link(0, Link.UP)
    bench.put(20.0)
    assert bench.run(5) == ["returned link.plc TRUE"]


def test_a_switch_is_raised_at_once() -> None:
    bench = Bench().put(20.0, spark=1.0)
    assert bench.run(0.5) == ["raised SPARK TRUE"]


def test_what_was_not_read_yet_is_no_alarm_and_then_bad_data_wait_two_seconds() -> None:
    bench = Bench()
    bench.image.lose((0, 1), 1, 0)
    bench.image.set_link(0, Link.INIT)
    assert bench.run(9) == []
    bench.image.set_link(0, Link.UP)
    assert bench.run(2) == []
    assert bench.run(0.5) == ["raised SPARK INVALID"]
    assert bench.run(3) == ["raised T INVALID"]


def test_an_interlock_brings_its_own_alarms() -> None:
    made = rig().put(flow=20)
    made.run("6s")
    holding = {
        f.spec.id: f.spec.levels[0].priority
        for f in interlock_facts(made.view(), {"A1": ("sound", "high")})
        if f.holds
    }
    assert holding == {
        "I.tripped": AlarmPriority.URGENT,
        "I.not_acted": AlarmPriority.URGENT,
        "I.A1": AlarmPriority.HIGH,
    }
    made = rig().put(byp=1)
    made.run("1s")
    holding = {
        f.spec.id: f.spec.levels[0].priority for f in interlock_facts(made.view(), {}) if f.holds
    }
    assert holding == {"I.plant_bypassed": AlarmPriority.HIGH}


def test_a_trip_by_lost_inputs_says_so() -> None:
    made = rig().spoil("flow")
    made.run("3s")
    tripped = interlock_facts(made.view(), {})[0]
    assert tripped.holds
    assert "lost inputs" in tripped.spec.title


def test_a_trip_alarm_stands_until_the_latch_is_gone() -> None:
    made = rig().put(flow=20, up=1, trip=1)
    made.run("2s")
    made.put(flow=5).run("10s")
    assert made.view().protection == "LATCHED"
    assert interlock_facts(made.view(), {})[0].holds


BAD = [
    ('on = "plc/t"', 'on = "plc/tt"', "config.unknown_point", "l.toml: alarm.T.on"),
    ("limit = 45", "limit = 450", "config.out_of_range", "l.toml: alarm.T.levels[0].limit"),
    ("limit = 45", "limit = 55", "config.limit_order", "l.toml: alarm.T.levels"),
    ('level = "HH"', 'level = "H"', "config.duplicate", "l.toml: alarm.T.levels[1].level"),
    ('level = "HH"', 'level = "HHH"', "config.value", "l.toml: alarm.T.levels[1].level"),
    ('level = "TRUE"', 'level = "H"', "config.value", "l.toml: alarm.SPARK.levels[0].level"),
    ('"O10-4.4"', '"O10-77"', "config.unknown_clause", "l.toml: alarm.T.clauses"),
    ('basis = "placeholder"', 'basis = "legal"', "config.missing", "l.toml: alarm.T.source"),
    ("deadband = 2", "deadband = -2", "config.value", "l.toml: alarm.T.deadband"),
    ("deadband = 2", "deadbant = 2", "config.unknown_key", "l.toml: alarm.T.deadbant"),
    ("deadband = 2", "latch = true", "config.later", "l.toml: alarm.T.latch"),
    ('schema = "limits/1"', 'schema = "cem/1"', "config.value", "l.toml: schema"),
]


@pytest.mark.parametrize(("old", "new", "code", "place"), BAD)
def test_a_faulty_limit_is_refused_with_its_place(
    old: str, new: str, code: str, place: str
) -> None:
    assert old in LIMITS
    text = LIMITS.replace(old, new, 1)
    found, faults = compile_limits(text.encode(), "l.toml", FACTS, {}, ("O10-4.4",))
    assert found == ()
    assert (code, place) in {(fault.code, fault.place) for fault in faults}


@pytest.mark.parametrize("name", ["limits_bof.toml", "limits_dust.toml"])
def test_a_template_of_limits_is_accepted(name: str) -> None:
    data = (files("edge.matrix") / "templates" / name).read_bytes()
    units = {"spark_detect": "bool", "lance_pressure": "MPa", "diff_pressure": "Pa"}
    points = {
        f"{device}/{point}": PointFacts(0, 0, device, units.get(point, "Cel"), None, None, 10**8)
        for device, point in (
            *(("bof1_plc", f"lance_out_t_{x}") for x in "abc"),
            ("bof1_plc", "lance_pressure"),
            ("dust1_plc", "hopper_temp"),
            ("dust1_plc", "diff_pressure"),
            ("dust1_plc", "spark_detect"),
        )
    }
    found, faults = compile_limits(data, name, points, {}, hazards().clauses)
    assert faults == []
    assert found


def test_a_fact_that_does_not_hold_yet_waits_for_its_delay() -> None:
    bench = Bench()
    slow = fact("X", "x", "x", True, AlarmPriority.LOW, on_ns=2 * 10**9)
    found: list[str] = []
    for _ in range(5):
        bench.now_ns += 5 * 10**8
        bench.book, changes = book.step(bench.book, (), [slow], bench.image.freeze(), bench.now_ns)
        found += [c.kind for c in changes]
    assert found == ["alarm.raised"]
