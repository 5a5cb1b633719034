"""Prints: JSON lines for programs, tables for people.  Shell: standard output.

Foreign text was made safe before; rich's markup is off throughout.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def line(body: Mapping[str, object]) -> None:
    """Print one object as one line, at once: a reader may be waiting in a pipe."""
    sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; nothing when there is no row."""
    made = Table(title=Text(title), title_justify="left", header_style="bold")
    for head in heads:
        made.add_column(Text(head), overflow="fold")
    count = 0
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
        count += 1
    if count:
        console().print(made)


def say(text: str) -> None:
    """Print a sentence to people on standard output."""
    console().print(Text(text))


def note(text: str) -> None:
    """Print progress or a message, on standard error."""
    Console(stderr=True, markup=False, highlight=False).print(Text(text), soft_wrap=True)


def console() -> Console:
    """Return the console: as wide as the terminal, and wide in a pipe."""
    width = None if sys.stdout.isatty() else 200
    return Console(markup=False, highlight=False, width=width)
