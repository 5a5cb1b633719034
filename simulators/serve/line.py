"""The seam between the runner of a plant and the server of its protocol.  Pure."""

from typing import Protocol

from simulators.box import Image


class LineServer(Protocol):
    """One protocol server; the runner opens and closes it, and gives it each new image."""

    @property
    def port(self) -> int:
        """The port it listens on, or last listened on; 0 before the first opening."""

    @property
    def connections(self) -> int:
        """Connections that are open now."""

    @property
    def writes_refused(self) -> int:
        """The trip-wire: how often a client tried to write."""

    async def prepare(self) -> None:
        """Make everything that takes time, without listening."""

    async def open(self) -> None:
        """Listen, on the same port as before.

        Raises:
            OSError: the port is in use.
        """

    async def close(self) -> None:
        """Close every connection and refuse new ones, within 2 s."""

    async def publish(self, image: Image, scan_us: int) -> None:
        """Show a new image of the controller, scanned at the wall time `scan_us`."""

    async def stop(self) -> None:
        """Close, and end the server's own tasks for good."""
