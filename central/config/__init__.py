"""CentralConfig: the bureau's TOML as frozen models; every fault at once with its key path.  Pure.

Source: `architecture.md` 11.  The file is read by `central/config/file.py`.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from proto.errors import ConfigError, Fault
from proto.identity import is_gateway_id, is_site_id

ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\s]+):(?P<port>\d{1,5})")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _listen(value: str) -> str:
    found = ADDRESS.fullmatch(value)
    if found is None or int(found["port"]) > 65535:
        raise ValueError('an address is "host:port", for example "127.0.0.1:7443"')
    return value


def _loopback_only(value: str, what: str) -> str:
    host = _listen(value).rpartition(":")[0].strip("[]")
    if host != "localhost" and not _is_loopback(host):
        raise ValueError(
            f"{what} listens on loopback only until access control exists; use 127.0.0.1 or [::1]"
        )
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServerConfig(_Table):
    """`central`: the name of the bureau and where its state lives."""

    name: str = Field(min_length=1, max_length=64)
    data_dir: str = Field(min_length=1)
    store: Literal["sqlite"] = "sqlite"


class GatewaysConfig(_Table):
    """`gateways`: the listener for gateways (mTLS)."""

    listen: str
    cert: str
    key: str

    _check_listen = field_validator("listen")(_listen)


class EnrolConfig(_Table):
    """`enrol`: the listener for enrolment; closed until enrolment exists."""

    listen: str
    open: bool = False

    _check_listen = field_validator("listen")(_listen)

    @field_validator("open")
    @classmethod
    def _not_yet(cls, value: bool) -> bool:
        if value:
            raise ValueError("enrolment does not exist yet; leave open = false")
        return value


class ClientsConfig(_Table):
    """`clients`: gRPC for local programs beside `<data_dir>/client.sock`; loopback only."""

    listen: str

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        return _loopback_only(value, "clients")


class HttpConfig(_Table):
    """`http`: console and HTTP API; loopback only."""

    listen: str
    language: Literal["zh", "en"] = "zh"

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        return _loopback_only(value, "http")


class PkiConfig(_Table):
    """`pki`: the root that signs gateways; the issuing key waits for enrolment."""

    root: str
    issuing: str | None = None
    key: str | None = None


class AnalysisConfig(_Table):
    """`analysis`: rule packs by name or path, and the number of workers."""

    packs: tuple[str, ...] = ("default",)
    workers: int = Field(default=1, ge=1, le=64)


class SiteConfig(_Table):
    """`[[site]]`: the static register until the registry holds it."""

    id: str
    name: str = Field(min_length=1, max_length=128)
    region: str = Field(pattern=r"^[0-9]{6}$")
    gateways: tuple[str, ...] = Field(min_length=1)
    simulated: bool = False

    @field_validator("id")
    @classmethod
    def _site_id(cls, value: str) -> str:
        if not is_site_id(value):
            raise ValueError("a site id is 3 to 40 of a-z, 0-9 and -")
        return value

    @field_validator("gateways")
    @classmethod
    def _gateway_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [gateway for gateway in value if not is_gateway_id(gateway)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no gateway id: six digits, -, 4 to 26 of 0-9 a-z")
        return value


class CentralConfig(_Table):
    """The whole of `central.toml`."""

    central: ServerConfig
    gateways: GatewaysConfig
    pki: PkiConfig
    enrol: EnrolConfig | None = None
    clients: ClientsConfig | None = None
    http: HttpConfig | None = None
    analysis: AnalysisConfig = AnalysisConfig()
    regions: str | None = None
    site: tuple[SiteConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class CentralSettings:
    """What the code takes: the configuration with every path made absolute."""

    config: CentralConfig
    place: str
    data_dir: str
    cert: str
    key: str
    root: str

    @property
    def database(self) -> str:
        """Path of the one database file."""
        return f"{self.data_dir}/central.db"

    @property
    def client_socket(self) -> str:
        """Path of the unix socket for local administrators."""
        return f"{self.data_dir}/client.sock"


def parse_config(document: Mapping[str, object], place: str) -> CentralConfig:
    """Return the configuration.

    Raises:
        ConfigError: with every fault of the document, each with its key path.
    """
    faults: list[Fault] = []
    config: CentralConfig | None = None
    try:
        config = CentralConfig.model_validate(document)
    except ValidationError as error:
        faults += [
            _fault(place, detail["loc"], detail["type"], detail["msg"]) for detail in error.errors()
        ]
    faults += _register_faults(document, place)
    if faults or config is None:
        raise ConfigError(faults)
    return config


def settings_of(config: CentralConfig, place: str, folder: str) -> CentralSettings:
    """Return the settings: relative paths are taken from the folder of the file."""

    def absolute(path: str) -> str:
        return path if path.startswith("/") else f"{folder}/{path}"

    return CentralSettings(
        config=config,
        place=place,
        data_dir=absolute(config.central.data_dir),
        cert=absolute(config.gateways.cert),
        key=absolute(config.gateways.key),
        root=absolute(config.pki.root),
    )


def _fault(place: str, loc: tuple[int | str, ...], kind: str, message: str) -> Fault:
    path = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        return Fault(f"{place}: {path}", "config.unknown_key", f"unknown key{_did_you_mean(loc)}")
    if kind == "missing":
        return Fault(f"{place}: {path}", "config.missing", "is missing")
    return Fault(f"{place}: {path}", "config.value", message.removeprefix("Value error, "))


_TABLES: Mapping[str, type[_Table]] = {
    "central": ServerConfig,
    "gateways": GatewaysConfig,
    "enrol": EnrolConfig,
    "clients": ClientsConfig,
    "http": HttpConfig,
    "pki": PkiConfig,
    "analysis": AnalysisConfig,
    "site": SiteConfig,
}


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    names = [str(part) for part in loc if isinstance(part, str)]
    table = CentralConfig if len(names) == 1 else _TABLES.get(names[0], CentralConfig)
    near = difflib.get_close_matches(names[-1], list(table.model_fields), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _register_faults(document: Mapping[str, object], place: str) -> list[Fault]:
    """Faults between the sites: an id or a gateway that stands twice."""
    sites = document.get("site")
    faults: list[Fault] = []
    if not isinstance(sites, list):
        return faults
    seen: dict[str, str] = {}
    for number, site in enumerate(sites):
        if not isinstance(site, dict):
            continue
        gateways = site.get("gateways")
        keys = [("id", site.get("id"))]
        keys += [("gateways", name) for name in (gateways if isinstance(gateways, list) else [])]
        for key, value in keys:
            here = f"site.{number}.{key}"
            if isinstance(value, str) and f"{key} {value}" in seen:
                message = f"{value!r} stands already at {seen[f'{key} {value}']}"
                faults.append(Fault(f"{place}: {here}", "config.duplicate", message))
            seen.setdefault(f"{key} {value}", here)
    return faults
