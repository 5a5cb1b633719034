"""Epochs and segments: begin, go on, roll, drop, leave a failing file.  Shell: spool files.

Rules of this file:
- Locks are taken in the order alarm, bulk, control.
- A data file is made before the catalogue names it; the catalogue row and META seq 1 are one
  transaction.
- What is dropped is named in the catalogue transaction before its file is unlinked.

Clause: batches.md 3.2, 3.9, 3.10.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from edge import events
from edge.spool import catalogue, marking, meta
from edge.spool.committer import Committer
from edge.spool.file import open_file
from edge.spool.lanelog import Disposed, LaneLog
from edge.spool.model import Moment
from edge.spool.opening import set_aside
from edge.spool.ring import alarm_path, bulk_path, identity_of
from edge.spool.shed import Drop, Segment, SegmentState
from proto.batch import Lane
from proto.chain import root
from proto.gap import GapCause, GapEntry
from proto.ledger import RangeSet
from proto.meta_record import EpochReason
from proto.schema import TablePart

_LANES_OF = {"alarm": (Lane.ALARM, Lane.EVENT), "bulk": (Lane.BULK,)}


async def begin(core: Committer, directory: Path, reason: EpochReason, now: Moment) -> None:
    """Begin a new epoch; lanes of older ones stay for draining."""
    async with AsyncExitStack() as stack:
        for name in ("alarm", "bulk", "control"):
            await stack.enter_async_context(core.locks[name])
        await _seal_open(core)
        previous = core.epoch or None
        epoch, e = secrets.token_bytes(16), _next_ordinal(core, directory)
        core.alarms[e] = await open_file(
            alarm_path(directory, e),
            catalogue.ALARM_TABLES,
            identity_of(core.identity.gateway, epoch, e),
        )
        segment = core.ring.next_segment(LaneLog(epoch, e, Lane.BULK, 1, root(Lane.BULK, b"")))
        await core.ring.open_current(epoch, segment)
        core.epoch, core.e = epoch, e
        core.logs[epoch, Lane.META] = LaneLog(epoch, e, Lane.META, 1, root(Lane.META, b""))
        first = meta.epoch_body(core.identity, epoch, reason, previous, now)

        def also(connection: sqlite3.Connection) -> None:
            catalogue.add_epoch(connection, e, epoch, reason)
            catalogue.put_segment(connection, segment)

        await core.commit_locked("control", [first], also)
        core.ring.put(segment)
        rooted = core.logs[epoch, Lane.META].tip.prev_hash
        for lane in (Lane.ALARM, Lane.EVENT, Lane.BULK):
            core.logs[epoch, lane] = LaneLog(epoch, e, lane, 1, root(lane, rooted))


async def go_on(core: Committer) -> None:
    """Continue the newest epoch: open its BULK file; seal what an older one left open."""
    log = core.logs[core.epoch, Lane.BULK]
    async with core.locks["bulk"], core.locks["control"]:
        mine = [s for s in core.ring.of_epoch(core.e) if s.state is SegmentState.OPEN]
        segment = mine[-1] if mine else core.ring.next_segment(log)
        await core.ring.open_current(core.epoch, segment)
        await core.control.transact(lambda c: catalogue.put_segment(c, segment))
        core.ring.put(segment)


async def seal_left_open(core: Committer, *, keep_newest: bool) -> None:
    """Seal the open files of epochs that do not go on (a crash came between)."""
    async with core.locks["bulk"], core.locks["control"]:
        for segment in [s for s in core.ring.segments if s.state is SegmentState.OPEN]:
            if keep_newest and segment.e == core.e:
                continue
            await core.ring.open_current(core.epoch_of(segment.e), segment)
            await _seal_open(core)
            await core.ring.close()


async def announce(core: Committer, schema: Sequence[TablePart], t0: Moment, now: Moment) -> None:
    """Write the parts of the point table that this epoch has not said yet, and BOOT."""
    keys = {f"schema/{core.e}/{part.hash.hex()}": part for part in schema}
    known = await core.control.read(lambda c: {key: catalogue.get(c, key) for key in keys})
    new = {key: part for key, part in keys.items() if known[key] is None}
    group = [meta.schema_body(part, now) for part in new.values()]
    group.append(meta.boot_body(core.identity, core.boot_id, t0, now))
    async with core.locks["control"]:
        first = core.logs[core.epoch, Lane.META].tip.next_seq

        def also(connection: sqlite3.Connection) -> None:
            for offset, key in enumerate(new):
                catalogue.put(connection, key, first + offset)
            catalogue.put(connection, "boot_id", core.boot_id)
            catalogue.forget(connection, "clean")

        await core.commit_locked("control", group, also)
        found = {**known, **{key: first + offset for offset, key in enumerate(new)}}
        core.schemas = {part.hash: _sequence(found[key]) for key, part in keys.items()}


async def roll(core: Committer) -> None:
    """Seal the open BULK file and begin the next one."""
    async with core.locks["bulk"], core.locks["control"]:
        await _seal_open(core)
        fresh = core.ring.next_segment(core.logs[core.epoch, Lane.BULK])
        await core.ring.open_current(core.epoch, fresh)
        await core.control.transact(lambda c: catalogue.put_segment(c, fresh))
        core.ring.put(fresh)


async def drop(core: Committer, one: Drop, now: Moment) -> None:
    """Drop a sealed segment: gaps first, in the catalogue transaction; then the file."""
    log = core.logs[core.epoch_of(one.segment.e), Lane.BULK]
    found = [
        await marking.gap_of(core, log, low, high, GapCause.DISK_FULL, now)
        for low, high in one.lost
    ]
    dropped = replace(one.segment, state=SegmentState.DROPPED)
    gapped = [(low, high, int(Disposed.GAPPED)) for low, high in one.lost]
    total = log.gapped_samples + sum(samples for _, samples in found)

    def also(connection: sqlite3.Connection) -> None:
        catalogue.put_segment(connection, dropped)
        catalogue.put_acked(connection, log.e, log.lane, [*log.rows(), *gapped])
        catalogue.put(connection, f"gapped/{log.e}/{int(log.lane)}", total)

    gaps = [gap for gap, _ in found]
    if gaps:
        await core.commit("control", meta.gap_bodies(gaps, now), also)
    else:
        async with core.locks["control"]:
            await core.control.transact(also)
    for (low, high), (_, samples) in zip(one.lost, found, strict=True):
        log.dispose(Disposed.GAPPED, low, high, samples)
    core.ring.put(dropped)
    log.held_lo = min((s.seq_lo for s in core.ring.of_epoch(log.e)), default=log.tip.next_seq)
    async with core.locks["bulk"]:
        await core.ring.unlink(dropped)
    if gaps:
        lost = sum(samples for _, samples in found)
        events.spool_batch_shed(segment=dropped.no, batches=one.lost.total, samples=lost)
    marking.say(gaps)


async def leave_file(
    core: Committer, directory: Path, name: str, reason: str, now: Moment
) -> list[GapEntry]:
    """Set the file that is being written aside; return the gaps of what was only there."""
    async with core.locks["alarm"], core.locks["bulk"], core.locks["control"]:
        gaps: list[GapEntry] = []
        lowest = 1
        if name == "bulk":
            segment = core.ring.current
            lowest = segment.seq_lo
            await core.ring.forget_open()
            path = bulk_path(directory, segment.e, segment.no)
            await core.control.transact(lambda c: catalogue.remove_segment(c, segment))
            core.ring.segments.remove(segment)
        else:
            await core.alarms.pop(core.e).close()
            path = alarm_path(directory, core.e)
        for lane in _LANES_OF[name]:
            gaps += _leave_lane(core, core.logs[core.epoch, lane], lowest, now)
        set_aside(directory, path, reason)
    return gaps


def _leave_lane(core: Committer, log: LaneLog, lowest: int, now: Moment) -> list[GapEntry]:
    gaps = []
    for low, high in log.pending - RangeSet(((0, lowest - 1),)):
        samples = log.recent_samples(low, high)
        gaps.append(
            GapEntry(
                id=f"gap-{core.boot_id}-{log.lane.name.lower()}-{log.e}-{low}",
                cause=GapCause.CORRUPT,
                epoch=log.epoch,
                lane=log.lane,
                n=samples or 0,
                t=(min(log.last_us or now.wall_us, now.wall_us), now.wall_us),
                n_exact=samples is not None,
                seq=(low, high),
            )
        )
        log.dispose(Disposed.GAPPED, low, high, samples or 0)
    return gaps


async def _seal_open(core: Committer) -> None:
    """Seal the open file, if there is one with anything in it, and write its row."""
    if core.ring.file is None:
        return
    segment = core.ring.current
    log = core.logs[core.epoch_of(segment.e), Lane.BULK]
    sealed = await core.ring.seal_open(log)
    if sealed is None:
        sealed = await _discard_empty(core, segment)
    await core.control.transact(lambda c: catalogue.put_segment(c, sealed))
    core.ring.put(sealed)


async def _discard_empty(core: Committer, segment: Segment) -> Segment:
    """An open file without any batch: its row says DROPPED, its file goes."""
    await core.ring.forget_open()
    await core.ring.unlink(segment)
    hi, sample_hi = segment.seq_lo - 1, segment.sample_lo - 1
    return replace(segment, state=SegmentState.DROPPED, seq_hi=hi, sample_hi=sample_hi)


def _sequence(value: str | int | None) -> int:
    assert isinstance(value, int), "each part stands in META now"
    return value


def _next_ordinal(core: Committer, directory: Path) -> int:
    """Return an ordinal that no epoch and no file on disk has."""
    e = max([0, core.e, *(log.e for log in core.logs.values())]) + 1
    while alarm_path(directory, e).exists() or bulk_path(directory, e, 1).exists():
        e += 1
    return e
