"""The state of every part of the gateway as one value: "gateway-status/1".  Pure.

The same object answers `yujing-edge status`, probes, and stands in `stopped.json` after a stop.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

SCHEMA = "gateway-status/1"


@dataclass(frozen=True, slots=True)
class LineHealth:
    """One line: `state` is UP, PARTLY, LOST, INIT; `since_us` is wall time.

    Attributes:
        slots_skipped: slots without a read since the start, because the line was busy.
        probing_share: share of the last minute that probes and errands took.
        units: each as `explain` shows it: state, breaker, next probe, sources with their life.
        figures: what `yujing-edge metrics` shows of the line, by name of the metric.
    """

    name: str
    state: str
    since_us: int
    detail: str = ""
    slots_skipped: int = 0
    probing_share: float = 0.0
    units: Sequence[Mapping[str, object]] = field(default_factory=list)
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Where the samples are.  `acquired` is counted before the batcher, independently of the spool.

    Attributes:
        acquired: rows times points handed over by the lines since this start.
        committed: samples committed since this start.
        acknowledged: sample numbers of all epochs that the centre has on its disk.
        pending: in RAM, and on disk without an acknowledgement.
        gapped: named by a gap record: refused before a number, or dropped after it.
    """

    acquired: int
    committed: int
    acknowledged: int
    pending: int
    gapped: int


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """One lane of one epoch; numbers are sequences and running sample numbers."""

    epoch: str
    held_lo: int
    tip_seq: int
    tip_sample: int
    acked_batches: int
    pending_batches: int
    pending_samples: int
    gapped_samples: int


@dataclass(frozen=True, slots=True)
class UplinkHealth:
    """The link to the centre; `state` is CONNECTING, OPEN, LOST, REFUSED or OFF; times are wall."""

    state: str
    since_us: int
    last_ack_us: int | None
    last_error: str | None
    bytes_sent: int
    frames_sent: int
    sessions: int


@dataclass(frozen=True, slots=True)
class SpoolHealth:
    """Disk: what the spool holds, may hold, and what the file system has left."""

    bytes: int
    quota_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """The process itself."""

    gateway: str
    site: str
    boot_id: int
    config_version: int
    uptime_s: float
    cpu_s: float
    rss_bytes: int
    clock_state: str
    clock_offset_us: int
    restarts: Mapping[str, int]


def summarize(
    process: ProcessHealth,
    *,
    lines: Sequence[LineHealth],
    samples: SampleCounts,
    lanes: Mapping[str, LaneHealth],
    uplink: UplinkHealth,
    spool: SpoolHealth,
    overruns: int,
    interlocks: Sequence[Mapping[str, object]],
    alarms: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """Return the status object; every key is always there."""
    return {
        "schema": SCHEMA,
        **asdict(process),
        "lines": [asdict(line) for line in lines],
        "samples": asdict(samples),
        "lanes": {name: asdict(lane) for name, lane in lanes.items()},
        "uplink": asdict(uplink),
        "spool": asdict(spool),
        "overruns": overruns,
        "interlocks": [dict(one) for one in interlocks],
        "alarms": [dict(one) for one in alarms],
    }


def to_json(status: Mapping[str, object]) -> bytes:
    """Return the status as one line of JSON."""
    return json.dumps(status, ensure_ascii=False).encode() + b"\n"
