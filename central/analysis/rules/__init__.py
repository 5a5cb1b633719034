"""The judges: pure functions over one window, chosen by the name that a pack gives.  Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from central.analysis.finding import Finding
from central.analysis.pack import Rule
from central.analysis.rules import bypass_while_running, channel_health, demand_unanswered
from central.analysis.window import SiteFacts, Window

JudgeFunction = Callable[[Window, SiteFacts, Rule], list[Finding]]

JUDGES: Final[Mapping[str, JudgeFunction]] = {
    "channel_health": channel_health.judge,
    "demand_unanswered": demand_unanswered.judge,
    "bypass_while_running": bypass_while_running.judge,
}


def judge_all(window: Window, registry: SiteFacts, rules: tuple[Rule, ...]) -> list[Finding]:
    """Return the findings of every rule over one window, in the order of the rules."""
    return [finding for rule in rules for finding in JUDGES[rule.judge](window, registry, rule)]
