"""A failed part is restarted within a limit, then the process gives up loudly."""

import asyncio

import pytest

from edge.supervisor import Limit, Supervisor, describe
from proto.errors import ConfigError, Fault


class LoopClock:
    def wall_us(self) -> int:
        return 0

    def mono_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1e9)


async def test_a_part_that_fails_runs_again() -> None:
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("broken")

    keeper = Supervisor(LoopClock())
    await keeper.keep("part", part)

    assert runs == 3
    assert keeper.restarts == {"part": 2}
    assert not keeper.gave_up.is_set()


async def test_a_part_that_fails_too_often_ends_the_process_with_its_errors() -> None:
    async def part() -> None:
        raise RuntimeError("broken")

    keeper = Supervisor(LoopClock(), Limit(failures=2))
    await keeper.keep("part", part)

    assert keeper.gave_up.is_set()
    assert keeper.failed[0].lines() == [
        "└─ part gave up",
        "   ├─ RuntimeError: broken",
        "   ├─ RuntimeError: broken",
        "   └─ RuntimeError: broken",
    ]


async def test_failures_far_apart_are_forgiven() -> None:
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(61)
        if runs < 20:
            raise RuntimeError("broken")

    keeper = Supervisor(LoopClock(), Limit(failures=1))
    await keeper.keep("part", part)

    assert runs == 20


async def test_what_the_operator_must_mend_is_not_tried_again() -> None:
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        raise ConfigError([Fault("a", "config.x", "mend a"), Fault("b", "config.x", "mend b")])

    keeper = Supervisor(LoopClock())
    await keeper.keep("part", part)

    assert runs == 1
    assert keeper.failed[0].errors == ("a: config.x mend a", "b: config.x mend b")


async def test_cancellation_passes_through() -> None:
    async def part() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(Supervisor(LoopClock()).keep("part", part))
    await asyncio.sleep(1)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_hidden_by_a_failing_child_is_kept() -> None:
    runs = 0

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("broken while it was cancelled")

    async def part() -> None:
        nonlocal runs
        runs += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(child())

    task = asyncio.create_task(Supervisor(LoopClock()).keep("part", part))
    await asyncio.sleep(1)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert runs == 1


def test_a_group_is_described_by_its_leaves_once() -> None:
    group = ExceptionGroup(
        "g", [ValueError("a"), ExceptionGroup("h", [ValueError("a"), KeyError()])]
    )

    assert describe(group) == "ValueError: a; KeyError"
