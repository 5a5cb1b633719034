"""A gateway on a map with a hole: silent without a mark, searching under one, wiser after."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from devices.modbus.traffic import Wanted, allows
from edge.acquisition.contract import Contract, contract_of
from edge.clock import SystemClock
from edge.installation import load
from simulators.demo.pki import issue_gateway, make_authority
from tests.integration.devices.peers import Peer, libmodbus

BIN = Path(sys.executable).parent
GATEWAY = "330000-bof1"
EDGE = """
[gateway]
id = "330000-bof1"
site = "demo"
data_dir = "data"
[central]
address = "127.0.0.1:9"
ca = "root.pem"
cert = "330000-bof1.pem"
key = "330000-bof1.key"
[config]
version = 1
[[line]]
name = "bof1"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
probing = "{probing}"
[[device]]
name = "bof1_plc"
line = "bof1"
unit_id = 1
profile = "bof_lance_plc"
path = "plc"
life = "none"
reason = "a server without a program"
"""


def site(folder: Path, port: int, probing: str = "commissioning") -> Path:
    """Write one gateway's files."""
    authority = make_authority(folder, SystemClock().wall_us())
    issue_gateway(authority, folder, GATEWAY)
    (folder / "data").mkdir()
    path = folder / "edge.toml"
    path.write_text(EDGE.format(port=port, probing=probing), "utf-8")
    return path


async def command(*words: object) -> tuple[int, str]:
    """Run one command to its end; return its code and what it said."""
    program = str(BIN / "yujing-edge")
    process = await create_subprocess_exec(program, *map(str, words), stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@asynccontextmanager
async def gateway(path: Path) -> AsyncIterator[Process]:
    """Run the gateway; told to stop at the end."""
    with (path.parent / "gateway.log").open("ab") as log:
        process = await create_subprocess_exec(
            str(BIN / "yujing-edge"), "run", str(path), stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


async def seen(peer: Peer) -> list[Wanted]:
    words = (await peer.ask("log")).split()
    rows = [[int(part) for part in word.split(":")] for word in words]
    return [Wanted(1, fc, start, count) for fc, start, count in rows]


async def until(look: Callable[[], bool], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not look():
            await asyncio.sleep(0.1)


def contract(path: Path) -> Contract:
    made = load(path)
    found = contract_of(made.plant.lines[0], made.plant)
    assert isinstance(found, Contract)
    return found


async def test_a_mark_lets_the_gateway_search_and_what_it_finds_outlives_it(tmp_path: Path) -> None:
    async with libmodbus() as peer:
        await peer.tell("hole 11 2")  # the life counter
        path = site(tmp_path, peer.port)
        before = contract(path)
        log = tmp_path / "gateway.log"
        async with gateway(path):
            await until(lambda: log.exists() and (tmp_path / "data" / "control.sock").exists())
            await asyncio.sleep(2)
            unmarked = await seen(peer)
            assert unmarked
            assert [w for w in unmarked if not allows(before, w)] == []
            assert {w.start for w in unmarked if w.function == 3} <= {0, 12}
            code, said = await command(
                "mark", "open", "bof1_plc", "--reason", "new map", "--for", "1h", "--file", path
            )
            assert (code, "MAINTENANCE" in said) == (0, True), said
            code, said = await command("probe", path, "--line", "bof1", "--unit", 1)
            assert code == 1
            assert "second master" in said
            await asyncio.sleep(4)
            marked = await seen(peer)
            assert [w for w in marked if not allows(before, w, ["bof1_plc"])] == []
            assert Wanted(1, 3, 0, 11) in marked[-20:], "the fast block without its hole"
            code, _ = await command("mark", "close", "bof1_plc", "--file", path)
            assert code == 0
        learnt = json.loads((tmp_path / "data" / "learnt.json").read_text("utf-8"))
        [fact] = learnt["devices"]["bof1_plc"]["facts"]
        assert (fact["kind"], fact["first"], fact["last"]) == ("hole", 11, 11)
        code, said = await command("plan", path, "--lang", "en")
        assert "0..10" in said
        assert contract(path).hash != before.hash


async def test_probe_of_a_stopped_site_needs_a_mark_and_writes_a_draft(tmp_path: Path) -> None:
    async with libmodbus() as peer:
        await peer.tell("limit 64 3")
        for at in (50, 51):
            await peer.tell(f"hole {at} 2")
        path = site(tmp_path, peer.port)
        out = tmp_path / "draft.toml"
        words = ("probe", path, "--line", "bof1", "--unit", 1, "--range", "0..199", "--out", out)
        code, said = await command(*words)
        assert code == 1
        assert "--mark" in said
        assert await seen(peer) == []
        code, said = await command(*words, "--mark", "commissioning of the panel", "--lang", "en")
        assert code == 0, said
        assert "longest read 64 registers (65: exception 3)" in said
        assert "forbidden within 0..199: 50..51" in said
        assert "no writes" in said
        text = out.read_text("utf-8")
        assert "max_registers = 64" in text
        assert "commissioning of the panel" in text
        assert {w.function for w in await seen(peer)} <= {1, 2, 3, 4, 8, 43}


async def test_never_is_never_whoever_asks(tmp_path: Path) -> None:
    async with libmodbus() as peer:
        path = site(tmp_path, peer.port, "never")
        code, said = await command(
            "probe", path, "--line", "bof1", "--unit", 1, "--mark", "because I want to"
        )
        assert code == 1
        assert "never" in said
        assert await seen(peer) == []
