"""The seam between a session and what carries it; grpc is the form that is built.  Pure.

Clause: batches.md 3.15.
"""

from collections.abc import Callable
from typing import Protocol

from proto.errors import UplinkError
from proto.v1 import uplink_pb2 as wire


class SessionEnded(UplinkError):
    """The session is over.

    Attributes:
        status: name of the gRPC status that ended it.
        kind: the call that it ended on; None when it was no call.
    """

    retry = True

    def __init__(self, status: str, message: str, kind: wire.StreamKind | None = None) -> None:
        super().__init__("uplink.ended", message)
        self.status, self.kind = status, kind


class Pipe(Protocol):
    """One call: messages in order, both ways; several may send, one receives."""

    async def send(self, message: bytes) -> None:
        """Hand one message over; raises `SessionEnded`."""

    async def receive(self) -> bytes:
        """Return the next message of the centre; raises `SessionEnded`."""


class Carriage(Protocol):
    """One connection to the centre."""

    def open(self, kind: wire.StreamKind) -> Pipe:
        """Open one call; failures show at the first message."""

    async def close(self) -> None:
        """Close everything within a second, whatever the state."""


Connect = Callable[[], Carriage]
"""Makes a fresh connection for each session."""
