"""What happens in plants: a frozen copy, a slot that is held, a download that moves the map."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from devices.driver import BlockColumns
from devices.kinds import Kind
from devices.profile import Profile
from devices.profile_check import parse_profile
from proto.quality import Detail, Quality, Reason
from tests.harness.campaign import open_run
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.site import PROFILE, Site, running
from tests.harness.wires import tcp

LIFE = """
[[points]]
name = "life"
title = "life"
parameter = "a.code"
unit = "1"
poll = "fast"
life = true
moves = "counter"
at = { table = "holding", address = 1, type = "uint16" }
vector = { registers = [1], value = 1.0 }
[[points]]
name = "r0"
title = "r0"
parameter = "a.code"
unit = "1"
poll = "fast"
at = { table = "holding", address = 10, type = "uint16" }
vector = { registers = [1], value = 1.0 }
"""
TEXT = """
[[line]]
name = "bof1"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
timeout = "300ms"
[[device]]
name = "plc"
line = "bof1"
unit_id = 1
profile = "p"
path = "{path}"
life = "life"
[poll]
fast = "100ms"
normal = "500ms"
"""


def with_life() -> Profile:
    kind = Kind(kind="coded", title="t", clauses=("O10-4.4",), requires=("a.code",))
    text = PROFILE.format(name="p", options="") + LIFE
    return parse_profile(text, "p.toml", {"a.code": "1"}, {"coded": kind})


@asynccontextmanager
async def mirror(path: str = "plc"):
    """A controller whose counter stands in register 1; `frozen` stops it while answers go on."""
    unit = Unit(content={(3, 1): 0})
    equipment = Equipment("mbap", {1: unit}, is_shared=False)

    async def count() -> None:
        while True:
            await asyncio.sleep(0.05)
            if not equipment_frozen[0]:
                unit.content[3, 1] = (unit.content[3, 1] + 1) & 0xFFFF

    equipment_frozen = [False]
    async with tcp(equipment) as port:
        task = asyncio.create_task(count())
        try:
            async with running(TEXT.format(port=port, path=path), {"p": with_life()}) as site:
                yield site, unit, equipment_frozen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def good(site: Site, since: int = 0) -> list[BlockColumns]:
    """The rows in which the process value is GOOD."""
    return [
        row.columns
        for row in site.sink.rows[since:]
        if len(row.columns) > 1 and row.columns.quality[-1] == Quality.GOOD
    ]


async def test_a_mirror_that_freezes_goes_bad_although_it_answers_and_needs_two_movements() -> None:
    async with mirror() as (site, unit, frozen):
        await asyncio.sleep(1.0)
        assert good(site)
        frozen[0] = True
        await asyncio.sleep(3.0)  # moves_within = 2 s, and a poll
        mark = len(site.sink.rows)
        await asyncio.sleep(0.5)
        stopped = [row.columns for row in site.sink.rows[mark:] if len(row.columns) > 1]
        assert stopped
        assert {(int(c.reason[-1]), int(c.detail[-1])) for c in stopped} == {
            (Reason.STALE, Detail.LIFE_STOPPED)
        }
        assert not any(c.no_value[-1] for c in stopped), "values are kept"
        unit.content[3, 1] += 7  # the mirror refreshes its dead copy once, as on a reconnect
        mark = len(site.sink.rows)
        await asyncio.sleep(0.6)
        assert good(site, mark) == []
        frozen[0] = False
        await asyncio.sleep(0.6)
        assert good(site, mark)
        assert "device.life_stopped" in site.sink.kinds()
        assert "device.life_returned" in site.sink.kinds()


async def test_a_plc_in_stop_that_answers_then_zeros_then_counts_from_zero_is_a_restart() -> None:
    async with mirror() as (site, unit, frozen):
        unit.content[3, 1] = 1000
        await asyncio.sleep(1.0)
        assert good(site)
        frozen[0] = True
        await asyncio.sleep(2.6)
        unit.content[3, 1] = 0  # STOP is over: everything begins at zero
        frozen[0] = False
        mark = len(site.sink.rows)
        await asyncio.sleep(0.8)
        kinds = site.sink.kinds()
        assert "device.life_stopped" in kinds
        assert "device.life_returned" in kinds or "device.controller_restarted" in kinds
        assert site.sink.rows[mark:]


async def test_a_download_that_moves_the_map_is_wrong_without_a_canary() -> None:
    """The reason for canaries: bytes are right, the program is another one."""
    async with open_run("mbap", units={1: Unit(content={(3, 200): 4711})}) as run:
        await run.read(len(run.driver.blocks))
        assert run.tally.is_clean
        run.equipment.units[1] = Unit(shift=2, content={(3, 200): 1})
        await run.read(len(run.driver.blocks))
    assert run.tally.wrong > 0


async def test_a_download_that_moves_the_map_is_found_by_a_canary_in_a_block() -> None:
    options = 'canary = { table = "holding", address = 82, equals = 4711 }'
    unit = Unit(content={(3, 82): 4711})
    async with open_run("mbap", units={1: unit}, options=options) as run:
        block = run.driver.blocks[0]
        assert block.request.describe() == "unit 1 FC3 0+92"
        columns = await run.driver.read(block)
        assert (columns.quality == Quality.GOOD).all()
        run.equipment.units[1] = Unit(shift=2)
        columns = await run.driver.read(block)
        assert (columns.quality == Quality.BAD).all()
        assert set(columns.detail.tolist()) == {Detail.CANARY}
        assert "device.canary_failed" in [note.code for note in run.driver.notes()]


DIGEST = """
[[points]]
name = "program"
title = "program"
parameter = "a.code"
unit = "1"
poll = "fast"
digest = "program"
at = { table = "holding", address = 11, type = "uint16" }
vector = { registers = [1], value = 1.0 }
"""
CANARY = 'canary = { table = "holding", address = 5, equals = 4711 }'
ASIDE = CANARY.replace("5,", "40,")


async def _downloaded(options: str, *, moved: bool) -> tuple[Site, set[tuple[int, int]]]:
    """Put another program into a controller; return what its point says long after."""
    kind = Kind(kind="coded", title="t", clauses=("O10-4.4",), requires=("a.code",))
    text = PROFILE.format(name="p", options=options) + LIFE + DIGEST
    profile = parse_profile(text, "p.toml", {"a.code": "1"}, {"coded": kind})
    unit = Unit(content={(3, 1): 0, (3, 11): 100, (3, 5): 4711, (3, 40): 4711})

    async def program() -> None:
        while True:
            await asyncio.sleep(0.05)
            unit.content[3, 1] = (unit.content[3, 1] + 1) & 0xFFFF

    async with tcp(Equipment("mbap", {1: unit}, is_shared=False)) as port:
        task = asyncio.create_task(program())
        quick = TEXT.format(port=port, path="plc").replace(
            'path = "', 'restart_settle = "0s"\npath = "'
        )
        try:
            async with running(quick, {"p": profile}) as site:
                await asyncio.sleep(0.6)
                assert good(site)
                unit.content[3, 11] = 101
                if moved:
                    unit.content |= {(3, 5): 0, (3, 7): 4711, (3, 40): 0, (3, 42): 4711}
                for _ in range(15):  # the pulse of the gateway
                    await asyncio.sleep(0.1)
                    site.owners[0].tick()
                last = [row.columns for row in site.sink.rows if len(row.columns) > 1][-3:]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return site, {(int(c.reason[-1]), int(c.detail[-1])) for c in last}


async def test_a_download_without_a_canary_leaves_the_map_unproven() -> None:
    site, said = await _downloaded("", moved=False)
    assert said == {(Reason.DEVIATION, Detail.MAP_UNPROVEN)}
    assert "device.canary_fitted" not in site.sink.kinds()


@pytest.mark.parametrize("canary", [CANARY, ASIDE])
async def test_a_download_that_left_the_map_is_proved_by_the_canary(canary: str) -> None:
    site, said = await _downloaded(canary, moved=False)
    assert said == {(Reason.NONE, Detail.NONE)}
    kinds = site.sink.kinds()
    assert kinds.index("plant.program_changed") < kinds.index("device.canary_fitted")
    assert kinds.count("device.canary_fitted") == 1


async def test_a_download_that_moved_the_map_is_never_proved_by_the_canary() -> None:
    site, said = await _downloaded(CANARY, moved=True)
    assert said == {(Reason.PROTOCOL, Detail.CANARY)}
    assert "device.canary_failed" in site.sink.kinds()
    assert "device.canary_fitted" not in site.sink.kinds()
