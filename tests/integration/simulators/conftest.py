"""Plants on real sockets, in the loop of the test, asked through their control socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simulators.demo.pki import make_application, trust
from simulators.serve.control import ControlSocket, ask
from simulators.serve.line import LineServer
from simulators.serve.plants import PlantOptions, make_plant

SERVER_URI = "urn:yujing-sim:test"
CLIENT_URI = "urn:yujing-sim:test-client"
STRANGER_URI = "urn:yujing-sim:stranger"


@dataclass(frozen=True, slots=True)
class Running:
    """One plant that runs."""

    server: LineServer
    control: Path

    @property
    def port(self) -> int:
        return self.server.port

    async def ask(self, **request: object) -> dict[str, object]:
        return await ask(self.control, request)

    async def status(self) -> dict[str, object]:
        return await self.ask(do="status")

    async def until(
        self, what: Callable[[dict[str, object]], object], seconds: float = 8.0
    ) -> dict[str, object]:
        """Return the first status that `what` accepts."""
        status: dict[str, object] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    status = await self.status()
                    if what(status):
                        return status
                    await asyncio.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {status}")


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Running]:
    """Run one plant, its line open, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    plant, server = make_plant(PlantOptions(name, seed=3, pki=folder / "pki"))
    control = ControlSocket(folder / "c.sock", plant)
    await control.open()
    await server.prepare()
    task = asyncio.create_task(plant.run())
    found = Running(server, folder / "c.sock")
    try:
        await found.until(lambda s: s["is_serving"])
        yield found
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)
        await control.close()
        await plant.stop()


def make_pki(folder: Path) -> None:
    """Make certificates of a server, of a client that it knows, and of a stranger."""
    now_us = time.time_ns() // 1000
    server = make_application(folder / "pki", SERVER_URI, "server", now_us, server=True)
    client = make_application(folder / "client", CLIENT_URI, "client", now_us, server=False)
    make_application(folder / "stranger", STRANGER_URI, "stranger", now_us, server=False)
    trust(folder / "pki", client, "client")
    for each in ("client", "stranger"):
        trust(folder / each, server, "server")
