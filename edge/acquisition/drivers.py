"""The driver that speaks a line's protocol.  Shell: makes drivers, connects nothing."""

from pathlib import Path
from typing import assert_never

from devices.driver import Driver
from devices.modbus.driver import ModbusTcpDriver
from devices.opcua.driver import OpcUaDriver
from devices.opcua.session import OpcUaSecurity
from edge.config_values import parse_address
from edge.points import LinePlan
from proto.clock import Clock


def make_driver(line: LinePlan, base: Path, clock: Clock) -> Driver:
    """Return the driver of a line; nothing is opened yet.

    Args:
        line: from the plan.
        base: folder of the configuration; its file names are relative to this.
        clock: for the times of answers.
    """
    config = line.config
    match config.kind:
        case "modbus-tcp":
            address = parse_address(config.address)
            return ModbusTcpDriver(address, line.devices, config.timeout_ns, clock)
        case "opcua":
            assert config.pki is not None, "checked when the configuration was read"
            security = OpcUaSecurity(base / config.pki, config.security)
            return OpcUaDriver(config.address, line.devices, security, clock, config.timeout_ns)
        case _:
            assert_never(config.kind)
