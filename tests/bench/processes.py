"""Processes of a bench: start on one core, CPU and memory from the kernel, end.  Shell: processes.

CPU is user + system of a process and its children, read from the kernel in nanoseconds.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

START_S = 30.0


def cores() -> tuple[set[int], set[int]]:
    """Return the core for the gateway and those for everything else; the same when there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[0]}, set(usable[1:]) or {usable[0]})


def load() -> str:
    """Return cores and load average, for the record."""
    one, five, _ = os.getloadavg()
    return f"{len(os.sched_getaffinity(0))} cores, load {one:.1f} (5 min {five:.1f})"


class Process:
    """One process on given cores; what it prints is read line by line, its log goes to a file.

    With `quiet` it is not spoken to, and its output goes to the log as well.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        on: set[int],
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        with log.open("ab") as err:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL if quiet else subprocess.PIPE,
                stdout=err if quiet else subprocess.PIPE,
                stderr=err,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                preexec_fn=lambda: os.sched_setaffinity(0, on),
            )
        self.pid = self._process.pid

    def read_line(self) -> str:
        """Return the next line that it prints; empty at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def read_until(self, word: str) -> list[str]:
        """Return the lines before the one that is `word`."""
        lines: list[str] = []
        while (line := self.read_line()) != word:
            if not line and self._process.poll() is not None:
                raise RuntimeError(f"{self._process.args} ended at once")
            lines.append(line)
        return lines

    def ask(self, line: str) -> list[str]:
        """Send one line and return the words of the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self.read_line().split()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in order, or at once when it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
        at += 1
    return found


def cpu_s(pid: int) -> float:
    """Return seconds of CPU of a process and its descendants so far."""
    return sum(_cpu_ns(each) for each in family(pid)) / 1e9


def _cpu_ns(pid: int) -> int:
    try:
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        if tasks and any(int(text.split()[0]) for text in tasks):
            return sum(int(text.split()[0]) for text in tasks)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 10**9 // os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def rss_bytes(pid: int) -> int:
    """Return resident memory of a process and its descendants."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE")
