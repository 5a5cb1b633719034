"""From a line's plan to its traffic contract: what the plant's network people sign.  Pure.

Modbus: unit, function, addresses, counts, rates.  OPC UA: one session, which services, how many
nodes a call; its node ids are in the plan.  Source: `acquisition.md` 3.6.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from devices.driver import DeviceSettings
from devices.modbus.ask import Ask
from devices.modbus.holes_model import Policy
from devices.modbus.plan import ModbusRead
from devices.modbus.traffic import Contract, Planned, RingReads, Searchable, TextRead
from devices.profile import ModbusProfile
from edge.acquisition.load import RTU_KINDS, block_bytes, read_bytes, sends
from edge.config_line import LineConfig
from edge.plant import LinePlan, Plant
from edge.shaping import is_guarded, probing_of
from edge.side_plan import RING_PERIOD_NS, Regular, regular, side_plan

RETRY_S = 5.0
SEARCH_HIGH = 999
SERVICES = (
    "FindServers, GetEndpoints, OpenSecureChannel, CreateSession, ActivateSession, Read, "
    "Browse, TranslateBrowsePaths, CreateSubscription, CreateMonitoredItems, Publish, Republish, "
    "TransferSubscriptions, HistoryRead, CloseSession"
)
NEVER_SENT = "Write, Call, AddNodes, DeleteNodes, HistoryUpdate"


@dataclass(frozen=True, slots=True)
class SessionContract:
    """What one OPC UA session does.

    Attributes:
        line, theirs: name and endpoint.
        clauses: (what, period in ns or 0, nodes).
    """

    line: str
    theirs: str
    clauses: tuple[tuple[str, int, int], ...]
    services: str = SERVICES
    never: str = NEVER_SENT

    @property
    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 over everything that it states."""
        rows = [f"{what} {period_ns} {nodes}" for what, period_ns, nodes in self.clauses]
        text = "\n".join([self.line, self.theirs, *rows, self.services, self.never])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def contract_of(line: LinePlan, plant: Plant) -> Contract | SessionContract:
    """Return what a line of a plant may send at most; nothing at all for a tap."""
    if line.config.kind == "opcua":
        return _session(line)
    config = line.config
    is_rtu = config.kind in RTU_KINDS or config.framing == "rtu"
    planned: list[Planned] = []
    for axis in sends(line):
        request = axis.block.request
        if isinstance(request, ModbusRead):
            sent, got = block_bytes(axis.block, is_rtu=is_rtu)
            planned.append(
                Planned(request.unit, request.asks, request.hull, axis.period_ns, sent, got)
            )
    configs = [plant.device_configs[number] for number in line.numbers]
    search = tuple(
        _search(device, probing_of(config, own), planned)
        for device, own in zip(line.devices, configs, strict=True)
    )
    echoes = tuple(each.unit for each in search if each.policy != "never")
    is_tap = config.is_listening_only
    return Contract(
        line=config.name,
        kind=config.kind,
        ours=_ours(config),
        theirs=_theirs(config, line.devices),
        connections=0 if is_tap else 1,
        retry_s=RETRY_S,
        planned=tuple(planned),
        search=() if is_tap else search,
        echo_units=echoes if is_guarded(config, line.devices) else (),
        canaries=() if is_tap else _canaries(line),
        rings=tuple(_rings(line, is_rtu=is_rtu)),
        texts=tuple(_texts(line, is_rtu=is_rtu)),
    )


def _session(line: LinePlan) -> SessionContract:
    clauses: dict[tuple[str, int], int] = {}
    for axis in line.axes:
        what = "subscription" if axis.subscribed else "Read"
        key = (what, axis.period_ns)
        clauses[key] = clauses.get(key, 0) + len(axis.block.points)
    rows = tuple((what, period_ns, nodes) for (what, period_ns), nodes in clauses.items())
    return SessionContract(line.config.name, line.config.address, rows)


def _search(device: DeviceSettings, policy: Policy, planned: list[Planned]) -> Searchable:
    mine = [each.hull for each in planned if each.unit == device.unit_id]
    low = min((hull.start for hull in mine), default=0)
    high = max((hull.end - 1 for hull in mine), default=0)
    return Searchable(device.unit_id, device.name, policy, min(low, 0), max(high, SEARCH_HIGH))


def _canaries(line: LinePlan) -> tuple[tuple[int, Ask], ...]:
    found: list[tuple[int, Ask]] = []
    for device in line.devices:
        assert isinstance(device.profile, ModbusProfile)
        canary = device.profile.modbus.canary
        if canary is not None:
            found.append((device.unit_id, Ask(canary.table.function, canary.address, 1)))
    return tuple(found)


def _rings(line: LinePlan, *, is_rtu: bool) -> Iterator[RingReads]:
    looks: dict[int, list[Regular]] = {}
    for each in regular(line):
        if each.what == "ring":
            looks.setdefault(each.unit, []).append(each)
    for device, reads in zip(line.devices, side_plan(line), strict=True):
        records = reads.records
        if records is None:
            continue
        look = looks[device.unit_id]
        rows = [read_bytes(each.read.asks, is_rtu=is_rtu) for each in look]
        whole = {ask for read in reads.index for ask in (*read.asks, read.wanted)}
        yield RingReads(
            unit=device.unit_id,
            index=tuple(sorted(whole)),
            records=records.whole,
            words=records.words,
            quantity_max=max((*records.one, *records.many, records.chunk * records.words)),
            period_ns=RING_PERIOD_NS,
            counts=(*records.one, *records.many),
            idle=len(look),
            out_bytes=sum(out for out, _ in rows),
            in_bytes=sum(got for _, got in rows),
        )


def _texts(line: LinePlan, *, is_rtu: bool) -> Iterator[TextRead]:
    for each in regular(line):
        if each.what == "text":
            out, got = read_bytes(each.read.asks, is_rtu=is_rtu)
            asks = tuple(sorted({*each.read.asks, each.read.wanted}))
            yield TextRead(each.unit, asks, each.period_ns, out, got)


def _ours(config: LineConfig) -> str:
    ports = "|".join(str(port) for port in config.local_ports)
    if config.kind == "modbus-dial-in":
        return f"listens on {config.address}"
    return f"local port {ports}" if ports else "any local port"


def _theirs(config: LineConfig, devices: tuple[DeviceSettings, ...]) -> str:
    if config.kind == "modbus-dial-in":
        return "the device that registers"
    ports = list(config.ports)
    if not ports and config.kind in ("modbus-tcp", "modbus-tls"):
        for device in devices:
            assert isinstance(device.profile, ModbusProfile)
            ports += device.profile.modbus.ports
    host, _, port = config.address.rpartition(":")
    if not host or not ports:
        return config.address
    every = "|".join(dict.fromkeys([port, *(str(p) for p in ports)]))
    return f"{host}:{every}"
