"""The state of a gateway as people read it: tables with units, two languages.  Pure.

Every row is (word, text): what is not in the answer is not shown; nothing is invented for it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo

from edge.commands.quantities import bytes_text, moment_text, span_text

Body = Mapping[str, object]
Row = tuple[str, str]

WORDS: Mapping[str, tuple[str, str]] = {
    "gateway": ("网关", "gateway"),
    "site": ("厂区", "site"),
    "configuration": ("配置版本", "configuration"),
    "uptime": ("已运行", "running for"),
    "cpu": ("处理器时间", "processor time"),
    "of_core": ("单核占用", "of one core"),
    "memory": ("内存", "memory"),
    "clock": ("时钟", "clock"),
    "restarts": ("任务重启", "tasks restarted"),
    "overruns": ("超时轮次", "cycles overrun"),
    "acquired": ("本次启动已采", "acquired since the start"),
    "committed": ("已落盘", "on disk since the start"),
    "acknowledged": ("中心已确认", "acknowledged by the centre"),
    "pending": ("待送", "waiting"),
    "gapped": ("缺口", "in gap records"),
    "samples": ("个样本", "samples"),
    "uplink": ("上行", "uplink"),
    "since": ("自", "since"),
    "last_ack": ("末次确认", "last acknowledgement"),
    "ago": ("前", "ago"),
    "sent": ("已发送", "sent"),
    "frames": ("帧", "frames"),
    "sessions": ("次会话", "sessions"),
    "last_error": ("末次错误", "last error"),
    "spool": ("本地存储", "spool"),
    "of": ("/ 限额", "of"),
    "free": ("磁盘剩余", "free on the disk"),
}

STATES: Mapping[str, tuple[str, str]] = {
    "UP": ("正常", "up"),
    "PARTLY": ("部分", "partly"),
    "LOST": ("中断", "lost"),
    "INIT": ("启动中", "starting"),
    "OPEN": ("已连接", "open"),
    "CONNECTING": ("连接中", "connecting"),
    "REFUSED": ("被拒", "refused"),
    "OFF": ("关闭", "off"),
    "SUSPENDED": ("暂停轮询", "suspended"),
    "PROBING": ("试探中", "probing"),
    "ALIVE": ("运行", "alive"),
    "STOPPED": ("停摆", "stopped"),
    "UNPROVEN": ("存活未证实", "unproven"),
}


def word(key: str, lang: str) -> str:
    """Return a word of this file."""
    return WORDS[key][0 if lang == "zh" else 1]


def state(name: object, lang: str) -> str:
    """Return a state in words; one that this version does not know as it came."""
    known = STATES.get(str(name).upper())
    return known[0 if lang == "zh" else 1] if known else str(name)


def process_rows(body: Body, lang: str) -> Iterator[Row]:
    """Yield who this gateway is and what it costs."""
    for key, field in (
        ("gateway", "gateway"),
        ("site", "site"),
        ("configuration", "config_version"),
    ):
        if field in body:
            yield word(key, lang), str(body[field])
    uptime_s, cpu_s = _number(body.get("uptime_s")), _number(body.get("cpu_s"))
    if uptime_s is not None:
        yield word("uptime", lang), span_text(uptime_s * 1000)
    if cpu_s is not None:
        share = f" ({100 * cpu_s / uptime_s:.1f} % {word('of_core', lang)})" if uptime_s else ""
        yield word("cpu", lang), f"{cpu_s:.1f} s{share}"
    memory = _number(body.get("rss_bytes"))
    if memory is not None:
        yield word("memory", lang), bytes_text(memory)
    if "clock_state" in body:
        offset_us = _number(body.get("clock_offset_us")) or 0.0
        yield word("clock", lang), f"{body['clock_state']} ({offset_us / 1e6:+.3f} s)"
    restarts = body.get("restarts")
    if isinstance(restarts, dict) and any(restarts.values()):
        told = ", ".join(f"{name} {times}" for name, times in restarts.items() if times)
        yield word("restarts", lang), told
    if body.get("overruns"):
        yield word("overruns", lang), str(body["overruns"])


def sample_rows(body: Body, lang: str) -> Iterator[Row]:
    """Yield where the samples are."""
    counts = _map(body.get("samples"))
    for key in ("acquired", "committed", "acknowledged", "pending", "gapped"):
        count = _number(counts.get(key))
        if count is not None:
            yield word(key, lang), f"{count:,.0f} {word('samples', lang)}"


def link_rows(body: Body, now_us: int, lang: str, zone: tzinfo = UTC) -> Iterator[Row]:
    """Yield the link to the centre and the disk."""
    uplink, spool = _map(body.get("uplink")), _map(body.get("spool"))
    if uplink:
        since = moment_text(uplink.get("since_us"), zone)
        text = f"{state(uplink.get('state'), lang)}   {word('since', lang)} {since}"
        yield word("uplink", lang), text
        ack_us = _number(uplink.get("last_ack_us"))
        if ack_us is not None:
            ago = span_text(max(0.0, now_us - ack_us) / 1000)
            yield word("last_ack", lang), f"{ago} {word('ago', lang)}"
        sent = bytes_text(_number(uplink.get("bytes_sent")) or 0.0)
        frames = f"{uplink.get('frames_sent')} {word('frames', lang)}"
        sessions = f"{uplink.get('sessions')} {word('sessions', lang)}"
        yield word("sent", lang), f"{sent}   {frames}   {sessions}"
        if uplink.get("last_error"):
            yield word("last_error", lang), str(uplink["last_error"])
    if spool:
        used, quota, free = (
            bytes_text(_number(spool.get(key)) or 0.0)
            for key in ("bytes", "quota_bytes", "free_bytes")
        )
        yield (
            word("spool", lang),
            f"{used} {word('of', lang)} {quota}   {word('free', lang)} {free}",
        )


def _map(value: object) -> Body:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float) else None
