"""`yujing-sim demo`: set up, start, watch, tell, stop in order, account.  Shell: child processes.

Order of starting: plants and the centre, then the gateways.  Order of stopping: gateways (they
drain what they hold), questions to the centre, the centre, plants.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from simulators.clock import SystemClock
from simulators.demo import files
from simulators.demo.children import Child, ChildFailed, ask, start
from simulators.demo.files import DemoRefused
from simulators.demo.layout import SITES, Ports
from simulators.demo.summary import GatewayEnd, Json, is_ready, summarise, why_not_ready
from simulators.serve.control import NotReachable
from simulators.serve.control import ask as ask_plant

UP_S = 45.0  # deadline of plants and centre; a busy machine of two cores needs a third of it
READY_S = 90.0
POLL_S = 0.4
QUESTION_S = 20.0
GATEWAY_STOP_S = 25.0  # a gateway drains for up to 10 s
CENTRAL_STOP_S = 15.0
PLANT_STOP_S = 5.0
LEAK_AT_S = 12.0
LEAK_FOR_MS = 8_000
LEAK_NEEDS_S = 25.0  # a shorter run has no time for the leak

Say = Callable[[str], None]


@dataclass(slots=True)
class Demo:
    """One run: folder, ports, children by name."""

    folder: Path
    ports: Ports
    say: Say
    children: dict[str, Child] = field(default_factory=dict)
    started_s: float = 0.0
    ready_s: float | None = None
    leaked: bool = False

    @property
    def console(self) -> str:
        """Address of the console."""
        return f"http://127.0.0.1:{self.ports.http}/"

    async def launch(self, name: str, *arguments: str) -> Child:
        """Start one of our programs and keep it."""
        log = self.folder / "logs" / f"{name}.log"
        child = await start(name, arguments, log, Path.cwd())
        self.children[name] = child
        return child

    def check(self) -> None:
        """Raise when a child has ended by itself."""
        for child in self.children.values():
            child.check()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the summary, and what speaks against it."""

    summary: dict[str, object]
    faults: list[str]


def now_s() -> float:
    """Return monotonic seconds."""
    return SystemClock().mono_ns() / 1e9


async def run_demo(
    folder: Path,
    seconds: float | None,
    say: Say,
    told: Callable[[Demo], None],
    console_port: int = 0,
) -> Outcome:
    """Run the demo in an empty folder until `seconds` are over or a signal comes.

    Args:
        folder: absolute, empty, ours.
        seconds: None = until Ctrl-C.
        say: prints one line of progress.
        told: is called once everything is live.
        console_port: what the console should have if it is free; 0 = any.

    Raises:
        DemoRefused: it cannot start.
        ChildFailed: a process ended by itself or did not come up.
    """
    try:
        ports = files.free_ports(console_port)
        files.write_all(folder, ports)
    except OSError as failed:
        raise DemoRefused(f"{failed.filename or folder}: {failed.strerror}") from failed
    demo = Demo(folder, ports, say)
    stop = _signals(demo)
    try:
        await _start(demo, stop)
        await _run(demo, seconds, stop, told)
        return await _finish(demo)
    finally:
        await _stop_rest(demo)


def _signals(demo: Demo) -> asyncio.Event:
    """Make the first SIGINT or SIGTERM end the run in order, the second at once."""
    stop = asyncio.Event()

    def end() -> None:
        if stop.is_set():
            for child in demo.children.values():
                if not child.has_ended:
                    child.process.kill()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return stop


async def _start(demo: Demo, stop: asyncio.Event) -> None:
    """Start plants and centre, wait until they serve, then start the gateways."""
    folder = demo.folder
    demo.started_s = now_s()
    for site in SITES:
        arguments = ["simulators", "plant", site.plant, f"--{site.protocol}"]
        arguments += [str(demo.ports.plants[site.plant])]
        arguments += ["--control", str(files.control(folder, site.plant))]
        if site.protocol == "opcua":
            arguments += ["--pki", str(files.plant_pki(folder, site.plant))]
        await demo.launch(site.plant, *arguments)
    await demo.launch("central", "central", "run", str(files.central_config(folder)))
    _write_state(demo)
    demo.say("厂区与中心启动中 plants and centre are starting …")
    for site in SITES:
        await _until(demo, stop, site.plant, UP_S, partial(_plant_serves, demo, site.plant))
    await _until(demo, stop, "central", UP_S, partial(_listens, demo.ports.gateways))
    for site in SITES:
        config = folder / site.gateway / "edge.toml"
        await demo.launch(site.gateway, "edge", "run", str(config))
    _write_state(demo)
    demo.say("网关启动中 gateways are starting …")


async def _until(
    demo: Demo, stop: asyncio.Event, name: str, seconds: float, look: Callable[[], Awaitable[bool]]
) -> None:
    """Wait until `look` is true, within a deadline, as long as no child ends.

    Raises:
        ChildFailed: not in time.
    """
    deadline = now_s() + seconds
    while not stop.is_set():
        demo.check()
        if await look():
            return
        if now_s() > deadline:
            child = demo.children[name]
            raise ChildFailed(
                f"{name}: not up within {seconds:.0f} s; {child.log}:\n{child.tail()}"
            )
        await asyncio.sleep(0.1)


async def _plant_serves(demo: Demo, plant: str) -> bool:
    try:
        answer = await ask_plant(files.control(demo.folder, plant), {"do": "status"}, timeout_s=1.0)
    except NotReachable:
        return False
    return answer.get("is_serving") is True


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _run(
    demo: Demo, seconds: float | None, stop: asyncio.Event, told: Callable[[Demo], None]
) -> None:
    """Wait for the first light, then until the time is over, watching the children."""
    await _first_light(demo, stop)
    if stop.is_set():
        return
    told(demo)
    with_leak = seconds is not None and seconds >= LEAK_NEEDS_S
    while not stop.is_set():
        demo.check()
        elapsed = now_s() - demo.started_s
        if seconds is not None and elapsed >= seconds:
            return
        if with_leak and not demo.leaked and elapsed >= LEAK_AT_S:
            await _leak(demo)
        try:
            async with asyncio.timeout(0.2):
                await stop.wait()
        except TimeoutError:
            continue


async def _first_light(demo: Demo, stop: asyncio.Event) -> None:
    """Ask the centre until every site is LIVE with fresh GOOD values."""
    sites: list[Json] = []
    for site in SITES:
        socket = demo.folder / site.gateway / "data" / "control.sock"
        await _until(demo, stop, site.gateway, UP_S, partial(_exists, socket))
    while not stop.is_set():
        demo.check()
        sites = await _central(demo, "sites")
        if is_ready(sites, len(SITES)):
            demo.ready_s = now_s() - demo.started_s
            return
        if now_s() - demo.started_s > READY_S:
            raise ChildFailed(f"not live within {READY_S:.0f} s: {why_not_ready(sites)}")
        await asyncio.sleep(POLL_S)


async def _leak(demo: Demo) -> None:
    demo.leaked = True
    demo.say("氧枪漏水 the lance leaks now, for 8 s")
    request = {"do": "fault", "kind": "leak", "for_ms": LEAK_FOR_MS}
    try:
        await ask_plant(files.control(demo.folder, "bof"), request)
    except NotReachable as gone:
        raise ChildFailed(str(gone)) from gone


async def _central(demo: Demo, question: str) -> list[Json]:
    """Return the answer of `yujing-central QUESTION --json`; empty while it does not answer."""
    config = str(files.central_config(demo.folder))
    arguments = ("central", question, "--json", "--config", config)
    code, out, _ = await ask(arguments, Path.cwd(), QUESTION_S)
    if code != 0:
        return []
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [each for each in found if isinstance(each, dict)]


async def _finish(demo: Demo) -> Outcome:
    """Stop the gateways, then ask the centre what it holds."""
    demo.say("网关停止中 gateways are draining …")
    ran_s = now_s() - demo.started_s
    gateways = [demo.children[site.gateway] for site in SITES if site.gateway in demo.children]
    codes = await asyncio.gather(*(child.stop(GATEWAY_STOP_S) for child in gateways))
    ends = [
        GatewayEnd(child.name, code, _stopped(demo.folder / child.name))
        for child, code in zip(gateways, codes, strict=True)
    ]
    accounts: list[Json] = []
    if not demo.children["central"].has_ended:
        accounts = await _central(demo, "completeness")
    line, faults = summarise(
        ends,
        accounts,
        sites=len(SITES),
        seconds=ran_s,
        ready_s=demo.ready_s,
        leaked=demo.leaked,
    )
    return Outcome(line, faults)


def _stopped(folder: Path) -> Mapping[str, object] | None:
    """Return what a gateway left when it stopped cleanly."""
    try:
        found = json.loads((folder / "data" / "stopped.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


async def _stop_rest(demo: Demo) -> None:
    """Stop whatever still runs: gateways, then the centre, then plants."""
    names = {site.gateway: GATEWAY_STOP_S for site in SITES}
    order: Sequence[Mapping[str, float]] = (
        names,
        {"central": CENTRAL_STOP_S},
        {site.plant: PLANT_STOP_S for site in SITES},
    )
    for group in order:
        await asyncio.gather(
            *(
                demo.children[name].stop(grace_s)
                for name, grace_s in group.items()
                if name in demo.children
            )
        )


def _write_state(demo: Demo) -> None:
    """Write what the other commands look for."""
    plants = {
        site.plant: {
            "control": str(files.control(demo.folder, site.plant)),
            "port": demo.ports.plants[site.plant],
        }
        for site in SITES
    }
    gateways = {
        site.gateway: {
            "site": site.site,
            "config": str(demo.folder / site.gateway / "edge.toml"),
            "page": f"http://127.0.0.1:{demo.ports.pages[site.gateway]}/",
        }
        for site in SITES
    }
    state: dict[str, object] = {
        "schema": "demo/1",
        "central_config": str(files.central_config(demo.folder)),
        "console": demo.console,
        "python": sys.executable,
        "pids": {name: child.process.pid for name, child in demo.children.items()},
        "plants": plants,
        "gateways": gateways,
    }
    files.write_state(demo.folder, state)
