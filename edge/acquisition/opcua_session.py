"""The OPC UA driver of a line.  Shell: password files.

The verdict on a certificate is handed over: by the approved key, and in the gateway with what two
persons have put off (`edge/trust/deferrals.py`).
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from devices.opcua.certificate import DAY_US, Judge, pinned
from devices.opcua.known_servers import load_profiles
from edge.config_line import POLICIES_DEPRECATED, LineConfig, LoginConfig
from edge.plant import LinePlan
from proto.clock import Clock
from proto.errors import ConfigError, Fault

if TYPE_CHECKING:
    from devices.opcua.driver import OpcUaDriver
    from devices.opcua.session import OpcUaSecurity

JudgeOf = Callable[[Path], Judge]
"""The verdict of one pki folder."""
_EPOCH = date(1970, 1, 1).toordinal()


def by_key(_pki: Path) -> Judge:
    """Return the verdict by approved key alone."""
    return pinned


def make_opcua_driver(
    line: LinePlan,
    base: Path,
    clock: Clock,
    judge_of: JudgeOf = by_key,
    cursors: Mapping[str, bytes] | None = None,
) -> "OpcUaDriver":
    """Return the driver of an OPC UA line; nothing is opened yet.

    Args:
        line: from the plan.
        base: folder of the configuration.
        clock: of the process.
        judge_of: the verdict on servers.
        cursors: what sessions kept for this start, by line; None = nothing is kept of this run.

    Raises:
        ConfigError: the password file cannot be read, or others may read it.
    """
    # asyncua costs 60 MB: a plant without an OPC UA line does not pay them
    from devices.opcua.driver import OpcUaDriver

    config = line.config
    return OpcUaDriver(
        config.address,
        line.devices,
        security_of(config, base, judge_of),
        clock,
        config.timeout_ns,
        bridge_ns=config.bridge_ns,
        profiles=load_profiles(),
        profile=config.server,
        before=None if cursors is None else cursors.get(config.name),
        is_resumable=cursors is not None,
    )


def security_of(config: LineConfig, base: Path, judge_of: JudgeOf = by_key) -> "OpcUaSecurity":
    """Return how the sessions of a line are secured.

    Raises:
        ConfigError: the password file cannot be read, or others may read it.
    """
    from devices.opcua.session import OpcUaSecurity

    assert config.pki is not None, "checked when the configuration was read"
    pki = base / config.pki
    insecure_until_us = 0
    if config.security in POLICIES_DEPRECATED and config.allow_insecure is not None:
        insecure_until_us = end_of(config.allow_insecure.until)
    user, password = None, None
    if config.login is not None:
        user, password = config.login.user, read_password(config.login, base, config.name)
    return OpcUaSecurity(
        pki, config.security, judge_of(pki), insecure_until_us, user=user, password=password
    )


def read_password(login: LoginConfig, base: Path, line: str) -> str:
    """Return the password of a login.

    Raises:
        ConfigError: `config.secret`: unreadable, or readable for others.
    """
    path = base / login.password_file
    place = f"line {line}: login.password_file"
    try:
        if path.stat().st_mode & 0o077:
            message = f"{path}: others may read it; chmod 600"
            raise ConfigError([Fault(place, "config.secret", message)])
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError([Fault(place, "config.secret", f"{path}: {reason}")]) from error


def end_of(day: str) -> int:
    """Return the end of a day (YYYY-MM-DD) in µs since 1970 UTC."""
    return (date.fromisoformat(day).toordinal() - _EPOCH + 1) * DAY_US
