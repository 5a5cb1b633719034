"""How a point gets its value, in five lines that a person can read, zh and en.  Pure.

Input is the object "explain-point/1" of `edge.scan.explain`, with what the running gateway adds.
Source: `acquisition.md` 3.16.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from edge.commands.quantities import reading_text, span_text
from edge.commands.read_words import zone_of
from proto.message import Language
from proto.message import say as message
from proto.quality import Detail

Body = Mapping[str, object]

WORDS: Mapping[str, tuple[str, str]] = {
    "is": ("为", "is"),
    "never_good": ("启动以来无有效值", "never read since the start"),
    "last": ("最近有效值", "last value"),
    "at": ("时刻", "at"),
    "age": ("时龄", "age"),
    "line": ("线路", "line"),
    "unit": ("设备", "unit"),
    "since": ("自", "since"),
    "failures": ("次连续失败", "failures in a row"),
    "probe": ("后再次试探", "until the next probe"),
    "answers": ("同线其他设备有应答", "others on the line answer"),
    "silent": ("同线无应答", "silent on the same line"),
    "block": ("块", "block"),
    "slot": ("时隙", "slot"),
    "path": ("取数路径", "path"),
    "source": ("源控制器", "source"),
    "moved": ("秒前变化", "s since it last moved"),
    "no_life": ("未声明生命信号", "declares no life signal"),
    "clock": ("设备时钟", "clock"),
    "in_use": ("主用", "in use"),
    "standby": ("备用", "standby"),
    "map": ("点表待确认", "map unproven"),
    "interlock": ("联锁", "interlock"),
    "cause": ("原因", "cause"),
    "alarm": ("报警", "alarm"),
    "used": ("用于", "used by"),
    "unused": ("无联锁或报警使用", "used by no interlock and no alarm"),
    "configuration": ("配置", "configuration"),
    "plan": ("读取计划", "plan"),
    "not_live": ("网关未运行：无实时值", "the gateway is not running: no live values"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "up": ("正常", "up"),
    "init": ("尚未应答", "not heard yet"),
    "lost": ("中断", "down"),
    "partly": ("部分设备无应答", "up, some units are silent"),
    "UP": ("正常", "up"),
    "INIT": ("尚未应答", "not heard yet"),
    "LOST": ("连接中断", "link lost"),
    "SUSPENDED": ("已挂起", "suspended"),
    "ALIVE": ("运行", "alive"),
    "STOPPED": ("停摆", "stopped"),
    "UNPROVEN": ("存活未证实", "aliveness unproven"),
}
DETAILS: Mapping[int, tuple[str, str]] = {
    Detail.TIMED_OUT: ("超时", "time-out"),
    Detail.LINK_DOWN: ("连接中断", "link down"),
    Detail.UNIT_SUSPENDED: ("设备已挂起", "unit suspended"),
    Detail.SKIPPED_AFTER_FAILURE: ("同设备刚失败，本次未读", "not asked after a failure"),
    Detail.ALIVENESS_UNPROVEN: ("存活未证实", "aliveness unproven"),
    Detail.LIFE_STOPPED: ("生命信号停止", "life signal stands"),
    Detail.NODE_UNKNOWN: ("节点不存在", "no such node"),
    Detail.NOT_SYNCED: ("未重新同步", "not resynchronised"),
    Detail.CANARY: ("校验寄存器不符", "canary does not fit"),
    Detail.RESTARTING: ("控制器刚重启", "controller restarting"),
    Detail.MAP_UNPROVEN: ("程序已变，点表待确认", "program changed, map unproven"),
    Detail.CERTIFICATE_DATE: ("证书逾期", "certificate out of date"),
    Detail.SLOT_HELD: ("连接位被占用", "slot held"),
    Detail.NOT_HEARD: ("总线上无人读取", "nobody asks for it"),
    Detail.AMBIGUOUS: ("无法确认对应请求", "ambiguous"),
    Detail.TWO_MASTERS: ("双主", "two masters"),
    Detail.FORBIDDEN_RANGE: ("禁读区", "forbidden range"),
}


def say(key: str, lang: Language) -> str:
    """Return a word in the language of the caller."""
    pair = WORDS.get(key) or STATES.get(key) or (key, key)
    return pair[0 if lang == "zh" else 1]


def point_lines(body: Body, lang: Language, zone: str = "UTC") -> list[str]:
    """Return the text of one point; `zone` is the site's, for wall times."""
    if "quality" not in body:
        return [
            f"{body.get('tag')}  {say('not_live', lang)}",
            _way(body, lang),
            *_loop(body, lang),
        ]
    return [
        _value(body, lang, zone_of(zone)),
        *_line(body, lang, zone_of(zone)),
        _way(body, lang),
        _source(body, lang),
        *_loop(body, lang),
        _used(body, lang),
    ]


def _loop(body: Body, lang: Language) -> list[str]:
    """Return whether a loop sheet proves the point; nothing for the gateway's own points."""
    loop = _map(body.get("loop"))
    if not loop:
        return []
    if loop.get("proven"):
        return [f"  {'回路测试' if lang == 'zh' else 'loop sheet'} {loop.get('date')} PASS"]
    return ["  " + message("point.not_proven", lang, point=body.get("tag") or body.get("point"))]


def _value(body: Body, lang: Language, zone: tzinfo) -> str:
    name, unit = body.get("tag") or body.get("point"), str(body.get("unit"))
    value, quality = body.get("value"), str(body.get("quality"))
    age_ms, now_us = body.get("age_ms"), body.get("now_us")
    shown = reading_text(value, bits=32)
    shown = shown if unit in ("1", "bool") else f"{shown} {unit}"
    why = _why(body, lang)
    if quality == "GOOD":
        age = "" if age_ms is None else f"   {say('age', lang)} {span_text(_number(age_ms))}"
        return f"{name}  {shown}  GOOD{age}"
    text = f"{name} {say('is', lang)} {quality}: {why}"
    if age_ms is None or value is None:
        return f"{text}; {say('never_good', lang)}"
    when = ""
    if isinstance(now_us, int) and isinstance(age_ms, int):
        when = f" {say('at', lang)} {_clock(now_us - age_ms * 1000, zone)}"
    age = f"{say('age', lang)} {span_text(_number(age_ms))}"
    return f"{text}; {say('last', lang)} {shown}{when} ({age})"


def _why(body: Body, lang: Language) -> str:
    """Return reason and detail; a device's own code as a number."""
    reason, detail = str(body.get("reason")), body.get("detail")
    if not isinstance(detail, int) or not detail:
        return reason
    known = DETAILS.get(detail)
    return f"{reason}, {known[0 if lang == 'zh' else 1]}" if known else f"{reason} / {detail}"


def _line(body: Body, lang: Language, zone: tzinfo) -> list[str]:
    unit, line = _map(body.get("unit_state")), _map(body.get("line"))
    if not unit:
        return []
    head = f"  {say('line', lang)} {line.get('name')}: {say(str(body.get('line_state')), lang)}"
    state = f"{say('unit', lang)} {unit.get('device')}: {say(str(unit.get('state')), lang)}"
    since = unit.get("since_us")
    if unit.get("state") != "UP" and isinstance(since, int):
        state += f" {say('since', lang)} {_clock(since, zone)}"
    parts = [head, state]
    if unit.get("failures"):
        parts.append(f"{unit['failures']} {say('failures', lang)}")
    probe = unit.get("next_probe_s")
    if isinstance(probe, int | float):
        parts.append(f"{probe:.0f} s {say('probe', lang)}")
    if unit.get("in_use") is not None:
        parts.append(say("in_use" if unit["in_use"] else "standby", lang))
    up, down = _names(body.get("neighbours_up")), _names(body.get("neighbours_down"))
    if up:
        parts.append(f"{say('answers', lang)}: {_some(up)}")
    if down:
        parts.append(f"{say('silent', lang)}: {_some(down)}")
    return ["; ".join(parts)]


def _way(body: Body, lang: Language) -> str:
    device = _map(body.get("device"))
    slot = body.get("slot")
    end = "" if slot is None else f", {say('slot', lang)} {slot}"
    profile, version = body.get("profile"), body.get("profile_version")
    whose = f"{profile}" if version is None else f"{profile} v{version}"
    return (
        f"  edge.toml {device.get('place')} -> {whose if profile else device.get('name')} -> "
        f"{body.get('register')}, {say('block', lang)} {body.get('block_number', '-')}{end}"
    )


def _source(body: Body, lang: Language) -> str:
    device, unit = _map(body.get("device")), _map(body.get("unit_state"))
    parts = [f"  {say('path', lang)} {device.get('path')}"]
    sources = unit.get("sources")
    for one in sources if isinstance(sources, list) else []:
        source = _map(one)
        if source.get("source") != body.get("source"):
            continue
        text = f"{say('source', lang)} {source.get('source')} {say(str(source.get('life')), lang)}"
        if source.get("moves") is None:
            text += f" ({say('no_life', lang)})"
        elif isinstance(source.get("moved_s"), float):
            text += f" ({source['moved_s']:.1f} {say('moved', lang)})"
        parts += [text, *([say("map", lang)] if source.get("map_unproven") else [])]
    texts = _map(unit.get("texts"))
    if texts:
        parts.append(" ".join(f"{name} {text!s:.40}" for name, text in sorted(texts.items())))
    clock = _map(body.get("clock"))
    if clock:
        offset, error = _number(clock.get("offset_us")), _number(clock.get("uncertainty_us"))
        parts.append(f"{say('clock', lang)} {offset / 1e6:+.1f} s ± {error / 1e3:.0f} ms")
    return ", ".join(parts)


def _used(body: Body, lang: Language) -> str:
    interlocks = body.get("interlocks")
    named = [
        f"{say('interlock', lang)} {_map(one).get('interlock')} "
        f"({say('cause', lang)} {_map(one).get('cause')})"
        for one in (interlocks if isinstance(interlocks, list) else [])
    ]
    named += [f"{say('alarm', lang)} {name}" for name in _names(body.get("alarms"))]
    text = f"{say('used', lang)} {', '.join(named)}" if named else say("unused", lang)
    version, plan = body.get("configuration"), body.get("plan")
    if version is not None:
        text += f"   {say('configuration', lang)} {version}"
    if plan is not None:
        text += f"   {say('plan', lang)} {plan}"
    return f"  {text}"


def _clock(wall_us: int, zone: tzinfo) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_us)
    return moment.astimezone(zone).strftime("%H:%M:%S")


def _map(value: object) -> Body:
    return value if isinstance(value, dict) else {}


def _names(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" +{len(names) - 5}" if len(names) > 5 else "")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
