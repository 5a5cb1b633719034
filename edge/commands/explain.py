"""`yujing-edge explain`: how a tag gets its value, an interlock its state.  Shell: terminal."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from edge.acquisition.loop_store import LoopStore
from edge.clock import SystemClock
from edge.commands.explain_words import point_lines
from edge.commands.words import (
    OK,
    WRONG,
    Body,
    Json,
    Lang,
    emit,
    number_of,
    refuse,
    say,
)
from edge.control import ask
from edge.installation import Installation, load
from edge.interlock.scan import initial
from edge.mark_store import calibrating
from edge.scan.explain import explain_interlock, explain_point, find_interlock
from proto.errors import NotFound


def explain(file: Path, name: str, /, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """解释 How a tag gets its value, quality and age, or how an interlock decides."""
    made = load(file)
    try:
        body = asyncio.run(ask(made.data_dir, {"do": "explain", "id": name}))
    except NotFound:
        body = _explain_cold(made, name)
        print(say("not_live", lang), file=sys.stderr)
    refuse(body)
    if as_json:
        emit(body)
    elif body.get("schema") == "explain-point/1":
        print(*point_lines(body, lang, made.config.config.timezone), sep="\n")
    else:
        _tree(body, "")
    return WRONG if body.get("quality") == "BAD" else OK


def _explain_cold(made: Installation, name: str) -> dict[str, object]:
    """Return the same from the files alone.

    Raises:
        NotFound: there is no such thing.
    """
    found = find_interlock(made.models, name)
    if found is not None:
        return explain_interlock(initial(found[0], 0), found[1], 0, live=False)
    number = number_of(made, name)
    clock = SystemClock()
    loops = LoopStore(made.data_dir, made.plant, clock, calibrating(made.data_dir, clock))
    return {
        **explain_point(made.plant, number, None, 0),
        **loops.of(made.plant.points[number].name),
    }


def _tree(body: Body, indent: str) -> None:
    """Print nested data as people read it: keys, then what lies below, indented."""
    for key, value in body.items():
        if key == "schema":
            continue
        if isinstance(value, Mapping):
            print(f"{indent}{key}:")
            _tree(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            print(f"{indent}{key}:")
            for item in value:
                print(f"{indent}  -")
                _tree(item, indent + "    ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{indent}{key}: {'-' if shown is None else shown}")
