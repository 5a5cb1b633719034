"""What a server offers as rows of a point list (点表) that `check` can read again.  Pure.

Nothing is guessed: a unit that is none of ours stays out, a range that is none stays empty, and
what no row can hold is counted.  Tags are made of the browse path, for the plant to replace.
"""

import math
import re
from collections.abc import Sequence
from typing import Protocol

from devices.address import NodeType
from devices.point_row import TAG_MAX, name_of
from proto.unit import unit_of

HEADERS = ("位号", "名称", "地址", "数据类型", "单位", "量程下限", "量程上限")
TITLE_MAX, NODE_BYTES_MAX = 200, 512
_KNOWN = {kind.value for kind in NodeType}
_NO_TAG = re.compile(r"[^A-Za-z0-9_.-]+")


class Offered(Protocol):
    """One variable as the walk found it."""

    path: str
    node: str
    type: str
    unit: str
    low: float | None
    high: float | None
    is_readable: bool


def point_rows(variables: Sequence[Offered]) -> tuple[list[tuple[str, ...]], int]:
    """Return the rows of a point list, and how many variables no point can hold."""
    rows: list[tuple[str, ...]] = []
    used: set[str] = set()
    left_out = 0
    for one in variables:
        kind = one.type.lower()
        is_bool = kind == NodeType.BOOLEAN
        if kind not in _KNOWN or not one.is_readable or not _is_node(one.node):
            left_out += 1
            continue
        unit = "bool" if is_bool else unit_of(one.unit) or ""
        low, high = ("", "") if is_bool else _range(one.low, one.high)
        rows.append((_tag(one.path, used), _title(one), one.node, kind, unit, low, high))
    return rows, left_out


def _is_node(node: str) -> bool:
    """Return True for a node that a cell can hold and a person can read back."""
    fits = len(node.encode("utf-8", "surrogatepass")) <= NODE_BYTES_MAX
    return node.startswith("nsu=") and node.isprintable() and fits and node == node.strip()


def _title(one: Offered) -> str:
    """Return the path on one line, with the server's own unit where it is none of ours."""
    text = "".join(char if char.isprintable() else " " for char in one.path)
    strange = one.unit if one.unit and unit_of(one.unit) is None else ""
    told = "".join(char for char in strange if char.isprintable())[:20]
    return f"{text[:TITLE_MAX].strip()} [{told}]" if told else text[:TITLE_MAX].strip()


def _range(low: float | None, high: float | None) -> tuple[str, str]:
    """Return both ends, or none: servers that have no range say 0 to 0."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return "", ""
    return (f"{low:.15g}", f"{high:.15g}") if low < high else ("", "")


def _tag(path: str, used: set[str]) -> str:
    """Return a tag of its own; two tags that make one name on the wire are one tag too many."""
    stem = _NO_TAG.sub("_", path.rpartition("/")[2]).strip("_.-")[:TAG_MAX] or "P"
    tag, number = stem, 2
    while name_of(tag) in used:
        end = f"_{number}"
        tag, number = stem[: TAG_MAX - len(end)] + end, number + 1
    used.add(name_of(tag))
    return tag
