"""What a spool on disk holds, for tests."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from edge.claim import Claim
from edge.spool.store import Spool
from proto import records
from proto.batch import Frame, Kind, Lane, decompress
from proto.chain import LaneTip
from proto.gap import GapEntry


async def frames_of(store: Spool, lane: Lane, epoch: bytes | None = None) -> list[Frame]:
    log = store.core.logs[epoch or store.core.epoch, lane]
    result: list[Frame] = []
    while len(result) < log.tip.tip_seq:
        some = await store.read(log, len(result) + 1, log.tip.tip_seq, frames=32, size=2**20)
        assert some, "the lane can be read to its tip"
        result += some
    return result


async def gaps_of(store: Spool) -> list[GapEntry]:
    frames = [f for f in await frames_of(store, Lane.META) if f.header.kind is Kind.GAP]
    bodies = [body for f in frames for body in records.decode_records(decompress(f))]
    return [GapEntry.from_record(body) for body in bodies]


def claim(store: Spool, lane: Lane, low: int, frames: Sequence[Frame]) -> Claim:
    return Claim(store.core.epoch, lane, low, frames[-1].header.seq, frames[-1].header.hash)


def crash(directory: Path, target: Path) -> Path:
    """Copy the files as they stand, as a power cut would leave them."""
    shutil.copytree(directory, target)
    return target


def begin_of(run: Sequence[Frame]) -> LaneTip:
    return LaneTip(1, 1, run[0].header.prev_hash)
