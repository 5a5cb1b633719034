"""Our side of a bench: the real `yujing-edge run`, a centre that commits, a plant to read.

Shell: processes, files.  Quality, plausibility ranges, an interlock matrix and the spool (SQLite
FULL) are on, as on site.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.acquisition import GATEWAY
from tests.bench.processes import Process, cores

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[3]


class Ours:
    """Centre and gateway.

    Args:
        folder: empty, for all their files.
        ports: of the servers.
        tags: registers a server.
    """

    def __init__(self, folder: Path, ports: Sequence[int], tags: int) -> None:
        here, others = cores()
        self._folder = folder
        log = folder / "ours.log"
        centre = [sys.executable, "-m", "tests.bench.acquisition.centre", str(folder)]
        self._centre = Process(centre, on=others, log=log, folder=ROOT)
        try:
            port = int(self._centre.read_until("ready")[-1])
            _write(folder, ports, tags, port)
            run = [BIN / "yujing-edge", "run", folder / "edge.toml"]
            self._gateway = Process(run, on=here, log=log, folder=folder, quiet=True)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process of the gateway."""
        return self._gateway.pid

    def count(self) -> int:
        """Return samples that the centre has committed so far."""
        return int(self._centre.ask("count")[0])

    def judge(self, since_us: int) -> dict[str, int]:
        """Return what the samples since a wall time are: samples, good, bad, rows, missed."""
        found: dict[str, int] = json.loads(" ".join(self._centre.ask(f"judge {since_us}")))
        return found

    def lost(self) -> list[int]:
        """Return when devices were reported lost, monotonic µs."""
        return [int(word) for word in self._centre.ask("lost")]

    def stop(self) -> None:
        """End both."""
        for name in ("_gateway", "_centre"):
            process = getattr(self, name, None)
            if process is not None:
                process.stop()


def _write(folder: Path, ports: Sequence[int], tags: int, centre: int) -> None:
    (folder / "profile.toml").write_text(_profile(tags), "utf-8")
    (folder / "matrix.toml").write_text(_matrix(len(ports)), "utf-8")
    lines = [
        f'gateway = {{ id = "{GATEWAY}", site = "bench", data_dir = "data" }}',
        f'central = {{ address = "127.0.0.1:{centre}", ca = "root.pem", cert = "gw.pem",'
        ' key = "gw.key" }',
        'config = { version = 1, timezone = "Asia/Shanghai" }',
        'interlock = { mode = "advisory", matrices = ["matrix.toml"] }',
        'spool = { keep = "30d", quota = "2GB", window = "5s" }',
    ]
    for number, port in enumerate(ports):
        lines += [
            "[[line]]",
            f'name = "line{number:04d}"',
            'kind = "modbus-tcp"',
            f'address = "127.0.0.1:{port}"',
            "[[device]]",
            f'name = "plc{number:04d}"',
            f'line = "line{number:04d}"',
            "unit_id = 1",
            'profile = "profile.toml"',
            'path = "plc"',
            'life = "r0"',
        ]
    (folder / "edge.toml").write_text("\n".join(lines) + "\n", "utf-8")


def _profile(tags: int) -> str:
    head = """profile = "bench_plc"
version = 1
kind = "bof_lance"
protocol = "modbus"
grade = "bronze"
source = "synthetic"
products = [{ vendor = "bench", model = "libmodbus" }]

[modbus]
max_registers = 125
"""
    return head + "".join(_point(at) for at in range(tags))


_REQUIRED = {  # what the kind must offer; the registers behind it mean nothing here
    1: ("bof.lance.cw_inlet_flow", "m3/h"),
    2: ("bof.lance.cw_outlet_flow", "m3/h"),
    3: ("bof.lance.cw_outlet_temp", "Cel"),
    4: ("bof.lance.lance_position", "mm"),
    5: ("sys.proc.process_state", "bool"),
    6: ("sys.ilk.bypass_active", "bool"),
}


def _point(at: int) -> str:
    parameter, unit = _REQUIRED.get(at, ("none", "1"))
    bit = unit == "bool"
    lines = [
        "",
        "[[points]]",
        f'name = "r{at}"',
        f'title = "register {at}"',
        f'parameter = "{parameter}"',
        f'unit = "{unit}"',
        'poll = "normal"',
        f'at = {{ table = "holding", address = {at}, type = "uint16" }}'.replace(
            '"uint16"', '"bool", bit = 0' if bit else '"uint16"'
        ),
        f"vector = {{ registers = [{at}], value = {str(bool(at & 1)).lower() if bit else at} }}",
    ]
    if parameter == "none":
        lines.append('parameter_reason = "bench"')
    if not bit:
        lines.append("range = [0.0, 65535.0]")
    if at == 0:
        lines += ["life = true", 'moves = "counter"']
    return "\n".join(lines) + "\n"


def _matrix(devices: int) -> str:
    some = range(min(devices, 4))  # as many causes as the matrix of a dust collector has
    inputs = [f'i{n} = {{ point = "plc{n:04d}/r{n + 10}", unit = "1" }}' for n in some]
    causes = [
        f'[cause.C{n}]\ntitle = "register high"\nwhen = "i{n} >= 60000"\non_delay = "1s"\n'
        'basis = "placeholder"\n'
        for n in some
    ]
    cells = "\n".join(f'C{n} = ["E1"]' for n in some)
    return (
        'schema = "cem/1"\nversion = 1\ntitle = "bench"\n\n[input]\n'
        + "\n".join(inputs)
        + "\n\n"
        + "\n".join(causes)
        + '\n[effect]\nE1 = { title = "stop", kind = "stop", output = "plc0000/r20", safe = false,'
        ' feedback = "i0 < 1", feedback_within = "5s" }\n'
        '\n[interlock.BENCH]\ntitle = "bench"\nmode = "advisory"\nclauses = ["O10-11.6"]\n'
        'process_safety_time = "60s"\nwitness = "i0 > 0"\nmin_trip = "5s"\n'
        f"\n[interlock.BENCH.matrix]\n{cells}\n"
    )
