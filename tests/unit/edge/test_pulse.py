"""The pulse: one grid for all that beats, in virtual time."""

import asyncio

import pytest

from edge.pulse import PULSE_NS, Pulse
from tests.unit.edge.plant import LoopClock


class Stage:
    """Parts on one pulse; every call is written down with its time in beats."""

    def __init__(self, start_ns: int | None = None) -> None:
        self.clock = LoopClock()
        self.pulse = Pulse(self.clock, start_ns=start_ns)
        self.begun_ns = self.clock.mono_ns()
        self.calls: list[tuple[str, int, int]] = []

    def part(self, name: str, every: int) -> "asyncio.Task[None]":
        """Start a part."""

        def act(skipped: int, _late_ns: int) -> None:
            beat = round((self.clock.mono_ns() - self.begun_ns) / PULSE_NS)
            self.calls.append((name, beat, skipped))

        return asyncio.create_task(self.pulse.keep(act, every))


async def test_the_more_frequent_part_comes_first_and_each_keeps_its_own_beat() -> None:
    stage = Stage()
    slow, fast = stage.part("slow", 3), stage.part("fast", 1)
    await asyncio.sleep(3.5 * PULSE_NS / 1e9)
    slow.cancel()
    fast.cancel()
    assert [name for name, beat, _ in stage.calls if beat == 3] == ["fast", "slow"]
    assert [beat for name, beat, _ in stage.calls if name == "fast"] == [0, 1, 2, 3]
    assert [beat for name, beat, _ in stage.calls if name == "slow"] == [0, 3]


async def test_a_late_timer_skips_whole_beats_and_tells_of_them() -> None:
    stage = Stage()
    part = stage.part("scan", 1)
    await asyncio.sleep(1.5 * PULSE_NS / 1e9)
    stage.clock.jump_ns(4 * PULSE_NS)
    await asyncio.sleep(3.0 * PULSE_NS / 1e9)
    part.cancel()
    beats = [beat for _, beat, _ in stage.calls]
    skipped = sum(one for _, _, one in stage.calls)
    assert skipped >= 3
    assert len(beats) + skipped == beats[-1] + 1  # each beat was run once or told as skipped


async def test_an_error_ends_the_task_that_asked_and_no_other() -> None:
    stage = Stage()

    def fails(_skipped: int, _late_ns: int) -> None:
        raise ValueError("of this part")

    seen: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    other = stage.part("scan", 1)
    with pytest.raises(ValueError, match="of this part"):
        await stage.pulse.keep(fails, 2)
    before = len(stage.calls)
    await asyncio.sleep(2.5 * PULSE_NS / 1e9)
    assert len(stage.calls) >= before + 2
    other.cancel()
    assert len(seen) == 1


async def test_the_timer_goes_with_the_last_part() -> None:
    stage = Stage()
    part = stage.part("scan", 1)
    await asyncio.sleep(PULSE_NS / 1e9)
    part.cancel()
    with pytest.raises(asyncio.CancelledError):
        await part
    count = len(stage.calls)
    await asyncio.sleep(10 * PULSE_NS / 1e9)
    assert len(stage.calls) == count


async def test_waiting_ends_at_the_beat_at_which_it_holds() -> None:
    stage = Stage()
    due_ns = stage.clock.mono_ns() + 3 * PULSE_NS
    await stage.pulse.until(lambda: stage.clock.mono_ns() >= due_ns)
    assert 3 <= round((stage.clock.mono_ns() - stage.begun_ns) / PULSE_NS) <= 4
