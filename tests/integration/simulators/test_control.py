"""The control socket of a plant, and the commands that use it."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.serve.control import ControlSocket, NotReachable, ask
from simulators.serve.plants import PlantOptions, make_plant
from tests.integration.simulators.conftest import Running, running


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Running]:
    async with running("bof", tmp_path) as found:
        yield found


async def sim(*arguments: str, **env: str) -> tuple[int, str, str]:
    """Run one command; return its exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **env},
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_socket_is_for_its_owner_alone(plant: Running) -> None:
    assert stat.S_IMODE(plant.control.stat().st_mode) == 0o600


async def test_a_fault_is_injected_and_cleared_from_the_command_line(plant: Running) -> None:
    control = ("--control", str(plant.control))
    code, out, _ = await sim(
        "fault", "bof", "freeze_sensor", "--on", "lance_in_flow", "--for", "30s", *control
    )
    assert (code, "freeze_sensor lance_in_flow" in out) == (0, True)
    [fault] = (await plant.status())["faults"]
    assert (fault["kind"], fault["on"], 0 < fault["left_ms"] <= 30_000) == (
        "freeze_sensor",
        "lance_in_flow",
        True,
    )
    code, out, _ = await sim("fault", "bof", "freeze_sensor", "--clear", "--json", *control)
    assert code == 0
    assert json.loads(out)["cleared"] == 1
    assert (await plant.status())["faults"] == []


async def test_the_status_shows_truth_beside_image(plant: Running) -> None:
    await plant.ask(do="fault", kind="freeze_sensor", on="lance_out_flow")
    await plant.ask(do="fault", kind="leak")
    status = await plant.until(lambda s: s["truth"]["truth.leak_m3_h"] > 5)
    assert status["image"]["lance_out_flow"] > status["truth"]["lance_out_flow"] + 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("fault", "bofx", "leak"), 2, "valid: bof, dust_dry"),
        (("fault", "bof", "leek"), 2, "valid here: bypass, cut_line, freeze_sensor, leak"),
        (("fault", "dust_dry", "leak"), 2, "clogged_bag"),
        (("fault", "bof", "freeze_sensor", "--on", "zz"), 2, "valid here: lance_in_flow"),
        (("fault", "bof", "leak", "--for", "soon"), 2, "such as 10s"),
        (("fault", "bof"), 2, "which fault? valid"),
        (("fault", "bof", "leak"), 1, "no demo is running"),
        (("fault", "bof", "leak", "--control", "nowhere.sock"), 1, "no plant answers"),
        (("plant", "zz"), 2, "valid: bof, dust_dry"),
        (("plant", "bof", "--opcua", "4840"), 2, "bof speaks modbus"),
        (("plant", "bof", "--modbus", "65536"), 2, "--modbus PORT: 0 to 65535"),
        (("plant", "bof", "--modbus=-1"), 2, "--modbus PORT: 0 to 65535"),
        (("plant", "dust_dry"), 78, "needs --pki DIR"),
    ],
)
async def test_a_wrong_command_says_what_is_valid(
    arguments: tuple[str, ...], code: int, says: str, tmp_path: Path
) -> None:
    found, out, err = await sim(*arguments, YUJING_DEMO_DIR=str(tmp_path / "none"))
    assert (found, out, says in err) == (code, "", True), err
    assert len(err.strip().splitlines()) == 1


async def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = await sim("plant", "bof", "--modbus", str(taken.getsockname()[1]))
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert "address already in use" in err.lower()


async def test_a_second_plant_on_the_same_socket_is_refused_and_the_first_lives_on(
    plant: Running,
) -> None:
    code, _, err = await sim("plant", "bof", "--control", str(plant.control))
    assert (code, "another plant is running here" in err) == (1, True)
    assert (await plant.status())["plant"] == "bof"


async def test_the_socket_of_a_dead_plant_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    plant, _ = make_plant(PlantOptions("bof"))
    control = ControlSocket(path, plant)
    await control.open()
    assert (await ask(path, {"do": "status"}))["plant"] == "bof"
    await control.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense\n", "control.refused"),
        (b"[1]\n", "control.refused"),
        (b'{"do": "jump"}\n', "control.unknown"),
        (b'{"do": "fault"}\n', "control.unknown"),
        (b'{"do": "fault", "kind": 7}\n', "control.refused"),
        (b'{"do": "fault", "kind": "leak", "for_ms": "x"}\n', "control.refused"),
        (b'{"do": "fault", "kind": "leek"}\n', "fault.refused"),
        (b'{"do": "fault", "kind": "leak", "for_ms": -5}\n', "fault.refused"),
    ],
)
async def test_a_wrong_request_is_answered_and_the_plant_lives_on(
    plant: Running, line: bytes, code: str
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(plant.control))
    writer.write(line)
    async with asyncio.timeout(3):
        answer = json.loads(await reader.readline())
    writer.close()
    assert (answer["ok"], answer["code"]) == (False, code)
    assert (await plant.status())["faults"] == []


async def test_a_line_without_end_ends_its_connection_only(plant: Running) -> None:
    reader, writer = await asyncio.open_unix_connection(str(plant.control))
    writer.write(b"x" * 200_000)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()
    assert (await plant.status())["plant"] == "bof"


async def test_a_plant_in_a_deep_folder_can_be_controlled(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    async with running("bof", deep) as plant:
        code, out, _ = await sim("fault", "bof", "leak", "--control", str(plant.control))
        assert (code, "leak" in out) == (0, True)


async def test_nobody_answers_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotReachable, match="no plant answers"):
        await ask(tmp_path / "nowhere.sock", {"do": "status"})


async def test_sigterm_ends_a_plant_cleanly(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", "plant", "bof", "--control", str(path)],
        stdout=subprocess.PIPE,
    ) as child:
        async with asyncio.timeout(15):
            while not path.exists() or not (await ask(path, {"do": "status"}))["is_serving"]:
                await asyncio.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        out, _ = await asyncio.to_thread(child.communicate, timeout=5)
    assert child.returncode == 0
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["writes_refused"]) == ("plant.stopped", 0)
    assert not path.exists()
