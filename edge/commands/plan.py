"""`yujing-edge plan`: what will be asked of every line.  Shell: terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.acquisition.load import axis_row, line_load, load_row
from edge.commands.words import (
    OK,
    WRONG,
    Json,
    Lang,
    emit,
    say,
)
from edge.installation import Installation, load


def plan(file: Path, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """读取计划 Reads per second, bytes, load and time budgets; nothing is started."""
    made = load(file)
    loads = [line_load(line) for line in made.plant.lines]
    if as_json:
        _plan_json(made)
        return WRONG if any(each.verdict == "too_much" for each in loads) else OK
    console = Console()
    blocks = Table(say("line", lang), say("block", lang), say("period", lang))
    for axis in made.plant.axes:
        blocks.add_row(axis.line, axis.block.describe(), f"{axis.period_ns / 1e6:g} ms")
    console.print(blocks)
    lines = Table(
        *(say(key, lang) for key in ("line", "requests", "bytes")), f"{say('load', lang)} %"
    )
    for each in loads:
        share = f"{100 * each.share:.1f}" + ("" if each.verdict == "ok" else f" {each.verdict}")
        lines.add_row(each.line, f"{each.requests_s:.1f}", f"{each.bytes_s:.0f}", share)
    console.print(lines)
    budget = Table(
        say("interlock", lang),
        "C",
        "E",
        say("total", lang),
        say("half", lang),
        "=",
        title=say("budget", lang),
    )
    for item in made.budgets:
        limit = "-" if item.limit_ns is None else f"{item.limit_ns / 1e9:g} s"
        terms = " + ".join(f"{name} {ns / 1e9:g}" for name, ns in item.terms if ns)
        total = f"{item.total_ns / 1e9:g} s" + ("" if item.fits else " !")
        budget.add_row(item.interlock, item.cause, item.effect, total, limit, terms)
    console.print(budget)
    return WRONG if any(each.verdict == "too_much" for each in loads) else OK


def _plan_json(made: Installation) -> None:
    rows = [axis_row(axis) for axis in made.plant.axes]
    rows += [load_row(line_load(line)) for line in made.plant.lines]
    rows += [budget.to_row() for budget in made.budgets]
    for row in rows:
        emit(row)
