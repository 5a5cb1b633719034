"""The driver that speaks a line's protocol.  Shell: makes drivers, connects nothing."""

from pathlib import Path
from typing import assert_never

from devices.driver import Driver
from devices.modbus.driver import ModbusTcpDriver
from edge.acquisition.opcua_session import make_opcua_driver
from edge.acquisition.tap_driver import tap_driver
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
        case "modbus-tap":
            return tap_driver(config, line.devices, clock)
        case "opcua":
            return make_opcua_driver(line, base, clock)
        case _:
            assert_never(config.kind)
