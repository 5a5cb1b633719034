"""What the commands say, in Chinese and English.  Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from proto.quality import Reason
from proto.sample import Situation


class Language(StrEnum):
    """A language of people."""

    ZH = "zh"
    EN = "en"


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "site": ("厂区", "site"),
    "name": ("名称", "name"),
    "region": ("区划", "region"),
    "link": ("链路", "link"),
    "points": ("测点 好/疑/坏/陈旧", "points good/unc/bad/stale"),
    "values": ("测点", "points"),
    "newest": ("最新数据", "newest"),
    "interlocks": ("联锁", "interlocks"),
    "alarms": ("报警", "alarms"),
    "accounting": ("完整性", "accounting"),
    "point": ("测点", "point"),
    "tag": ("位号", "tag"),
    "title": ("名称", "title"),
    "value": ("值", "value"),
    "quality": ("质量", "quality"),
    "age": ("数据龄", "age"),
    "state": ("状态", "state"),
    "health": ("健康", "health"),
    "service": ("投用", "service"),
    "plant": ("厂方 动作/旁路", "plant tripped/bypassed"),
    "verdicts": ("判定", "verdicts"),
    "level": ("级别", "level"),
    "since": ("自", "since"),
    "expected": ("应有", "expected"),
    "stored": ("已存", "stored"),
    "gapped": ("缺口", "gapped"),
    "withheld": ("留厂", "withheld"),
    "pending": ("待传", "pending"),
    "unexplained": ("不明", "unexplained"),
    "duplicates": ("重复", "duplicates"),
    "quarantined": ("隔离", "quarantined"),
    "time": ("时间", "time"),
    "min": ("最小", "min"),
    "max": ("最大", "max"),
    "avg": ("平均", "avg"),
    "last": ("末值", "last"),
    "samples": ("样本", "samples"),
    "never": ("未接入", "never received"),
    "last_good": ("上次好值", "last good"),
    "ago": ("前", "ago"),
    "simulated": ("模拟", "simulated"),
    "gap": ("— 缺口", "— gap"),
    "lead": ("线索", "lead"),
    "rule": ("规则", "rule"),
    "clauses": ("条款", "clauses"),
    "severity": ("级别", "severity"),
    "priority": ("优先级", "priority"),
    "none": ("无", "none"),
    "check": ("检查项", "check"),
    "found": ("结果", "found"),
    "todo": ("怎么办", "what to do"),
    "sound": ("配置无误", "the configuration is sound"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "unknown": ("未知", "unknown"),
}

_SITUATIONS: Final[Mapping[Situation, tuple[str, str]]] = {
    Situation.NEVER: ("未接入", "never received"),
    Situation.BAD: ("坏值", "bad"),
    Situation.STALE: ("陈旧", "stale"),
    Situation.MARKED: ("检修", "marked"),
    Situation.SUBSTITUTED: ("替代", "substituted"),
    Situation.UNCERTAIN: ("存疑", "uncertain"),
    Situation.SIMULATED: ("模拟", "simulated"),
    Situation.GOOD: ("好", "good"),
}

_REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.NONE: ("", ""),
    Reason.INIT: ("未接入", "not received yet"),
    Reason.COMM_LOSS: ("通信中断", "communication lost"),
    Reason.PROTOCOL: ("应答不可信", "answer rejected"),
    Reason.DEVICE_ERROR: ("设备报错", "device error"),
    Reason.CONFIG: ("配置错误", "configuration"),
    Reason.STALE: ("数据停滞", "stale"),
    Reason.OVERRUN: ("轮询超时", "overrun"),
    Reason.OVERFLOW: ("缓冲溢出", "overflow"),
    Reason.NOT_A_NUMBER: ("非数值", "not a number"),
    Reason.OUT_OF_RANGE: ("超量程", "out of range"),
    Reason.RATE_OF_CHANGE: ("变化过快", "rate of change"),
    Reason.STUCK: ("卡死", "stuck"),
    Reason.CLAMPED: ("限幅", "clamped"),
    Reason.DEVIATION: ("偏差", "deviation"),
    Reason.SENSOR_FAULT: ("传感器故障", "sensor fault"),
    Reason.SUBSTITUTED: ("替代值", "substituted"),
    Reason.FORCED: ("强制", "forced"),
    Reason.SIMULATED: ("模拟", "simulated"),
    Reason.MAINTENANCE: ("检修", "maintenance"),
    Reason.CALIBRATION: ("校准", "calibration"),
    Reason.REPLAYED: ("补传", "replayed"),
    Reason.CLOCK: ("时钟", "clock"),
}


def say(language: Language, key: str) -> str:
    """Return one word."""
    return _WORDS[key][language is Language.EN]


def say_situation(language: Language, situation: Situation) -> str:
    """Return the word for how a value stands."""
    return _SITUATIONS[situation][language is Language.EN]


def say_reason(language: Language, reason: Reason) -> str:
    """Return the word for why a value is not plainly good."""
    return _REASONS[reason][language is Language.EN]
