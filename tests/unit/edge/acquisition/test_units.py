"""Several units on one line, pairs, own points: who is silent costs nobody else anything.

Every scene is played twice: read by tasks, and by call backs.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from devices import catalog
from devices.driver import Block, BlockColumns, Note, Outcome
from devices.failure import LinkFailed
from devices.fake import FakeDriver
from edge import points
from edge.acquisition.lines import Lines
from edge.image import Link, ProcessImage
from edge.plant import LinePlan, Plant
from proto.quality import Detail, Quality, Reason
from tests.unit.edge.plant import EDGE, CallsBack, LoopClock, Sink, config, values

HEAD = EDGE[: EDGE.index("[[line]]")]
LINE = """
[[line]]
name = "{name}"
kind = "modbus-tcp"
address = "127.0.0.1:5020"
timeout = "300ms"
"""
DEVICE = """
[[device]]
name = "{name}"
line = "{line}"
unit_id = {unit}
profile = "bof_lance_plc"
path = "plc"
life = "life_counter"
"""
POLL = """
[poll]
fast = "{fast}"
normal = "1s"
"""
PAIR = """
[[device]]
name = "bof"
pair = ["a", "b"]
profile = "bof_lance_plc"
path = "plc"
life = "life_counter"
"""
MEMBER = """
[[device]]
name = "{name}"
line = "{line}"
unit_id = 1
path = "plc"
life = "life_counter"
profile = "bof_lance_plc"
"""


class Slow(FakeDriver):
    """Counts up its life counters; an answer takes 5 ms, a silence the whole time-out."""

    still: set[str]
    busy_s = 0.0

    async def read(self, block: Block) -> BlockColumns:
        """Answer or be silent, in virtual time."""
        begun = asyncio.get_running_loop().time()
        dead = self.outcomes.get(block.device) is Outcome.TIMED_OUT
        await asyncio.sleep(0.3 if dead else 0.005)
        for name in list(self.values):
            if name.endswith("life_counter") and block.device not in self.still:
                self.values[name] += 1
        found = await super().read(block)
        self.busy_s += asyncio.get_running_loop().time() - begun
        return found

    async def probe(self, device: str) -> bool:
        """Take as long as a read."""
        dead = self.outcomes.get(device) is Outcome.TIMED_OUT
        await asyncio.sleep(0.3 if dead else 0.005)
        return await super().probe(device)


class Prompt(CallsBack, Slow):
    """The same, by call back."""


@pytest.fixture(autouse=True, params=[Slow, Prompt])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Slow]:
    """The drivers of this round."""
    monkeypatch.setattr(Stage, "kind", request.param)
    found: type[Slow] = request.param
    return found


def plant_without_tags(text: str) -> Plant:
    """The plant of a configuration in which two devices have one profile, so no tags."""
    found = catalog.find("bof_lance_plc")
    bare = [point.model_copy(update={"tag": ""}) for point in found.points]
    profile = found.model_copy(update={"points": tuple(bare)})
    made, faults = points.build(config(text), {"bof_lance_plc": profile})
    assert made is not None, faults
    return made


class Stage:
    """All lines of a plant over fake drivers."""

    kind: type[Slow] = Slow

    def __init__(self, text: str) -> None:
        self.plant = plant_without_tags(text)
        self.clock, self.sink = LoopClock(), Sink()
        self.image = ProcessImage(self.plant.layout)
        self.drivers: dict[str, Slow] = {}
        self.start_ns = self.clock.mono_ns()
        self.lines = Lines(
            self.plant,
            self.driver,
            clock=self.clock,
            image=self.image,
            sink=self.sink,
            start_ns=self.start_ns,
        )

    def driver(self, line: LinePlan) -> Slow:
        """Make the fake driver of a line."""
        made = self.kind(line.blocks, self.clock.mono_ns)
        made.values, made.still = values(self.plant), set()
        self.drivers[line.config.name] = made
        return made

    async def play(self, scene: Callable[["Stage"], Awaitable[None]]) -> "Stage":
        """Run everything while the scene lasts."""
        tasks = [asyncio.create_task(run()) for run in self.lines.tasks().values()]
        try:
            await scene(self)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        return self

    def now(self, point: str) -> tuple[int, int, int]:
        """Quality, reason and detail of a point in the image."""
        i, image = self.plant.index_of[point], self.image.freeze()
        return image.quality[i], image.reason[i], image.detail[i]

    def good_share(self, device: str, since_s: float) -> float:
        """How many of the rows of a device since a moment were good."""
        mine = {a.index for a in self.plant.axes if a.block.device == device and not a.is_own}
        since = self.start_ns + int(since_s * 1e9)
        rows = [r for a, _, _, r in self.sink.rows if a in mine and r.receive_mono_ns > since]
        return sum(not row.quality.any() for row in rows) / len(rows)

    def active(self) -> int:
        """Which member of the pair is in use, by its point."""
        return int(self.image.freeze().value[self.plant.index_of["bof.active"]])

    def every_slot_once(self) -> None:
        """Every axis has every slot exactly once, as a row or in a gap."""
        for axis in self.plant.axes:
            slots = [s for s in self.sink.slots(axis.index) if s is not None]
            for number, first, count in self.sink.overruns:
                slots += range(first, first + count) if number == axis.index else ()
            assert sorted(slots) == list(range(len(slots))), axis


def two(fast: str = "500ms") -> str:
    """Two units on one line."""
    text = HEAD + LINE.format(name="rs") + POLL.format(fast=fast)
    return text + "".join(DEVICE.format(name=f"u{i}", line="rs", unit=i) for i in (1, 2))


def pair_text() -> str:
    """A pair, each member on a line of its own."""
    lines = "".join(LINE.format(name=f"line_{name}") for name in "ab")
    members = "".join(MEMBER.format(name=name, line=f"line_{name}") for name in "ab")
    return HEAD + lines + PAIR + members + POLL.format(fast="500ms")


async def test_a_dead_unit_is_suspended_and_its_neighbour_goes_on() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.drivers["rs"].outcomes["u2"] = Outcome.TIMED_OUT
        await asyncio.sleep(10.0)
        assert stage.now("u2/lance_in_flow") == (2, Reason.COMM_LOSS, Detail.UNIT_SUSPENDED)
        assert stage.now("u2.link")[0] == Quality.GOOD
        i = stage.plant.index_of["u2.link"]
        assert stage.image.freeze().value[i] == 2.0
        assert stage.image.link(1) is Link.LOST
        assert stage.image.link(0) is Link.UP
        await asyncio.sleep(110.0)

    stage = await Stage(two()).play(scene)
    assert stage.sink.kinds() == ["device.unit_suspended"]
    assert stage.good_share("u1", 14.0) > 0.95
    stage.every_slot_once()


async def test_a_dead_unit_costs_less_than_a_twentieth_of_the_line() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.drivers["rs"].outcomes["u2"] = Outcome.TIMED_OUT
        await asyncio.sleep(5.0)
        probes = stage.drivers["rs"].probes.get("u2", 0)
        await asyncio.sleep(300.0)
        later = stage.drivers["rs"].probes["u2"]
        assert (later - probes) * 0.3 / 300.0 <= 0.05
        assert stage.lines.owners[0].probing_share <= 0.05

    await Stage(two()).play(scene)


async def test_a_unit_that_answers_its_probe_is_polled_at_its_next_slot() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.drivers["rs"].outcomes["u2"] = Outcome.TIMED_OUT
        await asyncio.sleep(20.0)
        del stage.drivers["rs"].outcomes["u2"]
        await asyncio.sleep(8.0)
        assert stage.now("u2/lance_in_flow")[0] == Quality.GOOD
        assert stage.lines.owners[0].state == "up"

    stage = await Stage(two()).play(scene)
    assert stage.sink.kinds() == ["device.unit_suspended", "device.unit_resumed"]


async def test_a_refused_block_is_no_failure_of_its_unit() -> None:
    async def scene(stage: Stage) -> None:
        stage.drivers["rs"].outcomes["u2"] = Outcome.REFUSED
        await asyncio.sleep(10.0)
        assert stage.now("u2/lance_in_flow")[:2] == (2, Reason.DEVICE_ERROR)

    stage = await Stage(two()).play(scene)
    assert stage.sink.kinds() == []


async def test_a_busy_unit_is_left_alone_for_a_period_and_is_no_failure() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        reads = sum(stage.drivers["rs"].reads.values())
        stage.drivers["rs"].outcomes["u2"] = Outcome.BUSY
        await asyncio.sleep(10.0)
        assert stage.now("u2/lance_in_flow") == (2, Reason.DEVICE_ERROR, 6)
        assert sum(stage.drivers["rs"].reads.values()) > reads

    stage = await Stage(two()).play(scene)
    assert stage.sink.kinds() == []
    stage.every_slot_once()


async def test_a_link_that_falls_between_two_reads_is_noticed_within_a_tick() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.1)
        driver = stage.drivers["rs"]
        driver.errors.extend(LinkFailed("cut", place="rs") for _ in range(8))
        await driver.close()
        await asyncio.sleep(0.25)
        for name in ("u1/lance_in_flow", "u2/life_counter"):
            assert stage.now(name)[:2] == (2, Reason.COMM_LOSS)
        assert stage.image.freeze().value[stage.plant.index_of["u1.link"]] == 0.0

    stage = await Stage(two("1s")).play(scene)
    assert stage.sink.kinds() == ["device.link_lost", "device.link_lost"]


async def test_link_points_have_a_row_every_ten_seconds() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(30.5)

    stage = await Stage(two()).play(scene)
    for axis in stage.plant.own:
        assert stage.sink.slots(axis.index) == [0, 1, 2, 3]


async def test_notes_of_the_driver_become_records() -> None:
    async def scene(stage: Stage) -> None:
        note = Note("device.answer_late", "u1", {"late_ms": 812})
        stage.drivers["rs"].pending.append(note)
        await asyncio.sleep(1.0)

    stage = await Stage(two()).play(scene)
    (_, body) = stage.sink.records[0]
    assert (body["k"], body["device"], body["late_ms"], body["line"]) == (
        "device.answer_late",
        "u1",
        812,
        "rs",
    )


async def test_a_changed_program_leaves_values_uncertain_until_a_person_confirms_the_map() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.drivers["rs"].pending.append(Note("plant.program_changed", "u1", {}))
        await asyncio.sleep(2.0)
        assert stage.now("u1/lance_in_flow") == (1, Reason.DEVIATION, Detail.MAP_UNPROVEN)
        assert stage.now("u2/lance_in_flow")[0] == Quality.GOOD
        assert stage.lines.confirm_map("u1")
        await asyncio.sleep(2.0)
        assert stage.now("u1/lance_in_flow")[0] == Quality.GOOD

    await Stage(two()).play(scene)


async def test_urgent_work_goes_before_the_next_read_and_wakes_a_sleeping_line() -> None:
    seen: list[float] = []

    async def work() -> None:
        seen.append(asyncio.get_running_loop().time())

    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3.25)
        begun = asyncio.get_running_loop().time()
        assert stage.lines.owners[0].urgent.put(work)
        await asyncio.sleep(0.01)
        assert seen == [begun]

    await Stage(two("1s")).play(scene)


async def test_errands_wait_for_a_gap_and_stay_within_their_share() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        driver = stage.drivers["rs"]
        driver.errands_at.extend([stage.clock.mono_ns()] * 5)
        await asyncio.sleep(5.0)
        assert driver.errands == 5

    await Stage(two()).play(scene)


async def test_a_pair_is_read_from_one_member_and_a_slot_is_one_row() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(10.0)
        assert stage.now("bof/lance_in_flow")[0] == Quality.GOOD

    stage = await Stage(pair_text()).play(scene)
    stage.every_slot_once()
    assert stage.sink.kinds() == []
    counts = [sum(stage.drivers[f"line_{name}"].reads.values()) for name in "ab"]
    used = stage.active()
    assert 0 < counts[1 - used] < counts[used], "of the standby only life is read"


async def test_a_pair_switches_on_a_cut_and_back_without_a_slot_twice() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(5.1)
        for _ in range(2):
            used = stage.active()
            driver = stage.drivers[f"line_{'ab'[used]}"]
            driver.errors.extend(LinkFailed("cut", place="x") for _ in range(6))
            await driver.close()
            await asyncio.sleep(1.3)
            assert stage.now("bof/lance_in_flow")[0] == Quality.GOOD
            assert stage.active() == 1 - used
            await asyncio.sleep(30.0)

    stage = await Stage(pair_text()).play(scene)
    stage.every_slot_once()
    assert stage.sink.kinds().count("device.pair_switched") == 2
    assert stage.good_share("a", 5.0) > 0.9


async def test_a_stopped_half_with_a_live_socket_hands_over() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(5.0)
        used = stage.active()
        stage.drivers[f"line_{'ab'[used]}"].still.add("ab"[used])
        await asyncio.sleep(6.0)
        assert stage.now("bof/lance_in_flow")[0] == Quality.GOOD
        assert stage.active() == 1 - used

    stage = await Stage(pair_text()).play(scene)
    stage.every_slot_once()
    assert stage.sink.kinds() == ["device.life_stopped", "device.pair_switched"]
