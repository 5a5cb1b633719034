"""Drivers of Modbus lines for these tests."""

from collections.abc import Sequence

from devices.driver import DeviceSettings
from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.line_settings import ModbusLine, TcpEndpoint
from tests.integration.devices.clock import RealClock


def tcp_line(port: int, timeout_ns: int) -> ModbusLine:
    """A direct MBAP line to a port of this machine."""
    return ModbusLine("plc_line", TcpEndpoint("127.0.0.1", (port,)), Framing.MBAP, timeout_ns)


def tcp_driver(port: int, devices: Sequence[DeviceSettings], timeout_ns: int) -> ModbusDriver:
    """A driver of such a line."""
    return ModbusDriver(tcp_line(port, timeout_ns), devices, RealClock())
