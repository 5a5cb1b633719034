"""A centre that acknowledges after its own commit, and counts.  Shell: a port, SQLite.

A process of its own: `python -m tests.bench.acquisition.centre FOLDER` writes the certificates of
the bench's gateway into FOLDER, prints its port and "ready".  stdin "count" prints the samples that
are committed; "judge US" prints as JSON what those batches are that begin at
that wall time or later, decoded then, outside of any window; "lost"
prints the monotonic times (µs) of all reports of a lost device.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proto import records
from proto.batch import Frame, Kind, Lane, decompress, open_frame
from proto.columns import SampleColumns, decode_columns
from proto.quality import Quality
from proto.schema import SchemaPart
from proto.v1 import uplink_pb2 as wire
from tests.bench.acquisition import GATEWAY
from tests.certificates import Authority
from tests.fake_centre import Centre
from tests.integration.edge.grpc_centre import GrpcCentre


@dataclass(slots=True)
class DurableCentre(Centre):
    """Stores every message in SQLite, synchronous = FULL, before it is acknowledged."""

    database: sqlite3.Connection | None = None
    samples: int = 0

    def store(self, frames: Sequence[bytes], first_nth: int) -> wire.CentralMsg:
        assert self.database is not None
        with self.database:
            self.database.executemany("INSERT INTO frame VALUES (?)", [(f,) for f in frames])
        for data in frames:
            header = open_frame(data).header
            if header.lane is Lane.BULK and header.kind is Kind.SAMPLES:
                self.samples += header.n
        return Centre.store(self, frames, first_nth)

    def frames(self) -> Iterator[Frame]:
        """Yield all frames that are stored."""
        for batches in self.stored.values():
            for _, data in sorted(batches.items()):
                yield open_frame(data)

    def judge(self, since_us: int) -> dict[str, int]:
        """Return how many samples there are, how many are good, and how many slots have no row."""
        found = {"samples": 0, "good": 0, "bad": 0, "rows": 0, "missed": 0}
        seen: dict[tuple[bytes, int], tuple[int, int, int]] = {}
        for frame, columns in self._columns(since_us):
            levels = columns.quality >> 14
            found["samples"] += len(levels)
            found["good"] += int((levels == Quality.GOOD).sum())
            found["bad"] += int((levels == Quality.BAD).sum())
            for axis in columns.axes():
                if axis.slot_first is None:
                    continue
                rows = len(axis.time_us)
                skipped = 0 if axis.skipped is None else int(axis.skipped[-1])
                key = (frame.header.schema_hash, axis.point_first)
                first, _, before = seen.get(key, (axis.slot_first, 0, 0))
                seen[key] = (first, axis.slot_first + rows - 1 + skipped, before + rows)
        found["rows"] = sum(rows for _, _, rows in seen.values())
        found["missed"] = sum(last - first + 1 - rows for first, last, rows in seen.values())
        return found

    def _columns(self, since_us: int) -> Iterator[tuple[Frame, SampleColumns]]:
        parts = [
            SchemaPart.parse(decompress(frame))
            for frame in self.frames()
            if frame.header.kind is Kind.SCHEMA
        ]
        types = {part.hash: part.types for part in parts}
        for frame in self.frames():
            header = frame.header
            is_samples = header.lane is Lane.BULK and header.kind is Kind.SAMPLES
            if is_samples and header.t_first_us >= since_us:
                own = types[header.schema_hash]
                yield frame, decode_columns(decompress(frame), header.n, header.t_first_us, own)

    def lost(self) -> list[int]:
        """Return when devices were reported lost, monotonic µs."""
        bodies = (
            body
            for frame in self.frames()
            if frame.header.kind is Kind.RECORDS
            for body in records.decode_records(decompress(frame))
        )
        return [int(str(body["m"])) for body in bodies if body.get("k") == "device.link_lost"]


async def main(folder: Path) -> None:
    """Serve until stdin ends."""
    authority = Authority()
    (folder / "root.pem").write_bytes(authority.pem)
    authority.gateway(GATEWAY).write(folder, "gw")
    database = sqlite3.connect(folder / "centre.db", isolation_level="DEFERRED")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE frame (data BLOB NOT NULL)")
    centre = DurableCentre(database=database)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    answers = {
        "count": lambda: str(centre.samples),
        "judge": lambda since: json.dumps(centre.judge(int(since))),
        "lost": lambda: " ".join(map(str, centre.lost())),
    }
    async with GrpcCentre(authority, centre) as server:
        print(server.port, flush=True)
        print("ready", flush=True)
        while line := await reader.readline():
            word, *rest = line.decode().split()
            print(answers[word](*rest), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
