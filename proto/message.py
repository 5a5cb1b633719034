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
    "cabinet.module_lost": Message(
        "the gateway's own I/O module does not answer ({error}); its watchdog drops its outputs",
        "网关自用 I/O 模块无应答（{error}）；其看门狗将断开输出",
    ),
    "cabinet.module_restored": Message(
        "the gateway's own I/O module answers again",
        "网关自用 I/O 模块恢复应答",
    ),
    "device.aliveness_unproven": Message(
        "{source} has no proven life signal",
        "{source} 存活未证实",
    ),
    "device.answer_late": Message(
        "answer {late_ms} ms late; line silent for {drain_ms} ms, unit {unit} resynchronised",
        "迟到应答已丢弃：晚 {late_ms} ms；线路静默 {drain_ms} ms，站号 {unit} 重新同步",
    ),
    "device.bytes_unasked": Message(
        "{bytes} bytes came that nobody asked for; every unit of the line proves itself again",
        "收到 {bytes} 字节无请求数据；全线各站重新同步",
    ),
    "device.canary_failed": Message(
        "the canary register holds {got}, expected {expected}; last right {good_ms_ago} ms ago",
        "标志寄存器为 {got}，应为 {expected}；上次正确在 {good_ms_ago} ms 之前",
    ),
    "device.canary_fitted": Message(
        "after a program change the canary register fits ({got}): the map holds",
        "程序变更后标志寄存器相符（{got}）：点表映射有效",
    ),
    "device.canary_right": Message(
        "the canary register is right again ({got})",
        "标志寄存器恢复正确（{got}）",
    ),
    "device.certificate_expires": Message(
        "{endpoint}: the certificate of {whose} ends in {days} days; renew it in time",
        "{endpoint}：{whose} 的证书还有 {days} 天到期，请及时更换",
    ),
    "device.certificate_lapsed": Message(
        "{endpoint}: certificate {thumbprint} is {standing}; its key is the approved one, "
        "values are kept and marked",
        "{endpoint}：证书 {thumbprint} 逾期或未生效（{standing}），密钥未变：数据保留并标记",
    ),
    "device.certificate_refused": Message(
        "{thumbprint} is not trusted; approve on site: yujing-edge trust approve",
        "证书 {thumbprint} 未受信任；请在现场核对后执行 yujing-edge trust approve",
    ),
    "device.certificate_renewed": Message(
        "{endpoint}: new certificate {thumbprint} of the approved key",
        "{endpoint}：已批准密钥启用新证书 {thumbprint}",
    ),
    "device.clock_stepped": Message(
        "clock jumped to {offset_us} us, segment {segment}",
        "设备时钟跳变：偏差 {offset_us} us，第 {segment} 段",
    ),
    "device.controller_restarted": Message(
        "{source} restarted; values settle",
        "{source} 已重启；数值稳定中",
    ),
    "device.dial_in_disputed": Message(
        "two devices register as {id}",
        "注册包重复：两台设备均以 {id} 注册",
    ),
    "device.dial_in_unknown": Message(
        "{address} registered as {id}, which no line expects",
        "{address} 以 {id} 注册，无对应线路",
    ),
    "device.history_filled": Message(
        "{values} values from the history of the server; points filled {points_filled}, "
        "partly {points_partly}, without history {points_no_history}",
        "已从服务器历史补入 {values} 个值；测点补全 {points_filled}，"
        "部分 {points_partly}，无历史 {points_no_history}",
    ),
    "device.hole_found": Message(
        "{kind} at FC{fc} {first}..{last}: exception {exception}, found by {requests} requests",
        "查明 {kind}：功能码 {fc} 地址 {first}..{last}，异常码 {exception}，询问 {requests} 次",
    ),
    "device.hole_gone": Message(
        "{kind} at FC{fc} {first}..{last} is answered again; the next start reads it",
        "{kind}：功能码 {fc} 地址 {first}..{last} 恢复应答，下次启动后重新读取",
    ),
    "device.server_slower": Message(
        "the server is slower than asked for {items} points: publishing {publishing_ms} ms "
        "(asked {asked_publishing_ms}), sampling {sampling_ms} ms (asked {asked_sampling_ms}); "
        "a cause cannot be faster than this",
        "服务器对 {items} 个点的响应慢于要求：发布 {publishing_ms} ms（要求 "
        "{asked_publishing_ms}），采样 {sampling_ms} ms（要求 {asked_sampling_ms}）；"
        "联锁条件不可能比这更快",
    ),
    "device.item_refused": Message(
        "{node} and {count} in all: {status}; next try in {retry_s} s",
        "{node} 等共 {count} 个节点被拒：{status}；{retry_s} 秒后重试",
    ),
    "device.life_returned": Message(
        "{source} moves again",
        "{source} 恢复运行",
    ),
    "device.life_stopped": Message(
        "{source} answers, but its life signal {signal} stands",
        "{source} 有应答但控制器停摆（{signal} 不变）",
    ),
    "device.line_babbled": Message(
        "{noise_bytes} bytes were no frame: wrong speed, or a babbling device",
        "{noise_bytes} 字节不成帧：波特率不符，或有设备乱发",
    ),
    "device.line_overloaded": Message(
        "line {line} needs {need_s} s per {period_s} s; would fit: {fits}",
        "线路 {line} 超载：每 {period_s} s 需 {need_s} s；可行：{fits}",
    ),
    "device.login_insecure": Message(
        "login only on an encrypted channel: choose another policy",
        "仅在加密通道上登录：请改用加密策略",
    ),
    "device.misbehaved": Message(
        "answer rejected: {check}, asked {asked} got {got}",
        "应答异常：{check}，应为 {asked} 实为 {got}",
    ),
    "device.not_heard": Message(
        "nobody asks for {point}",
        "总线上无人读取 {point}",
    ),
    "device.pair_flapping": Message(
        "{to} is kept: too many changes in a minute",
        "一分钟内切换过多，保持 {to}",
    ),
    "device.pair_switched": Message(
        "{from} to {to}: {reason}",
        "冗余切换：{from} 至 {to}（{reason}）",
    ),
    "device.plan_changed": Message(
        "reads are split around what was found",
        "读取计划已改：绕开已查明的区段",
    ),
    "device.policy_insecure": Message(
        "{endpoint} is spoken to by {policy}: an exception with an end; renew the server",
        "{endpoint} 使用不安全策略 {policy}：限期例外，请升级服务器",
    ),
    "device.policy_refused": Message(
        "endpoint offers only {policy}",
        "仅提供不安全策略 {policy}",
    ),
    "device.probing_requested": Message(
        "block {block} ({request}) refused with exception {exception}; open a work mark to search",
        "读取块 {block}（{request}）被拒，异常码 {exception}；需检修标记方可探测",
    ),
    "device.publish_lost": Message(
        "message {sequence} is no longer at the server: {items} points without a value",
        "服务器已无第 {sequence} 号通知：{items} 个测点缺值",
    ),
    "device.refused": Message(
        "exception {exception} ({name})", "设备拒绝：异常码 {exception}（{name}）"
    ),
    "device.ring_begun": Message(
        "the event ring is read from record {seq} on",
        "事件环自第 {seq} 条起采集",
    ),
    "device.ring_overran": Message(
        "{lost} events overwritten unread",
        "事件环溢出：{lost} 条未读即被覆盖",
    ),
    "device.ring_restarted": Message(
        "the event ring began anew; its old records are gone",
        "事件环已重新开始，旧记录不复存在",
    ),
    "device.server_condition": Message(
        "the server says state {state}, service level {service_level}",
        "服务器状态 {state}，服务级别 {service_level}",
    ),
    "device.slot_freed": Message(
        "{address} answers again after {held_ms} ms; the slot is ours",
        "{address} 恢复应答，连接位被占用 {held_ms} ms",
    ),
    "device.slot_held": Message(
        "{address} is held by another or a dead connection ({how})",
        "{address} 连接位被占用（{how}）",
    ),
    "device.two_masters": Message(
        "both {from} and the other member claim to be active",
        "双主：{from} 与另一成员均称主用",
    ),
    "device.unit_resumed": Message(
        "{device} answers again",
        "{device} 恢复应答",
    ),
    "device.unit_suspended": Message(
        "{device} gave no answer three times; only probed now",
        "{device} 连续三次无应答，已挂起，仅试探",
    ),
    "device.unreachable": Message("no answer within {timeout_ms} ms", "{timeout_ms} ms 内无应答"),
    "device.write_overheard": Message(
        "the other master wrote {values} to unit {unit}, function {function}, address {address}",
        "另一主站写入：站号 {unit}，功能码 {function}，地址 {address}，值 {values}",
    ),
    "map.by": Message(
        "say who has checked the map, in 1 to {most} characters: --by NAME",
        "请写明核对人，1 至 {most} 个字符：--by 姓名",
    ),
    "map.not_in_doubt": Message(
        "the map of {device} is not in doubt; nothing to confirm",
        "{device} 的点表未存疑，无需确认",
    ),
    "mark.duration": Message(
        "a mark holds from 1 min to 24 h, not {given_s} s",
        "标记时长应为 1 分钟至 24 小时，不是 {given_s} s",
    ),
    "mark.limit": Message(
        "{most} marks are open already; close one",
        "已有 {most} 个标记未结束，请先结束一个",
    ),
    "mark.not_open": Message(
        "no {kind} mark is open for {device}",
        "{device} 没有未结束的 {kind} 标记",
    ),
    "mark.open_already": Message(
        "a {kind} mark is open for {device} already; close it first",
        "{device} 已有未结束的 {kind} 标记，请先结束",
    ),
    "mark.reason": Message(
        "say why, in {least} to {most} characters",
        "请写明原因，{least} 至 {most} 个字符",
    ),
    "plant.map_confirmed": Message(
        "map of {device} confirmed by {by}",
        "{device} 的点表由 {by} 确认",
    ),
    "plant.program_changed": Message(
        "program or set-points of {source} changed ({what}); confirm the map",
        "{source} 的程序或设定已变（{what}）；请确认点表",
    ),
    "point.not_proven": Message("{point}: no valid loop sheet", "{point}：回路未验证"),
}


def say(code: str, lang: Language, **params: object) -> str:
    """Return the message of `code` with its parameters filled in.

    Raises:
        KeyError: there is no such code, or a parameter is missing.
    """
    message = MESSAGES[code]
    return (message.zh if lang == "zh" else message.en).format_map(params)
