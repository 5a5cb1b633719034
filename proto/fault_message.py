"""What to do about a fault of configuration or command, by its code, English and Chinese.  Pure.

A fault says in place and message what is wrong here; the catalogue says of its code what it means
and what to do, so that a screen finds its text in both languages.  Source: `acquisition.md` 3.17,
`house_style.md` 4.5.
"""

from collections.abc import Mapping

from proto.list_message import LISTS
from proto.message import Message

COMMANDS: Mapping[str, Message] = {
    "address.notation": Message(
        "this text is not defined in the preset: see its table in docs/operations/point_lists.md",
        "地址写法不符：该编号预设未定义此写法，请对照预设表",
    ),
    "address.preset": Message(
        "name a preset of the package, with the parts that only the site knows",
        "编号预设有误：请写明预设名称及现场参数，例如 s7 db=10 y0=0",
    ),
    "cabinet.refused": Message(
        "the I/O module of the gateway itself did not do as asked: check its wiring and unit id",
        "柜内 I/O 模块未按要求动作：检查接线与站号",
    ),
    "cli.usage": Message("see --help", "用法有误：请看 --help"),
    "config.address": Message(
        "write host:port, a serial device, or an endpoint, as the kind of the line needs it",
        "地址写法有误：按线路类型填写 主机:端口、串口设备或 opc.tcp:// 端点",
    ),
    "config.backoff_range": Message(
        "state 0.1 to 300 s, first not longer than longest",
        "退避时间超出范围：应在 0.1 至 300 s，首次不大于最长",
    ),
    "config.cabinet_shared": Message(
        "give the module of the cabinet a line of its own", "柜内线路混用：柜内模块须独占一条线路"
    ),
    "config.close_after_each": Message(
        "a device closes its connection after each answer (close_after_each), but its line asks "
        "for an echo before each read; give it a direct MBAP line of its own, unit_id 1 or 255, "
        "or behind_gateway = false if nothing serial stands behind it",
        "设备每次应答后断开（close_after_each），而本线路须先校验回波再读；"
        "请单独用直连 MBAP 线路、站号 1 或 255；若其后无串行侧，可写 behind_gateway = false",
    ),
    "config.control": Message(
        "the folder must be ours to write; is it on a disk that knows sockets?",
        "无法建立本地控制通道：检查目录权限",
    ),
    "config.credential": Message(
        "renew the file with enrol, or restore it", "证书或密钥文件不可用：请恢复或重新登记"
    ),
    "config.directory": Message(
        "make the folder, owned by the user of the gateway",
        "目录不可用：请建立目录并交给运行网关的用户",
    ),
    "config.duplicate": Message("rename one of the two", "名称重复：请改名"),
    "config.duplicate_tag": Message(
        "tags are unique in a plant: rename one", "位号重复：全厂位号唯一，请改名"
    ),
    "config.duplicate_unit": Message(
        "give every device of a line a unit id of its own", "站号重复：同一线路每台设备站号唯一"
    ),
    "config.file": Message(
        "check name, owner and mode of the file", "文件不可读写：检查文件名、属主和权限"
    ),
    "config.identity": Message(
        "the certificate belongs to another gateway: state its id, or enrol this one",
        "证书与网关编号不符：请核对 gateway.id 或重新登记",
    ),
    "config.insecure": Message(
        "take a current policy, or state an exception with reason and end",
        "加密策略已被攻破：请换用现行策略，或写明限期例外",
    ),
    "config.insecure_allowed": Message(
        "renew the server before the exception ends", "不安全策略限期例外：到期前请升级服务器"
    ),
    "config.insecure_lapsed": Message(
        "renew the server, or state a new exception", "例外已到期：请升级服务器，或重新批准"
    ),
    "config.key_mismatch": Message(
        "key and certificate are of two pairs: take those that belong together",
        "密钥与证书不配对：请使用同一对文件",
    ),
    "config.key_open": Message(
        "others may read the key: chmod 0600", "密钥他人可读：请执行 chmod 0600"
    ),
    "config.key_owner": Message(
        "the key belongs to another user: chown it", "密钥属主不对：请改属主"
    ),
    "config.later": Message("leave it out for now", "后续版本才支持：请先删去"),
    "config.learnt": Message(
        "nothing to do: it is learnt again", "学习记录已搁置，将重新学习，无需处理"
    ),
    "config.life": Message(
        "name a point that moves: moves = counter, second or toggle",
        "生命信号有误：请指定会变化的测点（counter、second 或 toggle）",
    ),
    "config.life_aliased": Message(
        "poll it at a quarter of its period or faster",
        "采样慢于翻转：轮询周期不得大于翻转周期的四分之一",
    ),
    "config.life_missing": Message(
        'state life = POINT, or "none" with a reason',
        '未声明生命信号：请写 life = 测点，或 "none" 并说明原因',
    ),
    "config.life_reason": Message(
        "say in reason why nobody can see that it is alive", "无生命信号须说明原因：请填写 reason"
    ),
    "config.limit": Message("stay within the stated limit", "超出限额：请减至允许范围"),
    "config.limit_order": Message(
        "let the limits rise from LL over L and H to HH",
        "限值次序有误：应按 低低、低、高、高高 递增",
    ),
    "config.missing": Message("add the key", "缺少必填项：请补充"),
    "config.never_needs_bound": Message(
        "state answer_max: the longest time that this line has ever taken",
        '缺少应答上限：probing = "never" 时须写 answer_max',
    ),
    "config.out_of_range": Message(
        "a limit lies within the range of its point", "限值超出量程：请核对测点量程"
    ),
    "config.overlap": Message(
        "one register has one type: mend address or type of one of the two",
        "地址重叠且类型不同：请改正其一的地址或类型",
    ),
    "config.path_missing": Message(
        "state where the values come from: plc, scada, historian, mirror or logger",
        "未声明取数路径：plc、scada、historian、mirror 或 logger",
    ),
    "config.protocol": Message(
        "take a profile that speaks the protocol of the line",
        "模板协议与线路不符：请换用相应协议的模板",
    ),
    "config.public_address": Message(
        "bind a private address, or state allow_public = true",
        "地址可从厂外访问：请绑定内网地址，或写明 allow_public = true",
    ),
    "config.refused": Message("mend every fault above", "配置被拒：请改正以上各处"),
    "config.secret": Message(
        "the password stands in a file of its own, mode 0600",
        "口令文件不可用：须单独成文件，权限 0600",
    ),
    "config.source_missing": Message(
        "say of each point which controller it belongs to: column source, or the profile",
        "未声明源控制器：请在点表的源控制器列填写",
    ),
    "config.subscribed_cause": Message(
        'set acquire = "read" on the point', '联锁输入须周期读取：请设 acquire = "read"'
    ),
    "config.syntax": Message(
        "write TOML in UTF-8", "不是合法的 TOML：请检查引号、括号和编码 UTF-8"
    ),
    "config.toml": Message("write TOML in UTF-8", "不是合法的 TOML：请检查引号、括号和编码 UTF-8"),
    "config.too_long": Message("shorten the text", "文字过长：请缩短"),
    "config.unknown_clause": Message(
        "cite a clause of the hazard pack", "条款编号不存在：请引用隐患库中的条款"
    ),
    "config.unknown_device": Message("name a device of this file", "没有该设备：请核对设备名称"),
    "config.unknown_key": Message(
        "remove the key, or mend its spelling", "未知字段：请删去或改正拼写"
    ),
    "config.unknown_line": Message("name a [[line]] of this file", "没有该线路：请核对线路名称"),
    "config.unknown_point": Message("name a point of the device", "没有该测点：请核对测点名称"),
    "config.unknown_poll": Message("name a class of [poll]", "没有该轮询等级：请核对 [poll]"),
    "config.unknown_server": Message(
        "name a server profile of the package, or leave it out", "没有该服务器模板：请改正或删去"
    ),
    "config.value": Message(
        "write the value as its table in docs/operations/configuration.md says",
        "值不合要求：请对照配置说明改正",
    ),
    "control.answer": Message(
        "another program holds control.sock, or gateway and command are of two versions",
        "应答格式不符：本地控制通道被他程序占用，或版本不一致",
    ),
    "control.request": Message(
        "gateway and command are of two versions: install one", "请求有误：命令与网关版本不一致"
    ),
    "control.silent": Message(
        "start the gateway: yujing-edge run edge.toml",
        "没有网关应答：请先启动 yujing-edge run edge.toml",
    ),
    "device.certificate_own": Message(
        "make a certificate of our own as docs/operations/opcua.md says",
        "本机证书不可用：请按 OPC UA 说明制作",
    ),
    "device.line_busy": Message(
        "nothing to do; above 70 % plan another line or a slower class",
        "线路较忙：超过 70 % 时请分线或放慢周期",
    ),
    "device.node_unknown": Message(
        "compare the node with the server: yujing-edge browse",
        "服务器无此节点：请用 yujing-edge browse 核对",
    ),
    "edge.limit": Message("stay within the stated limit", "超出允许范围"),
    "edge.option": Message("see --help", "选项不全：请看 --help"),
    "edge.ring_not_read": Message(
        "its events reach nobody: put the device on a line that reads rings",
        "该事件环尚不采集：事件不会上送",
    ),
    "edge.texts_not_read": Message(
        "a changed serial number or version goes unseen",
        "该设备文本尚不采集：序列号或版本变化不可见",
    ),
    "edge.unknown_id": Message(
        "name a point, tag or interlock of the configuration", "没有该位号、测点或联锁：请核对名称"
    ),
    "edge.unknown_line": Message("name a line of the configuration", "没有该线路：请核对名称"),
    "loop.disk": Message(
        "the disk did not take the sheet: make room, sign again",
        "回路测试单未能落盘：请清理磁盘后重新签署",
    ),
    "loop.no_mark": Message(
        "open a CALIBRATION mark of the device first: yujing-edge mark open",
        "请先打开校验标记：yujing-edge mark open 设备 --kind CALIBRATION",
    ),
    "loop.sheet": Message("mend the sheet as it says", "回路测试单有误：请按提示改正"),
    "loop.unknown_point": Message("name a tag of a device", "没有该位号：请核对，或用 --list 列出"),
    "map.unknown_device": Message("name a device of the configuration", "没有该设备：请核对名称"),
    "mark.disk": Message(
        "the disk did not take the mark: make room, try again", "标记未能落盘：请清理磁盘后重试"
    ),
    "mark.unknown_device": Message("name a device of the configuration", "没有该设备：请核对名称"),
    "points.live": Message(
        "give --config with a device that has this list",
        "在线诊断不可用：请用 --config 指定使用此表的设备",
    ),
    "points.panel": Message(
        "write --panel TAG=VALUE, with --live", "面板值写法有误：--panel 位号=数值，并加 --live"
    ),
    "probe.duration": Message(
        "write a duration with its unit, such as 10min", "时长写法有误：例如 10min"
    ),
    "probe.gateway_runs": Message(
        "stop the gateway first: two masters would spoil its reads",
        "网关正在运行并占用该线路：请先停止网关",
    ),
    "probe.kind": Message("take a line of another kind", "该类线路不可如此探测：请换线路"),
    "probe.mark": Message(
        "give --mark REASON: who works on what", "探测须有检修标记：请加 --mark 事由"
    ),
    "probe.never": Message(
        'the site forbids it: probing = "never"', '该线路禁止探测：probing = "never"'
    ),
    "probe.nothing": Message(
        "check unit, range and wiring", "未读到任何数据：检查站号、范围和接线"
    ),
    "probe.range": Message("write addresses as 0..199", "地址范围写法有误：例如 0..199"),
    "probe.unit": Message("a unit is 1 to 255", "站号应为 1 至 255"),
    "trust.deferral": Message(
        "state key, day, stop and two persons", "延期登记有误：须写明证书、日期、停产名称和两名人员"
    ),
    "trust.folder": Message(
        "name the pki folder of the line with --pki", "没有该证书目录：请用 --pki 指定"
    ),
    "trust.revoked": Message("the server needs another key", "该密钥已吊销：服务器须换新密钥"),
    "trust.thumbprint": Message(
        "give at least 8 digits that only one certificate has", "指纹不唯一或不存在：请多写几位"
    ),
}

FAULTS: Mapping[str, Message] = {**COMMANDS, **LISTS}


def explained(code: str, text: str) -> str:
    """Return the line `text` of a fault, with the Chinese of its code unless it has its own."""
    known = FAULTS.get(code)
    if known is None or any("\u4e00" <= char <= "\u9fff" for char in text):
        return text
    return f"{text} {known.zh}"
