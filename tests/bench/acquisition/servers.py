"""libmodbus servers of a bench, on the other core.  Shell: compiler, processes."""

import shutil
import subprocess
from pathlib import Path

from tests.bench.processes import Process, cores

ROOT = Path(__file__).resolve().parents[3]
_SOURCE = ROOT / "simulators" / "peers" / "libmodbus" / "many.c"
_PROGRAM = ROOT / "build" / "peers" / "libmodbus" / "many"


_A_PROCESS = 400
"""libmodbus waits by select, whose numbers end at 1024: a listener and a connection a server."""


class ServersMissing(Exception):
    """The servers cannot be built here."""


class Servers:
    """`devices` servers with `tags` holding registers each, answering after `answer_ms`."""

    def __init__(self, folder: Path, devices: int, tags: int, answer_ms: int = 0) -> None:
        _build()
        self._processes: list[Process] = []
        self.ports: list[int] = []
        for first in range(0, devices, _A_PROCESS):
            some = min(_A_PROCESS, devices - first)
            command = [_PROGRAM, *map(str, (some, tags, answer_ms))]
            process = Process(command, on=cores()[1], log=folder / "servers.log")
            self._processes.append(process)
            self.ports += [int(line) for line in process.read_until("ready")]

    def requests(self) -> tuple[int, int]:
        """Return requests so far, and how many of them wanted to write."""
        answers = [[int(word) for word in each.ask("counts")] for each in self._processes]
        return sum(reads for reads, _ in answers), sum(writes for _, writes in answers)

    def lateness_us(self) -> tuple[int, int, int, int]:
        """Return requests since the last call, and median, p99 and largest lateness in µs.

        Of several processes the worst of each.
        """
        answers = [[int(word) for word in each.ask("late")] for each in self._processes]
        number = sum(answer[0] for answer in answers)
        middle, high, largest = (max(answer[at] for answer in answers) for at in (1, 2, 3))
        return number, middle, high, largest

    def kill(self) -> None:
        """End all of them at once."""
        for each in self._processes:
            each.kill()

    def stop(self) -> None:
        """End the processes."""
        for each in self._processes:
            each.stop()


def _build() -> None:
    if _PROGRAM.exists() and _PROGRAM.stat().st_mtime > _SOURCE.stat().st_mtime:
        return
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/modbus/modbus.h").exists():
        raise ServersMissing("no C compiler or no libmodbus-dev: simulators/peers/install")
    _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O2", "-Wall", "-Wextra", "-o", _PROGRAM, _SOURCE, "-lmodbus"]
    subprocess.run([str(part) for part in command], check=True, timeout=60)
