"""The demo's folder: certificates, configuration, templates, its state file.  Shell: files, ports.

`<dir>/{pki, central, <gateway>, plants, logs}` and `demo.json`, which the other commands look for.
The folder is ours alone: it carries a marker, and nothing without that marker is ever removed.
"""

import fcntl
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path

from simulators.clock import SystemClock
from simulators.demo.layout import (
    SITES,
    DemoSite,
    Ports,
    central_toml,
    client_uri,
    edge_toml,
    server_uri,
)
from simulators.demo.pki import (
    issue_gateway,
    issue_server,
    make_application,
    make_authority,
    trust,
)

STATE = "demo.json"
LOCK = "demo.lock"  # held while the demo runs; also the marker that the folder is ours
CONSOLE_PORT = 8443  # where people look first; any other if it is taken
SUN_PATH_MAX = 104


class DemoRefused(Exception):
    """The demo cannot start; the message says why and what to do, in one line."""


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder that no other demo uses, and hold it.

    Raises:
        DemoRefused: another demo runs here, or the folder holds what is not ours.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(each.name for each in folder.iterdir())
        if found and LOCK not in found:
            raise DemoRefused(f"{folder}: not empty and no demo's; name another one by --dir")
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as failed:
        raise DemoRefused(f"{folder}: {failed.strerror}; name another one by --dir") from failed
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoRefused(f"{folder}: a demo is running here; end it with Ctrl-C") from None
        for each in folder.iterdir():
            if each.name != LOCK:
                _remove(each)
        yield folder
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def remove(folder: Path) -> None:
    """Remove a folder that `own_folder` gave."""
    if (folder / LOCK).is_file():
        shutil.rmtree(folder)


def free_ports(console: int = 0) -> Ports:
    """Return free ports on loopback; all are held open until every one of them is known.

    Args:
        console: port that the console should have if it is free; 0 = any.
    """
    with ExitStack() as held:

        def free(wanted: int = 0) -> int:
            listener = held.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", wanted))
            except OSError:
                if not wanted:
                    raise
                return free()
            return int(listener.getsockname()[1])

        return Ports(
            gateways=free(),
            clients=free(),
            http=free(console),
            plants={site.plant: free() for site in SITES},
            pages={site.gateway: free() for site in SITES},
        )


def write_all(folder: Path, ports: Ports) -> None:
    """Write certificates and configuration of everything into an empty folder."""
    now_us = SystemClock().wall_us()
    for name in ("pki", "central", "plants", "logs"):
        (folder / name).mkdir()
    authority = make_authority(folder / "pki", now_us)
    issue_server(authority, folder / "pki")
    for site in SITES:
        issue_gateway(authority, folder / "pki", site.gateway)
        _write_gateway(folder, site, ports, now_us)
    text = central_toml(SITES, ports, central_data(folder))
    (folder / "central" / "central.toml").write_text(text, "utf-8")


def _write_gateway(folder: Path, site: DemoSite, ports: Ports, now_us: int) -> None:
    own = folder / site.gateway
    for name in ("points", "matrices"):
        (own / name).mkdir(parents=True)
    (own / "edge.toml").write_text(edge_toml(site, ports), "utf-8")
    templates = resources.files("edge.matrix") / "templates"
    for template, place in ((site.matrix, f"matrices/{site.matrix}"), (site.limits, "limits.toml")):
        (own / place).write_text((templates / template).read_text("utf-8"), "utf-8")
    if site.protocol == "opcua":
        plant = plant_pki(folder, site.plant)
        server = make_application(plant, server_uri(site), site.plant, now_us, server=True)
        client = make_application(
            own / "opcua", client_uri(site), site.gateway, now_us, server=False
        )
        trust(plant, client, site.gateway)
        trust(own / "opcua", server, site.plant)


def plant_pki(folder: Path, plant: str) -> Path:
    """Return the certificate folder of a plant's OPC UA server."""
    return folder / "plants" / f"{plant}-pki"


def control(folder: Path, plant: str) -> Path:
    """Return the control socket of a plant."""
    return folder / "plants" / f"{plant}.sock"


def central_config(folder: Path) -> Path:
    """Return the configuration of the centre."""
    return folder / "central" / "central.toml"


def central_data(folder: Path) -> str:
    """Return the data directory of the centre, as written into its configuration.

    gRPC cannot listen on a socket whose path is longer than the kernel's limit: in a folder that
    lies too deep the centre's data go to a short temporary one.
    """
    inside = folder.resolve() / "central" / "data" / "client.sock"
    if len(os.fsencode(inside)) < SUN_PATH_MAX:
        return "data"
    return tempfile.mkdtemp(prefix="yujing-demo-")


def write_state(folder: Path, state: dict[str, object]) -> None:
    """Write `demo.json` in one go."""
    draft = folder / f"{STATE}.new"
    draft.write_text(json.dumps(state, ensure_ascii=False, indent=1) + "\n", "utf-8")
    draft.replace(folder / STATE)
