"""One Modbus line as its driver takes it: where it ends, its framing, what is permitted.  Pure.

Source: `acquisition.md` 3.3, 3.6, 3.8 (G0, G2), 3.9, 3.19.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devices.driver import DeviceSettings
from devices.modbus.dial_in_frames import Registration
from devices.modbus.frame import Framing
from devices.modbus.guard_model import Rules
from devices.modbus.holes_model import Policy
from devices.profile import ModbusProfile

QUIET_TCP_NS = 50 * 10**6
FAST_GAP_NS = 1_750_000
FAST_BAUD = 19_200
DIRECT_UNITS = (0, 1, 255)


@dataclass(frozen=True, slots=True)
class SerialEndpoint:
    """A serial port of this machine; opened exclusively."""

    path: str
    baud: int = 9600
    data_bits: int = 8
    parity: str = "E"
    stop_bits: int = 1

    @property
    def char_ns(self) -> int:
        """Time of one character: start, data, parity and stop bits."""
        bits = 1 + self.data_bits + (self.parity != "N") + self.stop_bits
        return bits * 10**9 // self.baud

    @property
    def gap_ns(self) -> int:
        """Silence between frames: 3.5 characters, 1.75 ms above 19,200 baud."""
        return FAST_GAP_NS if self.baud > FAST_BAUD else 7 * self.char_ns // 2


@dataclass(frozen=True, slots=True)
class Tls:
    """How the peer is verified, by `ca` and name or by `pin`, and who we are.

    Attributes:
        ca: PEM file of the authority.
        pin: SHA-256 of the peer's certificate, lower-case hex.
        cert, key: our own PEM files; empty = none.
        server_name: name in the peer's certificate.
        role: text that the role extension of our certificate must hold; empty = not asked for.
    """

    ca: str = ""
    pin: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A TCP address; further ports of the same device, and fixed local ports, used in turn."""

    host: str
    ports: tuple[int, ...]
    local_ports: tuple[int, ...] = ()
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class DialInEndpoint:
    """Where we listen, and by what we know the device; a heartbeat is stripped and watched."""

    host: str
    port: int
    registration: Registration
    heartbeat: bytes = b""
    heartbeat_ns: int = 0


Endpoint = SerialEndpoint | TcpEndpoint | DialInEndpoint


@dataclass(frozen=True, slots=True)
class ModbusLine:
    """One line.

    Attributes:
        name: of the line.
        endpoint: where it ends.
        framing: RTU bytes or MBAP.
        timeout_ns: the first time-out, before any is learnt.
        answer_max_ns: declared bound of an answer's lateness; None = not declared.
        behind_gateway: serial units behind a TCP gateway; None = judged by the units.
        probing: what may be asked outside the plan.
        probing_of: the same per device, where it differs.
        late_ns: largest lateness that earlier runs have seen.
        no_echo: devices that earlier runs have seen without echo.
    """

    name: str
    endpoint: Endpoint
    framing: Framing = Framing.MBAP
    timeout_ns: int = 500 * 10**6
    answer_max_ns: int | None = None
    behind_gateway: bool | None = None
    probing: Policy = "commissioning"
    probing_of: Mapping[str, Policy] = field(default_factory=dict)
    late_ns: int = 0
    no_echo: frozenset[str] = frozenset()

    @property
    def quiet_ns(self) -> int:
        """Q of the guard: the silence that ends a drain."""
        if isinstance(self.endpoint, SerialEndpoint):
            return self.endpoint.gap_ns
        return QUIET_TCP_NS

    @property
    def gap_ns(self) -> int:
        """Silence that is kept between an answer and the next request."""
        return self.endpoint.gap_ns if isinstance(self.endpoint, SerialEndpoint) else 0

    def policy(self, device: str) -> Policy:
        """Return what may be asked of a device outside the plan."""
        return self.probing_of.get(device, self.probing)


def modbus_profile(device: DeviceSettings) -> ModbusProfile:
    """Return the profile of a Modbus device."""
    assert isinstance(device.profile, ModbusProfile)
    return device.profile


def is_full_guard(line: ModbusLine, devices: Sequence[DeviceSettings]) -> bool:
    """Return True where the full guard holds (G0): all but direct MBAP.

    MBAP counts as behind a gateway where the line or a profile says so, or where the units look
    like it; a device that answers with transaction id 0 has no ids of its own either, unless every
    connection of the line carries one request only: nothing older can come on it.
    """
    if line.framing is Framing.RTU or isinstance(line.endpoint, SerialEndpoint | DialInEndpoint):
        return True
    quirks = [modbus_profile(device).modbus.quirks for device in devices]
    is_once = all(quirk.close_after_each for quirk in quirks)
    if any(quirk.tid_zero for quirk in quirks) and not is_once:
        return True
    said = [quirk.behind_gateway for quirk in quirks if quirk.behind_gateway is not None]
    if line.behind_gateway is not None:
        return line.behind_gateway
    if said:
        return any(said)
    units = {device.unit_id for device in devices}
    return len(units) > 1 or any(unit not in DIRECT_UNITS for unit in units)


def rules_of(line: ModbusLine, devices: Sequence[DeviceSettings], device: DeviceSettings) -> Rules:
    """Return the rules of the guard while `device` is asked."""
    declared = [modbus_profile(d).modbus.answer_max_ns for d in devices]
    bounds = [bound for bound in (line.answer_max_ns, *declared) if bound is not None]
    return Rules(
        framing=line.framing,
        is_full=is_full_guard(line, devices),
        quiet_ns=line.quiet_ns,
        answer_max_ns=max(bounds, default=None),
        is_probing=line.policy(device.name) != "never",
        tid_zero=any(modbus_profile(d).modbus.quirks.tid_zero for d in devices),
    )
