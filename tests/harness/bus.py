"""A bus of ptys: what one end says every other end hears, but never itself.  Shell: ptys.

An RS-485 line has no sides: master, slaves and a tap hang on the same two wires.  Each end is a
pty; what is written into one comes out of all others, in the order in which it was written.
"""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Wire = Callable[[int, bytes], bytes]
"""(number of the sender, what it said) -> what the listeners hear."""


@dataclass
class Bus:
    """Ends of one line.

    Attributes:
        paths: per end, what to open.
        said: bytes that each end said.
        wire: noise between the sender and the listening end alone.
        listener: the end that hears through `wire`.
    """

    paths: list[str] = field(default_factory=list)
    said: list[int] = field(default_factory=list)
    wire: Wire = lambda _, data: data
    listener: int = -1
    masters: list[int] = field(default_factory=list)
    slaves: list[int] = field(default_factory=list)

    def open(self, ends: int) -> None:
        """Make the ends."""
        for _ in range(ends):
            master, slave = os.openpty()
            tty.setraw(master)
            tty.setraw(slave)
            os.set_blocking(master, False)
            self.masters.append(master)
            self.slaves.append(slave)
            self.paths.append(os.ttyname(slave))
            self.said.append(0)
            asyncio.get_running_loop().add_reader(master, self._carry, len(self.masters) - 1)

    def _carry(self, sender: int) -> None:
        try:
            data = os.read(self.masters[sender], 4096)
        except (BlockingIOError, OSError):
            return
        self.said[sender] += len(data)
        for at, master in enumerate(self.masters):
            if at == sender:
                continue
            try:
                os.write(master, self.wire(sender, data) if at == self.listener else data)
            except (BlockingIOError, OSError):
                continue

    def close(self) -> None:
        """Take the line down."""
        for end in self.masters:
            asyncio.get_running_loop().remove_reader(end)
        for end in self.masters + self.slaves:
            os.close(end)


@asynccontextmanager
async def bus(ends: int) -> AsyncIterator[Bus]:
    """A line with so many ends."""
    line = Bus()
    line.open(ends)
    try:
        yield line
    finally:
        line.close()
