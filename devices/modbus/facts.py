"""What equipment taught us: holes, limits, cost, echo, lateness; as data and as JSON.  Pure.

One `Learnt` a device, valid for one profile (by hash): a changed profile begins anew.  Numbers that
only drift (cost, lateness) are worth writing when they move by a tenth.  What cannot be read is a
fault of its device and no reason not to start.

Source: `acquisition.md` 3.5 (learnt facts), 3.8 (G2 lateness, G3 echo refused).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from devices.modbus.cost import Cost
from devices.modbus.holes_model import Fact, FactKind
from devices.profile import Profile

SCHEMA = "learnt/1"
BYTES_MAX = 4 * 1024 * 1024
FACTS_MAX = 1024
WORTH = 0.10


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one device showed.

    Attributes:
        profile_hash: of the profile under which it was learnt.
        facts: holes, limits, tables, with exception, requests and day.
        costs: per function code.
        answers: how many answers each of the costs rests on.
        no_echo: FC 8 is refused, or stays without answer.
        late_ns: the longest lateness of an answer ever seen.
        date: ISO day of the last change.
    """

    profile_hash: str
    facts: tuple[Fact, ...] = ()
    costs: Mapping[int, Cost] = field(default_factory=dict)
    answers: int = 0
    no_echo: bool = False
    late_ns: int = 0
    date: str = ""

    def is_news(self, before: "Learnt | None") -> bool:
        """Return True when this is worth writing over `before`."""
        if before is None:
            return bool(self.facts or self.costs or self.no_echo or self.late_ns)
        if (self.profile_hash, self.no_echo) != (before.profile_hash, before.no_echo):
            return True
        if [_bare(f) for f in self.facts] != [_bare(f) for f in before.facts]:
            return True
        if set(self.costs) != set(before.costs) or _moved(self.late_ns, before.late_ns):
            return True
        return any(
            _moved(cost.request_ns, before.costs[fc].request_ns)
            or _moved(cost.register_ns, before.costs[fc].register_ns)
            for fc, cost in self.costs.items()
        )

    def dated(self, today: str) -> "Learnt":
        """Return it with the day on everything that has none yet."""
        facts = tuple(replace(fact, date=fact.date or today) for fact in self.facts)
        return replace(self, facts=facts, date=today)


def profile_hash(profile: Profile) -> str:
    """Return the first 16 hex digits of the SHA-256 of a profile."""
    return hashlib.sha256(profile.model_dump_json().encode()).hexdigest()[:16]


def to_json(learnt: Mapping[str, Learnt]) -> str:
    """Return the file: devices by name."""
    devices = {name: _to_body(learnt[name]) for name in sorted(learnt)}
    body = {"schema": SCHEMA, "devices": devices}
    return json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def from_json(data: bytes) -> tuple[dict[str, Learnt], list[str]]:
    """Return what could be read, and in words what could not."""
    if len(data) > BYTES_MAX:
        return {}, [f"more than {BYTES_MAX} bytes"]
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        return {}, [f"no JSON: {error}"]
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        return {}, [f"not of schema {SCHEMA}"]
    devices = body.get("devices")
    found: dict[str, Learnt] = {}
    wrong: list[str] = []
    for name, row in devices.items() if isinstance(devices, dict) else ():
        try:
            found[name] = _of_body(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            wrong.append(f"{name}: {type(error).__name__} {error}")
    return found, wrong


def _bare(fact: Fact) -> tuple[str, int, int, int, int]:
    return (str(fact.kind), fact.function, fact.first, fact.last, fact.exception)


def _moved(now: int, before: int) -> bool:
    return abs(now - before) > WORTH * max(abs(before), 1)


def _to_body(learnt: Learnt) -> dict[str, object]:
    return {
        "profile_hash": learnt.profile_hash,
        "date": learnt.date,
        "no_echo": learnt.no_echo,
        "late_ns": learnt.late_ns,
        "answers": learnt.answers,
        "costs": {
            str(fc): {"request_ns": cost.request_ns, "register_ns": cost.register_ns}
            for fc, cost in sorted(learnt.costs.items())
        },
        "facts": [
            {
                "kind": str(fact.kind),
                "fc": fact.function,
                "first": fact.first,
                "last": fact.last,
                "exception": fact.exception,
                "requests": fact.probes,
                "date": fact.date,
            }
            for fact in learnt.facts
        ],
    }


def _of_body(row: Mapping[str, object]) -> Learnt:
    costs, facts = row.get("costs", {}), row.get("facts", [])
    if not isinstance(costs, dict) or not isinstance(facts, list):
        raise TypeError("costs is a table, facts a list")
    return Learnt(
        profile_hash=_text(row, "profile_hash"),
        facts=tuple(_fact(fact) for fact in facts[:FACTS_MAX]),
        costs={
            int(fc): Cost(_whole(cost, "request_ns"), _whole(cost, "register_ns"))
            for fc, cost in costs.items()
        },
        answers=_whole(row, "answers"),
        no_echo=row.get("no_echo") is True,
        late_ns=_whole(row, "late_ns"),
        date=_text(row, "date"),
    )


def _fact(row: Mapping[str, object]) -> Fact:
    function = _whole(row, "fc")
    if function not in (1, 2, 3, 4):
        raise ValueError(f"fc {function}")
    first, last = _whole(row, "first"), _whole(row, "last", least=-1)
    if max(first, last) > 0xFFFF:
        raise ValueError(f"address {max(first, last)}")
    return Fact(
        FactKind(_text(row, "kind")),
        function,
        first,
        last,
        _whole(row, "exception"),
        _whole(row, "requests"),
        _text(row, "date"),
    )


def _whole(row: Mapping[str, object], key: str, least: int = 0) -> int:
    value = row.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**62:
        raise ValueError(f"{key} = {value!r}")
    return value


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError(f"{key} = {value!r}")
    return value
