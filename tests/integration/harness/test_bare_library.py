"""The bare library on our harness: it must fail, or the harness proves nothing."""

import asyncio

from tests.harness import bare
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.script import Fault, Hit, Script
from tests.harness.wires import pty, tcp

EQUAL = [(1, 0, 20), (1, 40, 20), (1, 80, 20)]
TIMEOUT_S = 0.02
SERVICE_S = 0.003


def one_late(at: int) -> Script:
    return Script({at: Hit(Fault.LATE, 1.5)})


async def test_without_faults_the_bare_library_is_right_and_so_is_the_oracle() -> None:
    equipment = Equipment("rtu", {1: Unit()})
    async with tcp(equipment) as port:
        tally = await bare.run(bare.tcp_client(port, 0.5, rtu=True), EQUAL, 60)
    assert (tally.is_clean, tally.good, equipment.forbidden) == (True, 600, [])


async def test_one_late_answer_shifts_the_bare_library_for_good_on_a_serial_server() -> None:
    equipment = Equipment("rtu", {1: Unit(service_s=SERVICE_S)}, script=one_late(4))
    async with tcp(equipment) as port:
        tally = await bare.run(bare.tcp_client(port, TIMEOUT_S, rtu=True), EQUAL, 31)
    assert tally.outcomes["failed"] >= 1
    assert tally.wrong >= 10, tally  # the library answers every later question with the last one


async def test_one_late_answer_shifts_the_bare_library_for_good_on_a_serial_line() -> None:
    equipment = Equipment("rtu", {1: Unit(service_s=SERVICE_S)}, script=one_late(4))
    async with pty(equipment) as line:
        tally = await bare.run(bare.serial_client(line.path, 115_200, TIMEOUT_S), EQUAL, 31)
        await asyncio.sleep(0.05)
    assert tally.wrong >= 10, tally


async def test_the_bare_library_takes_short_answers_for_whole_ones_on_tcp_as_well() -> None:
    script = Script({at: Hit(Fault.SHORT) for at in range(10, 20)})
    equipment = Equipment("mbap", {1: Unit(service_s=SERVICE_S)}, script=script, is_shared=False)
    async with tcp(equipment) as port:
        tally = await bare.run(bare.tcp_client(port, 0.5, rtu=False), EQUAL, 30)
    assert tally.wrong == 10


async def test_a_gateway_that_shifts_gives_the_bare_library_wrong_values_under_right_ids() -> None:
    equipment = Equipment(
        "mbap", {1: Unit(service_s=SERVICE_S)}, script=Script({4: Hit(Fault.SHIFT, 1.5)})
    )
    async with tcp(equipment) as port:
        tally = await bare.run(bare.tcp_client(port, TIMEOUT_S, rtu=False), EQUAL, 31)
    assert tally.wrong >= 10, tally
