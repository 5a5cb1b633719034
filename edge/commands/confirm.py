"""`yujing-edge confirm`: a person says that the map holds after a program change.  Shell: terminal.

The running gateway is asked through its control socket; what it takes is one EVENT record.
"""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from edge.commands.words import OK, Json, Lang, data_dir_of, emit, refuse
from edge.control import ask

By = Annotated[str, Parameter(name="--by", help="who has checked the map 核对人")]
Change = Annotated[str, Parameter(name="--change", help="change number (MOC) 变更编号")]
File = Annotated[Path | None, Parameter(name="--file", help="edge.toml")]
DataDir = Annotated[Path | None, Parameter(name="--data-dir", help="the gateway's folder")]


def confirm(
    device: str,
    *,
    by: By,
    change: Change = "",
    file: File = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """确认点表 The map of a device holds after its program changed; a person has checked it."""
    request = {"do": "map.confirm", "device": device, "by": by, "change": change}
    body = asyncio.run(ask(data_dir_of(file, data_dir), request))
    refuse(body)
    if as_json:
        emit(body)
        return OK
    number = f"  {body['change_number']}" if body["change_number"] else ""
    text = "点表已确认" if lang == "zh" else "map confirmed"
    print(f"{body['device']}: {text}  {body['by']}{number}")
    return OK
