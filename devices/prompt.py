"""What a driver offers beside `Driver` where a read needs no task of its own.  Pure.

A task that waits for an answer costs as much as the judging of the answer.  A driver that can say
at once what came of a read is asked by this seam whenever nothing stands in the way; whatever does
(a drain, a proof, several requests, a pause) goes by `Driver.read`.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from devices.driver import Block, BlockColumns
from proto.errors import DeviceError

Done = Callable[[BlockColumns | DeviceError], None]
"""Takes what came of a read: its columns, or the error that `Driver.read` would have raised."""


@runtime_checkable
class PromptReader(Protocol):
    """Reads that call back; one at a time, and none beside another call of the driver."""

    def start(self, block: Block, done: Done) -> bool:
        """Read one block that rides on no other; `done` is called once, and never from in here.

        Returns:
            False, without any effect, where only `read` can do it.
        """

    def ride(self, block: Block) -> BlockColumns:
        """Decode a rider from the last answer of its host, as `read` does; nothing is sent."""

    def abandon(self) -> None:
        """Let `done` not be called any more: the request counts as timed out."""

    def rest(self) -> None:
        """Take notice that nothing is asked for a while: no timer is left that would wake us."""
