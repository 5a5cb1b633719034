"""Registers that are no samples: reads beside the blocks of one device.  Shell: driver."""

from typing import Protocol, runtime_checkable

from devices.modbus.ask import Ask
from devices.modbus.exchange import RegistersRead
from devices.modbus.side_reads import SideRead, cut

REFUSED_MAX = 3
"""A padded request that failed so often in a row is tried as often without padding."""


@runtime_checkable
class RegisterReader(Protocol):
    """A driver that reads registers beside its blocks."""

    async def read_registers(self, device: str, ask: Ask) -> RegistersRead | None:
        """Read them; None = no answer that counts."""


class Asker:
    """Reads beside the blocks of one device: counts in turn, without padding where it must be."""

    def __init__(self, device: str, *, may_unpad: bool) -> None:
        self.device, self._may_unpad = device, may_unpad
        self._turn = 0
        self._failed: dict[Ask, int] = {}

    async def read(self, driver: RegisterReader, wanted: SideRead) -> RegistersRead | None:
        """Return the bytes that are wanted; None = no answer that counts.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        self._turn += 1
        key, asks = wanted.wanted, wanted.asks
        ask = asks[self._turn % len(asks)]
        failures = self._failed.get(key, 0)
        is_bare = self._may_unpad and failures >= REFUSED_MAX
        if is_bare:
            ask = key
        found = await driver.read_registers(self.device, ask)
        if found is None:
            self._failed[key] = (failures + 1) % (2 * REFUSED_MAX)
            return None
        if failures and not is_bare:
            del self._failed[key]
        return found._replace(data=cut(wanted, ask, found.data))
