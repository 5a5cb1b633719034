"""Issues of others, reproduced: the script stands in `tests/cases/acquisition/<issue>/case.toml`.

Ours must give no wrong value and go on; where the case says so, the bare library must fail on the
same script, or the case reproduces nothing.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.harness import bare
from tests.harness.campaign import WIRES, open_run, units_of
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.oracle import Tally
from tests.harness.script import Fault, Hit, Script
from tests.harness.wires import pty, tcp

CASES = Path(__file__).resolve().parents[2] / "cases" / "acquisition"
NAMES = sorted(folder.name for folder in CASES.iterdir() if (folder / "case.toml").exists())
EQUAL = [(1, 0, 20), (1, 40, 20), (1, 80, 20)]
SERVICE_S = 0.003


def case_of(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / name / "case.toml").read_text("utf-8"))


def script_of(case: dict[str, Any]) -> Script:
    return Script(
        {
            row["at"]: Hit(Fault(row["fault"]), row.get("factor", 1.5), row.get("word", 0))
            for row in case.get("faults", [])
        }
    )


def test_every_case_says_where_it_comes_from_and_what_went_wrong() -> None:
    assert len(NAMES) >= 10
    for name in NAMES:
        case = case_of(name)
        assert case["issue"], name
        assert case["says"], name
        assert case["wire"] in WIRES, name


@pytest.mark.parametrize("name", NAMES)
async def test_the_driver_gives_no_wrong_value_and_goes_on(name: str) -> None:
    case = case_of(name)
    holes = {3: frozenset(case.get("holes", []))}
    units = {unit: Unit(holes=holes, echo=one.echo) for unit, one in units_of(case["wire"]).items()}
    async with open_run(case["wire"], script_of(case), units=units) as run:
        for unit in case.get("dead_units", []):
            del run.equipment.units[unit]
        tally = await run.read(case["reads"])
        last = await run.read(1) if not case.get("dead_units") else tally
    assert tally.is_clean, tally
    assert last.is_clean
    assert tally.good > 30
    assert run.equipment.suffered.total() == len(case.get("faults", []))


@pytest.mark.parametrize("name", [name for name in NAMES if "bare" in case_of(name)])
async def test_the_bare_library_fails_on_the_same_script(name: str) -> None:
    case = case_of(name)
    framing = "rtu" if case["bare"]["rtu"] else "mbap"
    units = {1: Unit(service_s=SERVICE_S)}
    wire = WIRES[case["wire"]]
    equipment = Equipment(framing, units, script=script_of(case), is_shared=wire.is_shared)
    tally: Tally
    if case["wire"] == "rtu":
        async with pty(equipment) as line:
            client = bare.serial_client(line.path, 115_200, 0.02)
            tally = await bare.run(client, EQUAL, case["reads"])
    else:
        async with tcp(equipment) as port:
            client = bare.tcp_client(port, 0.02, rtu=case["bare"]["rtu"])
            tally = await bare.run(client, EQUAL, case["reads"])
    assert tally.wrong >= case["bare"]["wrong_min"], tally
