"""Where windows are judged: one machine today, many later.  Shell: a small thread pool."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from central.analysis.finding import Finding
from central.analysis.pack import Pack
from central.analysis.rules import judge_all
from central.analysis.window import SiteFacts, Window


class Executor(Protocol):
    """Judges windows somewhere."""

    async def judge(self, window: Window, registry: SiteFacts, pack: Pack) -> list[Finding]:
        """Return the findings of every rule of the pack over one window."""


class LocalExecutor:
    """Judges in threads of this process; numpy releases the lock where it matters."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, "analysis")

    async def judge(self, window: Window, registry: SiteFacts, pack: Pack) -> list[Finding]:
        """Return the findings of every rule of the pack over one window."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, judge_all, window, registry, pack.rules)

    def close(self) -> None:
        """Finish what is being judged and end the threads."""
        self._pool.shutdown(wait=True)
