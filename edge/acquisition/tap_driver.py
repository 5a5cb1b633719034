"""The driver of a line that is only overheard.  Shell: makes it, opens nothing."""

from devices.driver import DeviceSettings
from devices.modbus.tap_line import TapDriver
from devices.modbus.tap_source import SerialSource, ServerSource, Source
from edge.config_line import LineConfig, SerialConfig
from edge.config_values import parse_address
from proto.clock import Clock


def tap_source(line: LineConfig) -> Source:
    """Return where a tap hears: a serial port where the address is a path, else a serial server."""
    serial = line.serial or SerialConfig()
    if line.address.startswith("/"):
        return SerialSource(line.address, serial.baud, serial.mode)
    host, port = parse_address(line.address)
    if line.serial is None:
        return ServerSource(host, port)
    return ServerSource(host, port, SerialSource("", serial.baud, serial.mode).char_ns)


def tap_driver(line: LineConfig, devices: tuple[DeviceSettings, ...], clock: Clock) -> TapDriver:
    """Return the driver of a tap; `answer_max` was checked with the configuration."""
    assert line.answer_max_ns is not None
    return TapDriver(tap_source(line), devices, line.answer_max_ns, clock)
