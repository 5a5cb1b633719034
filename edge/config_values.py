"""Words of configuration files: durations, sizes, addresses, names.  Pure."""

import ipaddress
import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from proto.duration import parse_duration

BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_SIZE = re.compile(_NUMBER + r"(kB|MB|GB|KiB|MiB|GiB)")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


def parse_size(text: object) -> int:
    """Return bytes of `"8GB"`, `"512MiB"`.

    Raises:
        ValueError: no such text.
    """
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write a size as text with a unit, such as "8GB", "512MiB"')
    return round(float(found[1]) * BYTES[found[2]])


def parse_address(text: str) -> tuple[str, int]:
    """Return (host, port) of `"127.0.0.1:5020"`, `"[::1]:5020"`, `"plc1.plant:502"`.

    Raises:
        ValueError: no such text.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise ValueError('write an address as "host:port", port 1 to 65535')
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    if not _HOST.fullmatch(host):
        raise ValueError(f'"{host}" is neither a host name nor an IP address')
    return host, int(port)


def _address(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError('write an address as "host:port"')  # noqa: TRY004 - pydantic takes ValueError
    parse_address(text)
    return text


Duration = Annotated[int, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]
Address = Annotated[str, BeforeValidator(_address)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
FilePath = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]


class FileModel(BaseModel):
    """A table that people write: unknown keys refused, nothing converted silently, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)
