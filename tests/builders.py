"""Plain functions that build what tests need, with good defaults."""

import secrets
from collections.abc import Mapping, Sequence

from proto.batch import Frame, Kind, Lane, Stamp, gateway_uid, seal
from proto.records import encode_records

WALL_US = 1_800_000_000_000_000  # 2027-01-15: a wall time that is no accident


def stamp(gateway: str = "610581-bof1a", **more: object) -> Stamp:
    """Return what a gateway knows when it seals a batch: a fresh epoch, its first boot."""
    known: dict[str, object] = {
        "gateway_uid": gateway_uid(gateway),
        "epoch": secrets.token_bytes(16),
        "anchor_wall_us": WALL_US,
        "anchor_mono_us": 1_000_000,
        "boot_id": 1,
        "config_version": 1,
    }
    return Stamp(**(known | more))  # type: ignore[arg-type]


def record_frame(
    by: Stamp, bodies: Sequence[Mapping[str, object]], *, lane: Lane = Lane.EVENT, seq: int = 1
) -> Frame:
    """Return a sealed batch of records; its chain begins at zero."""
    return seal(
        by,
        lane=lane,
        kind=Kind.RECORDS,
        seq=seq,
        sample_first=1,
        n=len(bodies),
        raw=encode_records([dict(body) for body in bodies]),
        t_first_us=by.anchor_wall_us,
        t_last_us=by.anchor_wall_us,
    )


def flipped(data: bytes, at: int) -> bytes:
    """Return the bytes with one bit turned over."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
