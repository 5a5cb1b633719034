"""The checks before any handler: certificate, name, register, rate, shape.  Pure.

Source: `security.md` 3.4 and 3.5.  Constants of the server stand here, so that a test can read them
back from the running one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from central.ingest.admission import Register, Registered
from proto import limits
from proto.errors import SiteUnknown
from proto.identity import gateway_of

DAY_US: Final = 86_400_000_000

# gRPC options of the gateway listener (security.md 3.4).
SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", limits.MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", limits.CENTRAL_MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", 16 * limits.KIB),
    ("grpc.absolute_max_metadata_size", 16 * limits.KIB),
    ("grpc.max_concurrent_streams", 8),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.so_reuseport", 0),
)

RPCS_OF_CLIENTS_MAX: Final = 256

CALLS_MAX: Final = 8  # of one gateway: two a connection, two connections while it rotates, twice
CALLS_EACH: Final = 2.4

RATE_PER_S: Final = 20.0  # messages a gateway; frames on BULK are bounded by credit instead
RATE_BURST: Final = 400.0


def rpcs_max(gateways: int) -> int:
    """Return how many calls may be open at once: two of each gateway, and a fifth more."""
    return int(CALLS_EACH * gateways) + 64


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a peer certificate says, as far as we ask."""

    uris: tuple[str, ...]
    not_before_us: int
    not_after_us: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A registered gateway behind a valid certificate."""

    registered: Registered
    certificate_days: int


class Rejection(StrEnum):
    """Why a call is refused before any handler; each is one gRPC status."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused call."""

    rejection: Rejection
    code: str
    message: str


def admit(
    certificate: Certificate | None, tls_version: str | None, register: Register, now_us: int
) -> Peer | Rejected:
    """Return who calls, or why he may not: steps 1 to 4 of the pipeline.

    Args:
        certificate: None when the peer showed none.
        tls_version: as the library names it; None where it does not tell.
        register: the gateways of this centre.
        now_us: wall time; a stream outlives its certificate, so it is asked at each call.
    """
    refused = Rejection.UNAUTHENTICATED
    if certificate is None:
        return Rejected(refused, "identity.none", "no client certificate")
    if tls_version not in (None, "TLSv1.3"):
        return Rejected(refused, "identity.tls", f"{tls_version}: TLS 1.3 is due")
    try:
        gateway = gateway_of(certificate.uris)
    except SiteUnknown as error:
        return Rejected(refused, error.code, str(error))
    if not certificate.not_before_us <= now_us <= certificate.not_after_us:
        return Rejected(refused, "identity.expired", "the certificate is not valid now")
    try:
        registered = register.find(gateway)
    except SiteUnknown as error:
        return Rejected(refused, error.code, str(error))
    return Peer(registered, (certificate.not_after_us - now_us) // DAY_US)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of messages that fills at a rate."""

    level: float = RATE_BURST
    at_ns: int = 0


def take(bucket: Bucket, now_ns: int) -> tuple[Bucket, bool]:
    """Return the bucket after one message, and whether it may pass."""
    filled = bucket.level + (now_ns - bucket.at_ns) / 1e9 * RATE_PER_S
    level = min(RATE_BURST, filled if bucket.at_ns else RATE_BURST)
    if level < 1.0:
        return replace(bucket, level=level, at_ns=now_ns), False
    return Bucket(level - 1.0, now_ns), True


STATUS_OF: Final[Mapping[str, str]] = {
    "wire.malformed": "INVALID_ARGUMENT",
    "wire.bytes": "INVALID_ARGUMENT",
    "wire.frames": "INVALID_ARGUMENT",
    "wire.fields": "INVALID_ARGUMENT",
    "wire.unknown": "INVALID_ARGUMENT",
    "wire.order": "INVALID_ARGUMENT",
    "batch.wrong_call": "INVALID_ARGUMENT",
    "batch.not_yours": "PERMISSION_DENIED",
    "batch.epoch_bound": "FAILED_PRECONDITION",
    "session.version": "FAILED_PRECONDITION",
    "session.unknown": "FAILED_PRECONDITION",
    "session.kind": "INVALID_ARGUMENT",
    "session.id": "INVALID_ARGUMENT",
    "session.tips": "INVALID_ARGUMENT",
    "session.hello": "INVALID_ARGUMENT",
    "session.late": "DEADLINE_EXCEEDED",
    "session.superseded": "ABORTED",
    "session.drained": "UNAVAILABLE",
    "session.silent": "UNAVAILABLE",
    "rate.messages": "RESOURCE_EXHAUSTED",
    "rate.calls": "RESOURCE_EXHAUSTED",
    "archive.full": "RESOURCE_EXHAUSTED",
    "archive.broken": "UNAVAILABLE",
    "archive.forks": "RESOURCE_EXHAUSTED",
}


def status_of(code: str) -> str:
    """Return the name of the gRPC status for one of our codes."""
    return STATUS_OF.get(code, "INTERNAL")
