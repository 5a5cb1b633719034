"""Plain functions that build devices, bindings and blocks for the tests of `devices`."""

from collections.abc import Mapping, Sequence

from devices import catalog
from devices.address import ModbusAddress, NodeType, OpcUaAddress, Order, RegisterType, Table
from devices.binding import bind
from devices.driver import Acquire, DeviceSettings, PointBinding
from devices.profile import ModbusProfile
from devices.profile_check import parse_profile
from proto.point import Point, PointType

POLL_NS = {"fast": 100_000_000, "normal": 1_000_000_000, "slow": 10_000_000_000}


def bof(name: str = "bof1_plc", unit_id: int = 1) -> DeviceSettings:
    """The converter's PLC with every point of its profile."""
    profile = catalog.find("bof_lance_plc")
    return DeviceSettings(name, unit_id, profile, bind(name, profile), POLL_NS)


def dust(name: str = "dust1_plc") -> DeviceSettings:
    """The dust collector's controller with every point of its profile."""
    profile = catalog.find("dust_dry_plc")
    return DeviceSettings(name, 0, profile, bind(name, profile), POLL_NS)


def point(name: str, kind: PointType = PointType.U16, poll: str = "fast", **more: float) -> Point:
    """A point without parameter."""
    return Point(
        name=name, tag=name, title=name, type=kind, unit="1", parameter="none", poll=poll, **more
    )


def register(
    name: str,
    address: int,
    kind: RegisterType = RegisterType.UINT16,
    *,
    table: Table = Table.HOLDING,
    order: Order = Order.ABCD,
    bit: int | None = None,
    poll: str = "fast",
    fault_values: tuple[float, ...] = (),
) -> PointBinding:
    """A point in a register or bit."""
    at = ModbusAddress(table, address, kind, order, bit)
    return PointBinding(point(name, at.point_type, poll), at, fault_values=fault_values)


def node(
    name: str, text: str, kind: NodeType, *, poll: str = "fast", acquire: Acquire = "read"
) -> PointBinding:
    """A point in a node."""
    at = OpcUaAddress(text, kind)
    return PointBinding(point(name, at.point_type, poll), at, acquire)


MODBUS_TEXT = """
profile = "test_plc"
version = 1
kind = "test_kind"
protocol = "modbus"
grade = "bronze"
source = "written by hand"
[modbus]
order = "CDAB"
[[points]]
name = "flow"
title = "流量"
parameter = "a.flow"
unit = "m3/h"
range = [0.0, 500.0]
poll = "fast"
at = { table = "holding", address = 0, type = "float32" }
vector = { registers = [0x0000, 0x44FA], value = 2000.0 }
"""
PARAMETERS = {"a.flow": "m3/h", "a.state": "1"}


def modbus_settings(
    bindings: Sequence[PointBinding],
    *,
    unit_id: int = 1,
    options: str = "",
    poll_ns: Mapping[str, int] = POLL_NS,
) -> DeviceSettings:
    """A Modbus device with exactly these points; `options` is text for the [modbus] table."""
    from devices.kinds import Kind

    kind = Kind(kind="test_kind", title="t", clauses=("O10-4.4",), requires=("a.flow",))
    text = MODBUS_TEXT.replace('order = "CDAB"', f'order = "CDAB"\n{options}')
    profile = parse_profile(text, "test_plc.toml", PARAMETERS, {"test_kind": kind})
    assert isinstance(profile, ModbusProfile)
    return DeviceSettings("plc", unit_id, profile, tuple(bindings), poll_ns)
