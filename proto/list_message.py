"""What to do about a fault of a profile, point list or workbook, by its code, zh and en.  Pure.

Source: `acquisition.md` 3.14, 3.15, 3.17.
"""

from collections.abc import Mapping

from proto.message import Message

LISTS: Mapping[str, Message] = {
    "point_list.address": Message(
        "write the address as the preset or base defines it", "地址有误：请按编号预设或地址基准填写"
    ),
    "point_list.base": Message(
        "state base or preset: the number alone does not say which register",
        "地址基准未声明：请写 base 或 preset",
    ),
    "point_list.cell": Message("mend the cell", "单元格内容有误：请改正"),
    "point_list.csv": Message(
        "save the file again as CSV UTF-8", "CSV 格式有误：请另存为 CSV UTF-8"
    ),
    "point_list.device": Message(
        "one list belongs to one device: move the row", "该行属于其他设备：请移到相应点表"
    ),
    "point_list.duplicate": Message("rename one of the two", "位号重复：请改名"),
    "point_list.empty": Message("fill in rows below the header", "点表为空：请在表头下填写测点"),
    "point_list.encoding": Message(
        "state encoding, or save as UTF-8", "无法判定编码：请写明 encoding，或另存为 UTF-8"
    ),
    "point_list.format": Message(
        "save as XLSX for import, or as CSV UTF-8", "文件格式不支持：请另存为 XLSX 或 CSV UTF-8"
    ),
    "point_list.formula": Message(
        "write the value in the place of the formula", "不接受公式：请改为数值"
    ),
    "point_list.header": Message(
        "mend the header: see docs/operations/point_lists.md", "表头有误：请对照点表说明"
    ),
    "point_list.limit": Message("split the list", "超出限额：请拆分点表"),
    "point_list.limit_order": Message(
        "let the limits rise from LL to HH", "限值次序有误：应由低低至高高递增"
    ),
    "point_list.missing": Message("fill in the cell", "缺少必填单元格：请补充"),
    "point_list.order": Message(
        "write ABCD, CDAB, BADC or DCBA", "字节序有误：应为 ABCD、CDAB、BADC 或 DCBA"
    ),
    "point_list.parameter": Message(
        "take a number of the catalogue, or leave it empty",
        "参数编号不存在或单位不符：请核对参数目录",
    ),
    "point_list.poll": Message("name a class of [poll]", "没有该轮询等级：请核对 [poll]"),
    "point_list.profile": Message("name points as the profile does", "与模板不符：请核对测点名称"),
    "point_list.range": Message(
        "state both ends, low below high", "量程有误：上下限须成对且下限小于上限"
    ),
    "point_list.separator": Message(
        "use one separator: comma, semicolon or tab", "分隔符有误：请只用半角逗号、分号或制表符之一"
    ),
    "point_list.type": Message(
        "write a type such as int16, uint16, float32, bool",
        "数据类型有误：例如 int16、uint16、float32、bool",
    ),
    "point_list.unit": Message(
        "write the UCUM code; 1 for a number without one", "单位有误：请写 UCUM 代码，无单位写 1"
    ),
    "profile.address": Message("mend table, address or bit", "地址有误：请核对寄存器区、地址和位"),
    "profile.canary": Message(
        "give equals = CONTENT, or moves = true", "校验寄存器有误：请写 equals 或 moves"
    ),
    "profile.clock": Message(
        "name a point that shows a time", "时钟测点有误：请指定显示时间的测点"
    ),
    "profile.digest": Message("a digest is a whole number", "摘要测点须为整数"),
    "profile.duplicate": Message("rename one of the two", "重复：请改名或删去其一"),
    "profile.enum": Message("an enumeration names whole numbers", "枚举有误：仅用于整数"),
    "profile.fault_value": Message(
        "write a value that the type can hold", "故障值有误：须为该类型可表示的值"
    ),
    "profile.kind_incomplete": Message(
        "add the points that the kind requires", "缺少必备测点：请补充"
    ),
    "profile.kind_unknown": Message("name a kind of the package", "没有该设备种类：请核对"),
    "profile.life": Message(
        "state how the life moves: counter, second or toggle", "生命信号有误：请写明变化方式"
    ),
    "profile.parameter_reason": Message(
        "say why no parameter of the catalogue fits", "未对应参数目录：请说明原因"
    ),
    "profile.parameter_unknown": Message(
        "take a number of the catalogue", "参数编号不存在：请核对参数目录"
    ),
    "profile.protocol": Message("state modbus or opcua", "协议有误：应为 modbus 或 opcua"),
    "profile.range": Message("low lies below high", "量程有误：下限须小于上限"),
    "profile.ring": Message(
        "mend the layout of the ring as it says", "事件环定义有误：请按提示改正"
    ),
    "profile.ring_needs_write": Message(
        "this ring wants a write before each read: it is not read", "该事件环须先写后读：不予采集"
    ),
    "profile.scale": Message(
        "a scale is not 0; a float and a bool have none", "倍率有误：不得为 0，浮点与开关量不设倍率"
    ),
    "profile.signal": Message(
        "let fault_low, low, high and fault_high rise, with the range of the instrument",
        "回路电流有误：故障低、下限、上限、故障高须递增，并写明量程",
    ),
    "profile.status_unknown": Message(
        "write the name of an OPC UA status code", "没有该状态码：请核对"
    ),
    "profile.unit": Message(
        "write the UCUM code that the parameter has", "单位有误：须与参数目录一致"
    ),
    "profile.unknown": Message(
        "name a profile of the package, or a path", "没有该模板：请核对名称或路径"
    ),
    "profile.unreadable": Message(
        "save the profile as UTF-8", "模板不可读：请检查文件并另存为 UTF-8"
    ),
    "profile.vector_missing": Message(
        "add the worked example of the maker's manual", "缺少样例：请按厂家手册补充"
    ),
    "profile.vector_shape": Message(
        "give as many registers as the type has", "样例寄存器个数不符：请按数据类型填写"
    ),
    "profile.vector_wrong": Message(
        "compare type, order and scale with the manual", "样例不符：请核对类型、字节序和倍率"
    ),
    "workbook.cell": Message("mend the cell", "单元格错误：请改正"),
    "workbook.refused": Message(
        "save the book again as XLSX, smaller and without macros",
        "工作簿被拒：请另存为 XLSX，去掉宏并减小",
    ),
}
