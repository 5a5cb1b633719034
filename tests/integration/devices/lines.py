"""Drivers of Modbus lines for these tests."""

from collections.abc import Sequence
from dataclasses import replace

from devices.driver import DeviceSettings
from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.holes_model import Policy
from devices.modbus.line_settings import ModbusLine, TcpEndpoint
from tests.integration.devices.clock import RealClock


def tcp_line(port: int, timeout_ns: int) -> ModbusLine:
    """A direct MBAP line to a port of this machine."""
    return ModbusLine("plc_line", TcpEndpoint("127.0.0.1", (port,)), Framing.MBAP, timeout_ns)


def tcp_driver(
    port: int,
    devices: Sequence[DeviceSettings],
    timeout_ns: int,
    *,
    probing: Policy = "commissioning",
) -> ModbusDriver:
    """A driver of such a line."""
    line = replace(tcp_line(port, timeout_ns), probing=probing)
    return ModbusDriver(line, devices, RealClock())
