"""`[[line]]` of `edge.toml`: one physical line, connection or session, and how it is spoken.  Pure.

One model for all kinds; `line_faults` says which keys belong to which kind.  Source:
`acquisition.md` 3.3, 3.6, 3.13.6, 3.19.
"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from edge.config_values import Duration, FileModel, FilePath, Name, parse_address
from proto.duration import NS
from proto.errors import Fault

Kind = Literal[
    "modbus-tcp",
    "modbus-rtu",
    "modbus-rtu-tcp",
    "modbus-tls",
    "modbus-dial-in",
    "modbus-tap",
    "opcua",
]
Probing = Literal["commissioning", "auto", "never"]
Policy = Literal[
    "Aes256_Sha256_RsaPss",
    "Aes128_Sha256_RsaOaep",
    "Basic256Sha256",
    "Basic256",
    "Basic128Rsa15",
    "None",
]
POLICIES_DEPRECATED = ("Basic256", "Basic128Rsa15", "None")
Hex = Annotated[str, Field(pattern=r"^(?:[0-9A-Fa-f]{2}){1,64}$")]
Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
BACKOFF_NS_MIN, BACKOFF_NS_MAX = 10**8, 300 * 10**9  # acquisition.md 3.9
DIGITS = {"imei": (15,), "iccid": (19, 20)}
"""How many digits a number of a SIM card or of a modem has."""
_SERIAL_PATH = re.compile(r"/dev/[^\x00]{1,250}")


class SerialConfig(FileModel):
    """`serial = { baud = 9600, mode = "8E1" }`: data bits, parity, stop bits."""

    baud: Annotated[int, Field(ge=300, le=1_000_000)] = 9600
    mode: Annotated[str, Field(pattern=r"^[78][NEO][12]$")] = "8E1"


class TlsConfig(FileModel):
    """`tls`: the peer is always verified, by `ca` and its host name, or by a pinned certificate.

    Attributes:
        ca: PEM file of the authority that signed the device.
        pin: SHA-256 of the device's certificate (DER), hex; instead of `ca`.
        cert, key: our client certificate.
        server_name: name in the device's certificate; the host of `address` unless given.
        role: text of the role extension (OID 1.3.6.1.4.1.50316.802.1) that ours must carry.
    """

    ca: FilePath | None = None
    pin: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None
    cert: FilePath | None = None
    key: FilePath | None = None
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    role: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class RegistrationConfig(FileModel):
    """`registration`: the packet (注册包) by which a device that dials in says who it is.

    Attributes:
        match: `literal` = the whole packet, `prefix` = its beginning, `imei` = 15 digits, `iccid` =
            19 or 20 digits; the last two need `text`.
        text, hex: what is expected, as ASCII or as bytes.
        on_each: True when the device repeats it before every packet.
    """

    match: Literal["literal", "prefix", "imei", "iccid"] = "literal"
    text: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    hex: Hex | None = None
    on_each: bool = False


class HeartbeatConfig(FileModel):
    """`heartbeat`: the packet (心跳包) that the device sends between answers, and how often."""

    text: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    hex: Annotated[str, Field(pattern=r"^(?:[0-9A-Fa-f]{2}){1,32}$")] | None = None
    interval_ns: Annotated[Duration, Field(alias="interval", ge=NS["s"], le=3600 * NS["s"])]


class InsecureConfig(FileModel):
    """`allow_insecure`: a deprecated policy, by exception, with a reason and an end."""

    reason: Annotated[str, Field(min_length=10, max_length=400)]
    until: Date
    approved_by: Annotated[str, Field(min_length=2, max_length=80)]


class LoginConfig(FileModel):
    """`login`: user of an OPC UA server; the password stands in a file of mode 0600."""

    user: Annotated[str, Field(min_length=1, max_length=64)]
    password_file: FilePath


class BackoffConfig(FileModel):
    """`backoff`: pauses between two probes of a unit that does not answer, doubled each time.

    Attributes:
        first_ns, longest_ns: within 0.1-300 s; one outside is refused, never altered.
    """

    first_ns: Annotated[Duration, Field(alias="first")] = 10**9
    longest_ns: Annotated[Duration, Field(alias="longest")] = 30 * 10**9


class LineConfig(FileModel):
    """`[[line]]`: one physical line or session, one owner task.

    Attributes:
        name: of the line.
        kind: protocol and transport.
        address: `host:port`; a serial device; where dial-in listens; an `opc.tcp://` endpoint.
        timeout_ns: first time-out; the driver learns its own within the limits of the page.
        serial: of `modbus-rtu`, and of a tap on a serial port.
        framing: of dial-in and tap: RTU bytes or MBAP.
        answer_max_ns: longest time that this line has ever taken to answer (D of the guard).
        behind_gateway: serial units behind a TCP gateway; None = judged by the units.
        ports: further ports of the same device, tried in turn while a slot is held.
        local_ports: two fixed local ports, used in turn (`acquisition.md` 3.19).
        probing: what may be asked outside the plan (`acquisition.md` 3.6).
        backoff: how often a unit that does not answer is tried.
        registration, heartbeat, allow_public: of dial-in.
        tls: of `modbus-tls`.
        security: OPC UA policy; `pki`: folder with own, trusted, issuers, crl, rejected.
        allow_insecure: exception for a deprecated policy, or None.
        login: OPC UA user.
        server: name of an OPC UA server profile; judged by what the server says unless given.
        server_vouches: a silent subscription counts as fresh: the site states so.
        bridge_ns: longest cut that the queues of an OPC UA server are sized for.
    """

    name: Name
    kind: Kind
    address: Annotated[str, Field(min_length=1, max_length=400)]
    timeout_ns: Annotated[Duration, Field(alias="timeout", ge=10**6, le=60 * 10**9)] = 500 * 10**6
    serial: SerialConfig | None = None
    framing: Literal["rtu", "mbap"] | None = None
    answer_max_ns: Annotated[
        Annotated[Duration, Field(ge=10**6, le=10**10)] | None, Field(alias="answer_max")
    ] = None
    behind_gateway: bool | None = None
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = ()
    local_ports: tuple[Annotated[int, Field(ge=1024, le=65_535)], ...] = ()
    probing: Probing = "commissioning"
    backoff: BackoffConfig = BackoffConfig()
    registration: RegistrationConfig | None = None
    heartbeat: HeartbeatConfig | None = None
    allow_public: bool = False
    tls: TlsConfig | None = None
    security: Policy | None = None
    pki: FilePath | None = None
    allow_insecure: InsecureConfig | None = None
    login: LoginConfig | None = None
    server: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] | None = None
    server_vouches: bool = False
    bridge_ns: Annotated[Duration, Field(alias="bridge", ge=NS["s"], le=600 * NS["s"])] = 30 * 10**9

    @property
    def is_modbus(self) -> bool:
        """True for every kind but OPC UA."""
        return self.kind != "opcua"

    @property
    def is_listening_only(self) -> bool:
        """True for the passive tap: nothing is ever sent."""
        return self.kind == "modbus-tap"


_COMMON = {"name", "kind", "address", "timeout_ns", "probing", "backoff"}
_MODBUS = _COMMON | {"answer_max_ns"}
_TCP = _MODBUS | {"behind_gateway", "ports", "local_ports"}
_KEYS: dict[str, set[str]] = {
    "modbus-tcp": _TCP,
    "modbus-rtu": _MODBUS | {"serial"},
    "modbus-rtu-tcp": _TCP - {"behind_gateway"},
    "modbus-tls": _TCP | {"tls"},
    "modbus-dial-in": _MODBUS | {"framing", "registration", "heartbeat", "allow_public"},
    "modbus-tap": _MODBUS | {"serial", "framing"},
    "opcua": _COMMON
    | {"security", "pki", "allow_insecure", "login", "server", "server_vouches", "bridge_ns"},
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "modbus-tls": ("tls",),
    "modbus-dial-in": ("framing", "registration"),
    "modbus-tap": ("answer_max_ns",),
    "opcua": ("security", "pki"),
}


def line_faults(line: LineConfig, key: str) -> Iterator[Fault]:
    """Yield what is wrong within one line; `key` is its place, such as `edge.toml: line[0]`."""
    yield from _belonging(line, key)
    yield from _address_faults(line, f"{key}.address")
    yield from _backoff_faults(line.backoff, f"{key}.backoff")
    if line.local_ports and (len(line.local_ports) != 2 or len(set(line.local_ports)) != 2):
        message = "name two different ports, no more: they are used in turn 须为两个不同端口"
        yield Fault(f"{key}.local_ports", "config.value", message)
    if line.tls is not None:
        yield from _tls_faults(line.tls, f"{key}.tls")
    yield from _packet_faults(line, key)
    if line.security in POLICIES_DEPRECATED and line.allow_insecure is None:
        message = (
            f"{line.security} is broken; take Aes256_Sha256_RsaPss or Basic256Sha256, or state "
            'allow_insecure = { reason = "…", until = "YYYY-MM-DD", approved_by = "…" }'
        )
        yield Fault(f"{key}.security", "config.insecure", message)
    if line.allow_insecure is not None and not _is_day(line.allow_insecure.until):
        message = f"no such day 日期不存在 (here: {line.allow_insecure.until!r})"
        yield Fault(f"{key}.allow_insecure.until", "config.value", message)
    if _never_needs_bound(line):
        message = f"probing never on {line.name}: state answer_max 缺少应答上限"
        yield Fault(f"{key}.answer_max", "config.never_needs_bound", message)


def _packet_faults(line: LineConfig, key: str) -> Iterator[Fault]:
    """Yield what is wrong with the packets that a device which dials in sends by itself."""
    for name, packet in (("registration", line.registration), ("heartbeat", line.heartbeat)):
        if packet is not None and (packet.text is None) == (packet.hex is None):
            message = "give text or hex, one of them text 与 hex 二选一"
            yield Fault(f"{key}.{name}", "config.value", message)
        if packet is not None and packet.text is not None and not packet.text.isascii():
            message = "text is ASCII; write other bytes as hex 非 ASCII 请用 hex"
            yield Fault(f"{key}.{name}.text", "config.value", message)
    said = packet_bytes(line.registration)
    lengths = () if line.registration is None else DIGITS.get(line.registration.match, ())
    if said and lengths and not (said.isdigit() and len(said) in lengths):
        assert line.registration is not None
        counts = " or ".join(map(str, lengths))
        message = (
            f"an {line.registration.match.upper()} has {counts} digits and nothing else "
            f"须为 {counts} 位数字 (here: {said!r:.80})"
        )
        yield Fault(f"{key}.registration.text", "config.value", message)
    if said and said == packet_bytes(line.heartbeat):
        message = (
            "the same bytes as the registration: a heartbeat would register the device anew "
            "心跳包与注册包相同，无法区分"
        )
        yield Fault(f"{key}.heartbeat", "config.value", message)


def packet_bytes(packet: RegistrationConfig | HeartbeatConfig | None) -> bytes:
    """Return the bytes that a packet stands for; none where it is absent or states them wrongly."""
    if packet is None:
        return b""
    return bytes.fromhex(packet.hex) if packet.hex is not None else (packet.text or "").encode()


def _backoff_faults(backoff: BackoffConfig, key: str) -> Iterator[Fault]:
    for name, pause_ns in (("first", backoff.first_ns), ("longest", backoff.longest_ns)):
        if not BACKOFF_NS_MIN <= pause_ns <= BACKOFF_NS_MAX:
            message = f"back-off {pause_ns / 1e9:g} s is outside 0.1-300 s 退避时间超出范围"
            yield Fault(f"{key}.{name}", "config.backoff_range", message)
    if backoff.first_ns > backoff.longest_ns:
        yield Fault(key, "config.backoff_range", "first is longer than longest 退避时间超出范围")


def _never_needs_bound(line: LineConfig) -> bool:
    full_guard = line.kind in ("modbus-rtu", "modbus-rtu-tcp", "modbus-dial-in")
    behind = line.kind in ("modbus-tcp", "modbus-tls") and line.behind_gateway is True
    return line.probing == "never" and (full_guard or behind) and line.answer_max_ns is None


def _belonging(line: LineConfig, key: str) -> Iterator[Fault]:
    for name in sorted(line.model_fields_set - _KEYS[line.kind]):
        shown = LineConfig.model_fields[name].alias or name
        homes = ", ".join(kind for kind, keys in _KEYS.items() if name in keys)
        yield Fault(f"{key}.{shown}", "config.value", f"{shown} belongs to kind {homes} only")
    if line.is_listening_only and line.framing == "mbap":
        yield Fault(f"{key}.framing", "config.value", "a tap hears RTU: leave framing out")
    for name in _NEEDED.get(line.kind, ()):
        if getattr(line, name) is None:
            shown = LineConfig.model_fields[name].alias or name
            message = f"{shown} is required for kind {line.kind}"
            if line.kind == "opcua":
                message += ": there is no line without certificates"
            yield Fault(f"{key}.{shown}", "config.missing", message)


def _tls_faults(tls: TlsConfig, key: str) -> Iterator[Fault]:
    if (tls.ca is None) == (tls.pin is None):
        message = "give ca or pin, one of them: a peer that nobody verified is refused"
        yield Fault(key, "config.missing", message)
    if (tls.cert is None) != (tls.key is None):
        yield Fault(key, "config.missing", "cert and key belong together")


def _address_faults(line: LineConfig, key: str) -> Iterator[Fault]:
    text = line.address
    if line.kind == "opcua":
        if not _is_endpoint(text):
            message = f'write an endpoint as "opc.tcp://host:port/path" (here: {text!r})'
            yield Fault(key, "config.address", message)
        return
    if line.kind == "modbus-rtu" or (line.kind == "modbus-tap" and text.startswith("/")):
        if not _SERIAL_PATH.fullmatch(text):
            message = f'write a serial device as "/dev/ttyS0" (here: {text!r})'
            yield Fault(key, "config.address", message)
        return
    try:
        host, _ = parse_address(text)
    except ValueError as error:
        yield Fault(key, "config.address", f"{error} (here: {text!r})")
        return
    if line.kind == "modbus-dial-in" and not line.allow_public and _is_public(host):
        message = f"{host} can be reached from outside the plant; bind a private address"
        yield Fault(key, "config.public_address", message + ", or state allow_public = true")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_endpoint(text: str) -> bool:
    try:
        url = urlsplit(text)
        parse_address(url.netloc)
    except ValueError:
        return False
    return url.scheme == "opc.tcp"


def _is_public(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost"
    return address.is_unspecified or not address.is_private
