"""What the gateway says of its devices: one catalogue by code, English and Chinese.  Pure.

What happened, where, what to do.  Parameters stand in braces; a missing one is a KeyError, because
a message with a hole helps nobody.  Source: `acquisition.md` 3.17.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Message(NamedTuple):
    """One message in both languages, with the same parameters."""

    en: str
    zh: str


MESSAGES: Mapping[str, Message] = {
    "device.answer_late": Message(
        "answer {late_ms} ms late; line silent for {drain_ms} ms, unit {unit} resynchronised",
        "迟到应答已丢弃：晚 {late_ms} ms；线路静默 {drain_ms} ms，站号 {unit} 重新同步",
    ),
    "device.misbehaved": Message(
        "answer rejected: {check}, asked {asked} got {got}",
        "应答异常：{check}，应为 {asked} 实为 {got}",
    ),
    "device.refused": Message(
        "exception {exception} ({name})", "设备拒绝：异常码 {exception}（{name}）"
    ),
    "device.unreachable": Message("no answer within {timeout_ms} ms", "{timeout_ms} ms 内无应答"),
}


def say(code: str, lang: Language, **params: object) -> str:
    """Return the message of `code` with its parameters filled in.

    Raises:
        KeyError: there is no such code, or a parameter is missing.
    """
    message = MESSAGES[code]
    return (message.zh if lang == "zh" else message.en).format_map(params)
