"""yujing-edge: the gateway's commands; arguments and printing only.  Shell: terminal."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App

from edge.commands.words import CONFIGURATION, INTERRUPTED, OK, WRONG, show_faults
from proto.errors import ConfigError, YujingError
from proto.fault_message import explained
from proto.notice import NOTICE_EN, NOTICE_ZH

app = App(
    name="yujing-edge",
    help="厂区网关 the gateway at a plant.\n\n" + NOTICE_ZH + "\n\n" + NOTICE_EN,
    version_flags=[],
)
COMMANDS = {
    "check": "检查配置 Every fault of the configuration and of its files, at once.",
    "plan": "读取计划 Reads, load, traffic and time budgets of every line.",
    "run": "运行网关 Run the gateway until SIGTERM or Ctrl-C.",
    "status": "网关状态 State of the running gateway; of the last stop when none runs.",
    "explain": "解释 How a tag gets its value, or how an interlock decides.",
    "read": "读一次 One reading now.",
    "metrics": "指标 Metrics of the running gateway as Prometheus text.",
    "points": "测点表 Show a point list as it is read, and test order, base and type.",
    "loop": "回路测试 Test a loop under a CALIBRATION mark.",
    "import": "导入 Read a workbook, or one CSV a sheet, into files.",
    "matrix": "因果表 A cause-and-effect matrix as a workbook or on paper.",
    "browse": "浏览服务器 The variables of an OPC UA server.",
    "probe": "探测 Function codes, longest read, holes, answer times of one unit.",
    "mark": "检修标记 Work marks: what is being worked on, why, and until when.",
    "confirm": "确认点表 The map holds after a program change; a person has checked it.",
    "trust": "证书信任 Which OPC UA servers are talked to.",
}
"""What `--help` says of each; a command is imported when it is called.

The gateway is not to carry in its memory what only another command needs.
"""

MODULES = {"import": "import_book"}
for name, words_of_help in COMMANDS.items():
    module = MODULES.get(name, name)
    app.command(f"edge.commands.{module}:{module}", name=name, help=words_of_help)


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
