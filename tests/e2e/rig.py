"""The whole house as processes in one scratch folder: plants, centre, gateways, lines to cut."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from simulators.demo.files import central_config, control, free_ports, plant_pki, write_all
from simulators.demo.layout import SITES, DemoSite
from tests.e2e import ledger
from tests.e2e.proxy import Proxy

BIN = Path(sys.executable).parent
START_S = 60.0
STOP_S = 20.0
FRESH_MS = 4_000  # windows of 1 s, on a machine that does other things too

Json = dict[str, object]


class Late(AssertionError):
    """Something did not happen in time."""


def until(
    what: str, look: Callable[[], object], *, within_s: float, every_s: float = 0.2
) -> object:
    """Return the first true answer of `look`.

    Raises:
        Late: there was none in time.
    """
    deadline = time.monotonic() + within_s
    answer: object = None
    while time.monotonic() < deadline:
        answer = look()
        if answer:
            return answer
        time.sleep(every_s)
    raise Late(f"not within {within_s} s: {what}; last answer {answer!r}"[:4000])


def run(
    program: str, *arguments: object, timeout_s: float = 30.0
) -> subprocess.CompletedProcess[str]:
    """Run one command of ours to its end."""
    command = [str(BIN / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


@dataclass(slots=True)
class Daemon:
    """One process of ours and its log."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output goes to the log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.log.parent
            )

    @property
    def is_running(self) -> bool:
        """Return True while it runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code.  It has STOP_S to end in order."""
        if self.process is None:
            return 0
        if self.is_running:
            self.process.send_signal(how)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Late(
                f"{self.name} did not end within {STOP_S} s; its log:\n{self.tail()}"
            ) from None

    def kill(self) -> None:
        """`kill -9`."""
        self.stop(signal.SIGKILL)

    def tail(self, lines: int = 30) -> str:
        """Return the end of its log."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        return ""


STEEL, DUST = SITES


class Rig:
    """Plants, centre and gateways; every gateway reaches the centre over a line that can be cut."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports()
        write_all(folder, self.ports)
        config = central_config(folder)
        self.database = Path(self._data_dir(config)) / "central.db"
        self.uplink = {site.site: Proxy(self.ports.gateways) for site in SITES}
        self.centre = self._daemon("centre", "yujing-central", "run", config)
        self.gateways: dict[str, Daemon] = {}
        self.plants: dict[str, Daemon] = {}
        for site in SITES:
            edge = folder / site.gateway / "edge.toml"
            self.gateways[site.site] = self._daemon(site.gateway, "yujing-edge", "run", edge)
            self.plants[site.site] = self._plant(site)

    def _daemon(self, name: str, *command: object) -> Daemon:
        log = self.folder / "logs" / f"{name}.log"
        return Daemon(name, [str(BIN / str(command[0])), *map(str, command[1:])], log)

    def _plant(self, site: DemoSite) -> Daemon:
        port = ("--" + site.protocol, self.ports.plants[site.plant])
        pki = ("--pki", plant_pki(self.folder, site.plant)) if site.protocol == "opcua" else ()
        socket_path = ("--control", control(self.folder, site.plant))
        return self._daemon(
            site.plant, "yujing-sim", "plant", site.plant, *port, *socket_path, *pki
        )

    def _data_dir(self, config: Path) -> str:
        written = re.search(r'data_dir = "([^"]+)"', config.read_text("utf-8"))
        assert written
        return str(config.parent / written[1])

    def start(self) -> None:
        """Start everything and wait until both sites are LIVE with good values."""
        for site in SITES:
            line = self.uplink[site.site]
            line.__enter__()
            edge = self.edge_config(site)
            own = f"127.0.0.1:{self.ports.gateways}"
            text = edge.read_text("utf-8").replace(own, f"127.0.0.1:{line.port}")
            edge.write_text(text, "utf-8")
        for daemon in (*self.plants.values(), self.centre, *self.gateways.values()):
            daemon.start()
        for site in SITES:
            until(f"{site.site} is LIVE", lambda s=site: self.is_live(s), within_s=START_S)

    def close(self) -> None:
        """End every process, however it stands, and mend nothing."""
        for daemon in (*self.gateways.values(), self.centre, *self.plants.values()):
            if daemon.is_running:
                daemon.kill()
        for line in self.uplink.values():
            if line.port:
                line.__exit__()

    # what the house says

    def edge_config(self, site: DemoSite) -> Path:
        """Return the configuration of a site's gateway."""
        return self.folder / site.gateway / "edge.toml"

    def api(self, path: str) -> Json:
        """Return the answer of the HTTP API; an empty object while the centre is down."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ports.http}/api/v1/{path}", timeout=5) as answer:
                found: Json = json.load(answer)
                return found
        except (URLError, ConnectionError, TimeoutError):
            return {}

    def site(self, site: DemoSite) -> Json:
        """Return `site-status/1`, or an empty object."""
        items = self.api(f"sites/{site.site}").get("items") or [{}]
        return items[0]

    def value(self, site: DemoSite, point: str) -> Json:
        """Return one point of the site's board."""
        name = f"{site.device}/{point}"
        return next((v for v in self.site(site).get("values", []) if v["point"] == name), {})

    def is_live(self, site: DemoSite) -> bool:
        """Return True while the site is LIVE with nothing but good values, none of them old."""
        status = self.site(site)
        if status.get("link") != "LIVE" or (status["newest_age_ms"] or 10**9) > FRESH_MS:
            return False
        return status["points"]["good"] == status["points"]["total"] > 0

    def records(self, site: DemoSite, *kinds: str) -> list[Json]:
        """Return the records of the last hour, oldest first."""
        query = "&".join(f"kind={kind}" for kind in kinds)
        return [
            r["record"] for r in self.api(f"sites/{site.site}/records?{query}").get("items", [])
        ]

    def gaps(self, site: DemoSite) -> list[Json]:
        """Return the gap entries of a site as its gateway wrote them; also after the end."""
        return ledger.gap_bodies(self.database, site.site)

    def leads(self) -> list[Json]:
        """Return what `yujing-central leads --json` says."""
        return self.central("leads")

    def central(self, *arguments: object) -> list[Json]:
        """Return the JSON lines of one reading command of the centre."""
        config = ("--config", central_config(self.folder))
        done = run("yujing-central", *arguments, "--json", *config)
        assert done.returncode in (0, 1), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def fault(self, site: DemoSite, *arguments: str) -> None:
        """Inject a fault into the site's plant, or clear it."""
        where = ("--control", control(self.folder, site.plant))
        done = run("yujing-sim", "fault", site.plant, *arguments, *where)
        assert done.returncode == 0, done.stderr

    def gateway(self, site: DemoSite, do: str = "status", **more: object) -> Json:
        """Return the answer of the gateway's control socket; an empty object while it is down."""
        path = self.folder / site.gateway / "data" / "control.sock"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(path))
                connection.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
                with connection.makefile("rb") as answer:
                    return json.loads(answer.readline() or b"{}")
            except OSError:
                return {}

    def uplink_state(self, site: DemoSite) -> str:
        """Return CONNECTING, OPEN, LOST or REFUSED; empty while the gateway is down."""
        return self.gateway(site).get("uplink", {}).get("state", "")

    # the end of every scenario

    def settle(self) -> dict[str, Json]:
        """End the gateways in order, and prove that nothing was lost; return their last words.

        Acknowledged is stored, nothing is stored twice, expected = stored + gapped + pending, and
        nothing is unexplained: by the product's own accounting and by a second reading of the logs.
        """
        words: dict[str, Json] = {}
        for site in SITES:
            daemon = self.gateways[site.site]
            assert daemon.stop() == 0, daemon.tail()
            stopped = self.folder / site.gateway / "data" / "stopped.json"
            words[site.site] = json.loads(stopped.read_text("utf-8"))
        for word in words.values():
            samples = word["samples"]
            assert (word["uplink"]["state"], samples["pending"]) == ("OPEN", 0), word["uplink"]
        for site in SITES:
            [account] = self.central("completeness", site.site)
            said = {k: account[k] for k in ("unexplained", "duplicates", "pending", "withheld")}
            assert said == dict.fromkeys(said, 0), account
            assert account["expected"] == account["stored"] + account["gapped"], account
            assert account["stored"] > 0
        assert self.centre.stop() == 0, self.centre.tail()
        for site in SITES:
            data_dir = self.folder / site.gateway / "data"
            verdict = ledger.compare(data_dir, self.database, site.site)
            assert verdict.is_clean, verdict
        for plant in self.plants.values():
            assert plant.stop() == 0, plant.tail()
        return words


@contextlib.contextmanager
def running() -> Iterator[Rig]:
    """Give a running house in a short folder of its own (unix sockets have short names)."""
    folder = Path(tempfile.mkdtemp(prefix="yj-"))
    rig = Rig(folder)
    try:
        rig.start()
        yield rig
    except BaseException:
        for daemon in (rig.centre, *rig.gateways.values(), *rig.plants.values()):
            print(f"--- {daemon.name}\n{daemon.tail()}", file=sys.stderr)
        raise
    finally:
        rig.close()
        if not os.environ.get("YUJING_KEEP"):
            shutil.rmtree(folder)
