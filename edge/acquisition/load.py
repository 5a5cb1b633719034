"""What a line is asked for: time, requests and bytes, whether it fits, and what would.  Pure.

The cost of each request is that of the plan: the prior of the wire, or what its answers taught.
Source: `acquisition.md` 3.5 and 3.7.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from devices.driver import Block
from devices.modbus import rivals
from devices.modbus.ask import Ask
from devices.modbus.cost import Cost, serial_wire
from devices.modbus.plan import ModbusRead
from edge.config_line import LineConfig, SerialConfig
from edge.plant import AxisPlan, LinePlan, Plant
from edge.shaping import wire_of
from edge.side_plan import regular
from proto.errors import Fault

FAST_SHARE_MAX, ALL_SHARE_MAX, SHARE_WARNING = 0.70, 1.00, 0.70  # acquisition.md 3.7
MBAP_BYTES, RTU_BYTES = (12, 9), (8, 5)  # of a request, and of an answer without data
OPCUA_REQUEST_BYTES, OPCUA_NODE_BYTES = 160, 60  # secured Read, placeholder until measured
OPCUA_REQUEST_NS = 5 * 10**6  # prior, as Modbus TCP
RING = "event ring"
SLOWER = (2, 5, 10, 20, 60)
BAUDS = (19_200, 38_400, 57_600, 115_200)
RTU_KINDS = ("modbus-rtu", "modbus-rtu-tcp")


@dataclass(frozen=True, slots=True)
class LineLoad:
    """Load of one line.

    Attributes:
        line: its name.
        requests_s: per second.
        out_bytes_s, in_bytes_s: per second, to and from the devices.
        share, fast_share: of the line's time, 1.0 = all of it.
        busiest: class that takes most of it, and its period in ns; empty and 0 without reads.
        cycle_ns: the longest round: every block once.
        per_tag_share: the same points, one request each.
        fits: what would fit, where this does not: (what, share), least change first.
        ring_share: share of event rings, in `share`; up to 30 % more while they catch up.
    """

    line: str
    requests_s: float
    out_bytes_s: float
    in_bytes_s: float
    share: float
    fast_share: float
    busiest: tuple[str, int] = ("", 0)
    cycle_ns: int = 0
    per_tag_share: float = 0.0
    fits: tuple[tuple[str, float], ...] = field(default=())
    ring_share: float = 0.0

    @property
    def bytes_s(self) -> float:
        """Bytes a second, both directions."""
        return self.out_bytes_s + self.in_bytes_s

    @property
    def verdict(self) -> str:
        """`ok`, `high` (above the warning) or `too_much` (cannot be kept up)."""
        if self.fast_share > FAST_SHARE_MAX or self.share > ALL_SHARE_MAX:
            return "too_much"
        return "high" if self.share > SHARE_WARNING else "ok"

    @property
    def need_ns(self) -> int:
        """Time that the line needs within one period of its busiest class."""
        return round(self.share * self.busiest[1])


@dataclass(frozen=True, slots=True)
class _Part:
    """What one read costs: unit, class, period, time, what is sent."""

    unit: int
    poll: str
    period_ns: int
    cost_ns: int
    asks: tuple[Ask, ...]
    bytes: tuple[int, int]

    @property
    def share(self) -> float:
        return self.cost_ns / self.period_ns


def block_bytes(block: Block, *, is_rtu: bool = False) -> tuple[int, int]:
    """Return the bytes of one request and of its answer; alternating counts on average."""
    request = block.request
    if isinstance(request, ModbusRead):
        return read_bytes(request.asks, is_rtu=is_rtu)
    return OPCUA_REQUEST_BYTES, OPCUA_NODE_BYTES * len(block.points)


def read_bytes(asks: Sequence[Ask], *, is_rtu: bool) -> tuple[int, int]:
    """Return the bytes of one request and of its answer, on average over its counts in turn."""
    if not asks:
        return 0, 0
    out, head = RTU_BYTES if is_rtu else MBAP_BYTES
    return out, round(head + sum(ask.answer_bytes for ask in asks) / len(asks))


def block_cost_ns(block: Block) -> int:
    """Return the time of one request on the line; 0 for what rides along or is not asked."""
    request = block.request
    if isinstance(request, ModbusRead):
        return request.cost_ns
    return OPCUA_REQUEST_NS


def sends(line: LinePlan) -> list[AxisPlan]:
    """Return the axes of a line that have a request of their own."""
    return [
        axis
        for axis in line.axes
        if not axis.subscribed and axis.block.rides_on is None and block_cost_ns(axis.block)
    ]


def line_load(line: LinePlan) -> LineLoad:
    """Return the load that the plan of a line makes; subscriptions and riders cost nothing."""
    parts = list(_parts(line))
    share = sum(part.share for part in parts)
    out = [(part.bytes, 1e9 / part.period_ns) for part in parts]
    load = LineLoad(
        line=line.config.name,
        requests_s=sum(rate for _, rate in out),
        out_bytes_s=sum(sent * rate for (sent, _), rate in out),
        in_bytes_s=sum(got * rate for (_, got), rate in out),
        share=share,
        fast_share=_fast(parts),
        busiest=_busiest(parts),
        cycle_ns=sum(part.cost_ns for part in parts),
        per_tag_share=_per_tag(line),
        ring_share=sum(part.share for part in parts if part.poll == RING),
    )
    if load.verdict != "too_much":
        return load
    return _with_fits(load, line.config, parts)


def overloads(plant: Plant, file: str = "edge.toml") -> tuple[list[Fault], list[Fault]]:
    """Return the lines that cannot keep up, as faults, and those above the warning, as notices."""
    faults: list[Fault] = []
    notices: list[Fault] = []
    for at, line in enumerate(plant.lines):
        load = line_load(line)
        place = f"{file}: line[{at}]"
        if load.verdict == "too_much":
            faults.append(Fault(place, "device.line_overloaded", overload_text(load)))
        elif load.verdict == "high":
            message = f"line {load.line} is busy {100 * load.share:.0f} % of its time"
            notices.append(Fault(place, "device.line_busy", message))
    return faults, notices


def overload_text(load: LineLoad) -> str:
    """Return the arithmetic of an overload and what would fit, on one line."""
    poll, period_ns = load.busiest
    if load.fast_share > FAST_SHARE_MAX and load.share <= ALL_SHARE_MAX:
        what = f"class fast takes {100 * load.fast_share:.0f} % (at most 70 %)"
    else:
        what = f"needs {load.need_ns / 1e9:.2f} s per {period_ns / 1e9:g} s"
        what += f" ({100 * load.share:.0f} %): cannot keep class {poll}"
    fits = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in load.fits)
    return f"line {load.line} {what}; would fit: {fits or 'fewer points'}"


def _parts(line: LinePlan) -> Iterator[_Part]:
    is_rtu = line.config.kind in RTU_KINDS or line.config.framing == "rtu"
    for axis in sends(line):
        block, request = axis.block, axis.block.request
        unit, asks = (request.unit, request.asks) if isinstance(request, ModbusRead) else (0, ())
        size = block_bytes(block, is_rtu=is_rtu)
        yield _Part(unit, block.poll, block.period_ns, block_cost_ns(block), asks, size)
    for each in regular(line):
        poll = RING if each.what == "ring" else "rare"
        size = read_bytes(each.read.asks, is_rtu=is_rtu)
        yield _Part(each.unit, poll, each.period_ns, each.cost_ns, each.read.asks, size)


def _fast(parts: Sequence[_Part]) -> float:
    return sum(part.share for part in parts if part.poll == "fast")


def _busiest(parts: Sequence[_Part]) -> tuple[str, int]:
    """Return the busiest class of the configuration; rings have a period of their own."""
    shares: dict[tuple[str, int], float] = {}
    for part in [part for part in parts if part.poll != RING] or parts:
        key = (part.poll, part.period_ns)
        shares[key] = shares.get(key, 0.0) + part.share
    return max(shares, key=lambda key: (shares[key], key), default=("", 0))


def _per_tag(line: LinePlan) -> float:
    """Return the share that one request a point would take."""
    spans: dict[tuple[int, int, int, Cost], set[tuple[int, int]]] = {}
    hosts = line.blocks
    total = 0.0
    for axis in line.axes:
        request = axis.block.request
        if axis.subscribed or not isinstance(request, ModbusRead) or request.layout is None:
            continue
        cost = request.cost if axis.block.rides_on is None else _cost_of_host(hosts, axis.block)
        key = (request.unit, request.function, axis.period_ns, cost)
        spans.setdefault(key, set()).update(request.spans)
    for (_, function, period_ns, cost), found in spans.items():
        for ask in rivals.per_tag(function, sorted(found)):
            total += cost.time_ns(is_bits=ask.is_bits, quantity=ask.quantity) / period_ns
    return total


def _cost_of_host(blocks: Sequence[Block], rider: Block) -> Cost:
    assert rider.rides_on is not None
    request = blocks[rider.rides_on].request
    return request.cost if isinstance(request, ModbusRead) else Cost()


def _with_fits(load: LineLoad, config: LineConfig, parts: Sequence[_Part]) -> LineLoad:
    found: list[tuple[str, float]] = []
    poll, period_ns = load.busiest
    for times in SLOWER:
        slower = [(p, p.share / times if p.poll == poll else p.share) for p in parts]
        if _fit(slower):
            found.append((f"{poll} {times * period_ns / 1e9:g} s", sum(s for _, s in slower)))
            break
    if config.kind == "modbus-rtu":
        found += _faster_baud(config, parts)
    halves = _two_lines(parts)
    if halves and halves[0] <= ALL_SHARE_MAX and load.fast_share / 2 <= FAST_SHARE_MAX:
        found.append(("two lines", halves[0]))
    return replace(load, fits=tuple(found))


def _fit(shares: Sequence[tuple[_Part, float]]) -> bool:
    fast = sum(share for part, share in shares if part.poll == "fast")
    return fast <= FAST_SHARE_MAX and sum(share for _, share in shares) <= ALL_SHARE_MAX


def _faster_baud(config: LineConfig, parts: Sequence[_Part]) -> Iterator[tuple[str, float]]:
    """Yield the lowest faster rate that fits; what the device itself takes stays as it is."""
    serial = config.serial or SerialConfig()
    now = wire_of(config).prior
    for baud in BAUDS:
        if baud <= serial.baud:
            continue
        then = serial_wire(baud, serial.mode).prior
        shares = [(part, _at(part, now, then) / part.period_ns) for part in parts]
        if _fit(shares):
            yield f"{baud} baud", sum(share for _, share in shares)
            return


def _at(part: _Part, now: Cost, then: Cost) -> int:
    """Return the time of a block when the wire changes from `now` to `then`."""
    quantity, bits = max((ask.quantity, ask.is_bits) for ask in part.asks)
    saved = now.time_ns(is_bits=bits, quantity=quantity)
    saved -= then.time_ns(is_bits=bits, quantity=quantity)
    return max(part.cost_ns - saved, then.time_ns(is_bits=bits, quantity=quantity))


def _two_lines(parts: Sequence[_Part]) -> tuple[float, float] | None:
    """Return the shares when whole units are spread over two lines; None with one unit."""
    units: dict[int, float] = {}
    for part in parts:
        units[part.unit] = units.get(part.unit, 0.0) + part.share
    if len(units) < 2:
        return None
    bins = [0.0, 0.0]
    for share in sorted(units.values(), reverse=True):
        bins[bins[0] > bins[1]] += share
    return max(bins), min(bins)


def axis_row(axis: AxisPlan) -> dict[str, object]:
    """Return one block of the plan as a JSON object."""
    request = axis.block.request
    row: dict[str, object] = {
        "schema": "plan-block/1",
        "axis": axis.index,
        "line": axis.line,
        "device": axis.block.device,
        "poll": axis.block.poll,
        "period_ms": axis.period_ns / 1e6,
        "phase_ms": axis.phase_ns / 1e6,
        "subscribed": axis.subscribed,
        "points": len(axis.block.points),
        "request": request.describe(),
    }
    if isinstance(request, ModbusRead):
        row |= {
            "unit": request.unit,
            "fc": request.function,
            "first": request.start,
            "last": request.start + request.quantity - 1,
            "counts": [ask.quantity for ask in request.asks],
            "cost_ms": round(request.cost_ns / 1e6, 3),
            "rides_on": axis.block.rides_on,
            "fence": ("partial" if request.is_partial else "complete")
            if request.is_fenced
            else "none",
        }
    return row


def load_row(load: LineLoad) -> dict[str, object]:
    """Return the load of one line as a JSON object."""
    return {
        "schema": "plan-line/1",
        "line": load.line,
        "requests_s": round(load.requests_s, 3),
        "bytes_s": round(load.bytes_s),
        "bytes_out_s": round(load.out_bytes_s),
        "bytes_in_s": round(load.in_bytes_s),
        "load": round(load.share, 4),
        "fast_load": round(load.fast_share, 4),
        "cycle_ms": round(load.cycle_ns / 1e6, 3),
        "per_tag_load": round(load.per_tag_share, 4),
        "ring_load": round(load.ring_share, 4),
        "verdict": load.verdict,
        "would_fit": [{"what": what, "load": round(share, 4)} for what, share in load.fits],
    }
