"""The records of lane META that open an epoch, a start and a clock step.  Pure.

Source: `batches.md` 3.2, 3.5 and 3.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from proto import records
from proto.errors import BatchDamaged
from proto.fields import Fields


class EpochReason(StrEnum):
    """Why an epoch was opened."""

    NEW = "NEW"
    CORRUPT = "CORRUPT"
    IO_ERROR = "IO_ERROR"
    RESTORED = "RESTORED"
    CLONED = "CLONED"
    FORK = "FORK"
    REKEYED = "REKEYED"
    SWAPPED = "SWAPPED"
    FACTORY_RESET = "FACTORY_RESET"


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """META seq 1 of an epoch: the root of all its lanes.

    Attributes:
        epoch: 16 random bytes.
        gateway: the gateway's id; headers carry only its 16-byte uid.
        previous: the epoch before; None for the first or an unknown one.
        signing_key_id: SHA-256 of the key's SubjectPublicKeyInfo; None before there is one.
        versions: program and formats.
    """

    epoch: bytes
    reason: EpochReason
    gateway: str = ""
    previous: bytes | None = None
    hash_alg: int = 1
    signing_key_id: bytes | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_record(self) -> dict[str, object]:
        """Return the record."""
        key = self.signing_key_id
        return {
            "k": records.EPOCH,
            "epoch": self.epoch.hex(),
            "reason": self.reason.value,
            "gateway": self.gateway,
            "previous": None if self.previous is None else self.previous.hex(),
            "hash_alg": self.hash_alg,
            "signing_key_id": None if key is None else key.hex(),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "EpochRecord":
        """Return the epoch; raises `BatchDamaged` `record.field`."""
        fields = _fields(record, records.EPOCH)
        return cls(
            epoch=fields.octets("epoch", 16),
            reason=fields.word("reason", EpochReason),
            gateway=fields.text_or_none("gateway") or "",
            previous=fields.octets_or_none("previous", 16),
            hash_alg=fields.integer("hash_alg"),
            signing_key_id=fields.octets_or_none("signing_key_id", 32),
            versions=_versions(fields),
        )


@dataclass(frozen=True, slots=True)
class BootRecord:
    """One start of the gateway; the grid's slot 0 is at `t0_*`."""

    boot_id: int
    os_boot_uuid: str
    t0_wall_us: int
    t0_mono_us: int
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_record(self) -> dict[str, object]:
        """Return the record."""
        return {
            "k": records.BOOT,
            "boot_id": self.boot_id,
            "os_boot_uuid": self.os_boot_uuid,
            "t0_wall_us": self.t0_wall_us,
            "t0_mono_us": self.t0_mono_us,
            "versions": dict(self.versions),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "BootRecord":
        """Return the start; raises `BatchDamaged` `record.field`."""
        fields = _fields(record, records.BOOT)
        return cls(
            boot_id=fields.integer("boot_id"),
            os_boot_uuid=fields.text("os_boot_uuid"),
            t0_wall_us=fields.integer("t0_wall_us"),
            t0_mono_us=fields.integer("t0_mono_us"),
            versions=_versions(fields),
        )


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """One step of the wall clock by more than 50 ms."""

    boot_id: int
    step_no: int
    mono_us: int
    wall_before_us: int
    wall_after_us: int
    source: str

    def to_record(self) -> dict[str, object]:
        """Return the record."""
        return {
            "k": records.CLOCK,
            "boot_id": self.boot_id,
            "step_no": self.step_no,
            "mono_us": self.mono_us,
            "wall_before_us": self.wall_before_us,
            "wall_after_us": self.wall_after_us,
            "source": self.source,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "ClockRecord":
        """Return the step; raises `BatchDamaged` `record.field`."""
        fields = _fields(record, records.CLOCK)
        return cls(
            boot_id=fields.integer("boot_id"),
            step_no=fields.integer("step_no"),
            mono_us=fields.integer("mono_us"),
            wall_before_us=fields.integer("wall_before_us"),
            wall_after_us=fields.integer("wall_after_us"),
            source=fields.text("source"),
        )


def _fields(record: Mapping[str, object], kind: str) -> Fields:
    fields = Fields(record)
    if fields.text("k") != kind:
        raise BatchDamaged("record.kind", f"{record.get('k')} where {kind} is due")
    return fields


def _versions(fields: Fields) -> dict[str, str]:
    inner = fields.inner("versions")
    return {key: inner.text(key) for key in inner.values}
