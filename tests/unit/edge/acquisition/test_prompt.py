"""Slots that need no task: what runs by call backs, and what wakes the task of the line."""

import asyncio

import pytest

from tests.unit.edge.acquisition.test_line import Stage, wait
from tests.unit.edge.plant import LoopClock, Prompted


class PromptStage(Stage):
    """A line whose driver calls back."""

    kind = Prompted
    driver: Prompted


async def test_a_line_that_is_well_never_wakes_its_task() -> None:
    stage = await PromptStage().play(await wait(3.05))
    assert stage.sink.slots(0) == list(range(31))
    reads = sum(stage.driver.reads.values())
    assert stage.driver.started >= reads - 4  # all but the slots of the very start, and riders
    assert stage.driver.rested >= 25, "no timer is left between two slots"


async def test_urgent_work_waits_for_the_read_in_flight_and_comes_before_the_next() -> None:
    seen: list[tuple[int, int]] = []

    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.02)
        stage.driver.delay_s = 0.03
        await asyncio.sleep(0.09)  # the slot at 1.1 s is in flight
        begun = stage.driver.started  # type: ignore[attr-defined]

        async def work() -> None:
            seen.append((begun, stage.driver.started))  # type: ignore[attr-defined]
            assert not stage.owner._prompt._reading

        assert stage.owner.urgent.put(work)
        assert not seen
        await asyncio.sleep(0.03)
        assert seen == [(begun, begun)], "after the read in flight, before the next"

    await PromptStage().play(scene)


async def test_a_line_that_ends_in_the_middle_of_a_read_stores_no_row_of_it() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.02)
        stage.driver.delay_s = 0.05
        await asyncio.sleep(0.1)
        scene_rows.append(len(stage.sink.rows))

    scene_rows: list[int] = []
    stage = PromptStage()
    await stage.play(scene)
    await asyncio.sleep(1)
    assert stage.driver.abandoned == 1
    assert len(stage.sink.rows) == scene_rows[0]


async def test_what_goes_wrong_in_a_call_back_ends_the_line_as_in_its_task() -> None:
    stage = PromptStage()
    task = asyncio.create_task(stage.owner.run())
    await asyncio.sleep(1.02)
    loop, unseen = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: unseen.append(context))

    def broken(*_: object) -> None:
        raise ArithmeticError("full")

    stage.sink.offer = broken  # type: ignore[assignment]
    await asyncio.sleep(0.2)
    loop.set_exception_handler(None)
    assert task.done()
    with pytest.raises(ExceptionGroup) as caught:
        task.result()
    assert caught.group_contains(ArithmeticError)


async def test_a_pause_of_the_process_is_told_by_rows_before_the_next_one() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1.02)
        assert isinstance(stage.clock, LoopClock)
        stage.clock.jump_ns(350 * 10**6)
        await asyncio.sleep(0.5)

    stage = await PromptStage().play(scene)
    slots = stage.sink.slots(0)
    assert slots == list(range(len(slots)))
