"""The doctor on a real connection: registers of libmodbus, a list of people, one proposal."""

import asyncio
import json
import struct
import sys
from pathlib import Path

import pytest

from tests.integration.devices.peers import Peer, libmodbus

pytestmark = pytest.mark.integration

EDGE = """
gateway = {{ id = "610581-gw1a", site = "site-1", data_dir = "data" }}
central = {{ address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }}
config  = {{ version = 1 }}
[[line]]
name = "l1"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
[[device]]
name = "dust1"
line = "l1"
unit_id = 1
path = "plc"
life = "none"
reason = "no counter in the program yet"
points = {{ file = "list.csv", base = "{base}" }}
"""
VALUES = (412.5, 38.25, 61.0, 1.75, 2200.0, 17.5, 93.0, 0.625)
RANGES = (500, 100, 100, 2, 5000, 25, 100, 1)


def write_site(folder: Path, port: int, base: str, order: str) -> Path:
    """A list of eight floats as somebody thought they were."""
    for name in ("root.pem", "gw.pem", "gw.key"):
        (folder / name).write_text("-")
    (folder / "data").mkdir()
    rows = ["位号,名称,寄存器区,地址,数据类型,字节序,单位,量程下限,量程上限"]
    for i, high in enumerate(RANGES):
        rows.append(f"T-{i},点 {i},保持寄存器,{100 + 2 * i},float32,{order},1,0,{high}")
    (folder / "list.csv").write_text("\n".join(rows) + "\n", "utf-8")
    path = folder / "edge.toml"
    path.write_text(EDGE.format(port=port, base=base))
    return path


async def fill(peer: Peer, factor: float) -> None:
    """CDAB from register 100 on."""
    for i, value in enumerate(VALUES):
        high, low = struct.unpack(">HH", struct.pack(">f", value * factor))
        await peer.tell(f"holding {100 + 2 * i} {low}")
        await peer.tell(f"holding {101 + 2 * i} {high}")


async def points(folder: Path, *more: str) -> tuple[int | None, dict[str, object]]:
    """Run the command; return its exit code and what the doctor said."""
    words = ["points", str(folder / "list.csv"), "--config", str(folder / "edge.toml")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge", *words, "--live", "--seconds", "3", "--json", *more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await asyncio.wait_for(process.communicate(), 60)
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows, error.decode()
    return process.returncode, rows[-1]


@pytest.mark.parametrize(
    ("base", "order", "shift", "agrees"),
    [("protocol", "CDAB", 0, True), ("one", "ABCD", 1, False), ("protocol", "ABCD", 0, False)],
)
async def test_it_tells_order_and_base_of_a_device_that_answers(
    tmp_path: Path, base: str, order: str, shift: int, agrees: bool
) -> None:
    async with libmodbus() as peer:
        write_site(tmp_path, peer.port, base, order)
        await fill(peer, 1.0)
        moving = asyncio.create_task(_move(peer))
        code, said = await points(tmp_path)
        moving.cancel()
        reads = await peer.ask("log")
    best = said["best"]
    assert isinstance(best, dict)
    assert (best["order"], best["shift"], said["agrees"]) == ("CDAB", shift, agrees)
    assert best["share"] == 1.0
    assert code == (0 if agrees else 1)
    assert {read.split(":")[0] for read in reads.split()} == {"3"}  # reads of this table alone


async def _move(peer: Peer) -> None:
    factor = 1.0
    while True:
        await asyncio.sleep(0.4)
        factor *= 1.003
        await fill(peer, factor)


async def test_a_device_that_does_not_answer_leaves_the_list_shown(tmp_path: Path) -> None:
    write_site(tmp_path, 9, "protocol", "CDAB")
    code, said = await points(tmp_path)
    assert said["schema"] == "doctor/1"
    assert said["agrees"] is True
    assert code == 0
