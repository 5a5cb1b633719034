"""Every word of the console in both languages; message ids are the English sentences.  Pure.

Names, tags and comments of people are never translated.  A test compares this table with what the
templates ask for.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from proto.quality import Reason


class Language(StrEnum):
    """The languages of the console; zh is the default."""

    ZH = "zh"
    EN = "en"


_ZH: Final[Mapping[str, str]] = {
    # frame
    "Yujing": "预警",
    "Supervision of industrial safety functions": "工贸安全功能监管",
    "Overview": "总览",
    "Leads": "线索",
    "Skip to content": "跳到正文",
    "Language": "语言",
    "live": "实时",
    "stale": "陈旧",
    "as of": "截至",
    "Beijing time": "北京时间",
    "SIMULATED": "模拟",
    "This site is a simulator": "本厂区为模拟装置",
    "simulated sites are in no ranking, hazard ledger or evidence": (
        "模拟厂区不参加排名、隐患台账与证据"
    ),
    "No update from the centre: what stands here is old.": "中心已无更新：本页内容为旧数据。",
    "Last update": "最后更新",
    "ago": "前",
    "Without scripts the page reloads each 15 s.": "脚本未启用：页面每 15 秒重新载入。",
    # overview
    "Sites": "厂区",
    "sites": "厂区",
    "link lost": "失联",
    "Interlocks tripped": "联锁跳车",
    "Interlocks failed": "保护失效",
    "Interlocks bypassed": "联锁旁路",
    "Alarms standing": "现存报警",
    "Points not good": "非好值测点",
    "Site": "厂区",
    "Region": "区划",
    "Link": "链路",
    "Newest data": "最新数据",
    "Quality": "质量",
    "Interlocks": "联锁",
    "Alarms": "报警",
    "Lead": "线索",
    "Unexplained loss": "不明缺失",
    "No site is registered. A site appears here once central.toml names it.": (
        "尚无登记厂区。在 central.toml 中登记后即显示于此。"
    ),
    "of": "/",
    "bad": "坏值",
    "not certain": "可疑",
    "all good": "全部好值",
    "none": "无",
    "never connected": "从未接入",
    # link
    "NEVER": "未接入",
    "LIVE": "在线",
    "LATE": "迟到",
    "LOST": "失联",
    "since": "自",
    # site
    "Points": "测点",
    "Point": "测点",
    "Tag": "位号",
    "Value": "数值",
    "Range": "量程",
    "Age": "时效",
    "Trend": "趋势",
    "Process unit": "工艺单元",
    "no unit named": "未命名单元",
    "No point table has come from this site yet. It comes with the first batch of its gateway.": (
        "尚未收到本厂区测点表，网关首批数据到达后即显示。"
    ),
    "No standing alarm.": "无现存报警。",
    "State": "状态",
    "Alarm": "报警",
    "Level": "级别",
    "Priority": "优先级",
    "Limit": "限值",
    "Raised": "起报",
    "No interlock has been reported by a gateway of this site.": "本厂区网关尚未报告联锁。",
    "Interlock": "联锁",
    "Protection": "保护",
    "Health": "健康",
    "Service": "投用",
    "Plant bypass": "厂方旁路",
    "Plant trip": "厂方跳车",
    "First-out": "首出",
    "Verdict": "判定",
    "Effect": "动作",
    "Response": "响应时间",
    "Clauses": "条款",
    "Mode": "模式",
    "occurrence": "第几次",
    "not known": "未知",
    "yes": "是",
    "no": "否",
    "no demand yet": "尚无动作需求",
    "Gateway": "网关",
    "Last heard": "最后联络",
    "Clock offset": "时钟偏差",
    "Certificate": "证书",
    "days left": "天有效",
    "Configuration": "配置版本",
    "Version": "版本",
    "Waiting at the edge": "边缘待传",
    "samples": "样本",
    "batches": "批",
    "Accounting": "数据对账",
    "expected": "应有",
    "stored": "已存",
    "gapped": "已登记缺口",
    "withheld": "留厂",
    "pending": "待传",
    "unexplained": "不明",
    "duplicates": "重复",
    "expected = stored + gapped + withheld + pending + unexplained": (
        "应有 = 已存 + 缺口 + 留厂 + 待传 + 不明"
    ),
    "Quarantined batches": "隔离批",
    "link state beside each value": "链路状态见各值旁",
    # trend
    "Choose a point": "选择测点",
    "Choose a range": "选择时段",
    "Show": "显示",
    "No samples stored between": "此时段无样本：",
    "and": "至",
    "Gap records": "缺口记录",
    "no gap record": "无缺口记录",
    "Gap": "缺口",
    "Cause": "原因",
    "Start": "开始",
    "End": "结束",
    "End of data": "数据止于",
    "Time": "时间",
    "Average": "平均",
    "Least": "最小",
    "Greatest": "最大",
    "Newest value": "最新值",
    "Table of values": "数值表",
    "Quality band": "质量带",
    "good": "好值",
    "uncertain": "可疑",
    "no sample": "无样本",
    "Data as JSON": "JSON 数据",
    # leads
    "Leads from off-site analysis": "非现场研判线索",
    "A lead is no proof: it may justify an inspection.": "线索不是证据，仅可作为检查依据。",
    "No lead. Rules have found nothing in the windows judged so far.": (
        "暂无线索：已研判的时间窗内规则未发现异常。"
    ),
    "Nothing has been judged yet. The first window closes soon after the first data.": (
        "尚未研判：首个时间窗将在数据到达后关闭。"
    ),
    "Analysed to": "已研判至",
    "Rule": "规则",
    "Window": "时间窗",
    "windows": "窗",
    "Confidence": "置信度",
    "Evidence grade": "证据等级",
    "lead only": "仅线索",
    "Severity": "严重程度",
    "Inputs": "输入",
    "Numbers": "数值依据",
    "Excluded": "已排除的其他解释",
    "Grounds": "置信度构成",
    "Remedy": "处置建议",
    "Subject": "对象",
    "limit": "限值",
    "Basis": "依据",
    "Read": "读数",
    # severity and warning levels
    "red": "红 I",
    "orange": "橙 II",
    "yellow": "黄 III",
    "blue": "蓝 IV",
    "no warning": "无预警",
    # what rules say: numbers, grounds, doubts
    "bad_share": "坏值占比",
    "flat_span": "不变时长占比",
    "clamped_share": "停在限值占比",
    "spread": "波动",
    "at": "所停位置",
    "good_inputs": "好值输入数",
    "response": "响应时间",
    "response_uncertainty": "响应时间不确定度",
    "bypassed_while_running": "运行中旁路时长",
    "placeholder": "暂定值，待确认",
    "exact repeats": "完全重复",
    "range end or limit of the catalogue": "量程端点或目录限值",
    "pattern met": "符合判据",
    "twice the samples needed": "采样数为所需两倍以上",
    "other channels of the device live": "同一设备其他通道正常变化",
    "no gap in the window": "窗口内无缺口",
    "verdict of the gateway": "网关判定",
    "all inputs good": "输入全部好值",
    "process ran": "工艺在运行",
    "bypass seen while running": "运行中见到旁路",
    "point and record agree": "测点与记录一致",
    "process stopped": "工艺已停",
    "samples missing": "采样缺失",
    "coarse resolution": "分辨率过粗",
    "bypassed or under test": "旁路或试验中",
    "demand by bad inputs": "坏值引起的需求",
    "feedback not readable": "反馈不可读",
    "short key test": "短时钥匙试验",
    "stale bypass bit": "旁路位陈旧",
    # exceptions
    "Abnormal now": "当前异常",
    "Nothing is abnormal now.": "当前无异常。",
    "What": "异常",
    "Where": "何处",
    "How known": "依据",
    "Since": "开始",
    "more": "更多",
    # errors
    "Not found": "未找到",
    "There is no such page, site or point in your scope.": (
        "在您的权限范围内没有此页面、厂区或测点。"
    ),
    "Request refused": "请求被拒绝",
    "Too many live pages": "实时页面过多",
    "The centre cannot answer": "中心无法应答",
    "Something failed on our side; the log names it by this id.": (
        "系统内部错误，日志中以此编号记录。"
    ),
    "Request": "请求编号",
    "Try again": "重试",
    "Back to the overview": "返回总览",
    # values
    "never received": "未接入",
    "last good": "最后好值",
    "maintenance": "检修",
    "simulated": "模拟",
    "substituted": "替代值",
    "limits not registered: not armed": "限值未登记：未投用",
    "no unit": "无量纲",
    "no value": "无值",
    # quality
    "GOOD": "好值",
    "UNCERTAIN": "可疑",
    "BAD": "坏值",
    # interlock
    "NORMAL": "正常",
    "PENDING": "延时中",
    "TRIPPED": "跳车",
    "LATCHED": "跳车保持",
    "HEALTHY": "健康",
    "DEGRADED": "降级",
    "PROTECTION_UNVERIFIED": "未验证",
    "PROTECTION_FAILED": "保护失效",
    "INIT": "初始化",
    "TEST": "试验",
    "OUT_OF_DUTY": "退出",
    "BYPASSED": "旁路",
    "STARTUP_INHIBIT": "开车抑制",
    "NOT_REQUIRED": "无需投用",
    "ARMED": "投用",
    "PROVEN": "已证实",
    "NOT_ACTED": "未动作",
    "ACTED_LATE": "动作迟缓",
    "UNPROVABLE": "无法证实",
    "NOT_DUE": "无需动作",
    # reasons of health (interlocks.md 3.10)
    "not_acted": "未动作",
    "demand_without_permit": "无票旁路时出现动作需求",
    "engine_fault": "扫描超时",
    "comm_loss": "通信中断",
    "partner_stopped": "对方控制器停运",
    "inputs_lost": "输入全部丢失",
    "blind": "无法观察厂方联锁",
    "channel_bad": "通道坏值",
    "channel_lost": "通道丢失",
    "channel_uncertain": "通道可疑",
    "deviation": "冗余偏差",
    "plant_bypassed": "厂方旁路",
    "setpoint_off": "定值偏离",
    "advisory": "辅助（不动作）",
    "actuating": "动作",
    # alarm
    "UNACKED": "未确认",
    "ACKED": "已确认",
    "RETURNED": "已恢复未确认",
    "LATCHED_UNACKED": "锁存未确认",
    "LATCHED_ACKED": "锁存已确认",
    "urgent": "紧急",
    "high": "高",
    "medium": "中",
    "low": "低",
    "INVALID": "无效",
    "LL": "低低",
    "L": "低",
    "H": "高",
    "HH": "高高",
    "TRUE": "成立",
}

# ISA-18.2 / IEC 62682 state letters: A normal, B unacked, C acked, D returned unacked, E latched.
STATE_LETTERS: Final[Mapping[str, str]] = {
    "NORMAL": "A",
    "UNACKED": "B",
    "ACKED": "C",
    "RETURNED": "D",
    "LATCHED_UNACKED": "E",
    "LATCHED_ACKED": "F",
}

_REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.NONE: ("", ""),
    Reason.INIT: ("尚无采样", "no sample yet"),
    Reason.COMM_LOSS: ("通信中断", "communication lost"),
    Reason.PROTOCOL: ("协议错误", "protocol error"),
    Reason.DEVICE_ERROR: ("设备报错", "device error"),
    Reason.CONFIG: ("配置错误", "configuration error"),
    Reason.STALE: ("值已陈旧", "value not of now"),
    Reason.OVERRUN: ("采集超时", "poll overrun"),
    Reason.OVERFLOW: ("数据溢出", "overflow"),
    Reason.NOT_A_NUMBER: ("非数值", "not a number"),
    Reason.OUT_OF_RANGE: ("超量程", "out of range"),
    Reason.RATE_OF_CHANGE: ("变化过快", "changes too fast"),
    Reason.STUCK: ("数值卡滞", "stuck"),
    Reason.CLAMPED: ("停在限值", "clamped"),
    Reason.DEVIATION: ("冗余偏差", "deviates from its peers"),
    Reason.SENSOR_FAULT: ("传感器故障", "sensor fault"),
    Reason.SUBSTITUTED: ("替代值", "substituted"),
    Reason.FORCED: ("强制值", "forced"),
    Reason.SIMULATED: ("模拟值", "simulated"),
    Reason.MAINTENANCE: ("检修", "maintenance"),
    Reason.CALIBRATION: ("校准", "calibration"),
    Reason.REPLAYED: ("补传", "replayed"),
    Reason.CLOCK: ("时钟异常", "clock not believable"),
}


def say(language: Language, text: str) -> str:
    """Return a message in a language.

    Raises:
        KeyError: the message is not in the table.
    """
    return text if language is Language.EN and text in _ZH else _ZH[text]


def say_code(language: Language, code: str) -> str:
    """Return a code of the vocabulary in words; a code that the table lacks stands as it is."""
    return _ZH.get(code, code) if language is Language.ZH else _EN_CODES.get(code, code)


def say_reason(language: Language, reason: Reason) -> str:
    """Return why a value is not plainly good; empty for no reason."""
    zh, en = _REASONS[reason]
    return zh if language is Language.ZH else en


def known() -> frozenset[str]:
    """Return every message id."""
    return frozenset(_ZH)


# Codes that read badly as they are; all others are plain English already.
_EN_CODES: Final[Mapping[str, str]] = {
    "PROTECTION_UNVERIFIED": "UNVERIFIED",
    "PROTECTION_FAILED": "PROTECTION FAILED",
    "OUT_OF_DUTY": "OUT OF DUTY",
    "STARTUP_INHIBIT": "START-UP INHIBIT",
    "NOT_REQUIRED": "NOT REQUIRED",
    "NOT_ACTED": "NOT ACTED",
    "ACTED_LATE": "ACTED LATE",
    "NOT_DUE": "NOT DUE",
    "LATCHED_UNACKED": "LATCHED, UNACKED",
    "LATCHED_ACKED": "LATCHED, ACKED",
    "advisory": "advisory (no output)",
    "red": "red I",
    "orange": "orange II",
    "yellow": "yellow III",
    "blue": "blue IV",
}
