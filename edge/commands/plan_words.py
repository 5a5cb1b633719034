"""How a plan is shown to people: lines, blocks, load, traffic, two languages.  Shell: terminal."""

from collections.abc import Iterator, Mapping

from devices.modbus.cost import PAIRS_NEEDED
from devices.modbus.facts import Learnt
from devices.modbus.plan import ModbusRead, plan_hash
from devices.modbus.traffic import (
    Contract,
    bytes_s,
    policy_of,
    ring_text,
    text_text,
    worst_requests_s,
)
from devices.profile import ModbusProfile
from edge.acquisition.contract import SessionContract
from edge.acquisition.load import LineLoad, line_load, overload_text
from edge.commands.words import Language
from edge.config_line import SerialConfig
from edge.installation import Installation
from edge.plant import AxisPlan, LinePlan
from edge.side_plan import Regular, regular

LOOSENING = ("tid_zero", "unit_alias", "one_point_per_request", "no_fc8", "local_echo")

_TEXT: Mapping[str, tuple[str, str]] = {
    "units": ("个站", "units"),
    "points": ("点", "points"),
    "blocks": ("块", "blocks"),
    "per": ("每", "per"),
    "lines": ("条线路", "lines"),
    "devices": ("台设备", "devices"),
    "configuration": ("配置版本", "configuration"),
    "block": ("块", "block"),
    "rides": ("随读于块", "rides on block"),
    "forbidden": ("禁读", "forbidden"),
    "subscribed": ("订阅", "subscribed"),
    "learnt": ("实测，{n} 次应答", "learnt, {n} answers"),
    "prior": ("先验值", "prior"),
    "a_register": ("每寄存器", "a register"),
    "per_tag": ("逐点读取", "tag by tag"),
    "longest": ("最长一轮", "longest cycle"),
    "fences": ("计数围栏", "fences"),
    "complete": ("完整", "complete"),
    "partial": ("部分", "partial"),
    "none": ("无", "none"),
    "loosened": ("放宽的检查", "loosened checks"),
    "plan": ("计划", "plan"),
    "connections": ("个连接", "connection(s)"),
    "out": ("发", "out"),
    "in": ("收", "in"),
    "at_most": (
        "至多 {rate:.1f} 次/秒；故障后每站回波探询 fc 8/0 ≤ {echo:.1f}/s；"
        "被拒时 {retry:g} s 重试一次；不写、不访问其他地址、不建第二个连接",
        "at most {rate:.1f}/s; after a failure fc 8/0 <= {echo:.1f}/s a unit; while refused 1 try "
        "in {retry:g} s; never a write, another address, a second connection",
    ),
    "mark": (
        "仅在 {device} 检修标记期间：fc 1-4 地址 {low}..{high}，fc 43/14，≤ 线路时间 5 %",
        "under a work mark of {device} only: fc 1-4 within {low}..{high}, fc 43/14, <= 5 % of the "
        "line",
    ),
    "auto": (
        "随时：{device} fc 1-4 地址 {low}..{high}，≤ 线路时间 5 %",
        "at any time: {device} fc 1-4 within {low}..{high}, <= 5 % of the line",
    ),
    "sign": (
        "工厂网络负责人：______________   日期：__________",
        "plant network: ______________   date: __________",
    ),
    "ring": (
        "事件环（追赶时最多占线路 30 %）",
        "event ring (while catching up <= 30 % of the line)",
    ),
    "text": ("文本", "text"),
    "contract": ("流量约定", "contract"),
    "no_room": (
        "图内无余地容纳不同的计数",
        "no room within the map for counts of its own",
    ),
    "one_session": ("1 个会话", "1 session"),
    "nodes": ("个节点", "nodes"),
    "services": ("使用的服务", "services"),
    "subscription": ("订阅", "subscription"),
    "Read": ("周期读取 Read", "Read"),
    "silent": ("只听，不发送任何字节", "listens only: not one byte is sent"),
    "never_sent": ("从不发送", "never sent"),
    "parts": (
        "除 never 外，地址段可分段读取",
        "except under never, a part of these addresses may be asked instead",
    ),
}


def word(key: str, lang: Language) -> str:
    """Return a word of this file in the language of the caller."""
    return _TEXT[key][0 if lang == "zh" else 1]


def headline(made: Installation, lang: Language) -> str:
    """Return how many lines, devices and points there are, and the configuration's number."""
    plant = made.plant
    count = sum(len(axis.block.points) for axis in plant.axes if not axis.is_own)
    return (
        f"{len(plant.lines)} {word('lines', lang)}  {len(plant.devices)} {word('devices', lang)}  "
        f"{count} {word('points', lang)}   "
        f"{word('configuration', lang)} {made.config.config.version}"
    )


def line_summary(line: LinePlan, lang: Language) -> str:
    """Return one line for `check`: transport, units, points, blocks, load."""
    load = line_load(line)
    points = sum(len(axis.block.points) for axis in line.axes)
    text = (
        f"{line.config.name}  {transport(line)}   {len(line.devices)} {word('units', lang)}   "
        f"{points} {word('points', lang)}   {len(line.axes)} {word('blocks', lang)}"
    )
    if not load.requests_s:
        return text
    return f"{text}   {share_text(load, lang)}"


def share_text(load: LineLoad, lang: Language) -> str:
    """Return `0.22 s per 1 s   22 %`."""
    period_s = load.busiest[1] / 1e9
    need_s = load.need_ns / 1e9
    return f"{need_s:.3g} s {word('per', lang)} {period_s:g} s   {100 * load.share:.0f} %"


def transport(line: LinePlan) -> str:
    """Return `rtu 9600 8N1`, `tcp host:502` or the endpoint."""
    config = line.config
    kind = config.kind.removeprefix("modbus-")
    if config.kind == "modbus-rtu":
        serial = config.serial or SerialConfig()
        return f"{kind} {serial.baud} {serial.mode}"
    return f"{kind} {config.address}"


def plan_text(line: LinePlan, learnt: Mapping[str, Learnt], lang: Language) -> Iterator[str]:
    """Yield the plan of one line: per unit its blocks, then the arithmetic."""
    yield f"{line.config.name}  {transport(line)}"
    for device in line.devices:
        mine = [axis for axis in line.axes if axis.block.device == device.name]
        profile = f"{device.profile.profile} v{device.profile.version}"
        yield _unit_text(device.name, device.unit_id, profile, mine, learnt, lang)
        if isinstance(device.profile, ModbusProfile):
            for hole in device.profile.modbus.forbidden:
                yield f"  {word('forbidden', lang)} {hole.table} {hole.first}..{hole.last}"
        for axis in mine:
            yield f"  {_block_text(axis, lang)}"
    for each in regular(line):
        yield f"  {_beside_text(each, lang)}"
    load = line_load(line)
    if load.requests_s:
        yield _sum_text(line, load, lang)
    if load.verdict == "too_much":
        yield f"FAULT device.line_overloaded: {overload_text(load)}"


def _unit_text(
    name: str,
    unit: int,
    profile: str,
    axes: list[AxisPlan],
    learnt: Mapping[str, Learnt],
    lang: Language,
) -> str:
    text = f"unit {unit}  {name}  {profile}" if unit else f"{name}  {profile}"
    costs = {
        request.function: request.cost
        for axis in axes
        if isinstance(request := axis.block.request, ModbusRead) and request.asks
    }
    known = learnt.get(name)
    for function, cost in sorted(costs.items()):
        is_learnt = known is not None and function in known.costs
        answers = known.answers if known is not None else PAIRS_NEEDED
        source = word("learnt", lang).format(n=answers) if is_learnt else word("prior", lang)
        a, b = cost.request_ns / 1e6, cost.register_ns / 1e6
        text += f"   fc {function} {a:.1f} ms + {b:.3g} ms {word('a_register', lang)} ({source})"
    return text


def _block_text(axis: AxisPlan, lang: Language) -> str:
    block, request = axis.block, axis.block.request
    period = f"{axis.period_ns / 1e9:g} s"
    points = f"{len(block.points)} {word('points', lang)}"
    head = f"{word('block', lang)} {axis.block_index + 1:<3}"
    if not isinstance(request, ModbusRead):
        return f"{head} {request.describe()}   {points}   {period}"
    if request.layout is None:
        return f"{head} {word('forbidden', lang)}   {points}   {period}"
    if block.rides_on is not None:
        spans = request.spans
        first, last = min(s for s, _ in spans), max(s + n for s, n in spans) - 1
        ride = f"{word('rides', lang)} {block.rides_on + 1}"
        return f"{head} fc {request.function} {first}..{last}   {ride}   {points}   {period}"
    counts = "/".join(str(ask.quantity) for ask in request.asks)
    fence = ""
    if request.is_partial:
        why = word("no_room", lang)
        fence = f"   {word('fences', lang)} {word('partial', lang)} ({why})"
    last = request.start + request.quantity - 1
    return (
        f"{head} fc {request.function} {request.start}..{last}   n {counts}   {points}   "
        f"{request.cost_ns / 1e6:.1f} ms   {period}{fence}"
    )


def _beside_text(each: Regular, lang: Language) -> str:
    """Return one read of a ring's index or last record, or of a text."""
    read = each.read
    counts = "/".join(str(ask.quantity) for ask in read.asks)
    fence = f"   {word('fences', lang)} {word('partial', lang)}" if read.is_partial else ""
    return (
        f"unit {each.unit}  {word(each.what, lang)}  fc {read.wanted.function} "
        f"{read.wanted.start}..{read.wanted.end - 1}   n {counts}   {each.cost_ns / 1e6:.1f} ms   "
        f"{each.period_ns / 1e9:g} s{fence}"
    )


def _sum_text(line: LinePlan, load: LineLoad, lang: Language) -> str:
    period_ns = load.busiest[1]
    requests = [axis.block.request for axis in line.axes]
    modbus = [request for request in requests if isinstance(request, ModbusRead) and request.asks]
    fences = "none"
    if any(request.is_fenced for request in modbus):
        fences = "partial" if any(request.is_partial for request in modbus) else "complete"
    loose = ", ".join(sorted(loosened(line))) or word("none", lang)
    sent, got = load.out_bytes_s, load.in_bytes_s
    return (
        f"{share_text(load, lang)}; {word('per_tag', lang)} "
        f"{load.per_tag_share * period_ns / 1e9:.3g} s ({100 * load.per_tag_share:.0f} %)   "
        f"{word('longest', lang)} {load.cycle_ns / 1e6:.0f} ms   "
        f"{load.requests_s:.1f}/s {sent:,.0f} B/s {word('out', lang)} {got:,.0f} B/s "
        f"{word('in', lang)}   {word('fences', lang)} {word(fences, lang)}   "
        f"{word('loosened', lang)} {loose}   {word('plan', lang)} {plan_hash(line.blocks)}"
    )


def loosened(line: LinePlan) -> set[str]:
    """Return the checks that the profiles of a line loosen."""
    found: set[str] = set()
    for device in line.devices:
        if isinstance(device.profile, ModbusProfile):
            quirks = device.profile.modbus.quirks.model_dump()
            found |= {name for name in LOOSENING if quirks.get(name)}
            if quirks.get("behind_gateway") is False:
                found.add("behind_gateway = false")
    return found


def traffic_text(
    contract: Contract | SessionContract, version: int, lang: Language
) -> Iterator[str]:
    """Yield the traffic contract of one line, for signature."""
    if isinstance(contract, SessionContract):
        yield f"{contract.line} -> {contract.theirs}   opcua, {word('one_session', lang)}"
        for what, period_ns, nodes in contract.clauses:
            how = word(what, lang) if what in _TEXT else what
            yield f"{how}   {nodes} {word('nodes', lang)}   {period_ns / 1e9:g} s"
        yield f"{word('services', lang)}: {contract.services}"
        yield f"{word('never_sent', lang)}: {contract.never}"
    elif contract.connections == 0:
        yield f"{contract.line}   {contract.kind}   {word('silent', lang)}"
    else:
        yield from _modbus_traffic(contract, lang)
    signed = f"{word('contract', lang)} {contract.hash}   {word('configuration', lang)} {version}"
    yield f"{signed}   {word('sign', lang)}"


def _modbus_traffic(contract: Contract, lang: Language) -> Iterator[str]:
    policies = ", ".join(sorted({each.policy for each in contract.search})) or "commissioning"
    yield (
        f"{contract.line}  {contract.ours} -> {contract.theirs}   {contract.kind}, "
        f"{contract.connections} {word('connections', lang)}   probing {policies}"
    )
    for each in contract.planned:
        rate = 1e9 / each.period_ns
        first, last = min(a.start for a in each.asks), max(a.end for a in each.asks) - 1
        counts = "/".join(str(ask.quantity) for ask in each.asks)
        yield (
            f"unit {each.unit:<3} fc {each.hull.function}  {first:>5}..{last:<5} n {counts:<8} "
            f"{each.period_ns / 1e9:g} s   {rate:.1f}/s   {each.out_bytes * rate:,.0f} B/s "
            f"{word('out', lang)}   {each.in_bytes * rate:,.0f} B/s {word('in', lang)}"
        )
    for ring in contract.rings:
        yield ring_text(ring)
    for text in contract.texts:
        yield text_text(text)
    for unit, ask in contract.canaries:
        yield f"unit {unit:<3} {ask}   canary   60 s"
    sent, got = bytes_s((*contract.planned, *contract.rings, *contract.texts))
    yield f"{sent:,.0f} B/s {word('out', lang)}   {got:,.0f} B/s {word('in', lang)}"
    echo = 1 / contract.echo_s if contract.echo_units else 0.0
    yield word("at_most", lang).format(
        rate=worst_requests_s(contract), echo=echo, retry=contract.retry_s
    )
    if any(policy_of(contract, each.unit) != "never" for each in contract.planned):
        yield word("parts", lang)
    for search in contract.search:
        if search.policy != "never":
            key = "auto" if search.policy == "auto" else "mark"
            yield word(key, lang).format(device=search.device, low=search.low, high=search.high)
