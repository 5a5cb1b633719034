"""`probe --listen` on a line of others: requests, periods, what can be proved, what is missing."""

import asyncio
from pathlib import Path

from edge.clock import SystemClock
from simulators.demo.pki import issue_gateway, make_authority
from tests.harness.bus import bus
from tests.integration.devices.peers import rtu_slave
from tests.integration.devices.test_modbus_tap import BAUD, MASTER, POLL, SLAVE, TAP, mbpoll
from tests.integration.edge.test_probing_gateway import EDGE, GATEWAY, command

LINE = """kind = "modbus-tap"
address = "{path}"
answer_max = "300ms"
serial = {{ baud = 115200, mode = "8N1" }}
"""


def site(folder: Path, port: str) -> Path:
    authority = make_authority(folder, SystemClock().wall_us())
    issue_gateway(authority, folder, GATEWAY)
    (folder / "data").mkdir()
    asked = 'kind = "modbus-tcp"\naddress = "127.0.0.1:1"\nprobing = "auto"\n'
    text = EDGE.format(port=1, probing="auto").replace(asked, LINE.format(path=port))
    path = folder / "edge.toml"
    path.write_text(text, "utf-8")
    return path


async def test_listening_names_every_request_and_every_point_nobody_asks_for(
    tmp_path: Path,
) -> None:
    async with bus(3) as ends, rtu_slave(ends.paths[SLAVE], BAUD, 1):
        path = site(tmp_path, ends.paths[TAP])
        draft = tmp_path / "draft.toml"
        async with mbpoll(ends.paths[MASTER], *POLL):
            await asyncio.sleep(0.2)
            words = ("--listen", "4s", "--out", draft, "--lang", "en")
            code, said = await command("probe", path, "--line", "bof1", *words)
        assert code == 0, said
        assert ends.said[TAP] == 0
    assert "unit 1  fc 3  10..29" in said
    assert "0 bytes sent" in said
    assert "heard for 4 / 4 s" in said, "progress while it waits"
    assert "nobody asks for bof1_plc/" in said
    text = draft.read_text("utf-8")
    assert 'together = "holding_10_20"' in text
    assert "provable" in text


async def test_only_a_tap_is_listened_to(tmp_path: Path) -> None:
    authority = make_authority(tmp_path, SystemClock().wall_us())
    issue_gateway(authority, tmp_path, GATEWAY)
    (tmp_path / "data").mkdir()
    path = tmp_path / "edge.toml"
    path.write_text(EDGE.format(port=1, probing="auto"), "utf-8")
    code, said = await command("probe", path, "--line", "bof1", "--listen", "1s")
    assert code != 0
    assert "modbus-tap" in said
