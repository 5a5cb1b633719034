"""The owner of a line over a fake driver in virtual time: rows, image, losses, returns.

Every scene is played twice: read by a task, and by call backs.
"""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from devices.driver import Outcome, bad_columns
from devices.failure import LinkFailed
from devices.fake import good_columns
from edge.acquisition.line import LineOwner
from edge.image import Link, ProcessImage
from proto.quality import Detail, Quality, Reason
from tests.unit.edge.plant import DUST, EDGE, Living, LoopClock, Prompted, Sink, plant, values

Scene = Callable[["Stage"], Awaitable[None]]


@pytest.fixture(autouse=True, params=[Living, Prompted])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Living]:
    """The driver of this round."""
    monkeypatch.setattr(Stage, "kind", request.param)
    found: type[Living] = request.param
    return found


class Stage:
    """One line with its owner running."""

    kind: type[Living] = Living

    def __init__(self, text: str = EDGE, line: int = 0) -> None:
        self.plant = plant(text)
        self.line = self.plant.lines[line]
        self.clock, self.sink = LoopClock(), Sink()
        self.image = ProcessImage(self.plant.layout)
        self.driver = self.kind(self.line.blocks, self.clock.mono_ns)
        self.driver.values = values(self.plant)
        self.owner = LineOwner(
            self.driver,
            self.line,
            clock=self.clock,
            image=self.image,
            sink=self.sink,
            start_ns=self.clock.mono_ns(),
            fraction=lambda: 0.5,
        )

    async def play(self, scene: Scene) -> "Stage":
        """Run the owner while the scene lasts."""
        task = asyncio.create_task(self.owner.run())
        try:
            await scene(self)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert not self.driver.connected
        return self

    def quality(self, point: str) -> tuple[int, int, int]:
        """Quality, reason and detail of a point in the image."""
        i, now = self.plant.index_of[point], self.image.freeze()
        return now.quality[i], now.reason[i], now.detail[i]


async def wait(seconds: float) -> Scene:
    """A scene in which only time passes."""

    async def scene(_: Stage) -> None:
        await asyncio.sleep(seconds)

    return scene


async def test_every_slot_is_one_row_and_the_image_is_good() -> None:
    stage = await Stage().play(await wait(3.05))
    assert stage.sink.slots(0) == list(range(31))
    assert stage.sink.slots(2) == [0, 1, 2, 3]
    assert stage.sink.overruns == []
    assert stage.sink.kinds() == []
    assert stage.quality("bof1_plc/lance_in_flow") == (Quality.GOOD, 0, 0)
    assert stage.image.link(0) is Link.UP
    assert stage.owner.state == "init"  # closed by the cancellation


async def test_before_two_movements_of_the_life_signal_values_are_uncertain() -> None:
    stage = await Stage().play(await wait(0.05))
    row = stage.sink.rows[0][3]
    assert set(row.quality.tolist()) == {Quality.UNCERTAIN}
    assert set(row.detail.tolist()) == {Detail.ALIVENESS_UNPROVEN}


async def test_a_stopped_life_signal_makes_every_point_bad_although_answers_arrive() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        stage.driver.stopped = True
        await asyncio.sleep(2.3)
        assert stage.quality("bof1_plc/lance_pressure")[:2] == (Quality.BAD, Reason.STALE)
        assert stage.quality("bof1_plc/o2_blowing")[2] == Detail.LIFE_STOPPED
        assert stage.image.link(0) is Link.STOPPED
        assert stage.sink.kinds() == ["device.life_stopped"]
        stage.driver.stopped = False
        await asyncio.sleep(1.2)
        assert stage.quality("bof1_plc/o2_blowing")[0] == Quality.GOOD
        assert stage.image.link(0) is Link.UP

    stage = await Stage().play(scene)
    assert stage.sink.kinds() == ["device.life_stopped", "device.life_returned"]


async def test_a_lost_line_is_bad_in_the_image_at_detection_and_in_the_rows_at_their_slots() -> (
    None
):
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        before = stage.image.freeze()
        stage.driver.errors.extend(LinkFailed("cut", place="bof1") for _ in range(4))
        await asyncio.sleep(0.15)
        after = stage.image.freeze()
        n = len(stage.plant.bindings)
        assert set(after.quality[:n]) == {Quality.BAD}
        assert set(after.reason[:n]) == {Reason.COMM_LOSS}
        assert after.value[:n] == before.value[:n]
        assert stage.image.link(0) is Link.LOST
        assert stage.owner.state == "lost"
        assert stage.owner.detail == "COMM_LOSS/0x0101"
        await asyncio.sleep(3.0)

    stage = await Stage().play(scene)
    assert stage.sink.kinds() == ["device.link_lost", "device.link_restored"]
    assert stage.sink.slots(0) == list(range(len(stage.sink.slots(0))))
    lost = [row for axis, _, _, row in stage.sink.rows if axis == 0 and row.no_value.all()]
    assert lost
    assert set(lost[0].reason.tolist()) == {Reason.COMM_LOSS}
    assert stage.quality("bof1_plc/lance_in_flow")[0] == Quality.GOOD


async def test_one_answer_that_is_rejected_costs_its_slot_and_those_that_were_due_then() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(0.95)
        stage.driver.script.append(Outcome.REJECTED)
        await asyncio.sleep(1.0)

    stage = await Stage().play(scene)
    assert stage.sink.kinds() == []
    bad = [(axis, row) for axis, _, _, row in stage.sink.rows if row.no_value.all()]
    said = [(int(row.reason[0]), int(row.detail[0])) for _, row in bad]
    assert said[0] == (Reason.PROTOCOL, Detail.WRONG_BYTE_COUNT)
    assert set(said[1:]) == {(Reason.COMM_LOSS, Detail.SKIPPED_AFTER_FAILURE)}
    assert len({axis for axis, _ in bad}) == len(bad), "one time-out, no block twice"


async def test_rows_before_the_first_answer_are_init_and_then_say_why() -> None:
    stage = Stage()
    stage.driver.errors.extend(LinkFailed("nobody", place="x") for _ in range(1000))
    await stage.play(await wait(2.0))
    reasons = [set(row.reason.tolist()) for axis, _, _, row in stage.sink.rows if axis == 0]
    assert reasons[-1] == {Reason.COMM_LOSS}
    assert stage.sink.kinds() == ["device.link_lost"]
    assert len(stage.driver.errors) < 1000
    assert stage.sink.slots(0) == list(range(20)) or stage.sink.slots(0) == list(range(21))


async def test_a_slow_device_skips_slots_and_each_of_them_is_a_row() -> None:
    stage = Stage()
    stage.driver.delay_s = 0.25
    await stage.play(await wait(5.0))
    rows = [(slot, row) for axis, slot, _, row in stage.sink.rows if axis == 0]
    assert [slot for slot, _ in rows] == list(range(len(rows)))
    late = [row for _, row in rows if set(row.reason.tolist()) == {Reason.OVERRUN}]
    assert len(late) > len(rows) / 2
    assert all(row.no_value.all() and set(row.quality.tolist()) == {2} for row in late)
    assert stage.sink.overruns == []
    assert stage.owner.skipped == sum(
        set(row.reason.tolist()) == {Reason.OVERRUN} for _, _, _, row in stage.sink.rows
    )
    assert stage.sink.kinds().count("device.line_overloaded") == 1


async def test_a_process_that_stood_still_names_a_gap_instead_of_a_thousand_rows() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(0.95)
        stage.clock.jump_ns(100 * 10**9)
        await asyncio.sleep(1.0)

    stage = await Stage().play(scene)
    slots = [slot for slot in stage.sink.slots(0) if slot is not None]
    (first, count) = next((f, c) for axis, f, c in stage.sink.overruns if axis == 0)
    assert count > 900
    assert set(slots).isdisjoint(range(first, first + count))
    assert len(slots) + count == slots[-1] + 1


async def test_out_of_range_is_bad_with_its_value_and_nothing_else_is_disturbed() -> None:
    stage = Stage()
    stage.driver.values["bof1_plc/lance_in_flow"] = 900.0
    await stage.play(await wait(1.0))
    i = stage.plant.index_of["FT-101"]
    now = stage.image.freeze()
    assert (now.quality[i], now.reason[i], now.value[i]) == (2, Reason.OUT_OF_RANGE, 900.0)
    assert stage.quality("bof1_plc/lance_out_flow")[0] == Quality.GOOD


async def test_a_report_of_a_subscription_is_a_row_without_slot_and_a_loss_is_one_too() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(0.5)
        index = next(i for i, axis in enumerate(stage.line.axes) if axis.subscribed)
        axis = stage.line.axes[index]
        now_ns = stage.clock.mono_ns()
        stage.driver.values["dust1_plc/fan_current"] = 50.0
        row = good_columns(axis.block, stage.driver.values, now_ns, now_ns, 1_700_000_000_000_000)
        stage.driver.report(index, row)
        stage.driver.report(index, row, keep_alive=True)
        await asyncio.sleep(0.3)
        stage.driver.errors.extend(LinkFailed("cut", place="dust1") for _ in range(2))
        await asyncio.sleep(0.3)

    stage = await Stage(EDGE + DUST, line=1).play(scene)
    subscribed = next(axis.index for axis in stage.line.axes if axis.subscribed)
    rows = [(slot, row) for axis, slot, _, row in stage.sink.rows if axis == subscribed]
    assert [slot for slot, _ in rows] == [None, None]
    assert rows[0][1].value.tolist() == [50.0]
    assert set(rows[1][1].reason.tolist()) == {Reason.COMM_LOSS}


async def test_a_record_of_the_line_has_its_identity_and_times() -> None:
    stage = Stage()
    stage.driver.errors.append(LinkFailed("x", place="x", detail=Detail.TIMED_OUT))
    await stage.play(await wait(1.0))
    lane, body = stage.sink.records[0]
    assert int(lane) == 1
    assert {key: body[key] for key in ("k", "device", "line", "reason", "detail")} == {
        "k": "device.link_lost",
        "device": "bof1_plc",
        "line": "bof1",
        "reason": "COMM_LOSS",
        "detail": 0x0100,
    }
    assert len({str(record["id"]) for _, record in stage.sink.records}) == len(stage.sink.records)
    assert body["m"] == stage.sink.records[0][1]["m"]


def test_bad_columns_keep_the_last_value_in_the_image() -> None:
    made = plant()
    image = ProcessImage(made.layout)
    image.switch(
        0,
        value=[1.0, 2.0],
        quality=[0, 0],
        reason=[0, 0],
        detail=[0, 0],
        no_value=[False, False],
        source_us=[5, 5],
        receive_mono_ns=100,
    )
    row = bad_columns(2, Reason.COMM_LOSS, Detail.TIMED_OUT, 200)
    image.switch(
        0,
        value=row.value.tolist(),
        quality=row.quality.tolist(),
        reason=row.reason.tolist(),
        detail=row.detail.tolist(),
        no_value=row.no_value.tolist(),
        source_us=row.source_us.tolist(),
        receive_mono_ns=200,
    )
    now = image.freeze()
    assert now.value[:2] == [1.0, 2.0]
    assert now.receive_mono_ns[:2] == [100, 100]
    assert now.quality[:2] == [2, 2]
    assert now.sequence[:2] == [2, 2]
    assert np.isnan(now.value[2])
