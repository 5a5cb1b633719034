"""How a spool is opened: lock, check, set damaged files aside, go on.  Shell: spool files.

Rules of this file:
- A second gateway on a spool is refused (exit 78); nothing else stops a start.
- A damaged file goes into `quarantine/` together with its `-wal`, never deleted; then a new epoch
  CORRUPT begins, and a gap names what the file held as far as that is known.
- A `control.db` that is gone, or names no epoch although there are data files, is rebuilt from
  what the other files say of themselves.

Clause: batches.md 3.9, 3.11.
"""

import fcntl
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge import events
from edge.platform import own_directory, sync_directory
from edge.spool import catalogue
from edge.spool.catalogue import EpochRow
from edge.spool.file import SpoolFile, open_file, seal
from edge.spool.lanelog import LaneLog, read_marks
from edge.spool.ring import alarm_path, bulk_path, identity_of
from edge.spool.shed import Segment, SegmentState
from proto.batch import ZERO_HASH, Header, Lane, open_frame, parse_header
from proto.chain import LaneTip, root, tip_after, verify_run
from proto.errors import BatchDamaged, ConfigError, Fault, SpoolDamaged
from proto.meta_record import EpochReason

LINKS_CHECKED = 64
_DATA_FILE = re.compile(r"(?:alarm-([0-9]+)|bulk-([0-9]+)-([0-9]+))\.db")


@dataclass(slots=True)
class Lost:
    """What a file that was set aside held, as far as it is known; `epoch` is empty if unknown."""

    epoch: bytes
    lane: Lane
    t: tuple[int, int]
    seq: tuple[int, int] | None = None
    samples: tuple[int, int] | None = None


@dataclass(slots=True)
class Opened:
    """The files and lanes that were found.

    Attributes:
        reason: why a new epoch must begin; None when the newest one goes on.
        lost: what was set aside.
        boot_id: the largest start number found.
    """

    directory: Path
    lock: int
    control: SpoolFile
    epochs: list[EpochRow]
    segments: list[Segment]
    alarms: dict[int, SpoolFile] = field(default_factory=dict)
    logs: dict[tuple[bytes, Lane], LaneLog] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    reason: EpochReason | None = None
    boot_id: int = 0


async def open_all(directory: Path, gateway: str, machine_hash: str) -> Opened:
    """Open what is there.

    Raises:
        ConfigError: in use by another gateway, of another gateway, or not writable: one line.
        SpoolError: this file system cannot hold a spool.
    """
    own_directory(directory, "spool")
    lock = _take_lock(directory)
    control, reason = await _control(directory, gateway)
    lost: list[Lost] = []
    if reason is not None:
        lost = await _rebuild(directory, gateway, control)
    epochs = await control.read(catalogue.epochs)
    segments = await control.read(catalogue.segments)
    found = Opened(directory, lock, control, epochs, segments, lost=lost)
    found.reason = reason if epochs else (reason or EpochReason.NEW)
    await _check_machine(found, machine_hash)
    _orphans(found)
    for row in epochs:
        await _open_epoch(found, gateway, row)
    boot_id = await control.read(lambda c: catalogue.get(c, "boot_id"))
    found.boot_id = max(found.boot_id, boot_id if isinstance(boot_id, int) else 0)
    return found


def set_aside(directory: Path, path: Path, reason: str) -> None:
    """Move a damaged file, together with its `-wal`, into `quarantine/`."""
    quarantine = directory / "quarantine"
    quarantine.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while (quarantine / f"{path.name}.{number}").exists():
        number += 1
    for suffix in ("", "-wal", "-journal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(quarantine / f"{path.name}.{number}{suffix}")
    sync_directory(quarantine)
    sync_directory(directory)
    events.spool_damaged(file=path.name, reason=reason)


def _take_lock(directory: Path) -> int:
    try:
        handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        message = f"lock: {error.strerror}; mend its owner and mode"
        raise ConfigError([Fault(str(directory), "config.directory", message)]) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        message = "another gateway uses this spool; stop it or set another data_dir"
        raise ConfigError([Fault(str(directory), "spool.in_use", message)]) from None
    return handle


async def _control(directory: Path, gateway: str) -> tuple[SpoolFile, EpochReason | None]:
    path = directory / "control.db"
    reason = None
    try:
        file = await open_file(path, catalogue.CONTROL_TABLES, {})
    except SpoolDamaged as error:
        set_aside(directory, path, str(error))
        file = await open_file(path, catalogue.CONTROL_TABLES, {})
        reason = EpochReason.CORRUPT
    if _data_files(directory) and not await file.read(catalogue.epochs):
        reason = EpochReason.CORRUPT
    owner = await file.transact(lambda c: _owner(c, gateway))
    if owner != gateway:
        await file.close()
        message = f"this spool belongs to gateway {owner}; set another data_dir"
        raise ConfigError([Fault(str(directory), "spool.owner", message)])
    return file, reason


def _data_files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.iterdir()) if _DATA_FILE.fullmatch(path.name)]


def _exists(path: Path) -> bool:
    return path.exists()


def _owner(connection: catalogue.Connection, gateway: str) -> str | int | None:
    if catalogue.get(connection, "gateway") is None:
        catalogue.put(connection, "gateway", gateway)
    return catalogue.get(connection, "gateway")


async def _check_machine(found: Opened, machine_hash: str) -> None:
    """A spool that wakes on another machine is a clone, until a person says otherwise."""
    if not machine_hash:
        return
    before = await found.control.read(lambda c: catalogue.get(c, "machine"))
    if before is not None and before != machine_hash and found.reason is None:
        found.reason = EpochReason.CLONED
    if before != machine_hash:
        await found.control.transact(lambda c: catalogue.put(c, "machine", machine_hash))


def _orphans(found: Opened) -> None:
    """A data file that the catalogue does not know is set aside, never opened, never deleted."""
    known = {alarm_path(found.directory, row.e).name for row in found.epochs}
    known |= {bulk_path(found.directory, s.e, s.no).name for s in found.segments}
    for path in _data_files(found.directory):
        if path.name not in known:
            set_aside(found.directory, path, "not in the catalogue")
    for one in found.segments:
        if (
            one.state is SegmentState.DROPPED
        ):  # its loss is in the catalogue, only the clean-up is not
            bulk_path(found.directory, one.e, one.no).unlink(missing_ok=True)


async def _open_epoch(found: Opened, gateway: str, row: EpochRow) -> None:
    newest = row.e == found.epochs[-1].e
    await _log(found, found.control, row, Lane.META, b"")
    meta = found.logs.get((row.epoch, Lane.META))
    first = await found.control.read(lambda c: catalogue.hash_of(c, Lane.META, row.e, 1))
    if meta is None or first is None:
        first = bytes(32)
        found.reason = EpochReason.CORRUPT if newest else found.reason
    path = alarm_path(found.directory, row.e)
    file = await _data_file(found, path, catalogue.ALARM_TABLES, gateway, row, 0)
    if file is not None:
        found.alarms[row.e] = file
        intact = [await _log(found, file, row, lane, first) for lane in (Lane.ALARM, Lane.EVENT)]
        if not all(intact):
            found.alarms.pop(row.e)
            await _give_up(found, file, path, "links do not verify")
            file = None
    if file is None:
        for lane in (Lane.ALARM, Lane.EVENT):
            found.logs.pop((row.epoch, lane), None)
            found.lost.append(Lost(row.epoch, lane, (0, 0)))
        found.reason = found.reason or (EpochReason.CORRUPT if newest else None)
    await _open_bulk(found, gateway, row, first, newest=newest)


async def _open_bulk(
    found: Opened, gateway: str, row: EpochRow, first: bytes, *, newest: bool
) -> None:
    """Read the tip of BULK from the open file, or from the newest sealed segment."""
    mine = [s for s in found.segments if s.e == row.e]
    tip, last_us = root(Lane.BULK, first), 0
    for one in mine:
        if one.state is not SegmentState.OPEN:
            tip, last_us = LaneTip(one.seq_hi + 1, one.sample_hi + 1, one.tip_hash), one.t_hi
    held = [s.seq_lo for s in mine if s.state is not SegmentState.DROPPED]
    log = LaneLog(row.epoch, row.e, Lane.BULK, min(held, default=tip.next_seq), tip)
    log.last_us = last_us
    found.logs[row.epoch, Lane.BULK] = log
    for one in [s for s in mine if s.state is SegmentState.SEALED]:
        if not _exists(bulk_path(found.directory, one.e, one.no)):
            await _drop_row(found, one)
            span = (one.seq_lo, one.seq_hi)
            samples = (one.sample_lo, one.sample_hi)
            found.lost.append(Lost(row.epoch, Lane.BULK, (one.t_lo, one.t_hi), span, samples))
    for one in [s for s in mine if s.state is SegmentState.OPEN]:
        path = bulk_path(found.directory, one.e, one.no)
        file = await _data_file(found, path, catalogue.BULK_TABLES, gateway, row, one.no)
        if file is not None and not await _read_tip(found, file, log, tip):
            await _give_up(found, file, path, "links do not verify")
            file = None
        if file is None:
            await _drop_row(found, one)
            found.lost.append(Lost(row.epoch, Lane.BULK, (last_us, last_us)))
            found.reason = found.reason or (EpochReason.CORRUPT if newest else None)
        else:
            await file.close()  # the ring opens it again when the epoch goes on
    await _marks(found, log)


async def _drop_row(found: Opened, segment: Segment) -> None:
    found.segments.remove(segment)
    await found.control.transact(lambda c: catalogue.remove_segment(c, segment))


async def _data_file(
    found: Opened, path: Path, tables: str, gateway: str, row: EpochRow, no: int
) -> SpoolFile | None:
    """Open one data file; None when it is gone or damaged (then it is set aside)."""
    if not _exists(path):
        events.spool_damaged(file=path.name, reason="the file is missing")
        return None
    if not _is_made(path):
        set_aside(found.directory, path, "the file is empty")
        return None
    try:
        return await open_file(path, tables, identity_of(gateway, row.epoch, row.e, no))
    except SpoolDamaged as error:
        set_aside(found.directory, path, str(error))
        return None


async def _give_up(found: Opened, file: SpoolFile, path: Path, reason: str) -> None:
    await file.close()
    set_aside(found.directory, path, reason)


async def _log(found: Opened, file: SpoolFile, row: EpochRow, lane: Lane, first: bytes) -> bool:
    log = LaneLog(row.epoch, row.e, lane, 1, root(lane, first))
    if not await _read_tip(found, file, log, log.tip):
        return False
    found.logs[row.epoch, lane] = log
    await _marks(found, log)
    return True


async def _read_tip(found: Opened, file: SpoolFile, log: LaneLog, before: LaneTip) -> bool:
    """Read the tip from the last row, after the last links have been verified."""

    def read(connection: catalogue.Connection) -> list[Header]:
        rows = catalogue.last_rows(connection, log.lane, log.e, LINKS_CHECKED)
        headers = [parse_header(row.frame) for row in rows]
        if rows:
            open_frame(rows[-1].frame)
        return headers

    try:
        headers = await file.read(read)
    except (BatchDamaged, SpoolDamaged):
        return False
    if not headers:
        return True
    start = before
    rootless = log.lane is not Lane.META and before.prev_hash == ZERO_HASH  # META seq 1 is gone
    if headers[0].seq != before.next_seq or rootless:
        start = LaneTip(headers[0].seq, headers[0].sample_first, headers[0].prev_hash)
    if verify_run(start, headers).broken is not None:
        return False
    log.tip, log.last_us = tip_after(headers[-1]), headers[-1].t_last_us
    found.boot_id = max(found.boot_id, headers[-1].boot_id)
    return True


async def _marks(found: Opened, log: LaneLog) -> None:
    rows = await found.control.read(lambda c: catalogue.acked(c, log.e, log.lane))
    log.marks = read_marks(rows)
    key = f"gapped/{log.e}/{int(log.lane)}"
    gapped = await found.control.read(lambda c: catalogue.get(c, key))
    log.gapped_samples = gapped if isinstance(gapped, int) else 0


def _is_made(path: Path) -> bool:
    """A file is made before the catalogue names it: one of no bytes was emptied since."""
    return not path.is_file() or path.stat().st_size > 0


async def _rebuild(directory: Path, gateway: str, control: SpoolFile) -> list[Lost]:
    """Make the catalogue again from what the data files say of themselves; return what cannot."""
    epochs: dict[int, bytes] = {}
    segments: list[Segment] = []
    lost: list[tuple[int, Lane]] = []
    for path in _data_files(directory):
        match = _DATA_FILE.fullmatch(path.name)
        assert match is not None
        e, no = int(match[1] or match[2]), int(match[3] or 0)
        tables = catalogue.BULK_TABLES if no else catalogue.ALARM_TABLES
        expected: dict[str, str | int] = {"gateway": gateway, "e": e, "segment": no}
        lanes = (Lane.BULK,) if no else (Lane.ALARM, Lane.EVENT)
        try:
            file = await open_file(path, tables, expected)
        except SpoolDamaged as error:
            set_aside(directory, path, str(error))
            lost += [(e, lane) for lane in lanes]
            continue
        name = await file.read(lambda c: catalogue.get(c, "epoch"))
        if name is None:
            await _close_and_set_aside(directory, file, "it does not say of which epoch it is")
            lost += [(e, lane) for lane in lanes]
            continue
        epochs[e] = bytes.fromhex(str(name))
        if no:
            size = path.stat().st_size
            segments += await file.read(_describer(e, no, size))
            await file.read(seal)
        await file.close()

    def write(connection: catalogue.Connection) -> None:
        for e, epoch in sorted(epochs.items()):
            catalogue.add_epoch(connection, e, epoch, "UNKNOWN")
        for segment in segments:
            catalogue.put_segment(connection, segment)

    await control.transact(write)
    # the alarm file of an epoch that stands is missed, and named, when the epoch is opened
    unnamed = [(e, lane) for e, lane in lost if lane is Lane.BULK or e not in epochs]
    return [Lost(epochs.get(e, b""), lane, (0, 0)) for e, lane in unnamed]


async def _close_and_set_aside(directory: Path, file: SpoolFile, reason: str) -> None:
    await file.close()
    set_aside(directory, file.path, reason)


def _describer(e: int, no: int, size: int) -> Callable[[catalogue.Connection], list[Segment]]:
    def describe(connection: catalogue.Connection) -> list[Segment]:
        last = catalogue.last_rows(connection, Lane.BULK, e, 1)
        if not last:
            return []
        sql = "SELECT frame, t_first FROM batch ORDER BY seq LIMIT 1"
        frame, t_lo = connection.execute(sql).fetchone()
        first, tip = parse_header(frame), parse_header(last[0].frame)
        segment = Segment(
            e=e,
            no=no,
            state=SegmentState.SEALED,
            seq_lo=first.seq,
            seq_hi=tip.seq,
            sample_lo=first.sample_first,
            sample_hi=tip.sample_last,
            t_lo=int(t_lo),
            t_hi=tip.t_last_us,
            tip_hash=tip.hash,
            size=size,
        )
        return [segment]

    return describe
