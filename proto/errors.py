"""The errors of the house: a stable code, whether a retry helps, and the place in the input.  Pure.

A third-party exception never leaves its adapter.  Bad data is a quality, not an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class YujingError(Exception):
    """Root of all our errors; never raised itself.

    Attributes:
        code: stable and documented, `area.noun`; screens find their text by it.
        retry: True when the same call may succeed later.
        place: file and key path, or site, device and point; empty when there is none.
    """

    retry = False

    def __init__(
        self, code: str, message: str, *, place: str = "", retry: bool | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.place = place
        if retry is not None:
            self.retry = retry

    def __str__(self) -> str:
        """Return `place: code message`, the line an operator reads."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.code} {super().__str__()}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration: where, which, what and what to do."""

    place: str
    code: str
    message: str

    def __str__(self) -> str:
        """Return `place: code message`, one line whatever people wrote."""
        text = f"{self.place}: {self.code} {self.message}"
        return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


class ConfigError(YujingError):
    """The operator must mend it; carries every fault at once.  A program ends with exit code 78."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        first = self.faults[0] if self.faults else Fault("", "config.refused", "refused")
        super().__init__(first.code, f"{count} fault{'s' if count != 1 else ''}", place=first.place)


class ProfileError(ConfigError):
    """A device profile is refused."""


class PointListError(ConfigError):
    """A point list is refused."""


class MatrixError(ConfigError):
    """A cause-and-effect matrix is refused."""


class PackError(ConfigError):
    """A rule pack is refused."""


class DeviceError(YujingError):
    """A device did not answer as asked.  Never leaves the line's owner: it becomes BAD values."""


class DeviceUnreachable(DeviceError):
    """No answer, or no connection."""

    retry = True


class DeviceRefused(DeviceError):
    """The device said no (a Modbus exception, a Bad status of a service)."""


class DeviceMisbehaved(DeviceError):
    """The device answered something else than it was asked."""

    retry = True


class OutputError(YujingError):
    """An output of the plant that interlocks drive."""


class OutputRefused(OutputError):
    """Not on the allow-list, or nothing may be written at all."""


class SpoolError(YujingError):
    """The spool could not do what was asked."""


class SpoolFull(SpoolError):
    """No room; something is shed and becomes a gap record."""

    retry = True


class SpoolDamaged(SpoolError):
    """A spool file is damaged and set aside."""


class UplinkError(YujingError):
    """The uplink failed."""


class CentralUnreachable(UplinkError):
    """The centre does not answer."""

    retry = True


class CentralRefused(UplinkError):
    """The centre refused: identity, version, or a malformed message."""


class IngestError(YujingError):
    """The centre refuses what a gateway sent."""


class BatchDamaged(IngestError):
    """A batch whose bytes cannot be what the gateway wrote."""


class MessageMalformed(IngestError):
    """A message that no honest peer writes; the stream ends (INVALID_ARGUMENT)."""


class BatchForked(IngestError):
    """The same key with other bytes."""


class SiteUnknown(IngestError):
    """No registered gateway has this identity."""


class LimitExceeded(IngestError):
    """A stated limit of the wire is exceeded."""


class QueryError(YujingError):
    """A question cannot be answered."""


class NotFound(QueryError):
    """There is no such thing in the caller's scope."""


class BadRequest(QueryError):
    """The question itself is wrong."""


class Forbidden(QueryError):
    """The caller may not ask this."""


class Conflict(QueryError):
    """The thing has changed since it was seen."""
