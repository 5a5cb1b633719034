"""What the centre says about batches, and what this side gives up.  Shell: spool files.

Rules of this file:
- A range is marked only if our own hash of its last batch equals the centre's.
- Welcome is authoritative: STORED is replaced by it, also when it shrinks.
- What is given up (REFUSED, CORRUPT) is one transaction: the GAP batch and the mark.

Clause: batches.md 3.12, 3.13.
"""

import sqlite3
from collections.abc import Sequence

from edge import events
from edge.claim import Belief, Claim
from edge.spool import catalogue, meta
from edge.spool.committer import Committer
from edge.spool.lanelog import Disposed, LaneLog
from edge.spool.model import Moment
from proto.batch import Lane, parse_header
from proto.errors import BatchDamaged, SpoolDamaged
from proto.gap import GapCause, GapEntry
from proto.ledger import RangeSet


async def acknowledge(core: Committer, claims: Sequence[Claim]) -> Belief:
    """Mark what the centre holds; the first claim that cannot be true ends it, unmarked."""
    for claim in claims:
        log = core.logs.get((claim.epoch, claim.lane))
        if log is None:
            continue  # an epoch that this spool no longer knows
        belief, ranges = await _check(core, log, claim)
        if belief is not Belief.HELD:
            return belief
        await _mark_stored(core, log, ranges)
    return Belief.HELD


async def replace(core: Committer, lanes: Sequence[LaneLog], claims: Sequence[Claim]) -> Belief:
    """Replace STORED of `lanes` by the centre's Welcome."""
    told: dict[tuple[bytes, Lane], RangeSet] = {}
    for claim in claims:
        log = core.logs.get((claim.epoch, claim.lane))
        if log is None:
            continue
        belief, ranges = await _check(core, log, claim)
        if belief is not Belief.HELD:
            return belief
        key = (claim.epoch, claim.lane)
        told[key] = told.get(key, RangeSet()) | ranges
    for log in lanes:
        now = told.get((log.epoch, log.lane), RangeSet())
        for low, high in log.marked(Disposed.STORED) - now:
            if high >= log.held_lo:
                low = max(low, log.held_lo)
                log.restore(low, high, await core.samples(log, low, high))
        await _mark_stored(core, log, now)
    return Belief.HELD


async def set_apart(core: Committer, log: LaneLog, seq: int, status: Disposed) -> None:
    """The centre keeps this batch aside (QUARANTINED, FORKED): it need not be sent again."""
    if seq <= log.tip.tip_seq and seq not in log.disposed:
        log.dispose(status, seq, seq, await core.samples(log, seq, seq))


async def give_up(
    core: Committer, log: LaneLog, low: int, high: int, cause: GapCause, now: Moment
) -> None:
    """Name low … high in a gap and never send them, in one transaction."""
    gap, samples = await gap_of(core, log, low, high, cause, now)
    key = f"gapped/{log.e}/{int(log.lane)}"
    total = log.gapped_samples + samples
    ranges = [*log.rows(), (low, high, int(Disposed.GAPPED))]

    def also(connection: sqlite3.Connection) -> None:
        catalogue.put(connection, key, total)
        catalogue.put_acked(connection, log.e, log.lane, ranges)

    await core.commit("control", meta.gap_bodies([gap], now), also)
    log.dispose(Disposed.GAPPED, low, high, samples)
    say([gap])


async def persist(core: Committer) -> None:
    """Write the marks that changed; losing this note only costs duplicates."""
    dirty = [log for log in core.logs.values() if log.dirty]
    if not dirty:
        return
    rows = [(log.e, log.lane, log.rows()) for log in dirty]
    for log in dirty:
        log.dirty = False

    def write(connection: sqlite3.Connection) -> None:
        for e, lane, ranges in rows:
            catalogue.put_acked(connection, e, lane, ranges)

    async with core.locks["control"]:
        await core.control.transact(write)


def say(gaps: Sequence[GapEntry]) -> None:
    """Tell the operators of gaps that are on disk."""
    for gap in gaps:
        events.gap_recorded(cause=gap.cause.value, n=gap.n, t0_us=gap.t[0], t1_us=gap.t[1])


async def _check(core: Committer, log: LaneLog, claim: Claim) -> tuple[Belief, RangeSet]:
    """Return what the claim means, and what may be marked because of it.

    In an epoch that only drains nothing new can begin: a claim that does not fit marks nothing, the
    batches are sent again, and the centre's own verdict on each disposes of them.
    """
    nothing, writing = RangeSet(), log.epoch == core.epoch
    if claim.high > log.tip.tip_seq:
        return (Belief.BEYOND if writing else Belief.HELD), nothing
    own = await core.hash_of(log, claim.high)
    if own is None:
        return Belief.HELD, nothing
    if own != claim.hash_high:
        return (Belief.FORKED if writing else Belief.HELD), nothing
    return Belief.HELD, _within(log, claim)


def _within(log: LaneLog, claim: Claim) -> RangeSet:
    """Return what of a claim is still ours to mark."""
    low, high = max(claim.low, log.held_lo, 1), min(claim.high, log.tip.tip_seq)
    return RangeSet(((low, high),)) if low <= high else RangeSet()


async def _mark_stored(core: Committer, log: LaneLog, ranges: RangeSet) -> None:
    for low, high in ranges - log.disposed:
        log.dispose(Disposed.STORED, low, high, await core.samples(log, low, high))


async def gap_of(
    core: Committer, log: LaneLog, low: int, high: int, cause: GapCause, now: Moment
) -> tuple[GapEntry, int]:
    """Return the entry for low … high with what the rows still say about them."""
    try:
        first, last = await core.rows(log, low, low, 1), await core.rows(log, high, high, 1)
        samples = await core.samples(log, low, high)
    except SpoolDamaged:
        first, last, samples = [], [], 0
    span: tuple[int, int] | None = None
    times = (now.wall_us, now.wall_us)
    if first and last:
        times = (min(first[0].t_first, last[0].t_last), max(first[0].t_first, last[0].t_last))
        try:
            begin = parse_header(first[0].frame).sample_first
            span = (begin, begin + samples - 1)
        except BatchDamaged:
            span = None
    entry = GapEntry(
        id=f"gap-{core.boot_id}-{log.lane.name.lower()}-{log.e}-{low}",
        cause=cause,
        epoch=log.epoch,
        lane=log.lane,
        n=samples,
        t=times,
        n_exact=bool(first and last),
        seq=(low, high),
        samples=span,
    )
    return entry, samples
