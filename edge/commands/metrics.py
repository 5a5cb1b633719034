"""`yujing-edge metrics`: the running gateway as Prometheus text, when asked.  Shell: terminal.

The gateway has no HTTP listener: metrics go by its local socket (`architecture.md` 11).  Written to
a file they feed the textfile collector of a node exporter.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from edge.acquisition.load import line_load
from edge.commands.files import write_whole
from edge.commands.words import OK, WRONG, refuse, told_rows
from edge.control import ask
from edge.health.metrics import text
from edge.installation import load
from proto.errors import NotFound

Out = Annotated[Path | None, Parameter(name="--out", help="file, such as yujing.prom 输出文件")]


def metrics(file: Path, *, out: Out = None) -> int:
    """指标 Metrics of the running gateway as Prometheus text; 1 when none runs."""
    made = load(file)
    loads = {line.config.name: line_load(line).share for line in made.plant.lines}
    try:
        status = asyncio.run(ask(made.data_dir, {"do": "status"}))
        refuse(status)
        told_rows(status, "lines", str(made.data_dir))
        body, code = text({**status, "running": True}, loads), OK
    except NotFound as error:
        if error.code != "control.silent":
            raise
        body, code = text({"running": False}, {}), WRONG
    if out is None:
        sys.stdout.write(body)
    else:
        write_whole(out, body.encode())
    return code
