"""`yujing-edge check`: every fault at once, nothing is started.  Shell: terminal."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from edge.acquisition.load import line_load, load_row, overloads
from edge.clock import SystemClock
from edge.commands.plan_words import headline, line_summary
from edge.commands.words import (
    CONFIGURATION,
    OK,
    Json,
    Lang,
    Language,
    emit,
    fault_body,
    say,
    show_faults,
)
from edge.config_outside import exceptions
from edge.installation import Installation, load
from edge.side_plan import side_plan
from proto.errors import ConfigError, Fault
from proto.fault_message import explained


def check(file: Path, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """检查配置 Every fault of the configuration and of the files that it names, at once."""
    try:
        made = load(file)
    except ConfigError as refused:
        return _refuse(file, refused.faults, as_json=as_json, lang=lang)
    faults, notices = overloads(made.plant, file.name)
    today = datetime.fromtimestamp(SystemClock().wall_us() / 1e6, UTC).date()
    over, held = exceptions(made.config, today, file.name)
    faults, notices = [*faults, *over], [*notices, *held]
    _show_lines(made, as_json=as_json, lang=lang)
    for warning in (*made.warnings, *notices, *_unread_rings(made, file.name)):
        if as_json:
            emit(fault_body("warning", warning))
        else:
            print(f"{say('warning', lang)}: {explained(warning.code, str(warning))}")
    if faults:
        return _refuse(file, faults, as_json=as_json, lang=lang)
    if as_json:
        emit({"schema": "check/1", "ok": True, "config_hash": made.config_hash})
    else:
        print(f"{file}: {say('ok', lang)} ({made.config_hash[:12]})")
    return OK


def _unread_rings(made: Installation, file: str) -> Iterable[Fault]:
    """Name each device whose ring of events or texts nobody reads: on a tap, and over OPC UA."""
    for line in made.plant.lines:
        for device, reads in zip(line.devices, side_plan(line), strict=True):
            if device.profile.event_ring is not None and reads.records is None:
                message = (
                    f"the event ring of profile {device.profile.profile} is checked but not read: "
                    "its events reach nobody 事件环仅校验，尚不采集"
                )
                yield Fault(f"{file}: device {device.name}", "edge.ring_not_read", message)
            if device.profile.texts and not reads.texts:
                message = (
                    f"the texts of profile {device.profile.profile} are checked but not read: "
                    "a changed serial number or version goes unseen 文本仅校验，尚不采集"
                )
                yield Fault(f"{file}: device {device.name}", "edge.texts_not_read", message)


def _show_lines(made: Installation, *, as_json: bool, lang: Language) -> None:
    """Show what every line is asked for, so that a fault of load has its arithmetic above it."""
    if as_json:
        for line in made.plant.lines:
            emit(load_row(line_load(line)))
        return
    print(headline(made, lang))
    for line in made.plant.lines:
        print(line_summary(line, lang))


def _refuse(file: Path, faults: Iterable[Fault], *, as_json: bool, lang: Language) -> int:
    found = list(faults)
    if as_json:
        for fault in found:
            emit(fault_body("fault", fault))
    else:
        show_faults(found)
        print(f"{file}: {len(found)} {say('faults', lang)}", file=sys.stderr)
    return CONFIGURATION
