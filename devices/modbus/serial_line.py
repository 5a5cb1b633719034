"""A serial port as the transport of a Modbus line.  Shell: opens the port, exclusively.

pyserial opens it through pymodbus: exclusive (a second opener is refused), every combination of
data bits, parity and stop bits.
"""

import asyncio
from collections.abc import Callable

from pymodbus.transport.serialtransport import create_serial_connection

from devices.modbus.line_settings import SerialEndpoint
from devices.modbus.transport import Opener


def serial_opener(port: SerialEndpoint) -> Opener:
    """Return what opens the port."""

    async def opened(factory: Callable[[], asyncio.BaseProtocol]) -> tuple[object, object]:
        return await create_serial_connection(
            asyncio.get_running_loop(),
            factory,
            port.path,
            baudrate=port.baud,
            bytesize=port.data_bits,
            parity=port.parity,
            stopbits=port.stop_bits,
            timeout=0,
        )

    return opened
