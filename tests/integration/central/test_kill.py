"""kill -9 of a real centre under load: what was acknowledged is in the archive, byte for byte."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc.aio
import pytest

from proto.batch import Frame
from tests.central_builders import Plant, alarm
from tests.integration.central.centre import URI, Uplink, short_folder, write_centre
from tests.integration.central.certificates import authority

ROUNDS = 4
PROGRAM = Path(sys.executable).parent / "yujing-central"


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield Path(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(config: Path) -> subprocess.Popen[bytes]:
    with (config.parent / "log").open("ab") as log:
        return subprocess.Popen([PROGRAM, "run", str(config)], stdout=log, stderr=log)


async def connected(port: int) -> Uplink:
    """Return an uplink with an open session; tries until the centre is up."""
    deadline = time.monotonic() + 20
    while True:
        uplink = Uplink(port, authority().gateway(URI))
        try:
            await uplink.hello()
        except (AssertionError, grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError):
            await uplink.__aexit__()
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return uplink


async def feed(uplink: Uplink, plant: Plant, acked: dict[tuple[int, int], Frame]) -> None:
    """Send batches for ever and note what is acknowledged; ends with the connection."""
    sent: dict[tuple[int, int], Frame] = {}
    ended = (AssertionError, grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError)
    with contextlib.suppress(*ended):
        while True:
            frames = [plant.records(alarm("a", "UNACKED", m=k)) for k in range(4)]
            sent.update({(int(f.header.lane), f.header.seq): f for f in frames})
            ack = await uplink.ack(*frames)
            for span in ack.stored:
                for seq in range(span.lo, span.hi + 1):
                    acked[span.lane, seq] = sent[span.lane, seq]


async def test_what_was_acknowledged_survives_kill_9_byte_for_byte(folder: Path) -> None:
    port = free_port()
    config = write_centre(folder, port)
    plant, acked = Plant(), {}
    rng = random.Random(20261123)
    for _ in range(ROUNDS):
        process = start(config)
        try:
            uplink = await connected(port)
            feeding = asyncio.create_task(feed(uplink, plant, acked))
            await asyncio.sleep(0.5 + rng.random())
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.wait({feeding}, timeout=30)
            await uplink.__aexit__()
        finally:
            process.kill()
            process.wait()
    process = start(config)  # recovers, and ends in order
    try:
        uplink = await connected(port)
        await uplink.__aexit__()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0, (folder / "log").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()
    with contextlib.closing(sqlite3.connect(folder / "data" / "central.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = db.execute("SELECT lane, seq, header, payload FROM block").fetchall()
    stored = {(lane, seq): header + payload for lane, seq, header, payload in rows}
    assert len(acked) > 100
    lost = [key for key, frame in acked.items() if stored.get(key) != frame.data]
    assert lost == []
