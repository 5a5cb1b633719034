"""The owner of the cabinet's module in virtual time: refresh, levels, losses, the button."""

import asyncio
from collections.abc import Mapping
from itertools import pairwise

from devices import catalog
from devices.failure import LinkFailed
from edge import points
from edge.acquisition.cabinet import CabinetOwner
from edge.acquisition.reports import Reports
from edge.image import Link, ProcessImage
from edge.plant import CABINET
from proto.quality import Quality, Reason
from tests.unit.edge.plant import EDGE, LoopClock, Sink, config
from tests.unit.edge.test_cabinet_config import LINE, TABLE


class Module:
    """A module in memory."""

    def __init__(self, clock: LoopClock) -> None:
        self.clock = clock
        self.writes: list[tuple[float, dict[str, bool]]] = []
        self.inputs = {"mains": True, "acknowledge": False}
        self.is_dead = False
        self.closed = 0

    async def write(self, levels: Mapping[str, bool]) -> None:
        await self._answer()
        self.writes.append((self.clock.mono_ns() / 1e9, dict(levels)))

    async def read(self) -> dict[str, bool]:
        await self._answer()
        return dict(self.inputs)

    def close(self) -> None:
        self.closed += 1

    async def _answer(self) -> None:
        await asyncio.sleep(0.5 if self.is_dead else 0.002)
        if self.is_dead:
            raise LinkFailed("silence", place="cabinet")


class Stage:
    """One owner over a module in memory."""

    def __init__(self) -> None:
        profiles = {name: catalog.find(name) for name in ("bof_lance_plc", "dust_dry_plc")}
        plant, faults = points.build(config(EDGE + LINE + TABLE), profiles)
        assert plant is not None, faults
        self.plant, self.clock, self.sink = plant, LoopClock(), Sink()
        self.image = ProcessImage(plant.layout)
        self.module = Module(self.clock)
        self.levels = {"sounder": False, "gateway_healthy": True}
        self.presses = 0
        self.start_ns = self.clock.mono_ns()
        self.owner = CabinetOwner(
            self.module,
            plant.cabinet,
            Reports("cabinet", self.image, self.sink, self.clock),
            self.clock,
            start_ns=self.start_ns,
            device=plant.devices.index(CABINET),
            levels=lambda: dict(self.levels),
            pressed=self._press,
        )

    def _press(self) -> None:
        self.presses += 1

    @property
    def records(self) -> list[str]:
        return self.sink.kinds()

    def mains(self) -> tuple[float, int, int]:
        at = self.plant.index_of["sys.gw.mains"]
        now = self.image.freeze()
        return now.value[at], now.quality[at], now.reason[at]

    @property
    def link(self) -> Link:
        return self.image.link(self.plant.devices.index(CABINET))


async def run(stage: Stage, seconds: float) -> None:
    """Let the owner run for a while."""
    try:
        async with asyncio.timeout(seconds):
            await stage.owner.run()
    except TimeoutError:
        return


async def test_outputs_are_refreshed_every_second_while_nothing_changes() -> None:
    stage = Stage()
    await run(stage, 5.05)
    times = [at for at, _ in stage.module.writes]
    assert len(times) == 6
    assert all(0.95 < b - a < 1.15 for a, b in pairwise(times))
    assert stage.module.closed == 1


async def test_a_change_is_written_with_the_next_slot() -> None:
    stage = Stage()
    asyncio.get_running_loop().call_later(0.55, stage.levels.update, {"sounder": True})
    await run(stage, 0.9)
    at, levels = stage.module.writes[-1]
    assert levels["sounder"]
    assert 0.55 <= at - stage.start_ns / 1e9 < 0.7


async def test_inputs_are_good_points_of_the_image_and_rows() -> None:
    stage = Stage()
    await run(stage, 1.05)
    assert stage.mains() == (1.0, Quality.GOOD, Reason.NONE)
    assert stage.link is Link.UP
    assert len(stage.sink.rows) == 11


async def test_a_dead_module_is_one_record_and_bad_points_until_it_is_back() -> None:
    stage = Stage()
    loop = asyncio.get_running_loop()
    loop.call_later(1.0, setattr, stage.module, "is_dead", True)
    loop.call_later(6.0, setattr, stage.module, "is_dead", False)
    seen: list[tuple[int, int]] = []
    loop.call_later(4.0, lambda: seen.append(stage.mains()[1:]))
    await run(stage, 10.0)
    assert stage.records == ["cabinet.module_lost", "cabinet.module_restored"]
    assert seen == [(Quality.BAD, Reason.COMM_LOSS)]
    assert stage.mains() == (1.0, Quality.GOOD, Reason.NONE)
    assert stage.link is Link.UP


async def test_every_slot_is_a_row_also_while_the_module_is_dead() -> None:
    stage = Stage()
    stage.module.is_dead = True
    await run(stage, 5.05)
    slots = [slot for _, slot, _, _ in stage.sink.rows]
    assert slots == list(range(slots[0], slots[0] + len(slots)))
    assert slots[0] <= 5
    assert slots[-1] >= 45


async def test_after_a_loss_the_levels_are_written_at_once() -> None:
    stage = Stage()
    loop = asyncio.get_running_loop()
    loop.call_later(1.0, setattr, stage.module, "is_dead", True)
    loop.call_later(3.0, setattr, stage.module, "is_dead", False)
    await run(stage, 6.0)
    back = [at - stage.start_ns / 1e9 for at, _ in stage.module.writes]
    assert any(3.0 < at < 4.7 for at in back)


async def test_the_button_counts_once_a_press() -> None:
    stage = Stage()
    loop = asyncio.get_running_loop()
    for begin in (1.0, 3.0):
        loop.call_later(begin, stage.module.inputs.update, {"acknowledge": True})
        loop.call_later(begin + 0.5, stage.module.inputs.update, {"acknowledge": False})
    await run(stage, 5.0)
    assert stage.presses == 2


async def test_a_button_held_at_the_start_is_no_press() -> None:
    stage = Stage()
    stage.module.inputs["acknowledge"] = True
    await run(stage, 2.0)
    assert stage.presses == 0
