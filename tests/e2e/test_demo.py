"""The demo as a newcomer runs it: the commands of the readme, one JSON line at the end."""

import json
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from tests.e2e.rig import BIN, until
from tests.house import ROOT
from tests.unit.test_docs import FENCE

KEYS = {
    "sites", "samples_acquired", "samples_archived", "samples_pending", "gaps", "duplicates",
    "unexplained", "trips", "alarms",
}  # fmt: skip


def readme_commands() -> list[list[str]]:
    """Return the commands of ours that the readme tells to try while the demo runs."""
    text = (ROOT / "README.md").read_text("utf-8")
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    found = [shlex.split(line.partition("#")[0]) for line in lines]
    return [[str(BIN / Path(c[0]).name), *c[1:]] for c in found if c and ".venv/bin" in c[0]]


def test_the_demo_ends_by_itself_with_one_line_and_every_command_of_the_readme_works(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "build" / "demo"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("YUJING_")}
    command = [BIN / "yujing-sim", "demo", "--seconds", "60"]

    def run(words: list[str]) -> list[dict[str, object]]:
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20
        )
        assert done.returncode in (0, 1), (words, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in words else []
        assert all(line["schema"] for line in lines)
        return lines

    def tripped() -> bool:
        sites = run([str(BIN / "yujing-central"), "completeness", "--json"])
        return any(site.get("trips") for site in sites)

    with (tmp_path / "err").open("w+") as err:
        demo = subprocess.Popen(
            command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=err
        )
        try:
            until("demo.json", lambda: (folder / "demo.json").exists(), within_s=30)
            state = json.loads((folder / "demo.json").read_text("utf-8"))
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", state["console"])
            time.sleep(10)
            # the faults of the readme come after the demo's own leak, which they would hide
            commands = readme_commands()
            for words in (each for each in commands if "fault" not in each):
                run(words)
            until("the scripted trip", tripped, within_s=45)
            for words in (each for each in commands if "fault" in each):
                run(words)
            out, _ = demo.communicate(timeout=90)
        finally:
            demo.terminate()
        err.seek(0)
        chatter = err.read()
    assert demo.returncode == 0, chatter
    assert state["console"] in chatter + out
    [line] = out.splitlines()
    summary = json.loads(line)
    assert KEYS - summary.keys() == set()
    assert (summary["unexplained"], summary["duplicates"]) == (0, 0)
    assert summary["samples_acquired"] > 1_000
    assert summary["sites"] == 2
    assert summary["trips"] >= 1  # the leak of the readme
