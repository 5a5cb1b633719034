"""The processes of the demo: start, log, watch, stop in order.  Shell: child processes.

Each child is its own session, so that Ctrl-C reaches only us and the order of stopping is ours.
Should we be killed, the kernel ends the children on Linux; elsewhere they end when told.
"""

import asyncio
import ctypes
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 12
PR_SET_PDEATHSIG = 1


class ChildFailed(Exception):
    """A child ended by itself or did not come up; the message holds the end of its log."""


@dataclass(slots=True)
class Child:
    """One process of ours and its log."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def has_ended(self) -> bool:
        """True once the process is over."""
        return self.process.returncode is not None

    def tail(self) -> str:
        """Return the end of its log."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {line[:400]}" for line in lines[-TAIL_LINES:])

    def check(self) -> None:
        """Raise when the process has ended by itself.

        Raises:
            ChildFailed: with exit code and log.
        """
        if self.has_ended:
            raise ChildFailed(
                f"{self.name} 已退出 ended with exit code {self.process.returncode}; {self.log}:\n"
                f"{self.tail()}"
            )

    async def stop(self, grace_s: float) -> int | None:
        """Ask the process to end; after `grace_s` end it.  Return its exit code."""
        if not self.has_ended:
            self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(grace_s):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        return self.process.returncode


async def start(name: str, arguments: Sequence[str], log: Path, cwd: Path) -> Child:
    """Start `python -P -m …` (the folder we stand in is no place for modules), output to `log`."""
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    return Child(name, process, log)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def ask(arguments: Sequence[str], cwd: Path, timeout_s: float) -> tuple[int, str, str]:
    """Run one command of ours to its end; return exit code, stdout, stderr.

    Raises:
        ChildFailed: it does not end in time.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError:
        raise ChildFailed(f"{' '.join(arguments)}: no answer within {timeout_s:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
