"""A program change in a running gateway: values stay in doubt until a person confirms the map."""

import asyncio
import json
from itertools import count
from pathlib import Path

import devices
from edge.commands.words import rows_of
from edge.control import ask
from proto.errors import NotFound
from proto.quality import Detail, Reason
from tests.integration.devices.peers import Peer, libmodbus
from tests.integration.edge.test_probing_gateway import command, gateway, site

POINT = "bof1_plc/top_pressure"
POLL = '\n[poll]\nfast = "200ms"\nslow = "500ms"\n'
LIFE = ('life = "none"\nreason = "a server without a program"', 'life = "life_counter"')
BF_TOP = Path(devices.__file__).parent / "profiles/steel/bf_top_plc.toml"
COUNTS = count(1)
SETTLED_S = 30.0


def without_canary(text: str) -> str:
    """Return a profile whose map only a person can prove."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("canary")]
    assert len(kept) == len(lines) - 1
    return "".join(kept).replace("bf_top_plc", "bf_top_without_canary")


async def until_detail(peer: Peer, folder: Path, wanted: int) -> None:
    """Move the life counter until the point is UNCERTAIN for a reason, or GOOD where it is 0."""
    async with asyncio.timeout(SETTLED_S):
        for moved in COUNTS:
            await peer.tell(f"holding 18 {moved}")
            await asyncio.sleep(0.2)
            try:
                body = await ask(folder, {"do": "points", "ids": [POINT]})
            except NotFound:
                continue
            [row] = rows_of(body, "points")
            if (row["reason"], row["detail"]) == (
                (Reason.DEVIATION.name, wanted) if wanted else (Reason.NONE.name, 0)
            ):
                return


async def test_a_changed_program_is_in_doubt_until_a_person_confirms_its_map(
    tmp_path: Path,
) -> None:
    async with libmodbus() as peer:
        await peer.tell("holding 20 1")
        path = site(tmp_path, peer.port)
        profile = tmp_path / "bf_top_without_canary.toml"
        profile.write_text(without_canary(BF_TOP.read_text("utf-8")), "utf-8")
        text = path.read_text("utf-8").replace("bof_lance_plc", str(profile)).replace(*LIFE)
        path.write_text(text + POLL, "utf-8")
        words = ("confirm", "bof1_plc", "--by", "李工", "--change", "MOC-17", "--file", path)
        async with gateway(path):
            await until_detail(peer, tmp_path / "data", 0)
            code, said = await command(*words)
            assert (code, "map.not_in_doubt" in said) == (1, True), said
            await peer.tell("holding 20 2")
            await until_detail(peer, tmp_path / "data", int(Detail.MAP_UNPROVEN))
            code, said = await command(*words, "--json")
            assert code == 0, said
            body = json.loads(said)
            assert (body["by"], body["change_number"]) == ("李工", "MOC-17")
            await until_detail(peer, tmp_path / "data", 0)
        log = (tmp_path / "gateway.log").read_text("utf-8")
        assert log.count("plant.map_confirmed") == 1
