"""`yujing-edge plan`: what every line is asked for, and the contract of it.  Shell: terminal."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from edge.acquisition.contract import SessionContract, contract_of
from edge.acquisition.load import axis_row, line_load, load_row
from edge.commands.plan_words import headline, plan_text, traffic_text
from edge.commands.words import CONFIGURATION, OK, Json, Lang, Language, emit, paper, say
from edge.installation import Installation, load
from edge.plant import LinePlan
from edge.toml_faults import near
from proto.errors import NotFound

Line = Annotated[str | None, Parameter(name="--line", help="one line only 只看一条线路")]
Traffic = Annotated[
    bool, Parameter(name="--traffic", negative="", help="the traffic contract 流量约定")
]


def plan(
    file: Path,
    *,
    line: Line = None,
    traffic: Traffic = False,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """读取计划 Reads, load, traffic and time budgets of every line; nothing is started."""
    made = load(file)
    lines = _chosen(made, line)
    if as_json:
        _plan_json(made, lines, traffic=traffic)
    elif traffic:
        for each in lines:
            contract = contract_of(each, made.plant)
            for text in traffic_text(contract, made.config.config.version, lang):
                print(text)
    else:
        print(headline(made, lang))
        for each in lines:
            for text in plan_text(each, made.learnt, lang):
                print(text)
        if line is None and made.budgets:
            _budgets(made, lang)
    is_too_much = any(line_load(each).verdict == "too_much" for each in lines)
    return CONFIGURATION if is_too_much else OK


def _chosen(made: Installation, name: str | None) -> tuple[LinePlan, ...]:
    """Return all lines, or the one with this name.

    Raises:
        NotFound: there is none.
    """
    if name is None:
        return made.plant.lines
    found = tuple(line for line in made.plant.lines if line.config.name == name)
    if not found:
        hint = near(name, [line.config.name for line in made.plant.lines])
        raise NotFound("edge.unknown_line", f'no line "{name}"{hint}')
    return found


def _budgets(made: Installation, lang: Language) -> None:
    heads = [say(key, lang) for key in ("interlock", "total", "half")]
    budget = Table(heads[0], "C", "E", heads[1], heads[2], "=", title=say("budget", lang))
    for item in made.budgets:
        limit = "-" if item.limit_ns is None else f"{item.limit_ns / 1e9:g} s"
        terms = " + ".join(f"{name} {ns / 1e9:g}" for name, ns in item.terms if ns)
        total = f"{item.total_ns / 1e9:g} s" + ("" if item.fits else " !")
        budget.add_row(item.interlock, item.cause, item.effect, total, limit, terms)
    paper().print(budget)


def _plan_json(made: Installation, lines: tuple[LinePlan, ...], *, traffic: bool) -> None:
    if traffic:
        for each in lines:
            emit(_contract_row(each, made))
        return
    rows = [axis_row(axis) for line in lines for axis in line.axes]
    rows += [load_row(line_load(line)) for line in lines]
    rows += [budget.to_row() for budget in made.budgets] if lines == made.plant.lines else []
    for row in rows:
        emit(row)


def _contract_row(line: LinePlan, made: Installation) -> dict[str, object]:
    contract = contract_of(line, made.plant)
    row: dict[str, object] = {
        "schema": "traffic/1",
        "line": contract.line,
        "contract": contract.hash,
        "configuration": made.config.config.version,
    }
    if isinstance(contract, SessionContract):
        clauses = [
            {"what": what, "period_ms": period_ns / 1e6, "nodes": nodes}
            for what, period_ns, nodes in contract.clauses
        ]
        return row | {"clauses": clauses, "services": contract.services, "never": contract.never}
    return row | {"connections": contract.connections, "clauses": contract.lines()}
