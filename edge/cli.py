"""yujing-edge: the gateway's commands; arguments and printing only.  Shell: terminal."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App

from edge.commands.browse import browse
from edge.commands.check import check
from edge.commands.confirm import confirm
from edge.commands.explain import explain
from edge.commands.import_book import import_book
from edge.commands.loop import loop
from edge.commands.mark import mark
from edge.commands.matrix import matrix
from edge.commands.metrics import metrics
from edge.commands.plan import plan
from edge.commands.points import points
from edge.commands.probe import probe
from edge.commands.read import read
from edge.commands.run import run
from edge.commands.status import status
from edge.commands.trust import trust
from edge.commands.words import CONFIGURATION, INTERRUPTED, OK, WRONG, show_faults
from proto.errors import ConfigError, YujingError
from proto.fault_message import explained
from proto.notice import NOTICE_EN, NOTICE_ZH

app = App(
    name="yujing-edge",
    help="厂区网关 the gateway at a plant.\n\n" + NOTICE_ZH + "\n\n" + NOTICE_EN,
    version_flags=[],
)
for command in (check, plan, run, status, explain, read):
    app.command(command)
app.command(metrics)
app.command(points)
app.command(loop)
app.command(import_book, name="import")
app.command(matrix)
app.command(browse)
app.command(probe)
app.command(mark)
app.command(confirm)
app.command(trust)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line (of the process, unless given); end with the command's exit code."""
    try:
        given = sys.argv[1:] if words is None else list(words)
        code = app(given, exit_on_error=True, result_action="return_value")
    except ConfigError as refused:
        show_faults(refused.faults)
        code = CONFIGURATION
    except YujingError as failed:
        print(explained(failed.code, str(failed)), file=sys.stderr)
        code = WRONG
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = WRONG
    sys.exit(code if isinstance(code, int) else OK)
