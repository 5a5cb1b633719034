"""Drivers of Modbus lines for these tests."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from devices.driver import Block, BlockColumns, DeviceSettings
from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.holes_model import Policy
from devices.modbus.line_settings import ModbusLine, TcpEndpoint
from proto.errors import DeviceError
from tests.integration.devices.clock import RealClock


def tcp_line(port: int, timeout_ns: int) -> ModbusLine:
    """A direct MBAP line to a port of this machine."""
    return ModbusLine("plc_line", TcpEndpoint("127.0.0.1", (port,)), Framing.MBAP, timeout_ns)


class ByCallBack(ModbusDriver):
    """Reads as the owner of a line does: by call back wherever that can be."""

    called_back = 0

    async def read(self, block: Block) -> BlockColumns:
        """Wait for the call back; where there is none, read in a task."""
        told: asyncio.Future[BlockColumns | DeviceError] = asyncio.Future()
        if not self.start(block, told.set_result):
            return await super().read(block)
        self.called_back += 1
        try:
            found = await told
        except asyncio.CancelledError:
            self.abandon()
            raise
        if isinstance(found, DeviceError):
            raise found
        return found


def tcp_driver(
    port: int,
    devices: Sequence[DeviceSettings],
    timeout_ns: int,
    *,
    probing: Policy = "commissioning",
    kind: type[ModbusDriver] = ModbusDriver,
) -> ModbusDriver:
    """A driver of such a line."""
    line = replace(tcp_line(port, timeout_ns), probing=probing)
    return kind(line, devices, RealClock())
