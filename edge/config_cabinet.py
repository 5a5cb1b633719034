"""`[cabinet]` of `edge.toml`: the gateway's own I/O module on a private line.  Pure.

```toml
[cabinet]
line = "cabinet"          # a [[line]] that carries nothing else
unit_id = 1
outputs = { sounder = 0, lamp = 1, gateway_healthy = 2 }                          # coils
inputs = { mains = 0, ups = 1, door = 2, isolation_key = 3, acknowledge = 4 }     # discrete inputs
watchdog = "5s"           # as set in the module itself: its outputs drop when we fall silent
```
Source: `acquisition.md` 3.12, `console.md` 3.13.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from edge.config_device import DeviceConfig
from edge.config_line import LineConfig
from edge.config_values import Duration, FileModel, Name, parse_address
from proto.duration import NS
from proto.errors import Fault

Output = Literal["sounder", "lamp", "gateway_healthy"]
Input = Literal["mains", "ups", "door", "isolation_key", "acknowledge"]
Bit = Annotated[int, Field(ge=0, le=65_535)]
KINDS = ("modbus-tcp", "modbus-rtu", "modbus-rtu-tcp")
SPAN_MAX = 2000
_SHARED = "config.cabinet_shared"


class CabinetConfig(FileModel):
    """The module.

    Attributes:
        line: that carries it and nothing else.
        unit_id: of the module.
        outputs: coil of each output; what is not named is not wired.
        inputs: discrete input of each input.
        watchdog_ns: after which the module drops its outputs when nobody writes; set in the module.
    """

    line: Name
    unit_id: Annotated[int, Field(ge=1, le=255)] = 1
    outputs: Mapping[Output, Bit] = {}
    inputs: Mapping[Input, Bit] = {}
    watchdog_ns: Annotated[Duration, Field(alias="watchdog", ge=3 * NS["s"], le=10 * NS["s"])] = (
        5 * NS["s"]
    )


def cabinet_faults(
    cabinet: CabinetConfig,
    lines: Sequence[LineConfig],
    devices: Sequence[DeviceConfig],
    file: str,
    *,
    output_lines: Collection[str] = (),
) -> Iterator[Fault]:
    """Yield what makes a cabinet's line somebody else's.

    Args:
        cabinet: the table.
        lines: every `[[line]]`.
        devices: every `[[device]]`.
        file: name of the configuration.
        output_lines: lines of the outputs that interlocks may write (`outputs.toml`).
    """
    place = f"{file}: cabinet"
    own = next((line for line in lines if line.name == cabinet.line), None)
    if own is None:
        message = f'no [[line]] has the name "{cabinet.line}"'
        yield Fault(f"{place}.line", "config.unknown_line", message)
        return
    for device in devices:
        if device.line == own.name:
            message = (
                f"cabinet line carries {device.name} 柜内线路混用; give the module its own line"
            )
            yield Fault(f"{place}.line", _SHARED, message)
    if own.kind not in KINDS:
        message = f"{own.kind} carries no cabinet; one of: {', '.join(KINDS)}"
        yield Fault(f"{place}.line", "config.value", message)
        return
    for line in lines:
        if line is not own and _meet(own, line):
            message = f"{own.address} is where plant line {line.name} runs 柜内线路混用"
            yield Fault(f"{place}.line", _SHARED, message)
    if own.name in output_lines:
        message = "an output of outputs.toml hangs on the cabinet line 柜内线路混用"
        yield Fault(f"{place}.line", _SHARED, message)
    yield from _bit_faults(cabinet, place)


def _bit_faults(cabinet: CabinetConfig, place: str) -> Iterator[Fault]:
    if not cabinet.outputs and not cabinet.inputs:
        yield Fault(place, "config.missing", "name outputs, inputs, or both")
    for key, table in (("outputs", cabinet.outputs), ("inputs", cabinet.inputs)):
        bits = list(table.values())
        if len(set(bits)) != len(bits):
            yield Fault(f"{place}.{key}", "config.duplicate", "two names on one address")
        if bits and max(bits) - min(bits) >= SPAN_MAX:
            message = f"addresses lie more than {SPAN_MAX} apart; no module is as wide"
            yield Fault(f"{place}.{key}", "config.limit", message)


def _meet(own: LineConfig, other: LineConfig) -> bool:
    """Return True when two lines end at one device, host or IPv4 network of 256 addresses."""
    mine, theirs = _host(own), _host(other)
    if mine is None or theirs is None:
        return own.address == other.address
    if mine == theirs:
        return not _is_loopback(mine) or own.address == other.address
    try:
        a, b = ipaddress.ip_address(mine), ipaddress.ip_address(theirs)
    except ValueError:
        return False
    if a.version != 4 or b.version != 4 or a.is_loopback:
        return False
    return int(a) >> 8 == int(b) >> 8


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(line: LineConfig) -> str | None:
    address = line.address
    if address.startswith("/"):
        return None
    try:
        return parse_address(address.removeprefix("opc.tcp://").partition("/")[0])[0]
    except ValueError:
        return None
