"""Who may speak for which site, what a Hello is answered, and when a session is superseded.  Pure.

Source: `batches.md` 3.13.  Rules of a call: Hello first, once, within 5 s; BULK carries the session
that URGENT's Welcome has opened; a newer session of the same or a higher boot supersedes the older;
an older boot that speaks again is flagged, and both keep delivering.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from central.archive.lanes import Announced
from proto import limits
from proto.batch import Lane, gateway_uid
from proto.errors import CentralRefused, SiteUnknown
from proto.site import Site
from proto.v1 import uplink_pb2 as wire

PROTO = 1
SESSION_BYTES = 16
WINDOW_MESSAGES = 8
WINDOW_BYTES = 128 * limits.KIB
HELLO_WITHIN_S = 5.0
PROMISED_LANES_MAX = 1_024  # of one site, announced and nothing stored


@dataclass(frozen=True, slots=True)
class Registered:
    """One gateway of the register."""

    gateway: str
    site: str
    uid: bytes


@dataclass(frozen=True, slots=True)
class Register:
    """Gateway -> site; static until the registry holds it."""

    gateways: dict[str, Registered]

    @classmethod
    def of(cls, sites: Iterable[Site]) -> "Register":
        """Return the register of these sites."""
        return cls(
            {
                name: Registered(name, site.id, gateway_uid(name))
                for site in sites
                for name in site.gateways
            }
        )

    def find(self, gateway: str) -> Registered:
        """Return one gateway.

        Raises:
            SiteUnknown: it is not registered.
        """
        found = self.gateways.get(gateway)
        if found is None:
            raise SiteUnknown("identity.unregistered", f"gateway {gateway} is not registered")
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """One open call of a gateway."""

    gateway: str
    kind: int
    session: bytes
    boot_id: int
    number: int


@dataclass(slots=True)
class Sessions:
    """The newest call of each gateway and kind."""

    calls: dict[tuple[str, int], Call] = field(default_factory=dict)
    numbers: int = 0

    def open(self, gateway: str, hello: wire.Hello) -> tuple[Call, Call | None, bool]:
        """Return the new call, the one it supersedes, and whether an older boot has spoken.

        Raises:
            CentralRefused: `session.unknown`: BULK without the session that URGENT opened.
        """
        if hello.kind == wire.BULK:
            urgent = self.calls.get((gateway, wire.URGENT))
            if urgent is None or urgent.session != hello.session:
                message = "BULK opens after the Welcome of URGENT, with the same session"
                raise CentralRefused("session.unknown", message)
        self.numbers += 1
        call = Call(gateway, hello.kind, hello.session, hello.boot_id, self.numbers)
        held = self.calls.get((gateway, hello.kind))
        if held is not None and hello.boot_id < held.boot_id:
            return call, None, True
        self.calls[gateway, hello.kind] = call
        return call, held, False

    def close(self, call: Call) -> None:
        """Forget a call that has ended, if it is still the newest."""
        if self.calls.get((call.gateway, call.kind)) == call:
            del self.calls[call.gateway, call.kind]


def check_hello(hello: wire.Hello) -> None:
    """Refuse a Hello that no session can be opened with.

    Raises:
        CentralRefused: `session.version`, `session.kind`, `session.id` or `session.tips`.
    """
    if not hello.proto_min <= PROTO <= hello.proto_max:
        theirs = f"{hello.proto_min} to {hello.proto_max}"
        message = f"this centre speaks version {PROTO}, the gateway {theirs}"
        raise CentralRefused("session.version", message)
    if hello.kind not in (wire.URGENT, wire.BULK):
        raise CentralRefused("session.kind", "a call is URGENT or BULK")
    if len(hello.session) != SESSION_BYTES:
        raise CentralRefused("session.id", f"a session has {SESSION_BYTES} bytes")
    if len(hello.tips) > limits.TIPS_MAX or any(not _is_tip(tip) for tip in hello.tips):
        message = "a tip names an epoch of 16 bytes, a known lane, and numbers below 2^63"
        raise CentralRefused("session.tips", message)


def check_owners(hello: wire.Hello, gateway: str, owners: Mapping[bytes, tuple[str, str]]) -> None:
    """Refuse a Hello that speaks for an epoch of another gateway.

    Raises:
        CentralRefused: `batch.epoch_bound`.
    """
    for tip in hello.tips:
        if owners.get(tip.epoch, ("", gateway))[1] != gateway:
            raise CentralRefused("batch.epoch_bound", "an epoch belongs to another gateway")


def check_room(hello: wire.Hello, promised: int) -> None:
    """Refuse a Hello that would make us remember ever more lanes of which nothing ever came.

    Raises:
        CentralRefused: `session.tips`.
    """
    if promised + len(hello.tips) > PROMISED_LANES_MAX:
        raise CentralRefused("session.tips", "too many lanes were announced and never sent")


def told_by(tips: Sequence[wire.LaneTip]) -> list[tuple[bytes, int, Announced]]:
    """Return what a Hello says that the gateway holds."""
    return [
        (tip.epoch, tip.lane, Announced(tip.held_lo, tip.tip_seq, tip.tip_sample)) for tip in tips
    ]


def welcome(
    hello: wire.Hello,
    held: Sequence[wire.Range],
    known_schemas: Iterable[bytes],
    now_us: int,
) -> tuple[wire.CentralMsg, list[wire.Range]]:
    """Return the Welcome, and the ranges that did not fit and follow as Acks."""
    known = set(known_schemas)
    first, rest = list(held[: limits.RANGES_MAX]), list(held[limits.RANGES_MAX :])
    message = wire.CentralMsg(
        welcome=wire.Welcome(
            proto=PROTO,
            session=hello.session,
            stored=first,
            more=bool(rest),
            schemas_wanted=[digest for digest in hello.schemas if digest not in known],
            pace=wire.Pace(window_messages=WINDOW_MESSAGES, window_bytes=WINDOW_BYTES),
            server_time_us=now_us,
        )
    )
    return message, rest


def _is_tip(tip: wire.LaneTip) -> bool:
    known = len(tip.epoch) == 16 and tip.lane <= Lane.RAW
    return known and max(tip.held_lo, tip.tip_seq, tip.tip_sample) <= limits.SEQ_MAX
