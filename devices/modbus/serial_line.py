"""A serial port as the transport of a Modbus line.  Shell: opens the port, exclusively.

pyserial opens it through pymodbus: exclusive (a second opener is refused), every combination of
data bits, parity and stop bits.
"""

import asyncio
import termios
from collections.abc import Callable

from pymodbus.transport.serialtransport import create_serial_connection

from devices.modbus.line_settings import SerialEndpoint
from devices.modbus.transport import Opener


def serial_opener(port: SerialEndpoint) -> Opener:
    """Return what opens the port."""

    async def opened(factory: Callable[[], asyncio.BaseProtocol]) -> tuple[object, object]:
        try:
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
        except (termios.error, ValueError) as error:  # neither is an OSError
            mode = f"{port.baud} {port.data_bits}{port.parity}{port.stop_bits}"
            raise OSError(f"the port does not take {mode}: {error}") from error

    return opened
