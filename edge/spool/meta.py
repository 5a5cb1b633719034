"""Bodies of META batches: EPOCH, BOOT, SCHEMA, CLOCK, GAP; and the seal of a group.  Pure.

Clause: batches.md 3.5, 3.6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edge.spool.model import ClockNote, Closed, Moment
from proto import limits, records
from proto.batch import Frame, Kind, Lane, Stamp, gateway_uid, seal
from proto.chain import LaneTip, advance
from proto.gap import GapEntry
from proto.meta_record import BootRecord, ClockRecord, EpochReason, EpochRecord
from proto.schema import TablePart


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes: what stands in every batch of this start.

    Attributes:
        gateway: id of the certificate.
        config_version: of the configuration in force.
        os_boot_uuid, machine_hash: what the operating system says; empty where it says nothing.
        versions: of the software, for EPOCH and BOOT.
    """

    gateway: str
    config_version: int
    os_boot_uuid: str
    machine_hash: str
    versions: Mapping[str, str]


class Sealed(NamedTuple):
    """Frames of each lane, and the tips after them."""

    frames: dict[Lane, list[Frame]]
    tips: dict[Lane, LaneTip]


def seal_group(
    identity: Identity,
    epoch: bytes,
    boot_id: int,
    tips: Mapping[Lane, LaneTip],
    closed: Sequence[Closed],
) -> Sealed:
    """Number, hash and link batches in order."""
    uid = gateway_uid(identity.gateway)
    after = dict(tips)
    frames: dict[Lane, list[Frame]] = {}
    for one in closed:
        tip = after[one.lane]
        stamp = Stamp(
            gateway_uid=uid,
            epoch=epoch,
            anchor_wall_us=one.anchor.wall_us,
            anchor_mono_us=one.anchor.mono_us,
            boot_id=boot_id,
            config_version=identity.config_version,
            clock_offset_us=one.clock.offset_us,
            clock_err_us=one.clock.err_us,
            step_no=one.clock.step_no,
            clock_state=one.clock.state,
        )
        frame = seal(
            stamp,
            lane=one.lane,
            kind=one.kind,
            seq=tip.next_seq,
            sample_first=tip.next_sample,
            n=one.n,
            raw=one.raw,
            t_first_us=one.t_first_us,
            t_last_us=one.t_last_us,
            schema_hash=one.schema_hash,
            prev_hash=tip.prev_hash,
        )
        frames.setdefault(one.lane, []).append(frame)
        after[one.lane] = advance(tip, frame.header)
    return Sealed(frames, after)


def epoch_body(
    identity: Identity, epoch: bytes, reason: EpochReason, previous: bytes | None, now: Moment
) -> Closed:
    """Return META seq 1 of a new epoch."""
    record = EpochRecord(
        epoch=epoch,
        reason=reason,
        gateway=identity.gateway,
        previous=previous,
        versions=identity.versions,
    )
    return _single(Kind.EPOCH, record.to_record(), f"epoch-{epoch.hex()}", now)


def boot_body(identity: Identity, boot_id: int, t0: Moment, now: Moment) -> Closed:
    """Return the BOOT batch of this start; `t0` is slot 0 of the grid."""
    record = BootRecord(
        boot_id=boot_id,
        os_boot_uuid=identity.os_boot_uuid,
        t0_wall_us=t0.wall_us,
        t0_mono_us=t0.mono_us,
        versions=identity.versions,
    )
    return _single(Kind.BOOT, record.to_record(), f"boot-{boot_id}", now)


def clock_body(boot_id: int, note: ClockNote, before_us: int, now: Moment) -> Closed:
    """Return the CLOCK batch of one step; `before_us` is what the wall clock would have shown."""
    record = ClockRecord(
        boot_id=boot_id,
        step_no=note.step_no,
        mono_us=now.mono_us,
        wall_before_us=before_us,
        wall_after_us=now.wall_us,
        source="system",
    )
    name = f"clock-{boot_id}-{note.step_no}"
    return _single(Kind.CLOCK, record.to_record(), name, now, note)


def schema_body(part: TablePart, now: Moment) -> Closed:
    """Return the SCHEMA batch of one part: exactly its bytes."""
    return Closed(Lane.META, Kind.SCHEMA, 1, part.raw, now.wall_us, now.wall_us, now, ClockNote())


def gap_bodies(entries: Sequence[GapEntry], now: Moment) -> list[Closed]:
    """Return GAP batches that name all entries."""
    result = []
    for start in range(0, len(entries), limits.RECORDS_PER_BATCH_MAX):
        some = entries[start : start + limits.RECORDS_PER_BATCH_MAX]
        stamped = [{**entry.to_record(), "m": now.mono_us} for entry in some]
        raw = records.encode_records(stamped)
        clock = ClockNote()
        result.append(
            Closed(Lane.META, Kind.GAP, len(some), raw, now.wall_us, now.wall_us, now, clock)
        )
    return result


def _single(
    kind: Kind, body: Mapping[str, object], name: str, now: Moment, note: ClockNote | None = None
) -> Closed:
    stamped = {**body, "id": name, "t": now.wall_us, "m": now.mono_us}
    raw = records.encode_records([stamped])
    clock = note or ClockNote()
    return Closed(Lane.META, kind, 1, raw, now.wall_us, now.wall_us, now, clock)
