"""Does a well-formed profile make sense?  Names, parameters, addresses, limits, vectors.  Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from devices.address import ModbusAddress, RegisterType
from devices.kinds import Kind
from devices.profile import (
    ModbusPoint,
    ModbusProfile,
    ModbusText,
    OpcUaPoint,
    OpcUaProfile,
    Profile,
    text_address,
)
from devices.profile import point_type as type_of
from devices.profile_ring_check import ring_faults
from devices.profile_vectors import (
    modbus_vector_faults,
    opcua_vector_faults,
    text_vector_faults,
)
from devices.registers import fault_code
from proto.errors import Fault
from proto.point import PointType

AnyPoint = ModbusPoint | OpcUaPoint


def sense_faults(
    profile: Profile, file: str, parameters: Mapping[str, str], kinds: Mapping[str, Kind]
) -> list[Fault]:
    """Return every fault of sense in `profile`; empty when it may be used.

    Args:
        profile: well-formed.
        file: its name, the start of every place.
        parameters: id -> unit of the catalogue.
        kinds: name -> kind.
    """
    points: Sequence[AnyPoint] = profile.points
    faults = list(_name_faults(points, file))
    for at, point in enumerate(points):
        place = f"{file}: points[{at}]"
        faults.extend(_parameter_faults(point, place, parameters))
        faults.extend(_number_faults(point, place))
    if isinstance(profile, ModbusProfile):
        faults.extend(_modbus_faults(profile, file))
    else:
        faults.extend(_opcua_faults(profile, file))
    faults.extend(_text_faults(profile, file))
    faults.extend(_clock_faults(profile, file))
    faults.extend(ring_faults(profile, file))
    faults.extend(_kind_faults(profile, file, kinds))
    return faults


def _name_faults(points: Sequence[AnyPoint], file: str) -> Iterator[Fault]:
    for key in ("name", "tag"):
        counts = Counter(str(getattr(point, key)) for point in points)
        for at, point in enumerate(points):
            text = str(getattr(point, key))
            if text and counts[text] > 1:
                yield Fault(f"{file}: points[{at}].{key}", "profile.duplicate", f"{text} twice")
    lives = [at for at, point in enumerate(points) if point.life]
    for at in lives[1:]:
        yield Fault(f"{file}: points[{at}].life", "profile.life", "only one point may be the life")


def _parameter_faults(
    point: AnyPoint, place: str, parameters: Mapping[str, str]
) -> Iterator[Fault]:
    if point.parameter == "none":
        if not point.parameter_reason:
            message = f"{point.name}: say why no parameter of the catalogue fits"
            yield Fault(f"{place}.parameter_reason", "profile.parameter_reason", message)
    elif point.parameter not in parameters:
        message = f"{point.parameter}: not in the catalogue"
        yield Fault(f"{place}.parameter", "profile.parameter_unknown", message)
    else:
        wanted = parameters[point.parameter]
        given = "1" if point.unit == "bool" else point.unit
        if given != wanted:
            message = f"{point.name} is in {given}, {point.parameter} in {wanted}"
            yield Fault(f"{place}.unit", "profile.unit", message)


def _number_faults(point: AnyPoint, place: str) -> Iterator[Fault]:
    kind = type_of(point)
    is_plain = point.scale == 1 and point.offset == 0
    if point.scale == 0:
        yield Fault(f"{place}.scale", "profile.scale", f"{point.name}: a scale of 0 hides all")
    elif not is_plain and kind is PointType.BOOL:
        message = f"{point.name}: a bool has no scale and no offset"
        yield Fault(f"{place}.scale", "profile.scale", message)
    if point.range is not None and not point.range[0] < point.range[1]:
        yield Fault(f"{place}.range", "profile.range", f"{point.name}: low is not below high")
    if point.clamped is not None and not point.clamped[0] < point.clamped[1]:
        yield Fault(f"{place}.clamped", "profile.range", f"{point.name}: low is not below high")
    if (kind is PointType.BOOL) != (point.unit == "bool"):
        message = f'{point.name}: unit "bool" and type bool go together'
        yield Fault(f"{place}.unit", "profile.unit", message)
    for number in point.enum:
        if not number.lstrip("-").isdigit():
            message = f"{point.name}: enum names whole numbers, not {number}"
            yield Fault(f"{place}.enum", "profile.enum", message)
    yield from _life_faults(point, place)
    yield from _signal_faults(point, place)


def _life_faults(point: AnyPoint, place: str) -> Iterator[Fault]:
    kind = type_of(point)
    if point.life and point.moves is None:
        yield Fault(f"{place}.moves", "profile.life", f"{point.name}: state how the life moves")
    if (point.moves == "toggle") != (point.period_ns is not None):
        message = f'{point.name}: moves = "toggle" and period go together'
        yield Fault(f"{place}.period", "profile.life", message)
    is_bool = kind is PointType.BOOL
    if point.moves == "toggle" and not is_bool:
        yield Fault(f"{place}.moves", "profile.life", f"{point.name}: a toggle is a bool")
    if point.moves in ("counter", "second") and (kind.is_float or is_bool):
        yield Fault(f"{place}.moves", "profile.life", f"{point.name}: a counter is an integer")
    if point.active and not is_bool:
        yield Fault(f"{place}.active", "profile.life", f"{point.name}: the active flag is a bool")
    if point.digest is not None and (kind.is_float or is_bool):
        yield Fault(f"{place}.digest", "profile.digest", f"{point.name}: a digest is an integer")


def _signal_faults(point: AnyPoint, place: str) -> Iterator[Fault]:
    signal = point.signal
    if signal is None:
        return
    marks = (signal.fault_low, signal.low, signal.high, signal.fault_high)
    if not marks[0] <= marks[1] < marks[2] <= marks[3]:
        message = f"{point.name}: fault_low, low, high, fault_high must rise"
        yield Fault(f"{place}.signal", "profile.signal", message)
    if point.unit != "mA" and point.range is None:
        message = f"{point.name}: a loop current needs the range that belongs to it"
        yield Fault(f"{place}.range", "profile.signal", message)
    if type_of(point) is PointType.BOOL:
        yield Fault(f"{place}.signal", "profile.signal", f"{point.name}: a bool is no current")


def _modbus_faults(profile: ModbusProfile, file: str) -> Iterator[Fault]:
    usable: list[tuple[int, ModbusPoint, ModbusAddress]] = []
    for at, point in enumerate(profile.points):
        place, address = f"{file}: points[{at}]", profile.address(point)
        found = [*_address_faults(point, address, place), *_fault_value_faults(point, place)]
        yield from found
        if not found:
            yield from modbus_vector_faults(point, address, f"{place}.vector")
            usable.append((at, point, address))
    yield from _overlap_faults(usable, file)
    yield from _extent_faults(profile, usable, file)
    yield from _option_faults(profile, file)


def _address_faults(point: ModbusPoint, address: ModbusAddress, place: str) -> Iterator[Fault]:
    is_bool = address.type is RegisterType.BOOL
    if address.table.is_bits and (not is_bool or address.bit is not None):
        message = f"{point.name}: table {address.table} holds single bits: type bool, without bit"
        yield Fault(f"{place}.at", "profile.address", message)
    elif not address.table.is_bits and is_bool != (address.bit is not None):
        message = f"{point.name}: type bool in a register needs bit, other types have none"
        yield Fault(f"{place}.at.bit", "profile.address", message)
    if address.address + address.length > 0x10000:
        message = f"{point.name}: reaches beyond address 65535"
        yield Fault(f"{place}.at.address", "profile.address", message)


def _fault_value_faults(point: ModbusPoint, place: str) -> Iterator[Fault]:
    if type_of(point).is_float:
        return
    for value in point.fault_values:
        try:
            fault_code(point.at.type, value)
        except ValueError as error:
            yield Fault(f"{place}.fault_values", "profile.fault_value", f"{point.name}: {error}")


def _extent_faults(
    profile: ModbusProfile,
    points: Sequence[tuple[int, ModbusPoint, ModbusAddress]],
    file: str,
) -> Iterator[Fault]:
    """A point beyond the stated map would never be read."""
    for at, extent in enumerate(profile.modbus.extents):
        if extent.last < extent.first:
            message = f"ends at {extent.last} before {extent.first}"
            yield Fault(f"{file}: modbus.extents[{at}].to", "profile.range", message)
    for at, point, address in points:
        mine = [each for each in profile.modbus.extents if each.table is address.table]
        first, last = address.address, address.address + address.length - 1
        if mine and not any(each.first <= first and last <= each.last for each in mine):
            message = f"{point.name}: {first}..{last} lies beyond the extents of the map"
            yield Fault(f"{file}: points[{at}].at.address", "profile.address", message)


def _overlap_faults(
    points: Sequence[tuple[int, ModbusPoint, ModbusAddress]], file: str
) -> Iterator[Fault]:
    """Bits of a register may be read as the register too; all else shares no register."""
    wide = [entry for entry in points if entry[2].type is not RegisterType.BOOL]
    wide.sort(key=lambda entry: (entry[2].table, entry[2].address))
    reach: tuple[int, ModbusPoint, ModbusAddress] | None = None
    for at, two, b in wide:
        if reach is not None:
            _, one, a = reach
            is_same = (a.address, a.type, a.order) == (b.address, b.type, b.order)
            if a.table is b.table and b.address < a.address + a.length and not is_same:
                message = (
                    f"{one.name} and {two.name} read one register as {a.type} and {b.type} "
                    "地址重叠且类型不同"
                )
                yield Fault(f"{file}: points[{at}].at", "config.overlap", message)
            if a.table is b.table and a.address + a.length > b.address + b.length:
                continue
        reach = (at, two, b)


def _opcua_faults(profile: OpcUaProfile, file: str) -> Iterator[Fault]:
    for at, point in enumerate(profile.points):
        yield from opcua_vector_faults(point, f"{file}: points[{at}].vector")


def _text_faults(profile: Profile, file: str) -> Iterator[Fault]:
    names = Counter([each.name for each in (*profile.points, *profile.texts)])
    for at, text in enumerate(profile.texts):
        if names[text.name] > 1:
            yield Fault(f"{file}: texts[{at}].name", "profile.duplicate", f"{text.name} twice")
        if isinstance(text, ModbusText):
            address = text_address(text)
            if address.address + address.length > 0x10000:
                message = f"{text.name}: reaches beyond address 65535"
                yield Fault(f"{file}: texts[{at}].at", "profile.address", message)
            yield from text_vector_faults(text, address, f"{file}: texts[{at}].vector")


def _clock_faults(profile: Profile, file: str) -> Iterator[Fault]:
    if profile.clock is None:
        return
    found = [point for point in profile.points if point.name == profile.clock.point]
    if not found:
        message = f"no point {profile.clock.point}"
        yield Fault(f"{file}: clock.point", "profile.clock", message)
    elif type_of(found[0]) is PointType.BOOL:
        yield Fault(f"{file}: clock.point", "profile.clock", "a bool is no time")


def _option_faults(profile: ModbusProfile, file: str) -> Iterator[Fault]:
    options = profile.modbus
    for at, hole in enumerate(options.forbidden):
        if hole.last < hole.first:
            place = f"{file}: modbus.forbidden[{at}]"
            yield Fault(place, "profile.range", f"ends at {hole.last} before {hole.first}")
    canary = options.canary
    if canary is not None and (canary.equals is None) != canary.moves:
        message = "give equals = the content, or moves = true for a counter"
        yield Fault(f"{file}: modbus.canary", "profile.canary", message)
    if len(set(options.ports)) != len(options.ports):
        yield Fault(f"{file}: modbus.ports", "profile.duplicate", "a port stands twice")


def _kind_faults(profile: Profile, file: str, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    kind = kinds.get(profile.kind)
    if kind is None:
        yield Fault(f"{file}: kind", "profile.kind_unknown", f"{profile.kind}: no such kind")
        return
    offered = {point.parameter for point in profile.points}
    missing = [parameter for parameter in kind.requires if parameter not in offered]
    if missing:
        message = f"kind {kind.kind} requires {', '.join(missing)} 缺少必备测点"
        yield Fault(f"{file}: points", "profile.kind_incomplete", message)
