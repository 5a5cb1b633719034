"""What equipment taught this gateway, in one file of its folder.  Shell: a file, a timer.

Read at start: the plan is compiled with it.  Written whole and at most once a minute, and only when
something is worth it (`devices.modbus.facts`).  A file that cannot be read is set aside, never a
reason not to start: everything in it can be learnt again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from devices.modbus.facts import BYTES_MAX, Learnt, from_json, to_json
from edge import platform
from proto.clock import Clock

FILE = "learnt.json"
ASIDE = "learnt.json.unreadable"
WRITE_S = 60.0


class Learner(Protocol):
    """A driver that learns: every Modbus driver does."""

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of each of its devices, by name; never waits."""


def read_learnt(data_dir: Path) -> tuple[dict[str, Learnt], list[str]]:
    """Return what an earlier run learnt, by device, and what could not be read, in words."""
    path = data_dir / FILE
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            return {}, [f"{path}: not a regular file"]
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{path}: {error.strerror or error}"]
    found, wrong = from_json(data)
    if wrong:
        with suppress(OSError):
            (data_dir / ASIDE).write_bytes(data)
    return found, [f"{path}: {text}" for text in wrong]


class LearntBook:
    """Keeps the file up to date with what the drivers know."""

    def __init__(
        self,
        data_dir: Path,
        known: Mapping[str, Learnt],
        learners: Sequence[Learner],
        clock: Clock,
    ) -> None:
        self._path, self._known = data_dir / FILE, dict(known)
        self._learners, self._clock = tuple(learners), clock

    async def run(self) -> None:
        """Look once a minute until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(WRITE_S)
                news = dict(self._known)
                for learner in self._learners:
                    self._hear(learner, news)
                    await asyncio.sleep(0)  # a thousand lines at once would hold up their reads
                self._keep(news)
        finally:
            self.write()

    def write(self) -> bool:
        """Write the file if there is news; return whether it was.  A full disk is no error."""
        news = dict(self._known)
        for learner in self._learners:
            self._hear(learner, news)
        return self._keep(news)

    def _hear(self, learner: Learner, news: dict[str, Learnt]) -> None:
        today = datetime.fromtimestamp(self._clock.wall_us() / 1e6, UTC).date().isoformat()
        for device, learnt in learner.learnt().items():
            if learnt.is_news(self._known.get(device)):
                news[device] = learnt.dated(today)

    def _keep(self, news: dict[str, Learnt]) -> bool:
        if news == self._known:
            return False
        try:
            platform.write_whole(self._path, to_json(news).encode())
        except OSError:
            return False  # learnt again after the next start; the spool tells of a full disk
        self._known = news
        return True
