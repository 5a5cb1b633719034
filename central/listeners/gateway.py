"""The door for gateways: mTLS, raw bytes, checks before any handler.  Shell: gRPC.

Source: `security.md` 3.4 and 3.5, `batches.md` 3.13.  Only messages are generated: the handler
takes and gives the exact bytes.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio

from central import events
from central.archive.blocks import Archive
from central.config import CentralSettings
from central.ingest.admission import Register, Sessions
from central.ingest.writer import Writer
from central.listeners.certificate import read_certificate
from central.listeners.pipeline import (
    CALLS_MAX,
    SERVER_OPTIONS,
    Bucket,
    Peer,
    Rejected,
    admit,
    rpcs_max,
    status_of,
)
from central.listeners.raw import bind, mutual_tls, serve, streaming
from central.listeners.stream import Context, Stream
from central.status.service import StatusService
from central.supervisor import shielded
from proto.clock import Clock
from proto.errors import YujingError
from proto.rpc import UPLINK_STREAM

_QUIET = ("session.superseded", "session.drained")


@dataclass(slots=True)
class Door:
    """What every call of a gateway shares."""

    register: Register
    archive: Archive
    status: StatusService
    writer: Writer
    clock: Clock
    sessions: Sessions = field(default_factory=Sessions)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def drain(self) -> None:
        """End every call after its last acknowledgement: the centre shuts down."""
        for stream in list(self.streams.values()):
            stream.stop("session.drained", "the centre shuts down")

    async def uplink(self, _requests: object, context: Context) -> None:
        """Serve one call: admit, run, and end it with the status that fits."""
        peer = self._admit(context)
        if isinstance(peer, Rejected):
            events.session_refused(context.peer(), peer.code, peer.message)
            await context.abort(grpc.StatusCode[peer.rejection.value], peer.message)
            return
        ended: list[YujingError | None] = []
        gateway = peer.registered.gateway
        if self.calls[gateway] >= CALLS_MAX:
            refused = "rate.calls"
            events.session_refused(gateway, refused, f"{CALLS_MAX} calls are open")
            await context.abort(grpc.StatusCode[status_of(refused)], f"{refused}: too many calls")
            return
        self.calls[gateway] += 1
        try:
            incident = await shielded(UPLINK_STREAM, lambda: self._serve(peer, context, ended))
        finally:
            self.calls[gateway] -= 1
        if incident is not None:
            await context.abort(grpc.StatusCode.INTERNAL, f"internal, incident {incident}")
        reason = ended[0] if ended else None
        if reason is not None:
            if reason.code not in _QUIET:
                events.session_refused(peer.registered.gateway, reason.code, str(reason))
            await context.abort(grpc.StatusCode[status_of(reason.code)], str(reason))

    async def _serve(self, peer: Peer, context: Context, ended: list[YujingError | None]) -> None:
        stream = Stream(self, peer, context)
        try:
            ended.append(await stream.run())
        finally:
            stream.close()
            reason = ended[0].code if ended and ended[0] else "ended by the peer"
            events.session_closed(peer.registered.gateway, stream.name, reason)

    def _admit(self, context: Context) -> Peer | Rejected:
        shown = context.auth_context()
        pem = shown.get("x509_pem_cert", [b""])[0]
        version = shown.get("ssl_tls_version", [b""])[0].decode("ascii", "replace") or None
        certificate = read_certificate(pem) if pem else None
        return admit(certificate, version, self.register, self.clock.wall_us())


def build_gateway_server(settings: CentralSettings, door: Door) -> tuple[grpc.aio.Server, int]:
    """Return the server, bound and not started, and its port.

    Raises:
        ConfigError: the port is in use.
    """
    server = grpc.aio.server(
        options=[*SERVER_OPTIONS],
        maximum_concurrent_rpcs=rpcs_max(len(door.register.gateways)),
    )
    serve(server, {UPLINK_STREAM: streaming(door.uplink)})
    key, cert, root = (
        Path(path).read_bytes() for path in (settings.key, settings.cert, settings.root)
    )
    address = settings.config.gateways.listen
    port = bind(server, address, f"{settings.place}: gateways.listen", mutual_tls(key, cert, root))
    return server, port
