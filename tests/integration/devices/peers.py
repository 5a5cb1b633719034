"""Independent servers as processes: built or found here, started on a free port, ended by stdin."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "peers"
START_S = 30.0
ANSWER_S = 10.0


class Peer:
    """One running server: its port, and a way to tell it things, a line each."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    async def tell(self, line: str) -> str:
        """Send one line that is answered by "ok"."""
        answer = await self.ask(line)
        assert answer == "ok", answer
        return answer

    async def ask(self, line: str) -> str:
        """Send one line and return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        """End the process at once, as a power cut does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


def libmodbus_server(name: str = "server") -> Path:
    """Return a C server, built when it is not there or older than its source; or skip."""
    source = ROOT / "simulators" / "peers" / "libmodbus" / f"{name}.c"
    target = BUILD / "libmodbus" / name
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return target
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: simulators/peers/install")
    if not Path("/usr/include/modbus/modbus.h").exists():
        pytest.skip("no libmodbus-dev: simulators/peers/install")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(target), str(source), "-lmodbus"]
    subprocess.run(command, check=True, timeout=60)
    return target


def node_opcua() -> Mapping[str, str]:
    """Return where node and node-opcua are; or skip."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: simulators/peers/install")
    modules = BUILD / "node" / "node_modules"
    if not (modules / "node-opcua").is_dir():
        pytest.skip("no node-opcua: simulators/peers/install")
    return {"node": node, "modules": str(modules)}


@asynccontextmanager
async def libmodbus(unit: int = 1) -> AsyncIterator[Peer]:
    """Run the libmodbus server."""
    async with _running([str(libmodbus_server()), str(unit)]) as peer:
        yield peer


@asynccontextmanager
async def rtu_slave(path: str, baud: int, unit: int, delay_ms: int = 0) -> AsyncIterator[None]:
    """Run the libmodbus slave with address-coded registers on a serial port."""
    command = [str(libmodbus_server("rtu_server")), path, str(baud), "N", str(unit), str(delay_ms)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def opcua(settings: Mapping[str, object]) -> AsyncIterator[Peer]:
    """Run the node-opcua server."""
    where = node_opcua()
    script = ROOT / "simulators" / "peers" / "node" / "opcua_server.mjs"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps({**settings, "modules": where["modules"]}))
        file.flush()
        async with _running([where["node"], str(script), f"@{file.name}"]) as peer:
            yield peer


@asynccontextmanager
async def _running(command: list[str]) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        yield Peer(process, int(line))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
