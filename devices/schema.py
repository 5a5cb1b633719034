"""The JSON Schema of device profiles, generated from the models.  Pure.

`python -m devices.schema` prints it; `devices/profiles/schema.json` holds the same text, and a test
compares the two.
"""

import json
from typing import Annotated

from pydantic import Field, TypeAdapter

from devices.profile import ModbusProfile, OpcUaProfile


def schema_text() -> str:
    """Return the schema as committed: sorted, indented, one newline at the end."""
    adapter: TypeAdapter[ModbusProfile | OpcUaProfile] = TypeAdapter(
        Annotated[ModbusProfile | OpcUaProfile, Field(discriminator="protocol")]
    )
    schema = adapter.json_schema()
    schema["title"] = "Yujing device profile"
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_text())
