"""`yujing-edge browse` and `trust` against node-opcua: a draft that a device can be read with."""

import asyncio
import json
from pathlib import Path

import pytest

from devices.opcua.browsing import walk
from devices.opcua.session import OpcUaSecurity
from devices.point_list import ListOptions, read_point_list
from edge.cli import main
from proto.errors import DeviceRefused, NotFound
from tests.integration.devices.clock import RealClock
from tests.integration.devices.test_opcua_node import NODES, NS, server


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command of the gateway; its exit code, and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(str(ended.value.code)), capsys.readouterr().out


async def test_a_browse_shows_every_variable_and_writes_a_point_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [
        *NODES,
        {"id": "Shut", "type": "Double", "value": 1, "denied": True},
        {"id": "Named", "type": "String", "value": "x"},
    ]
    async with server(tmp_path, nodes=nodes) as (peer, pki):
        endpoint, save = f"opc.tcp://127.0.0.1:{peer.port}", tmp_path / "points.csv"
        words = ["browse", endpoint, "--pki", str(pki), "--save", str(save), "--lang", "en"]
        code, text = await asyncio.to_thread(run, words, capsys)
        assert code == 0
        assert "Basic256Sha256 SignAndEncrypt   server trusted" in text
        assert "Dust/Pressure" in text
        assert "1 refused" in text
        rows = save.read_bytes().decode("utf-8-sig").splitlines()
        assert rows[0].startswith("位号,名称,地址,数据类型")
        listed = {row.split(",")[0]: row.split(",") for row in rows[1:]}
        assert listed["Pressure"][1:4] == ["Dust/Pressure", f"{NS}Pressure", "double"]
        assert "Shut" not in listed  # nobody may read it
        assert "Named" not in listed  # no point can hold it
        assert listed["Broken"][3] == "double"  # it is broken now, it can be read all the same
        options = ListOptions("points.csv", "opcua")
        _, faults = read_point_list(save.read_bytes(), options)
        assert {fault.code for fault in faults} == {"point_list.unit"}  # units are not guessed
        filled = save.read_text("utf-8-sig").replace(",,,", ",1,,")
        found, faults = read_point_list(filled.encode(), options)
        assert faults == []
        assert found is not None
        assert len(found.points) == len(NODES)

        words = ["browse", endpoint, "--pki", str(pki), "--json", "--under", f"{NS}Pressure"]
        code, text = await asyncio.to_thread(run, words, capsys)
        [head] = [json.loads(line) for line in text.splitlines()]
        assert (code, head["schema"], head["policy"]) == (0, "browse/1", "Basic256Sha256")


async def test_a_browse_ends_at_its_limit_and_says_so(tmp_path: Path) -> None:
    async with server(tmp_path, limit=4) as (peer, pki):
        endpoint = f"opc.tcp://127.0.0.1:{peer.port}"
        now_us = RealClock().wall_us()
        found = await walk(endpoint, OpcUaSecurity(pki), now_us=now_us, limit=5)
        assert (found.nodes, found.is_cut) == (5, True)
        with pytest.raises(NotFound):
            await walk(endpoint, OpcUaSecurity(pki), now_us=now_us, under=f"{NS}Nowhere")


async def test_an_unknown_server_is_browsed_after_a_person_has_approved_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with server(tmp_path) as (peer, pki):
        for file in (pki / "trusted").iterdir():
            file.unlink()
        endpoint, now_us = f"opc.tcp://127.0.0.1:{peer.port}", RealClock().wall_us()
        with pytest.raises(DeviceRefused):
            await walk(endpoint, OpcUaSecurity(pki), now_us=now_us)
        _, text = await asyncio.to_thread(run, ["trust", "list", str(pki), "--json"], capsys)
        rows = [json.loads(line) for line in text.splitlines()]
        [waiting] = [row for row in rows if row["folder"] == "rejected"]
        print_ = waiting["thumbprint"]
        words = ["trust", "approve", print_, "--pki", str(pki)]
        assert (await asyncio.to_thread(run, words, capsys))[0] == 0
        found = await walk(endpoint, OpcUaSecurity(pki), now_us=now_us)
        assert {f"Dust/{one['id']}" for one in NODES} <= {v.path for v in found.variables}

        defer = ["trust", "defer", print_, "--pki", str(pki), "--stop", "spring stop"]
        day = "2999-01-01"
        code, _ = await asyncio.to_thread(
            run, [*defer, "--until", day, "--by", "Zhang", "Li"], capsys
        )
        assert code == 1  # 400 days at most
        assert not (pki / "deferrals.toml").exists()
        words = ["trust", "revoke", print_, "--pki", str(pki)]
        assert (await asyncio.to_thread(run, words, capsys))[0] == 0
        with pytest.raises(DeviceRefused):
            await walk(endpoint, OpcUaSecurity(pki), now_us=now_us)
