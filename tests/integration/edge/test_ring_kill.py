"""kill -9 of the gateway at any moment: each record of a ring is on disk once, or counted lost."""

import asyncio
import random
import sys
from pathlib import Path

from edge.clock import SystemClock
from edge.spool.store import open_spool
from proto import records
from proto.batch import Lane, decompress
from tests.integration.devices.peers import libmodbus
from tests.integration.edge.guarded import write_event
from tests.integration.edge.spool_reading import frames_of
from tests.integration.edge.test_guarded_ring import site
from tests.spool_builders import identity

ROOT = Path(__file__).parents[3]
KILLS = 5


async def killed_after(directory: Path, port: int, seconds: float) -> None:
    """Run the reader and kill it so long after it had a cursor on disk."""
    command = [sys.executable, "-m", "tests.integration.edge.ring_gateway", str(directory)]
    process = await asyncio.create_subprocess_exec(
        *command,
        str(port),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"begun\n"
    await asyncio.sleep(seconds)
    assert process.returncode is None, "it ran until it was killed"
    process.kill()
    await process.wait()


async def test_after_kill_9_at_any_moment_each_event_is_on_disk_once_or_counted(
    tmp_path: Path,
) -> None:
    luck, seq = random.Random(3), 1
    async with libmodbus() as peer:
        await write_event(peer, seq)
        await killed_after(tmp_path / "spool", peer.port, 0.0)
        for _ in range(KILLS):
            for _ in range(30):  # the ring holds 40
                seq += 1
                await write_event(peer, seq)
            await killed_after(tmp_path / "spool", peer.port, 3.0 * luck.random())
        await killed_after(tmp_path / "spool", peer.port, 6.0)
        plant = site(peer.port)
    store = await open_spool(
        tmp_path / "spool", identity(), SystemClock(), schema=plant.schema, quota_bytes=10**8
    )
    frames = await frames_of(store, Lane.EVENT)
    await store.close(clean=True)
    rows = [row for frame in frames for row in records.decode_records(decompress(frame))]
    seqs = [row["seq"] for row in rows if row["k"] == "device.event"]
    lost = sum(int(str(row["lost"])) for row in rows if row["k"] == "device.ring_overran")
    assert seqs == sorted(set(map(int, map(str, seqs))))
    assert len(seqs) + lost == seq - 1
    assert len(seqs) > 30
