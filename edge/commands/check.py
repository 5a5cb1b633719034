"""`yujing-edge check`: every fault at once, nothing is started.  Shell: terminal."""

import sys
from pathlib import Path

from edge.commands.words import (
    CONFIGURATION,
    OK,
    Json,
    Lang,
    emit,
    fault_body,
    say,
    show_faults,
)
from edge.installation import load
from proto.errors import ConfigError


def check(file: Path, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """检查配置 Every fault of the configuration and of the files that it names, at once."""
    try:
        made = load(file)
    except ConfigError as refused:
        if as_json:
            for fault in refused.faults:
                emit(fault_body("fault", fault))
        else:
            show_faults(refused.faults)
            count = len(refused.faults)
            print(f"{file}: {count} {say('faults', lang)}", file=sys.stderr)
        return CONFIGURATION
    for warning in made.warnings:
        if as_json:
            emit(fault_body("warning", warning))
        else:
            print(f"{say('warning', lang)}: {warning}")
    if as_json:
        emit({"schema": "check/1", "ok": True, "config_hash": made.config_hash})
    else:
        print(f"{file}: {say('ok', lang)} ({made.config_hash[:12]})")
    return OK
