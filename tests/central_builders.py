"""What a gateway would send to the centre, made from `proto` alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from proto.axis import Axis
from proto.batch import ZERO_HASH, Frame, Kind, Lane, Stamp, gateway_uid, seal
from proto.chain import LaneTip, root, tip_after
from proto.columns import encode_samples
from proto.gap import GapEntry
from proto.meta_record import EpochReason, EpochRecord
from proto.point import PointType
from proto.quality import Quality, Reason, pack_quality
from proto.records import encode_records
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint
from tests.builders import WALL_US

GOOD = pack_quality(Quality.GOOD, Reason.NONE)
LOST = pack_quality(Quality.BAD, Reason.COMM_LOSS, no_value=True)
PERIOD_US = 100_000


def table(points: int = 3, device: str = "plc1", *, subscribed: bool = False) -> SchemaPart:
    """Return a point table of one device: i16 points with scale 0.1."""
    made = tuple(
        SchemaPoint(
            name=f"{device}/p{number}",
            tag=f"FT-{number}",
            title=f"测点 {number}",
            type=PointType.I16,
            unit="m3/h",
            scale=0.1,
            range_low=0.0,
            range_high=500.0,
        )
        for number in range(points)
    )
    axis = SchemaAxis(device, "profile", "fast", PERIOD_US, 0, subscribed, "plc", made)
    return SchemaPart((axis,))


@dataclass
class Plant:
    """A gateway in memory: it numbers, chains and seals; the test decides what is sent when."""

    gateway: str = "610581-bof1a"
    epoch: bytes = bytes(range(16))
    boot_id: int = 1
    part: SchemaPart = field(default_factory=table)
    tips: dict[Lane, LaneTip] = field(default_factory=dict)
    slot: int = 0
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        body = EpochRecord(self.epoch, EpochReason.NEW, self.gateway).to_record()
        self._seal(Lane.META, Kind.EPOCH, encode_records([body]), 1, (0, 0))

    @property
    def stamp(self) -> Stamp:
        """What stands in every header."""
        return Stamp(
            gateway_uid=gateway_uid(self.gateway),
            epoch=self.epoch,
            anchor_wall_us=WALL_US,
            anchor_mono_us=1_000_000,
            boot_id=self.boot_id,
            config_version=1,
        )

    def schema(self) -> Frame:
        """Seal the point table."""
        return self._seal(Lane.META, Kind.SCHEMA, self.part.raw, 1, (0, 0))

    def samples(
        self, rows: int = 10, *, value: int | None = None, bad: Sequence[int] = ()
    ) -> Frame:
        """Seal rows of every point; the raw value is the slot number, or `value`."""
        slots = np.arange(self.slot, self.slot + rows)
        series = len(self.part.types)
        raw = np.tile(slots % 5_000 if value is None else np.full(rows, value), (series, 1))
        quality = np.full((series, rows), GOOD, np.uint16)
        for point in bad:
            quality[point] = LOST
            raw[point] = 0
        axis = Axis(
            point_first=0,
            period_us=PERIOD_US,
            slot_first=self.slot,
            skipped=None,
            time_us=WALL_US + slots.astype(np.int64) * PERIOD_US,
            source_us=None,
            source_kind=0,
            uncertainty_us=0,
            raw=raw.astype(np.int64),
            quality=quality,
            detail=np.zeros((series, rows), np.uint32),
        )
        made = encode_samples([axis], self.part.types)
        self.slot += rows
        times = (made.t_first_us - WALL_US, made.t_last_us - WALL_US)
        return self._seal(Lane.BULK, Kind.SAMPLES, made.raw, made.n, times)

    def records(self, *bodies: Mapping[str, object], lane: Lane = Lane.ALARM) -> Frame:
        """Seal records."""
        whole = [
            {"id": f"r{number}", "t": WALL_US + number, "m": 1_000_000 + number, **body}
            for number, body in enumerate(bodies)
        ]
        return self._seal(lane, Kind.RECORDS, encode_records(whole), len(whole), (0, 0))

    def gap(self, *entries: GapEntry) -> Frame:
        """Seal gap entries."""
        bodies = [entry.to_record() for entry in entries]
        return self._seal(Lane.META, Kind.GAP, encode_records(bodies), len(bodies), (0, 0))

    def _seal(self, lane: Lane, kind: Kind, raw: bytes, n: int, times: tuple[int, int]) -> Frame:
        first = self.frames[0].header.hash if self.frames else ZERO_HASH
        tip = self.tips.get(lane) or root(lane, first)
        schema = self.part.hash if kind is Kind.SAMPLES else ZERO_HASH
        frame = seal(
            self.stamp,
            lane=lane,
            kind=kind,
            seq=tip.next_seq,
            sample_first=tip.next_sample,
            n=n,
            raw=raw,
            t_first_us=WALL_US + times[0],
            t_last_us=WALL_US + times[1],
            schema_hash=schema,
            prev_hash=tip.prev_hash,
        )
        self.tips[lane] = tip_after(frame.header)
        self.frames.append(frame)
        return frame


def interlock(name: str, shown: str, *, m: int, k: str = "interlock.tripped") -> dict[str, object]:
    """Return an interlock record with its whole state."""
    return {
        "k": k,
        "m": m,
        "t": WALL_US + m,
        "interlock": name,
        "title": "氧枪漏水",
        "clauses": ["O10-4.5"],
        "mode": "advisory",
        "occurrence": 1,
        "state": {
            "protection": shown if shown in ("NORMAL", "PENDING", "TRIPPED") else "NORMAL",
            "health": "HEALTHY",
            "health_reasons": [],
            "service": "ARMED",
            "running": "TRUE",
            "shown": shown,
            "occurrence": 1,
            "first_out": ["leak"],
            "plant": {"tripped": True, "bypassed": False, "in_service": None},
            "verdicts": [{"effect": "raise", "verdict": "PROVEN", "response_ms": 2100}],
        },
    }


def alarm(
    name: str, state: str, *, m: int, occurrence: int = 1, k: str = "alarm.raised"
) -> dict[str, object]:
    """Return an alarm record."""
    return {
        "k": k,
        "m": m,
        "t": WALL_US + m,
        "alarm": name,
        "point": "plc1/p0",
        "tag": "FT-0",
        "title": "高报",
        "priority": "high",
        "clauses": [],
        "state": state,
        "level": "H",
        "occurrence": occurrence,
        "value": 12.5,
        "unit": "m3/h",
        "limit": 10.0,
        "quality": "GOOD",
        "reason": "NONE",
    }
