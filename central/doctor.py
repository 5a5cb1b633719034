"""What a person should know before and after a start: one line a check.  Shell: files, sockets.

Each finding says what was looked at, what was found, and what to do.
"""

import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from central.config import CentralSettings
from central.config.file import file_faults
from central.listeners.certificate import read_certificate
from central.store import database

DISK_FREE_MIN: Final = 2 * 1024**3
FSYNC_MS_MAX: Final = 50.0
DAY_US: Final = 86_400_000_000
CERTIFICATE_DAYS_MIN: Final = 10  # when the gateway warns too
YEAR_2020_US: Final = 1_577_836_800_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok` false needs a person."""

    check: str
    ok: bool
    found: str
    todo: str = ""


def examine(settings: CentralSettings) -> list[Finding]:
    """Return every finding; nothing is started and nothing is changed."""
    found = [
        *_files(settings),
        *_certificate(settings),
        *_disk(settings),
        *_database(settings),
        *_ports(settings),
        _clock(),
    ]
    return found


def _files(settings: CentralSettings) -> Iterator[Finding]:
    faults = file_faults(settings)
    for fault in faults:
        yield Finding(fault.place, False, fault.message, "mend the configuration or the file")
    if not faults:
        yield Finding("files", True, "certificates and data directory are there")
    mode = _mode(settings.key)
    if mode is not None and mode & 0o077:
        todo = f"chmod 600 {settings.key}"
        yield Finding("gateways.key", False, f"readable by others ({mode:o})", todo)


def _certificate(settings: CentralSettings) -> Iterator[Finding]:
    now_us = time.time_ns() // 1_000
    for name, path in (("gateways.cert", settings.cert), ("pki.root", settings.root)):
        try:
            certificate = read_certificate(Path(path).read_bytes())
        except OSError:
            continue  # said by the files
        if certificate is None:
            yield Finding(name, False, "is no certificate", "name a PEM certificate")
            continue
        days = (certificate.not_after_us - now_us) // DAY_US
        good = days >= CERTIFICATE_DAYS_MIN and certificate.not_before_us <= now_us
        yield Finding(name, good, f"valid for {days} days", "" if good else "renew it")


def _disk(settings: CentralSettings) -> Iterator[Finding]:
    folder = Path(settings.data_dir)
    if not folder.is_dir():
        yield Finding("data directory", True, "will be made at the first start")
        return
    free = shutil.disk_usage(folder).free
    good = free >= DISK_FREE_MIN
    todo = "" if good else "make room: the archive stops acknowledging when the disk is full"
    yield Finding("disk", good, f"{free / 1024**3:.1f} GiB free", todo)
    probe = folder / ".doctor"
    start = time.perf_counter()
    with probe.open("wb") as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())
    elapsed_ms = (time.perf_counter() - start) * 1_000
    probe.unlink()
    good = elapsed_ms <= FSYNC_MS_MAX
    todo = "" if good else "use a faster disk: every acknowledgement waits for it"
    yield Finding("fsync", good, f"{elapsed_ms:.1f} ms", todo)


def _database(settings: CentralSettings) -> Iterator[Finding]:
    path = Path(settings.database)
    yield Finding("sqlite", True, f"library {database.LIBRARY_VERSION}, one writing connection")
    if not path.exists():
        return
    try:
        problems = database.check(path)
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    todo = "stop the server, keep the file, restore a backup" if problems else ""
    yield Finding("database", not problems, "; ".join(problems[:3]) or "sound", todo)


def _ports(settings: CentralSettings) -> Iterator[Finding]:
    config = settings.config
    listeners = [("gateways.listen", config.gateways.listen)]
    listeners += [("clients.listen", config.clients.listen)] if config.clients else []
    listeners += [("http.listen", config.http.listen)] if config.http else []
    runs = _answers(settings.client_socket)
    for name, address in listeners:
        host, _, port = address.rpartition(":")
        free = _is_free(host.strip("[]"), int(port))
        if free:
            yield Finding(name, True, f"{address} is free")
        elif runs:
            yield Finding(name, True, f"{address} is served by the running centre")
        else:
            todo = "stop the other program or choose another port"
            yield Finding(name, False, f"{address} is taken by another program", todo)


def _clock() -> Finding:
    good = time.time_ns() // 1_000 > YEAR_2020_US
    return Finding("clock", good, time.strftime("%FT%TZ", time.gmtime()), "" if good else "set it")


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _mode(path: str) -> int | None:
    try:
        return Path(path).stat().st_mode & 0o777
    except OSError:
        return None
