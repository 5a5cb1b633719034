"""One row of a point list: each reader returns a value and notes what is wrong.  Pure.

Every fault names row, column and remedy; a reader never stops at the first.  Source:
`acquisition.md` 3.15.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from devices.address import ModbusAddress, NodeType, OpcUaAddress, Order, RegisterType, Table
from devices.point_address import ADDRESS_MAX, NoBase, Notation, Place
from proto.errors import Fault
from proto.sheet_columns import POINTS, Record
from proto.unit import near_units, unit_of

_COLUMNS = {column.key: column.zh for column in POINTS}
_TABLES = {
    "线圈": Table.COIL, "coil": Table.COIL, "coils": Table.COIL, "0x": Table.COIL, "0": Table.COIL,
    "do": Table.COIL, "离散输入": Table.DISCRETE, "离散量输入": Table.DISCRETE, "1": Table.DISCRETE,
    "discrete": Table.DISCRETE, "discrete input": Table.DISCRETE, "1x": Table.DISCRETE,
    "di": Table.DISCRETE, "输入寄存器": Table.INPUT, "input": Table.INPUT, "3x": Table.INPUT,
    "input register": Table.INPUT, "3": Table.INPUT, "保持寄存器": Table.HOLDING,
    "holding": Table.HOLDING, "holding register": Table.HOLDING, "4x": Table.HOLDING,
    "4": Table.HOLDING,
}  # fmt: skip
_TYPES = {
    "float": RegisterType.FLOAT32, "real": RegisterType.FLOAT32, "浮点": RegisterType.FLOAT32,
    "浮点数": RegisterType.FLOAT32, "单精度浮点": RegisterType.FLOAT32, "f32": RegisterType.FLOAT32,
    "single": RegisterType.FLOAT32, "double": RegisterType.FLOAT64, "lreal": RegisterType.FLOAT64,
    "双精度浮点": RegisterType.FLOAT64, "f64": RegisterType.FLOAT64, "int": RegisterType.INT16,
    "short": RegisterType.INT16, "i16": RegisterType.INT16, "word": RegisterType.UINT16,
    "uint": RegisterType.UINT16, "u16": RegisterType.UINT16, "dint": RegisterType.INT32,
    "long": RegisterType.INT32, "i32": RegisterType.INT32, "dword": RegisterType.UINT32,
    "udint": RegisterType.UINT32, "u32": RegisterType.UINT32, "lint": RegisterType.INT64,
    "ulint": RegisterType.UINT64, "布尔": RegisterType.BOOL, "开关量": RegisterType.BOOL,
    "bit": RegisterType.BOOL, "无符号整数": RegisterType.UINT16, "有符号整数": RegisterType.INT16,
}  # fmt: skip
_ORDERS = {"大端": "ABCD", "big": "ABCD", "小端": "DCBA", "little": "DCBA", "字交换": "CDAB"}
_ORDERS |= {"1234": "ABCD", "3412": "CDAB", "2143": "BADC", "4321": "DCBA"}
_BASES = {
    "法规": "legal", "legal": "legal", "标准": "standard", "standard": "standard", "设计": "design",
    "design": "design", "经验": "practice", "practice": "practice", "暂定": "placeholder",
    "placeholder": "placeholder",
}  # fmt: skip
TITLE_MAX, TAG_MAX = 400, 40
_PERIOD = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|秒|毫秒|分|分钟)")
_PERIOD_NS = {"ms": 10**6, "毫秒": 10**6, "s": 10**9, "秒": 10**9, "min": 60 * 10**9}
_PERIOD_NS |= {"分": 60 * 10**9, "分钟": 60 * 10**9}
_NODE = re.compile(r"nsu=[^;]+;[sigb]=.+")
_REGISTERS = re.compile(r"[0-9A-Fa-f]{4}")


class Row:
    """Reads one record; `faults` fills up as the readers go."""

    def __init__(self, record: Record, file: str) -> None:
        self.record = record
        self.number = record.row
        self.get = record.get
        self.faults: list[Fault] = []
        self._file = file

    def fault(self, key: str, code: str, message: str) -> None:
        """Note what is wrong with the cell under `key`."""
        where = f"{self._file}: row {self.number} column {_COLUMNS[key]}"
        self.faults.append(Fault(where, code, message))

    def tag(self) -> str:
        """Return the tag (位号)."""
        tag = self.get("tag")
        if not tag:
            self.fault("tag", "point_list.missing", "a tag is required in every row")
        elif len(tag) > TAG_MAX:
            self.fault("tag", "point_list.cell", f"a tag has at most {TAG_MAX} characters")
        return tag

    def title(self) -> str:
        """Return what people read; the tag where there is no title."""
        title = self.get("title") or self.get("tag")
        if len(title) > TITLE_MAX:
            self.fault("title", "point_list.cell", f"a title has at most {TITLE_MAX} characters")
        return title

    def name(self) -> str:
        """Return the name on the wire that the tag makes: lower case, digits, underscores."""
        return name_of(self.get("tag"))

    def device(self, wanted: str) -> str:
        """Return the device of the row; one that is not `wanted` belongs into another list."""
        said = self.get("device") or wanted
        if wanted and said != wanted:
            message = f'the list belongs to "{wanted}", the row to "{said}"'
            self.fault("device", "point_list.device", message)
        return said

    def integer(self, key: str, low: int, high: int) -> int | None:
        """Return a whole number, or None where the cell is empty."""
        text = self.get(key).removesuffix(".0")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            self.fault(key, "point_list.cell", f'"{text}": a whole number, {low} to {high}')
            return None
        return int(text)

    def number_of(self, key: str, default: float) -> float:
        """Return a number."""
        found = self.record.number(key)
        return default if found is None else found

    def scale(self, *, is_plain: bool) -> float:
        """Return the scale; a float and a switch travel as they are."""
        scale = self.number_of("scale", 1.0)
        if scale == 0:
            self.fault("scale", "point_list.cell", "a scale of 0 hides every value")
        if is_plain and (scale != 1 or self.number_of("offset", 0.0) != 0):
            message = "a float or a switch travels as it is: scale 1, offset 0"
            self.fault("scale", "point_list.cell", message)
        return scale

    def range(self) -> tuple[float | None, float | None]:
        """Return low and high of the engineering range; both or none."""
        low, high = self.record.number("range_low"), self.record.number("range_high")
        if (low is None) != (high is None):
            key = "range_low" if low is None else "range_high"
            self.fault(key, "point_list.range", "state both ends of the range, or none")
        elif low is not None and high is not None and not low < high:
            self.fault("range_high", "point_list.range", f"{low:g} is not below {high:g}")
        return low, high

    def unit(self, *, is_bool: bool, known_elsewhere: bool) -> str:
        """Return the UCUM code."""
        text = self.get("unit")
        if not text:
            if not is_bool and not known_elsewhere:
                self.fault("unit", "point_list.unit", "state the unit; 1 for a number without one")
            return "bool" if is_bool else ""
        found = unit_of(text)
        if found is None:
            message = f'unknown unit "{text}"{near_units(text)}; write its UCUM code'
            self.fault("unit", "point_list.unit", message)
        elif (found == "bool") != is_bool and not known_elsewhere:
            message = f'"{text}" does not fit: unit bool and type bool go together'
            self.fault("unit", "point_list.unit", message)
        return found or ""

    def poll(self, polls: Mapping[str, int]) -> str:
        """Return the poll class: by its name, or by its period."""
        text = self.get("poll")
        if not text or text in polls:
            return text
        period = _PERIOD.fullmatch(text)
        for name, period_ns in polls.items():
            if period and round(float(period[1]) * _PERIOD_NS[period[2]]) == period_ns:
                return name
        known = ", ".join(f"{name} {ns / 1e9:g} s" for name, ns in polls.items())
        self.fault("poll", "point_list.poll", f'no poll class "{text}"; there are {known}')
        return ""

    def parameter(self, parameters: Mapping[str, str], unit: str) -> str:
        """Return the id of the catalogue, or `none`."""
        text = self.get("parameter") or "none"
        if text == "none" or not parameters:
            return text
        wanted = parameters.get(text)
        if wanted is None:
            hint = _near(text, list(parameters))
            self.fault("parameter", "point_list.parameter", f"{text} is no parameter{hint}")
        elif unit and (given := "1" if unit == "bool" else unit) != wanted:
            message = f"{text} is in {wanted}, the row in {given}"
            self.fault("parameter", "point_list.parameter", message)
        return text

    def choice(self, key: str, words: Sequence[str]) -> str:
        """Return one of `words`, or nothing."""
        text = self.get(key).lower()
        if text and text not in words:
            self.fault(key, "point_list.cell", f'"{text}": write {", ".join(words)}')
            return ""
        return text

    def basis(self, key: str) -> str:
        """Return what a limit rests on; `placeholder` where nobody says it."""
        text = self.get(key).lower()
        found = _BASES.get(text, "") if text else "placeholder"
        if not found:
            words = "法规 legal, 标准 standard, 设计 design, 经验 practice, 暂定 placeholder"
            self.fault(key, "point_list.cell", f'"{text}": write {words}')
        return found or "placeholder"

    def vector(self) -> tuple[tuple[int, ...], float | None]:
        """Return the worked example: registers in hex, and the value that they mean."""
        words = self.get("vector_registers").split()
        if any(not _REGISTERS.fullmatch(word) for word in words) or len(words) > 4:
            message = "write registers as four hex digits each: 44FA 0000"
            self.fault("vector_registers", "point_list.cell", message)
            return (), None
        value = self.record.number("vector_value")
        if bool(words) != (value is not None):
            key = "vector_value" if words else "vector_registers"
            self.fault(key, "point_list.missing", "an example is registers and value, both")
        return tuple(int(word, 16) for word in words), value

    def node(self, text: str) -> OpcUaAddress | None:
        """Return an OPC UA node and its type."""
        if not _NODE.fullmatch(text):
            message = "name the node by namespace URI: nsu=urn:plc;s=Furnace/Temp1"
            self.fault("address", "point_list.address", message)
        word = self.get("type").lower()
        kinds = {str(kind): kind for kind in NodeType} | {"bool": NodeType.BOOLEAN}
        kinds |= {"float32": NodeType.FLOAT, "float64": NodeType.DOUBLE, "real": NodeType.FLOAT}
        if word not in kinds:
            message = f'"{word}" is no type of a node{_near(word, list(kinds))}'
            self.fault("type", "point_list.type", message)
        return None if self.faults else OpcUaAddress(text, kinds[word])

    def modbus(
        self, text: str, notation: Notation, order: Order
    ) -> tuple[ModbusAddress | None, str, str]:
        """Return (address, text, rule) of a register or bit."""
        place = self._place(text, notation)
        kind = self._type(place)
        bit = self.integer("bit", 0, 15)
        chosen = self._order(order)
        if place is None or kind is None:
            return None, text, ""
        if bit is not None and place.bit is not None and bit != place.bit:
            self.fault("bit", "point_list.address", f"{text} says bit {place.bit} already")
        bit = place.bit if bit is None else bit
        self._fits(place, kind, bit)
        if kind.registers == 1 or kind is RegisterType.BOOL:
            chosen = Order.ABCD if not self.get("order") else chosen
        return ModbusAddress(place.table, place.address, kind, chosen, bit), text, place.rule

    def _place(self, text: str, notation: Notation) -> Place | None:
        word = self.get("table").lower()
        table = _TABLES.get(word)
        if word and table is None:
            hint = _near(word, list(_TABLES))
            message = f'"{word}": write coil, discrete, holding or input{hint}'
            self.fault("table", "point_list.address", message)
            return None
        try:
            return notation(text.replace(" ", ""), table)
        except NoBase as error:
            self.fault("address", "point_list.base", f"row {self.number}: {error}")
        except ValueError as error:
            self.fault("address", "address.notation", str(error))
        return None

    def _type(self, place: Place | None) -> RegisterType | None:
        word = self.get("type").lower()
        if word:
            known = {str(kind): kind for kind in RegisterType} | _TYPES
            if word not in known:
                message = f'"{word}" is no type{_near(word, list(known))}'
                self.fault("type", "point_list.type", message)
            return known.get(word)
        if place is None:
            return None
        if place.table.is_bits or place.bit is not None or self.get("bit"):
            return RegisterType.BOOL
        if place.type is None:
            message = "state the type: int16, uint16, int32, uint32, float32, bool …"
            self.fault("type", "point_list.type", message)
        return place.type

    def _order(self, default: Order) -> Order:
        text = self.get("order").upper().replace("-", "").replace(" ", "")
        text = _ORDERS.get(text.lower(), text)
        if not text:
            return default
        if text not in Order.__members__:
            message = f'"{text}": write ABCD, CDAB, BADC or DCBA'
            self.fault("order", "point_list.order", message)
            return default
        return Order(text)

    def _fits(self, place: Place, kind: RegisterType, bit: int | None) -> None:
        is_bool = kind is RegisterType.BOOL
        if place.table.is_bits and (not is_bool or bit is not None):
            message = f"table {place.table} holds single bits: type bool, without bit"
            self.fault("type", "point_list.type", message)
        elif not place.table.is_bits and is_bool != (bit is not None):
            message = "type bool in a register needs 位 (bit 0 to 15), other types have none"
            self.fault("bit", "point_list.type", message)
        length = 1 if place.table.is_bits else kind.registers
        if place.address + length - 1 > ADDRESS_MAX:
            message = f"{length} registers from {place.address} reach beyond {ADDRESS_MAX}"
            self.fault("address", "point_list.address", message)


def name_of(tag: str) -> str:
    """Return the name on the wire that a tag makes; tags beyond ASCII get a digest."""
    plain = re.sub(r"[^a-z0-9]+", "_", tag.lower()).strip("_")
    if not tag.isascii():
        digest = hashlib.sha256(tag.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        plain = f"{plain}_{digest}" if plain else digest
    return (plain if plain[:1].isalpha() else f"p_{plain}")[:63]


def _near(word: str, known: Sequence[str]) -> str:
    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return f' - did you mean "{found[0]}"?' if found else ""
