"""How much a server may be asked at once: by site, server, profile and what was learnt.  Pure.

A limit is the smallest that anybody states; 0 means that nobody does.  A server without any stated
limit gets 50 nodes a call, doubled while its answers come within 250 ms; one that calls a request
too big gets half for the rest of this connection and of the next ones.

Clause: acquisition.md 3.13.6; OPC UA Part 5, 6.3.11 (OperationLimits).
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace

UNKNOWN_PER_CALL = 50
PER_CALL_MAX = 1_000
FAST_NS = 250_000_000
PUBLISHES = 3
"""Publish requests that wait at the server at a time."""


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """What is known of one family of servers; 0 = not stated.

    Attributes:
        name: of the file in `servers/`.
        manufacturer, product: parts of BuildInfo by which it is known, in lower case.
        items_max: monitored items of the server.
        per_call: nodes or items of one request.
        publishing_ms, sampling_ms: the fastest that is served.
        filters: False where a data change filter is refused.
        source: where the figures come from.
        grade: A measured by us, B the maker's paper, C somebody else's.
    """

    name: str
    manufacturer: str
    product: str
    items_max: int
    per_call: int
    publishing_ms: int
    sampling_ms: int
    filters: bool
    source: str
    grade: str


UNKNOWN = ServerProfile("unknown", "", "", 0, 0, 0, 0, True, "nobody", "C")
_TEXTS = {"manufacturer", "product", "source", "grade"}
_NUMBERS = {"items_max", "per_call", "publishing_ms", "sampling_ms"}


def parse_profile(name: str, data: bytes) -> ServerProfile:
    """Return the profile that `servers/<name>.toml` holds.

    Raises:
        ValueError: a key is missing, unknown or of another type.
    """
    table = tomllib.loads(data.decode("utf-8"))
    if unknown := sorted(set(table) - _TEXTS - _NUMBERS - {"filters"}):
        raise ValueError(f"{name}: unknown key {unknown[0]}")
    for key in sorted(_TEXTS):
        if not isinstance(table.get(key), str):
            raise ValueError(f"{name}: {key} must be a text")  # noqa: TRY004
    for key in sorted(_NUMBERS):
        number = table.setdefault(key, 0)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(f"{name}: {key} must be a number of at least 0")
    if table["grade"] not in ("A", "B", "C") or not table["source"]:
        raise ValueError(f"{name}: source and a grade A, B or C are needed")
    if not isinstance(table.setdefault("filters", True), bool):
        raise ValueError(f"{name}: filters must be true or false")  # noqa: TRY004
    return ServerProfile(name=name, **table)


def choose(profiles: Iterable[ServerProfile], manufacturer: str, product: str) -> ServerProfile:
    """Return the profile that knows this server; the one that says most of its name wins."""
    fitting = [
        profile
        for profile in profiles
        if (profile.manufacturer or profile.product)
        and profile.manufacturer.lower() in manufacturer.lower()
        and profile.product.lower() in product.lower()
    ]
    return max(
        fitting,
        key=lambda one: (len(one.product), len(one.manufacturer), one.name),
        default=UNKNOWN,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How many nodes go into one request of one kind.

    Attributes:
        size: of the next request.
        most: never more.
        is_stated: True where somebody stated the limit: then it is used at once.
    """

    size: int
    most: int
    is_stated: bool


def pace(*stated: int) -> Pace:
    """Return the pace under the limits that were stated (0 = not stated)."""
    known = [limit for limit in stated if limit > 0]
    if known:
        most = min(*known, PER_CALL_MAX)
        return Pace(most, most, is_stated=True)
    return Pace(UNKNOWN_PER_CALL, PER_CALL_MAX, is_stated=False)


def answered(before: Pace, asked: int, took_ns: int) -> Pace:
    """Return the pace after an answer: a full request answered fast doubles an unstated one."""
    if before.is_stated or asked < before.size or took_ns >= FAST_NS:
        return before
    return replace(before, size=min(before.most, before.size * 2))


def too_many(before: Pace, asked: int) -> Pace:
    """Return the pace after Bad_TooManyOperations: half of what was asked, never more again."""
    most = max(1, min(asked, before.size) // 2)
    return Pace(most, most, before.is_stated)


def queue_size(
    publishing_ms: float, sampling_ms: float, bridge_ms: float, server_max: int = 0
) -> int:
    """Return how many values a server keeps of one item: enough for a publish, and for a cut.

    `min(server maximum, max(publish/sampling + 1, bridge/sampling))`, both rounded up.
    """
    sampling = max(sampling_ms, 1.0)
    wanted = max(_up(publishing_ms / sampling) + 1, _up(bridge_ms / sampling))
    return min(server_max, wanted) if server_max else wanted


def _up(number: float) -> int:
    return -int(-number // 1)
