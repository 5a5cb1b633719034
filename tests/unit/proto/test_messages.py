"""Every code that people are shown has its text in English and in Chinese."""

import ast
import re
import string
from functools import cache
from pathlib import Path

import pytest

from edge.events import CATALOG
from proto.errors import Fault
from proto.fault_message import FAULTS, explained
from proto.message import MESSAGES

TREE = Path(__file__).parents[3]
FOLDERS = ("edge", "devices", "proto")
ROOMS = (
    "address|cabinet|cli|config|control|device|edge|loop|map|mark|point|point_list|points|probe|"
    "profile|trust|workbook"
)
CODE = re.compile(rf"(?:{ROOMS})\.[a-z_]+")
NO_CODES = {
    "control.db": "a file", "control.sock": "a file", "edge.toml": "a file",
    "loop.list": "a request", "loop.sign": "a request", "map.confirm": "a request",
    "mark.close": "a request", "mark.list": "a request", "mark.open": "a request",
    "mark.closed": "a record", "mark.opened": "a record", "loop.signed": "a record",
    "device.clock": "a record", "device.event": "a record", "device.text_read": "a record",
    "device.canary_fitted": "a note of the driver",
    "profile.vector": "a prefix",
}  # fmt: skip
HAN = re.compile(r"[\u4e00-\u9fff]")
ALL = {**FAULTS, **MESSAGES}


def codes_of(path: Path) -> set[str]:
    """Every text in a module that is a code and nothing else."""
    tree = ast.parse(path.read_text("utf-8"))
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {text for text in texts if CODE.fullmatch(text)}


@cache
def used() -> dict[str, str]:
    """Every code in use, and a module that uses it."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((TREE / folder).rglob("*.py")):
            if path.name not in ("fault_message.py", "list_message.py", "message.py"):
                found |= dict.fromkeys(codes_of(path), str(path.relative_to(TREE)))
    return {code: module for code, module in found.items() if code not in NO_CODES}


def test_every_code_in_use_has_its_text() -> None:
    silent = {code: at for code, at in used().items() if code not in ALL and code not in CATALOG}
    assert silent == {}


def test_no_text_outlives_its_code() -> None:
    elsewhere = "".join(p.read_text("utf-8") for p in (TREE / "edge" / "matrix").glob("*.py"))
    lost = [code for code in FAULTS if code not in used() and code not in elsewhere]
    assert lost == []


@pytest.mark.parametrize("code", sorted(ALL))
def test_a_text_speaks_both_languages_with_the_same_parameters(code: str) -> None:
    message = ALL[code]
    assert HAN.search(message.zh), "no Chinese"
    assert re.search(r"[A-Za-z]", message.en), "no English"
    assert not HAN.search(message.en), "Chinese in the English"
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in message
    ]
    assert fields[0] == fields[1]


SHOWN_AS_STATE = ("device.aliveness_unproven",)
"""It is a state of the source, shown wherever the value is, and no event."""
PAGE = {
    "config.unknown_key": "未知字段",
    "config.duplicate_unit": "站号重复",
    "config.overlap": "地址重叠且类型不同",
    "config.backoff_range": "退避时间超出范围",
    "config.subscribed_cause": "联锁输入须周期读取",
    "device.line_overloaded": "超载",
    "profile.vector_missing": "缺少样例",
    "profile.vector_wrong": "样例不符",
    "profile.kind_incomplete": "缺少必备测点",
    "point_list.encoding": "无法判定编码",
    "point_list.base": "地址基准未声明",
    "device.unreachable": "无应答",
    "device.refused": "设备拒绝",
    "device.misbehaved": "应答异常",
    "device.answer_late": "迟到应答已丢弃",
    "device.dial_in_disputed": "注册包重复",
    "device.certificate_refused": "未受信任",
    "device.policy_refused": "仅提供不安全策略",
    "device.item_refused": "被拒",
    "device.server_slower": "慢于要求",
    "config.path_missing": "未声明取数路径",
    "config.life_missing": "未声明生命信号",
    "config.life_aliased": "采样慢于翻转",
    "config.never_needs_bound": "缺少应答上限",
    "config.cabinet_shared": "柜内线路混用",
    "device.life_stopped": "有应答但控制器停摆",
    "device.aliveness_unproven": "存活未证实",
    "device.slot_held": "连接位被占用",
    "device.probing_requested": "需检修标记方可探测",
    "device.not_heard": "总线上无人读取",
    "device.pair_switched": "冗余切换",
    "device.two_masters": "双主",
    "device.ring_overran": "事件环溢出",
    "device.certificate_lapsed": "密钥未变",
    "point.not_proven": "回路未验证",
    "address.notation": "地址写法不符",
    "workbook.cell": "单元格错误",
    "profile.ring_needs_write": "该事件环须先写后读",
}


@pytest.mark.parametrize(("code", "words"), PAGE.items())
def test_a_code_of_the_page_is_raised_and_says_what_the_page_says(code: str, words: str) -> None:
    assert words in ALL[code].zh
    assert code in used() or code in SHOWN_AS_STATE


def test_a_fault_in_english_gets_the_chinese_of_its_code_and_one_in_both_stays() -> None:
    bare = Fault("edge.toml: line[0].port", "config.value", "name two ports")
    assert explained(bare.code, str(bare)).endswith("config.value name two ports " +
                                                     FAULTS["config.value"].zh)  # fmt: skip
    both = Fault("e", "config.value", "name two ports 两个端口")
    assert explained(both.code, str(both)) == str(both)
    assert explained("nothing.known", "x") == "x"
