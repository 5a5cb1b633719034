"""In advisory mode, the only one of this version, nothing that could write is even imported."""

import subprocess
import sys

import pytest

from edge.config import load_text
from proto.errors import ConfigError
from tests.unit.edge.plant import EDGE

LOOK = """
import sys
import edge.gateway, edge.commands.run, edge.commands.probe, edge.commands.read
print(sorted(name for name in sys.modules if name.endswith((".writer", "modbus.outputs"))))
"""


def test_the_gateway_and_its_commands_never_import_the_writer() -> None:
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_actuating_is_refused_by_the_configuration() -> None:
    with pytest.raises(ConfigError) as refused:
        load_text((EDGE + '[interlock]\nmode = "actuating"\n').encode(), "edge.toml")
    assert [fault.place for fault in refused.value.faults] == ["edge.toml: interlock.mode"]
