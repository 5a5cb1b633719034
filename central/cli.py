"""yujing-central: the bureau's server and its questions; arguments and printing.  Shell: terminal.

Exit codes: 0 done, 1 a negative answer, 2 usage, 78 configuration.
"""

import asyncio
import os
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from central.commands import live, output
from central.commands.live import How
from central.commands.words import Language, say
from central.config.file import load_settings
from proto.errors import ConfigError, YujingError
from proto.notice import NOTICE_EN, NOTICE_ZH

OK, WRONG, USAGE, CONFIGURATION, INTERRUPTED = 0, 1, 2, 78, 130

app = App(
    name="yujing-central",
    help=f"监管中心 the bureau's server.\n\n{NOTICE_ZH}\n\n{NOTICE_EN}",
    version=lambda: version("yujing"),
)

Json = Annotated[bool, Parameter(name="--json", negative="", help="每行一个 JSON 对象 JSON lines")]
Config = Annotated[
    Path | None, Parameter(name="--config", help="central.toml of the centre to ask")
]
Lang = Annotated[Language, Parameter(name="--lang", help="zh | en")]


def main() -> None:
    """Run the command line and end with its exit code."""
    sys.exit(run_line(sys.argv[1:]))


def run_line(arguments: list[str]) -> int:
    """Return the exit code of one command line."""
    try:
        code = app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE  # it has been printed
    except ConfigError as refused:
        for fault in refused.faults:
            output.note(str(fault))
        return CONFIGURATION
    except YujingError as error:
        output.note(str(error))
        return WRONG
    except BrokenPipeError:
        return OK  # the reader of the pipe has had enough
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else OK


@app.command
def run(file: Path) -> int:
    """运行中心 Run the server until a signal."""
    from central import events
    from central.app import run_central

    events.configure()
    try:
        return asyncio.run(run_central(load_settings(file)))
    except ConfigError as refused:
        for fault in refused.faults:
            events.config_refused(fault.place, fault.code, fault.message)
        raise


@app.command
def check(file: Path, *, as_json: Json = False, lang: Lang = Language.ZH) -> int:
    """检查配置 Print every fault of a configuration; nothing is started."""
    from central.app import packs_of

    faults = []
    try:
        packs_of(load_settings(file))
    except ConfigError as refused:
        faults = list(refused.faults)
    for fault in faults:
        if as_json:
            shown = {"place": fault.place, "code": fault.code, "message": fault.message}
            output.line({"schema": "fault/1", **shown})
        else:
            output.say(str(fault))
    if not faults and not as_json:
        output.say(say(lang, "sound"))
    return CONFIGURATION if faults else OK


@app.command
def doctor(file: Path | None = None, *, as_json: Json = False, lang: Lang = Language.ZH) -> int:
    """体检 Look at ports, clock, disk, certificates and database, and say what to do."""
    from central.client import find_config
    from central.doctor import examine

    found = examine(load_settings(find_config(file), with_files=False))
    for each in found if as_json else ():
        shown = {"check": each.check, "ok": each.ok, "found": each.found, "todo": each.todo}
        output.line({"schema": "doctor/1", **shown})
    if not as_json:
        heads = [say(lang, key) for key in ("check", "found", "todo")]
        rows = (
            (f"{'✓' if each.ok else '✗'} {each.check}", each.found, each.todo) for each in found
        )
        output.table("", heads, rows)
    return OK if all(each.ok for each in found) else WRONG


@app.command
def sites(*, as_json: Json = False, config: Config = None, lang: Lang = Language.ZH) -> int:
    """厂区一览 List all sites."""
    return _ask(live.sites(How(config, as_json, lang)))


@app.command
def status(
    site: str | None = None,
    *,
    as_json: Json = False,
    config: Config = None,
    lang: Lang = Language.ZH,
) -> int:
    """厂区状态 Show a site, or all: values with quality and age, interlocks, alarms."""
    return _ask(live.status(How(config, as_json, lang), site))


@app.command
def watch(
    site: str | None = None,
    *,
    seconds: float | None = None,
    count: int | None = None,
    as_json: Json = False,
    config: Config = None,
    lang: Lang = Language.ZH,
) -> int:
    """实时变化 Stream changes of a site, or of all, for ever or until --seconds or --count."""
    return _ask(live.watch(How(config, as_json, lang), site, seconds, count))


@app.command
def history(
    site: str,
    tag: str,
    *,
    since: Annotated[str | None, Parameter(name="--from", help="10min, 2h, ISO 8601")] = None,
    until: Annotated[str | None, Parameter(name="--to", help="10min, 2h, ISO 8601")] = None,
    buckets: int = 60,
    as_json: Json = False,
    config: Config = None,
    lang: Lang = Language.ZH,
) -> int:
    """历史 Show the history of a point, by tag or name, in equal buckets; gaps stay gaps."""
    how = How(config, as_json, lang)
    return _ask(live.history(how, site, tag, (since, until), buckets))


@app.command
def completeness(
    site: str | None = None,
    *,
    as_json: Json = False,
    config: Config = None,
    lang: Lang = Language.ZH,
) -> int:
    """完整性 Account for every sample: expected = stored + gapped + withheld + pending."""
    return _ask(live.completeness(How(config, as_json, lang), site))


@app.command
def leads(
    site: str | None = None,
    *,
    as_json: Json = False,
    config: Config = None,
    lang: Lang = Language.ZH,
) -> int:
    """线索 List leads of the off-site analysis, with clause, window, inputs and numbers."""
    return _ask(live.leads(How(config, as_json, lang), site))


def _ask(question: Coroutine[None, None, int]) -> int:
    if sys.stdout is None:  # closed by the caller: the exit code alone is wanted
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    try:
        return asyncio.run(question)
    except BrokenPipeError:
        raise
    except OSError as error:
        output.note(f"cannot write the answer: {error.strerror}; free space or name another file")
        return WRONG
