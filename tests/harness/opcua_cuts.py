"""Cuts between our OPC UA driver and a foreign server: what is lost, what comes twice.

usage: python -m tests.harness.opcua_cuts [--cuts 100] [--server node|asyncua] [--seed 1]
           [--low 0.5] [--high 30] [--forget]

Counters on the server go up by one; the driver sits behind a TCP line that is cut at random.
`--forget` (node only): the server loses the session in every cut; history fills what is missing.
A value is *stored* when a row brings it with a new source time.  Every number must be stored once.
One JSON line; exit code 1 unless nothing was lost and nothing doubled.
"""

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from devices.address import NodeType
from devices.driver import Change, DeviceSettings
from devices.opcua.driver import OpcUaDriver, OpcUaSecurity
from proto.errors import DeviceError
from tests.e2e.proxy import Proxy
from tests.integration.devices.certificates import THEIRS, make, our_pki
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import opcua
from tests.unit.devices.builders import dust, node

NODES = 20
COUNT_MS = 250
NS = "nsu=urn:peer:dust;s="
COMMIT_S = 0.4


class Counting(Protocol):
    """A foreign server whose counters can be started, stopped and asked."""

    @property
    def port(self) -> int:
        """Where it listens."""

    async def count(self, names: Sequence[str], ms: int) -> None:
        """Let these count; none = stop."""

    async def value(self, name: str) -> int:
        """Return the last number of one."""

    async def forget(self) -> None:
        """Lose every session with its subscriptions."""


@dataclass
class Judge:
    """What was stored: per point the numbers by their source time.

    Attributes:
        stored: how often each number of each point was stored.
        shown: rows without values: losses that the driver itself shows.
        replayed: numbers that came from history.
    """

    names: list[str]
    stored: list[Counter[int]] = field(default_factory=list)
    shown: int = 0
    replayed: int = 0
    _last: list[int] = field(default_factory=list)
    _due: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stored = [Counter() for _ in self.names]
        self._last = [0 for _ in self.names]

    def take(self, driver: OpcUaDriver) -> None:
        """Store what was reported; give tokens back a while later, as a commit does."""
        now = time.monotonic()
        for change in driver.changes():
            if change.token:
                self._due.append((now + COMMIT_S, change.token))
            if not change.keep_alive:
                self._store(change)
        while self._due and self._due[0][0] <= now:
            driver.committed(self._due.pop(0)[1])

    def _store(self, change: Change) -> None:
        columns = change.columns
        if columns.no_value.all():
            self.shown += 1
            return
        for at, source_us in enumerate(columns.source_us.tolist()):
            if columns.no_value[at] or not source_us:
                continue
            if change.replayed:
                self.replayed += 1
            elif source_us == self._last[at]:
                continue
            else:
                self._last[at] = source_us
            self.stored[at][int(columns.value[at])] += 1

    def verdict(self, last: Sequence[int]) -> tuple[int, int]:
        """Return how many numbers were lost, and how many came twice."""
        lost = sum(
            number not in counts
            for counts, end in zip(self.stored, last, strict=True)
            for number in range(1, end + 1)
        )
        doubled = sum(n - 1 for counts in self.stored for k, n in counts.items() if n > 1 and k)
        return lost, doubled


class NodeServer:
    """node-opcua."""

    def __init__(self, peer: object) -> None:
        self._peer = peer

    @property
    def port(self) -> int:
        return self._peer.port

    async def count(self, names: Sequence[str], ms: int) -> None:
        await self._peer.tell(json.dumps({"count": list(names), "ms": ms}))

    async def forget(self) -> None:
        await self._peer.tell(json.dumps({"do": "drop_sessions"}))

    async def value(self, name: str) -> int:
        return int(await self._peer.ask(json.dumps({"ask": name})))


class AsyncuaServer:
    """The server of asyncua, in this process: a second author's, though not of another language."""

    def __init__(self, server: object, nodes: dict[str, object]) -> None:
        self._server, self._nodes = server, nodes
        self._values = dict.fromkeys(nodes, 0)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self._server.bserver.port

    async def count(self, names: Sequence[str], ms: int) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._count(names, ms)) if names else None

    async def _count(self, names: Sequence[str], ms: int) -> None:
        while True:
            for name in names:
                self._values[name] += 1
                await self._nodes[name].write_value(float(self._values[name]))
            await asyncio.sleep(ms / 1000)

    async def forget(self) -> None:
        raise NotImplementedError("this server has no history to fill a gap from")

    async def value(self, name: str) -> int:
        return self._values[name]


def names() -> list[str]:
    """Return the counters' names."""
    return [f"C{at}" for at in range(NODES)]


@asynccontextmanager
async def foreign(
    kind: str, folder: Path, counters: Sequence[str] = ()
) -> AsyncIterator[tuple[Counting, Path]]:
    """Run a server; its counters, and our pki."""
    wanted = counters or names()
    theirs = make(folder / "server", THEIRS)
    pki = our_pki(folder / "pki", theirs)
    if kind == "node":
        settings = {
            "pki": str(folder / "server_pki"),
            "certificate": str(theirs),
            "key": str(theirs.parent / "key.pem"),
            "trusted": [str(pki / "own" / "cert.pem")],
            "uri": THEIRS,
            "nodes": [
                {"id": n, "type": "Double", "value": 0, "history": not counters} for n in wanted
            ],
        }
        async with opcua(settings) as peer:
            yield NodeServer(peer), pki
        return
    async with _asyncua(theirs) as server:
        yield server, pki


@asynccontextmanager
async def _asyncua(certificate: Path) -> AsyncIterator[AsyncuaServer]:
    from asyncua import Server, ua

    server = Server()
    await server.init()
    await server.set_application_uri(THEIRS)
    server.set_endpoint("opc.tcp://127.0.0.1:0/")
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    await server.load_certificate(certificate)
    await server.load_private_key(certificate.parent / "key.pem")
    await server.register_namespace("urn:peer:first")
    index = await server.register_namespace("urn:peer:dust")
    made = {
        name: await server.nodes.objects.add_variable(
            ua.NodeId(name, index), name, 0.0, ua.VariantType.Double
        )
        for name in names()
    }
    async with server:
        yield AsyncuaServer(server, made)


async def keep(driver: OpcUaDriver, judge: Judge, stop: asyncio.Event) -> None:
    """Do what the owner of a line does: connect whenever needed, fetch, commit, run errands."""
    while not stop.is_set():
        judge.take(driver)
        if not driver.connected:
            try:
                await driver.connect()
            except DeviceError:
                await asyncio.sleep(0.2)
        elif (due := driver.errand_ns) is not None and due <= time.monotonic_ns():
            await driver.run_errand()
        await asyncio.sleep(0.05)
    judge.take(driver)


async def campaign(
    kind: str,
    cuts: int,
    seed: int,
    low_s: float,
    high_s: float,
    folder: Path,
    *,
    is_forgetful: bool = False,
) -> dict[str, object]:
    """Run one campaign and return its figures."""
    chance = random.Random(seed)
    bindings = [node(f"d/{n}", f"{NS}{n}", NodeType.DOUBLE, acquire="subscribe") for n in names()]
    device = DeviceSettings("d", 0, dust().profile, tuple(bindings), {"fast": 100_000_000})
    async with foreign(kind, folder) as (server, pki):
        with Proxy(server.port) as proxy:
            endpoint = f"opc.tcp://127.0.0.1:{proxy.port}"
            driver = OpcUaDriver(endpoint, [device], OpcUaSecurity(pki), RealClock())
            judge, stop = Judge(names()), asyncio.Event()
            task = asyncio.create_task(keep(driver, judge, stop))
            await _until(lambda: driver.connected and bool(judge.stored[0]), 30)
            await server.count(names(), COUNT_MS)
            begun = time.monotonic()
            for _ in range(cuts):
                await asyncio.sleep(chance.uniform(0.3, 2.0))
                await asyncio.to_thread(proxy.cut)
                if is_forgetful:
                    await server.forget()
                await asyncio.sleep(chance.uniform(low_s, high_s))
                proxy.restore()
                await _until(lambda: driver.connected, 60)
            await asyncio.sleep(1.0)
            await server.count([], 0)
            await asyncio.sleep(3.0)
            await _until(lambda: driver.errand_ns is None, 60)
            last = [await server.value(name) for name in names()]
            stop.set()
            await task
            await driver.close()
            lost, doubled = judge.verdict(last)
            used = resource.getrusage(resource.RUSAGE_SELF)
            return {
                "server": kind,
                "cuts": cuts,
                "seed": seed,
                "seconds": round(time.monotonic() - begun, 1),
                "numbers": sum(last),
                "lost": lost,
                "doubled": doubled,
                "shown": judge.shown,
                "replayed": judge.replayed,
                "early_acks": driver.inbox.early_acks,
                "cpu_s": round(used.ru_utime + used.ru_stime, 2),
            }


async def _until(condition, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.05)


def main() -> int:
    """Run one campaign as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--server", choices=("node", "asyncua"), default="node")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--low", type=float, default=0.5)
    parser.add_argument("--high", type=float, default=30.0)
    parser.add_argument("--forget", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(
            campaign(
                given.server,
                given.cuts,
                given.seed,
                given.low,
                given.high,
                Path(folder),
                is_forgetful=given.forget,
            )
        )
    print(json.dumps(figures))
    return 1 if figures["lost"] or figures["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
