"""Worked examples: does a point's vector decode to the value that the source gives?  Pure.

The example goes through the same compiled gather (Modbus) or decoder (OPC UA) as live answers.
"""

import math
from dataclasses import replace

from devices.address import ModbusAddress, NodeType, Order, RegisterType, Table
from devices.device_time import time_us
from devices.opcua.status_code import NAMES
from devices.opcua.value import decode
from devices.profile import ModbusPoint, ModbusText, OpcUaPoint
from devices.profile_number import conversion
from devices.registers import Slot, compile_layout, gather
from devices.text import TextAddress, decode_text
from proto.errors import Fault
from proto.quality import Quality


def modbus_vector_faults(point: ModbusPoint, address: ModbusAddress, place: str) -> list[Fault]:
    """Return why the vector of `point` is refused; empty when it decodes as the source says."""
    wanted, given = _registers_wanted(address), point.vector.registers
    if address.table.is_bits:
        if len(point.vector.bits) != 1 or given:
            return [_shape(place, point.name, "bits = [0] or bits = [1]")]
    elif len(given) != wanted or point.vector.bits:
        return [_shape(place, point.name, f"registers = [...] with {wanted} of them")]
    said = _said(point.vector.value, address)
    if said is None:
        form = '"2026-11-23 16:30:05.5"' if address.type.is_time else "a number"
        return [_shape(place, point.name, f"value = {form}")]
    got = _decode_modbus(point, address)
    if _same(got, said, address.type is RegisterType.FLOAT32):
        return []
    hint = ""
    if address.length > 1 and not address.table.is_bits and _has_order(address):
        fits = [order for order in Order if _fits(point, address, order, said)]
        hint = f"; order {fits[0]} would fit" if fits else "; no order would fit"
    return [_wrong(place, point.name, got, said, hint)]


def text_vector_faults(text: ModbusText, address: TextAddress, place: str) -> list[Fault]:
    """Return why the vector of a text is refused; empty when it decodes as the source says."""
    wanted, said = address.length, text.vector.text
    if len(text.vector.registers) != wanted:
        return [_shape(place, text.name, f"registers = [...] with {wanted} of them")]
    got = decode_text(text.vector.registers, address)
    if got == said:
        return []
    swapped = decode_text(text.vector.registers, replace(address, low_first=not address.low_first))
    first = "high" if address.low_first else "low"
    hint = f'; first = "{first}" would fit' if swapped == said else ""
    shown = "no text" if got is None else f'"{got}"'
    message = f'{text.name} decodes to {shown}, source says "{said}"{hint} 样例不符'
    return [Fault(place, "profile.vector_wrong", message)]


def _said(value: bool | float | str, address: ModbusAddress) -> float | None:
    """Return the number that the source gives; None where it is of another kind."""
    if isinstance(value, str) != address.type.is_time:
        return None
    if not isinstance(value, str):
        return float(value)
    try:
        return float(time_us(value))
    except ValueError:
        return None


def _has_order(address: ModbusAddress) -> bool:
    return not address.type.is_time or address.type is RegisterType.UNIX_MS


def opcua_vector_faults(point: OpcUaPoint, place: str) -> list[Fault]:
    """Return why the vector of `point` is refused; empty when it decodes as the source says."""
    variant = point.vector.variant
    status = NAMES.get(variant.status)
    if status is None:
        return [Fault(place, "profile.status_unknown", f"{variant.status}: no such status code")]
    number: bool | int | float = variant.value
    if point.at.type in (NodeType.FLOAT, NodeType.DOUBLE) and not isinstance(number, bool):
        number = float(number)
    how = conversion(point)
    got = decode(
        point.at.type,
        variant.type,
        number,
        status,
        scale=how.scale,
        offset=how.offset,
        fault_values=point.fault_values,
    )
    if got.no_value:
        message = f"{point.name}: {variant.type} {variant.value} is no {point.at.type}"
        return [Fault(place, "profile.vector_wrong", message)]
    faults: list[Fault] = []
    if not _same(got.value, point.vector.value, point.at.type is NodeType.FLOAT):
        faults.append(_wrong(place, point.name, got.value, point.vector.value, ""))
    if got.quality is not Quality[point.vector.quality]:
        message = f"{point.name} decodes to {got.quality.name}, source says {point.vector.quality}"
        faults.append(Fault(place, "profile.vector_wrong", message))
    return faults


def _registers_wanted(address: ModbusAddress) -> int:
    return 0 if address.table.is_bits else address.length


def _decode_modbus(point: ModbusPoint, address: ModbusAddress) -> float:
    number = conversion(point)
    slot = Slot(address, number.scale, number.offset)
    layout = compile_layout([slot], address.address, address.length)
    if address.table in (Table.COIL, Table.DISCRETE):
        data = bytes(point.vector.bits)
    else:
        data = b"".join(register.to_bytes(2, "big") for register in point.vector.registers)
    return float(gather(data, layout).value[0])


def _fits(point: ModbusPoint, address: ModbusAddress, order: Order, said: float) -> bool:
    got = _decode_modbus(point, replace(address, order=order))
    return _same(got, said, address.type is RegisterType.FLOAT32)


def _same(got: float, said: float, is_single: bool) -> bool:
    """A single carries about seven decimal digits; everything else is compared to twelve."""
    return math.isclose(got, float(said), rel_tol=1e-6 if is_single else 1e-12, abs_tol=1e-12)


def _shape(place: str, name: str, wanted: str) -> Fault:
    return Fault(place, "profile.vector_shape", f"{name}: this type needs {wanted}")


def _wrong(place: str, name: str, got: float, said: float, hint: str) -> Fault:
    message = f"{name} decodes to {got:.12g}, source says {float(said):.12g}{hint} 样例不符"
    return Fault(place, "profile.vector_wrong", message)
