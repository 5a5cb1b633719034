"""One unit of a line, asked by `probe` while no gateway runs.  Shell: a connection."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devices.modbus.ask import Ask
from devices.modbus.inquiry import Asked, inquire
from devices.modbus.line_settings import SerialEndpoint, rules_of
from devices.modbus.survey import Findings
from edge.acquisition.drivers import Shared, line_entry, modbus_line
from edge.plant import LinePlan
from proto.clock import Clock

ANSWER_NS = 10**9
"""Patience for one answer: a probe is not in a hurry, and wants to see slow answers."""


async def survey_unit(
    line: LinePlan,
    base: Path,
    clock: Clock,
    *,
    unit: int,
    first: int,
    last: int,
    told: Callable[[int, Ask], None],
) -> Findings:
    """Return what `unit` of `line` showed; the unit need not be in the configuration.

    Raises:
        DeviceUnreachable: nobody is there, or the connection is gone.
    """
    settings = modbus_line(line, base)
    like = next((d for d in line.devices if d.unit_id == unit), line.devices[0])
    rules = replace(rules_of(settings, line.devices, like), is_probing=True)
    timeout_ns = max(ANSWER_NS, line.config.timeout_ns, rules.answer_max_ns or 0)
    gap_ns = settings.gap_ns if isinstance(settings.endpoint, SerialEndpoint) else 0
    asked = Asked(unit, rules, timeout_ns, gap_ns)
    entry = line_entry(settings, clock, Shared())
    return await inquire(entry, asked, first, last, clock, told)
