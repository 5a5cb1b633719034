"""What only the surroundings of a configuration can say of it.  Shell: looks at files, package.

The folder of the gateway's own state, the server profiles of the package, the date on which an
exception ends.  Dates are judged by `check` alone: an exception that ends must not keep a gateway
from starting again; its line is refused when it connects.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from devices.opcua.known_servers import profile_names
from edge.config import EdgeConfig
from edge.toml_faults import near
from proto.errors import Fault


def outside_faults(config: EdgeConfig, base: Path, file: str) -> Iterator[Fault]:
    """Yield what a configuration names and the machine or the package does not have."""
    folder = base / config.gateway.data_dir
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            message = f'"{path.name}" is a file, no folder 是文件而非目录'
            yield Fault(f"{file}: gateway.data_dir", "config.directory", message)
            break
    names = profile_names()
    for i, line in enumerate(config.line):
        if line.server is not None and line.server not in names:
            known = ", ".join(names)
            message = (
                f'no server profile "{line.server}" 没有该服务器模板{near(line.server, names)}'
            )
            place = f"{file}: line[{i}].server"
            yield Fault(place, "config.unknown_server", f"{message}; there are: {known}")


def exceptions(config: EdgeConfig, today: date, file: str) -> tuple[list[Fault], list[Fault]]:
    """Return the exceptions for broken policies that are over, and those that still hold."""
    over: list[Fault] = []
    held: list[Fault] = []
    for i, line in enumerate(config.line):
        stated = line.allow_insecure
        if stated is None:
            continue
        place = f"{file}: line[{i}].allow_insecure.until"
        if date.fromisoformat(stated.until) < today:
            message = (
                f"the exception ended on {stated.until}; the line will be refused when it "
                "connects: renew the server, or state a new one 例外已到期，连接将被拒绝"
            )
            over.append(Fault(place, "config.insecure_lapsed", message))
        else:
            message = (
                f"{line.security} until {stated.until}, approved by {stated.approved_by}: "
                "an exception with an end 不安全策略限期例外"
            )
            held.append(Fault(place, "config.insecure_allowed", message))
    return over, held
