"""What shapes the reads of a device: the wire, the guard of its line, and what was learnt.  Pure.

A pair has one plan for both members (its axes are shared), so whatever one of them refuses or
needs holds for the other too.  Under `probing = "never"` nothing that was learnt is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from devices.driver import DeviceSettings
from devices.modbus.cost import TCP, Cost, Wire, serial_wire
from devices.modbus.facts import Learnt, profile_hash
from devices.modbus.fences import Fence
from devices.modbus.frame import Framing
from devices.modbus.holes_model import Fact
from devices.modbus.line_settings import (
    ModbusLine,
    TcpEndpoint,
    is_full_guard,
    modbus_profile,
)
from devices.modbus.plan import Shaping
from devices.profile import ModbusProfile, Profile
from edge.config_device import DeviceConfig
from edge.config_line import LineConfig, Probing, SerialConfig
from proto.errors import Fault

FUNCTIONS = (1, 2, 3, 4)


def probing_of(line: LineConfig, device: DeviceConfig) -> Probing:
    """Return what may be asked of a device outside the plan: its own word, else the line's."""
    return device.probing or line.probing


def wire_of(line: LineConfig) -> Wire:
    """Return the prior of a line and the bounds of its slope."""
    if line.kind == "modbus-rtu":
        serial = line.serial or SerialConfig()
        return serial_wire(serial.baud, serial.mode)
    return TCP


def is_guarded(line: LineConfig, devices: Sequence[DeviceSettings]) -> bool:
    """Return True for a line under the full guard (`acquisition.md` 3.8, G0)."""
    if line.kind in ("opcua", "modbus-tap"):
        return False
    is_rtu = line.kind in ("modbus-rtu", "modbus-rtu-tcp", "modbus-dial-in")
    as_driven = ModbusLine(
        name=line.name,
        endpoint=TcpEndpoint("", ()),
        framing=Framing.RTU if is_rtu else Framing.MBAP,
        behind_gateway=line.behind_gateway,
    )
    return is_full_guard(as_driven, devices)


def guard_faults(
    lines: Sequence[LineConfig],
    owners: Sequence[DeviceConfig],
    settings: Mapping[str, DeviceSettings],
    file: str,
) -> Iterator[Fault]:
    """Yield lines whose units could never be proved: each connection ends after its first answer.

    The full guard asks for an echo before a read, on the very connection of the read.
    """
    for i, line in enumerate(lines):
        names = [device.name for device in owners if device.line == line.name]
        devices = [settings[name] for name in names if name in settings]
        devices = [device for device in devices if isinstance(device.profile, ModbusProfile)]
        if not devices or not is_guarded(line, devices):
            continue
        for device in devices:
            if modbus_profile(device).modbus.quirks.close_after_each:
                message = (
                    f"{device.name} closes each connection after its answer, but here units "
                    "prove themselves before a read: it would never be read 每次应答后断开"
                )
                yield Fault(f"{file}: line[{i}]", "config.close_after_each", message)


def fence_of(line: LineConfig, devices: Sequence[DeviceSettings], probing: Probing) -> Fence:
    """Return how counts are told apart: not at all where transaction ids do it."""
    if not is_guarded(line, devices):
        return "none"
    return "fixed" if probing == "never" else "alternate"


def still_valid(learnt: Mapping[str, Learnt], profiles: Mapping[str, Profile]) -> dict[str, Learnt]:
    """Return what earlier runs learnt of devices whose profile is still the same, by device."""
    hashes: dict[int, str] = {}
    found: dict[str, Learnt] = {}
    for name, known in learnt.items():
        profile = profiles.get(name)
        if profile is None:
            continue
        key = id(profile)  # a hundred devices share one profile: hashed once
        hashes[key] = hashes.get(key) or profile_hash(profile)
        if known.profile_hash == hashes[key]:
            found[name] = known
    return found


def costs_of(learnt: Learnt, wire: Wire) -> dict[int, Cost]:
    """Return the cost per function code: learnt, else the prior of the wire."""
    return {function: learnt.costs.get(function, wire.prior) for function in FUNCTIONS}


def shaping_of(
    line: LineConfig,
    devices: Sequence[DeviceSettings],
    probing: Probing,
    learnt: Learnt | None,
) -> Shaping:
    """Return what shapes the plan of one device among `devices` on its line."""
    known = Learnt("") if learnt is None or probing == "never" else learnt
    return Shaping(
        costs=costs_of(known, wire_of(line)),
        fence=fence_of(line, devices, probing),
        facts=known.facts,
    )


def of_pair(members: Sequence[Shaping]) -> Shaping:
    """Return one shaping for both members of a pair: all holes, the strictest fence."""
    first = members[0]
    facts: Mapping[tuple[str, int, int, int], Fact] = {
        (str(fact.kind), fact.function, fact.first, fact.last): fact
        for member in members
        for fact in member.facts
    }
    fences = [member.fence for member in members]
    fence: Fence = "alternate" if "alternate" in fences else fences[0]
    if "fixed" in fences:
        fence = "fixed"
    return replace(first, fence=fence, facts=tuple(facts.values()))
