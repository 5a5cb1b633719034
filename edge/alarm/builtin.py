"""The alarms that every interlock and controller brings along.  Pure.

A lost controller is one alarm that names the interlocks behind it; what its points would say about
it is suppressed.  A trip by lost inputs says so: it is no demand.  Source: `interlocks.md` 3.17.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.alarm.limits import AlarmSpec, LevelSpec
from edge.interlock.events import InterlockView
from edge.interlock.reading import LINK_LOST, LINK_STOPPED
from proto.alarm import AlarmLevel, AlarmPriority

BLIND_ON_NS = 2 * 10**9
"""Values that are late for a moment because the machine was busy are no blindness (placeholder)."""
DEGRADED_ON_NS = 10 * 10**9  # placeholder: a short dip of one channel is no alarm


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that holds or does not, and the alarm that it is."""

    spec: AlarmSpec
    holds: bool


def fact(
    key: str,
    title: str,
    about: str,
    holds: bool,
    priority: AlarmPriority,
    clauses: tuple[str, ...] = (),
    on_ns: int = 0,
) -> Fact:
    """Return one built-in alarm."""
    level = LevelSpec(AlarmLevel.TRUE, None, priority)
    spec = AlarmSpec(
        id=key,
        title=title,
        point=about,
        tag="",
        unit="bool",
        column=-1,
        device=-1,
        levels=(level,),
        deadband=0.0,
        on_delay_ns=on_ns,
        off_delay_ns=0,
        clauses=clauses,
    )
    return Fact(spec, holds)


def interlock_facts(view: InterlockView, sounding: Mapping[str, tuple[str, str]]) -> list[Fact]:
    """Return the alarms of one interlock.

    Args:
        view: the interlock now.
        sounding: alarm effects (A cells) of its matrix: id -> (title, priority).
    """
    by_reason = (
        ("not_acted", "联锁未动作 protection did not act", AlarmPriority.URGENT, 0),
        (
            "demand_without_permit",
            "旁路期间有动作要求 demand while bypassed",
            AlarmPriority.URGENT,
            0,
        ),
        ("blind", "联锁全部信号失效 blind", AlarmPriority.URGENT, BLIND_ON_NS),
        ("plant_bypassed", "联锁被旁路，无票 bypassed without permit", AlarmPriority.HIGH, 0),
        ("setpoint_off", "联锁定值改变 set-point changed", AlarmPriority.HIGH, 0),
        ("channel_bad", "联锁信号失效 channel bad", AlarmPriority.MEDIUM, DEGRADED_ON_NS),
        ("deviation", "联锁信号不一致 channels disagree", AlarmPriority.MEDIUM, DEGRADED_ON_NS),
    )
    name, clauses = view.interlock, view.clauses
    tripped = view.protection in ("TRIPPED", "LATCHED")
    lost = bool(view.first_out) and all(c.endswith("/INPUT_LOSS") for c in view.first_out)
    word = "联锁动作（信号丢失） tripped by lost inputs" if lost else "联锁动作 tripped"
    trip = AlarmPriority(view.priority)
    found = [fact(f"{name}.tripped", f"{view.title} {word}", name, tripped, trip, clauses)]
    found += [
        fact(
            f"{name}.{reason}",
            f"{view.title} {title}",
            name,
            reason in view.reasons,
            priority,
            clauses,
            on_ns,
        )
        for reason, title, priority, on_ns in by_reason
    ]
    suspended = f"{view.title} 动作要求无法确认 demand out of sight"
    key = f"{name}.suspended"
    found.append(fact(key, suspended, name, view.suspended, AlarmPriority.URGENT, clauses))
    for effect, (title, priority) in sounding.items():
        on = effect in view.sounding
        key = f"{name}.{effect}"
        found.append(fact(key, title, name, on, AlarmPriority(priority), clauses))
    return found


def link_facts(
    devices: Sequence[str], link: Sequence[int], behind: Mapping[str, Sequence[str]]
) -> list[Fact]:
    """Return one alarm per controller: not heard, or answering without life.

    Args:
        devices: names, in the order of the image.
        link: of the image.
        behind: device -> interlocks that look at it.
    """
    return [
        _link_fact(name, state, behind.get(name, ()))
        for name, state in zip(devices, link, strict=True)
    ]


class LinkFacts:
    """The same from step to step: what a controller says is made anew when its link changes."""

    def __init__(self, devices: Sequence[str], behind: Mapping[str, Sequence[str]]) -> None:
        self._devices, self._behind = tuple(devices), behind
        self._link: list[int] = []
        self._facts: list[Fact] = []

    def of(self, link: Sequence[int]) -> list[Fact]:
        """Return one alarm per controller; whoever changes the list copies it."""
        if not self._link:
            self._link, self._facts = list(link), link_facts(self._devices, link, self._behind)
        for i, state in enumerate(link):
            if state != self._link[i]:
                name = self._devices[i]
                self._link[i] = state
                self._facts[i] = _link_fact(name, state, self._behind.get(name, ()))
        return self._facts


def _link_fact(name: str, state: int, behind: Sequence[str]) -> Fact:
    named = ", ".join(behind) or "-"
    word = "控制器停止 stopped" if state == LINK_STOPPED else "通信中断 link lost"
    title = f"{name} {word}; 联锁 interlocks: {named}"
    holds = state in (LINK_LOST, LINK_STOPPED)
    return fact(f"link.{name}", title, f"{name}.link", holds, AlarmPriority.HIGH)
