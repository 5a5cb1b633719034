"""Reads both logs, spool and archive, with plain SQL, and compares them: a judge of its own.

Nothing of the product's accounting is used here; what it says is compared with this.
"""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

LaneKey = tuple[bytes, int]  # epoch, lane
BULK = 2
ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Block:
    """One batch of the archive."""

    hash: bytes
    prev_hash: bytes
    kind: int
    sample_first: int
    n: int


def _rows(path: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def stored(database: Path, site: str) -> dict[LaneKey, dict[int, Block]]:
    """Return every batch of a site in the archive."""
    found: dict[LaneKey, dict[int, Block]] = defaultdict(dict)
    sql = "SELECT epoch, lane, seq, hash, prev_hash, kind, sample_first, n, site_id FROM block"
    for epoch, lane, seq, *rest, of_site in _rows(database, sql):
        if of_site == site:
            found[epoch, lane][seq] = Block(*rest)
    return found


def gapped(database: Path, site: str) -> dict[LaneKey, set[int]]:
    """Return the sample numbers that gap records of a site name."""
    found: dict[LaneKey, set[int]] = defaultdict(set)
    sql = "SELECT of_epoch, lane, sample_lo, sample_hi, site_id FROM gap WHERE lane IS NOT NULL"
    for epoch, lane, low, high, of_site in _rows(database, sql):
        if of_site == site and low is not None:
            found[epoch, lane].update(range(low, high + 1))
    return found


def gap_bodies(database: Path, site: str) -> list[dict[str, object]]:
    """Return the gap entries of a site as they were written."""
    rows = _rows(database, "SELECT site_id, body FROM gap")
    return [json.loads(body) for of_site, body in rows if of_site == site]


def acknowledged(data_dir: Path) -> dict[LaneKey, set[int]]:
    """Return the sequence numbers that the gateway holds for acknowledged."""
    [control] = data_dir.rglob("control.db")
    epochs = dict(_rows(control, "SELECT e, epoch FROM epoch"))
    found: dict[LaneKey, set[int]] = defaultdict(set)
    for e, lane, low, high in _rows(control, "SELECT e, lane, lo, hi FROM acked"):
        found[epochs[e], lane].update(range(low, high + 1))
    return found


def held(data_dir: Path) -> dict[LaneKey, dict[int, bytes]]:
    """Return the hash of every batch that lies in the spool."""
    [control] = data_dir.rglob("control.db")
    epochs = dict(_rows(control, "SELECT e, epoch FROM epoch"))
    found: dict[LaneKey, dict[int, bytes]] = defaultdict(dict)
    for e, seq, digest in _rows(control, "SELECT e, seq, hash FROM batch"):
        found[epochs[e], 3][seq] = digest
    tables = {"alarm": ((0, "alarm"), (1, "event")), "bulk": ((BULK, "batch"),)}
    for path in control.parent.glob("*-*.db"):
        kind, e = path.stem.split("-")[:2]
        for lane, table in tables[kind]:
            for seq, digest in _rows(path, f"SELECT seq, hash FROM {table}"):
                found[epochs[int(e)], lane][seq] = digest
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong between two logs at rest; everything empty and zero when nothing is."""

    pending: list[str]
    acknowledged_but_not_stored: list[str]
    other_bytes: list[str]
    broken_chains: list[str]
    stored_twice: int
    unexplained: int

    @property
    def is_clean(self) -> bool:
        """Return True when nothing is wrong."""
        return self == Verdict([], [], [], [], 0, 0)


def compare(data_dir: Path, database: Path, site: str) -> Verdict:
    """Compare a gateway's spool with the archive of its site."""
    archive, acked, spool = stored(database, site), acknowledged(data_dir), held(data_dir)
    gaps = gapped(database, site)
    pending, missing, other, broken = [], [], [], []
    for key, numbers in acked.items():
        missing += [f"{key[1]}/{n}" for n in sorted(numbers) if n not in archive.get(key, {})]
    for key, batches in spool.items():
        there = archive.get(key, {})
        pending += [f"{key[1]}/{n}" for n in batches if n not in there]
        other += [f"{key[1]}/{n}" for n, d in batches.items() if n in there and there[n].hash != d]
    twice = unexplained = 0
    for key, blocks in archive.items():
        for seq in sorted(blocks):
            before = blocks.get(seq - 1)
            if before is not None and blocks[seq].prev_hash != before.hash:
                broken.append(f"{key[1]}/{seq}")
        if key[1] == BULK:
            counts = _count(blocks, gaps.get(key, set()))
            twice, unexplained = twice + counts[0], unexplained + counts[1]
    return Verdict(pending, missing, other, broken, twice, unexplained)


def _count(blocks: dict[int, Block], gaps: set[int]) -> tuple[int, int]:
    """Return samples stored twice, and holes that no gap record names (up to the archive's tip)."""
    seen: set[int] = set()
    twice = 0
    for block in blocks.values():
        numbers = range(block.sample_first, block.sample_first + block.n)
        twice += len(seen.intersection(numbers))
        seen.update(numbers)
    holes = set(range(1, max(seen, default=0) + 1)) - seen - gaps
    return twice, len(holes)
