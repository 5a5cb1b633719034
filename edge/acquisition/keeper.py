"""Where records go together with what must be on disk with them.  Shell: none of its own."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from proto.batch import Lane


class Keeper(Protocol):
    """A sink of records that keeps a small text with one of them, in one commit."""

    def kept(self, key: str) -> str | None:
        """Return what is on disk under a key; None where nothing was ever committed."""

    def record_kept(
        self, lane: Lane, bodies: Sequence[Mapping[str, object]], key: str, value: str
    ) -> None:
        """Take a few records; all of them and `value` are on disk, or nothing of it."""

    def durable_records(self) -> tuple[int, int]:
        """Return how many records were taken, and how many of these are on disk, in order."""
