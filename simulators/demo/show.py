"""The demo on a terminal: prints, keeps or removes its folder, exit code.  Shell: terminal."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from simulators.demo.children import ChildFailed
from simulators.demo.files import CONSOLE_PORT, DemoRefused, central_config, own_folder, remove
from simulators.demo.run import Demo, run_demo
from simulators.demo.tell import farewell, welcome

OK, WRONG = 0, 1
DEFAULT = Path("build/demo")


def show(folder: Path, seconds: float | None, *, as_json: bool) -> int:
    """Run the demo; return 0 when nothing was lost and everything ended in order."""
    quiet = as_json or seconds is not None  # stdout then holds the summary alone
    out = sys.stderr if quiet else sys.stdout

    def say(line: str) -> None:
        out.write(f"{line}\n")
        out.flush()

    def told(demo: Demo) -> None:
        say(welcome(demo.console, demo.ready_s or 0.0, _programs(), _environment(folder)))

    code = WRONG
    try:
        with own_folder(folder) as own:
            code = _held(own.resolve(), seconds, say, told, quiet=quiet)
            if code == OK and os.environ.get("DEMO_KEEP") != "1":
                remove(own)
                say(f"已删除 removed: {own} (DEMO_KEEP=1 保留 keeps it)")
            else:
                say(f"保留 kept: {own}")
    except DemoRefused as refused:
        sys.stderr.write(f"{refused}\n")
    return code


def _held(
    folder: Path,
    seconds: float | None,
    say: Callable[[str], None],
    told: Callable[[Demo], None],
    *,
    quiet: bool,
) -> int:
    port = CONSOLE_PORT if folder == DEFAULT.resolve() else 0
    try:
        outcome = asyncio.run(run_demo(folder, seconds, say, told, port))
    except ChildFailed as failed:
        say(f"演示失败 the demo failed: {failed}")
        return WRONG
    if quiet:
        for fault in outcome.faults:
            say(f"! {fault}")
        sys.stdout.write(json.dumps(outcome.summary, ensure_ascii=False) + "\n")
    else:
        say(farewell(outcome.summary, outcome.faults))
    return WRONG if outcome.faults else OK


def _programs() -> str:
    """Return the folder of our commands as people would type it; empty: they are on the path."""
    if shutil.which("yujing-sim"):
        return ""
    own = Path(sys.executable).parent
    if not (own / "yujing-sim").is_file():
        return ""
    try:
        return f"{own.relative_to(Path.cwd())}/"
    except ValueError:
        return f"{own}/"


def _environment(folder: Path) -> dict[str, str]:
    """Return what other commands need to find a demo that is not in its usual place."""
    if folder == DEFAULT:
        return {}
    return {"YUJING_DEMO_DIR": str(folder), "YUJING_CENTRAL": str(central_config(folder))}
