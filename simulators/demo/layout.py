"""What the demo consists of: sites, ports, and the text of every configuration file.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

PACK = "demo"  # analysis windows of 10 s, so that a lead shows while you watch
WINDOW = "1s"  # a batch of samples closes at this age: liveness counts more than bytes here


@dataclass(frozen=True, slots=True)
class DemoSite:
    """One site of the demo: a plant and the gateway that watches it.

    Attributes:
        site: site id at the centre.
        name: what people read.
        region: administrative division.
        gateway: gateway id.
        plant: plant in a box.
        device: name of its controller.
        line: name of its line.
        unit: process unit in the register.
        profile: device profile.
        protocol: `modbus` or `opcua`.
        polls: poll class -> period, as written.
        matrix: template of its cause-and-effect matrix.
        limits: template of its alarm limits.
    """

    site: str
    name: str
    region: str
    gateway: str
    plant: str
    device: str
    line: str
    unit: str
    profile: str
    protocol: str
    polls: Mapping[str, str]
    matrix: str
    limits: str


SITES = (
    DemoSite(
        site="hancheng-steel",
        name="韩城示范钢厂",
        region="610581",
        gateway="610581-bof1a",
        plant="bof",
        device="bof1_plc",
        line="bof1",
        unit="BOF-1",
        profile="bof_lance_plc",
        protocol="modbus",
        polls={"fast": "100ms", "normal": "1s"},
        matrix="bof.toml",
        limits="limits_bof.toml",
    ),
    DemoSite(
        site="weinan-dust",
        name="渭南示范打磨车间",
        region="610502",
        gateway="610502-dust1a",
        plant="dust_dry",
        device="dust1_plc",
        line="dust1",
        unit="DC-1",
        profile="dust_dry_plc",
        protocol="opcua",
        polls={"fast": "200ms", "normal": "1s"},
        matrix="dust_dry.toml",
        limits="limits_dust.toml",
    ),
)


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on loopback: the centre's three, a plant and a local page for each gateway."""

    gateways: int
    clients: int
    http: int
    plants: Mapping[str, int]
    pages: Mapping[str, int]


def server_uri(site: DemoSite) -> str:
    """Return the OPC UA application URI of a plant's server."""
    return f"urn:yujing-sim:{site.plant}:server"


def client_uri(site: DemoSite) -> str:
    """Return the OPC UA application URI of a gateway."""
    return f"urn:yujing-demo:{site.gateway}"


def edge_toml(site: DemoSite, ports: Ports) -> str:
    """Return the configuration of one gateway; paths are relative to its folder."""
    port = ports.plants[site.plant]
    if site.protocol == "modbus":
        wire = f'kind = "modbus-tcp"\naddress = "127.0.0.1:{port}"\ntimeout = "500ms"'
        unit = "unit_id = 1\n"
    else:
        wire = (
            f'kind = "opcua"\naddress = "opc.tcp://127.0.0.1:{port}/"\ntimeout = "4s"\n'
            'security = "Basic256Sha256"\npki = "opcua"'
        )
        unit = ""
    polls = "\n".join(f'{name} = "{period}"' for name, period in site.polls.items())
    return f"""# Written by `yujing-sim demo`: {site.name}
gateway = {{ id = "{site.gateway}", site = "{site.site}", data_dir = "data" }}
config = {{ version = 1, timezone = "Asia/Shanghai" }}

[central]
address = "127.0.0.1:{ports.gateways}"
ca = "../pki/root.pem"
cert = "../pki/{site.gateway}.pem"
key = "../pki/{site.gateway}.key"

[[line]]
name = "{site.line}"
{wire}

[[device]]
name = "{site.device}"
line = "{site.line}"
{unit}profile = "{site.profile}"
path = "plc"
life = "life_counter"
unit = "{site.unit}"

[poll]
{polls}

[interlock]
mode = "advisory"
matrices = ["matrices/{site.matrix}"]

[alarm]
limits = "limits.toml"

[spool]
keep = "1h"
quota = "200MB"
window = "{WINDOW}"

[page]
listen = "127.0.0.1:{ports.pages[site.gateway]}"
"""


def central_toml(sites: tuple[DemoSite, ...], ports: Ports, data_dir: str = "data") -> str:
    """Return the configuration of the centre; paths are relative to its folder."""
    registered = "\n".join(
        f"""
[[site]]
id = "{site.site}"
name = "{site.name}"
region = "{site.region}"
gateways = ["{site.gateway}"]
simulated = true"""
        for site in sites
    )
    return f"""# Written by `yujing-sim demo`
central = {{ name = "shaanxi-demo", data_dir = "{data_dir}", store = "sqlite" }}
clients = {{ listen = "127.0.0.1:{ports.clients}" }}
http = {{ listen = "127.0.0.1:{ports.http}", language = "zh" }}
pki = {{ root = "../pki/root.pem" }}
analysis = {{ packs = ["{PACK}"], workers = 1 }}

[gateways]
listen = "127.0.0.1:{ports.gateways}"
cert = "../pki/server.pem"
key = "../pki/server.key"
{registered}
"""
