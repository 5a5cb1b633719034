"""A list's points as the points of one device: alone, or over those of its profile.  Pure.

A row with an address is a point of its own, or takes the place of the profile's point with the same
name, tag or address and keeps that point's name, so that matrices and kinds still find it.  A row
without an address says more of a point of the profile: tag, title, range, poll class.  Source:
`acquisition.md` 3.15.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from devices.address import ModbusAddress, OpcUaAddress
from devices.driver import PointBinding
from devices.point_list import ListedPoint, PointList
from devices.profile import (
    ModbusPoint,
    ModbusProfile,
    OpcUaPoint,
    OpcUaProfile,
    Profile,
)
from devices.profile_vectors import modbus_vector_faults
from proto.errors import Fault

AnyPoint = ModbusPoint | OpcUaPoint


@dataclass(frozen=True, slots=True)
class SitePoints:
    """What one device offers and where the site has wired it.

    Attributes:
        profile: of the device, with the points of the list; made for a list alone.
        process_unit, source: by name of the point, where the list says them.
        listed: the rows by name of the point.
    """

    profile: Profile
    process_unit: Mapping[str, str]
    source: Mapping[str, str]
    listed: Mapping[str, ListedPoint]

    def placed(self, bindings: Sequence[PointBinding]) -> tuple[PointBinding, ...]:
        """Return the bindings with what the list says of their places."""
        return tuple(map(self._placed, bindings))

    def _placed(self, binding: PointBinding) -> PointBinding:
        name = binding.point.name.rpartition("/")[2]
        unit, source = self.process_unit.get(name), self.source.get(name)
        point = replace(binding.point, process_unit=unit) if unit else binding.point
        return replace(binding, point=point, source=source or binding.source)


def site_points(
    found: PointList, file: str, protocol: str, profile: Profile | None, life: str = ""
) -> tuple[SitePoints | None, list[Fault]]:
    """Return the points of a device that has a list, or None and every fault between the two.

    Args:
        found: the list.
        file: its name, the start of every place.
        protocol: of the line, where there is no profile.
        profile: of the device, or None: the list stands alone.
        life: name of the point that proves that the controller is alive.
    """
    merging = _Merging(profile, file, life)
    for row in found.points:
        merging.add(row)
    if merging.faults:
        return None, merging.faults
    points = tuple(merging.points.values())
    base = profile or _bare(protocol)
    made = base.model_copy(update={"points": points})
    rows = merging.rows
    return SitePoints(
        profile=made,
        process_unit={name: row.process_unit for name, row in rows.items() if row.process_unit},
        source={name: row.source for name, row in rows.items() if row.source},
        listed=rows,
    ), []


def _bare(protocol: str) -> Profile:
    kind: type[Profile] = OpcUaProfile if protocol == "opcua" else ModbusProfile
    return kind.model_validate_json(
        '{"profile":"point_list","version":1,"kind":"point_list","grade":"bronze",'
        f'"source":"point list of the site","protocol":"{protocol}","points":[]}}'
    )


class _Merging:
    """Takes row after row into the points of a profile."""

    def __init__(self, profile: Profile | None, file: str, life: str) -> None:
        self.points: dict[str, AnyPoint] = {}
        self.rows: dict[str, ListedPoint] = {}
        self.faults: list[Fault] = []
        self._file, self._life, self._profile = file, life, profile
        self._by_tag: dict[str, str] = {}
        self._by_place: dict[object, str] = {}
        self._by_parameter: dict[str, list[str]] = {}
        for point in () if profile is None else profile.points:
            self.points[point.name] = point
            if point.tag:
                self._by_tag[point.tag] = point.name
            self._by_place[_place(_address(profile, point))] = point.name
            self._by_parameter.setdefault(point.parameter, []).append(point.name)

    def add(self, row: ListedPoint) -> None:
        """Take one row, or note why it cannot be taken."""
        name = self._name(row)
        if name in self.rows:
            other = self.rows[name]
            self._fault(row, "位号", f"rows {other.row} and {row.row} are one point, {name}")
            return
        if row.address is None:
            known = self.points.get(name)
            if known is None:
                message = "state the address: the profile has no such point"
                self._fault(row, "地址", message)
                return
            self.points[name] = self._more(row, known)
        else:
            made = _point(row, name, row.address, is_life=name == self._life)
            self.points[name] = made
            self._check_vector(row, made)
        self.rows[name] = row

    def _name(self, row: ListedPoint) -> str:
        if row.name in self.points:
            return row.name
        if row.tag in self._by_tag:
            return self._by_tag[row.tag]
        if row.address is not None:
            return self._by_place.get(_place(row.address), row.name)
        same = self._by_parameter.get(row.parameter, [])
        return same[0] if row.parameter != "none" and len(same) == 1 else row.name

    def _more(self, row: ListedPoint, known: AnyPoint) -> AnyPoint:
        if row.unit and row.unit != known.unit:
            message = f"{row.tag} is in {row.unit}, the profile says {known.unit}"
            self._fault(row, "单位", message)
        update: dict[str, object] = {"tag": row.tag}
        if "title" in row.said:
            update["title"] = row.title
        if row.low is not None and row.high is not None:
            update["range"] = (row.low, row.high)
        if row.poll:
            update["poll"] = row.poll
        for key in ("scale", "offset"):
            if key in row.said:
                update[key] = getattr(row, key)
        return known.model_copy(update=update)

    def _check_vector(self, row: ListedPoint, point: AnyPoint) -> None:
        if not isinstance(point, ModbusPoint) or row.vector[1] is None:
            return
        assert isinstance(row.address, ModbusAddress)
        place = f"{self._file}: row {row.row} column 样例值"
        self.faults += modbus_vector_faults(point, row.address, place)

    def _fault(self, row: ListedPoint, column: str, message: str) -> None:
        where = f"{self._file}: row {row.row} column {column}"
        self.faults.append(Fault(where, "point_list.profile", message))


def _address(profile: Profile | None, point: AnyPoint) -> ModbusAddress | OpcUaAddress:
    if isinstance(profile, ModbusProfile) and isinstance(point, ModbusPoint):
        return profile.address(point)
    assert isinstance(point, OpcUaPoint)
    return OpcUaAddress(point.at.node, point.at.type)


def _place(address: ModbusAddress | OpcUaAddress) -> object:
    if isinstance(address, OpcUaAddress):
        return address.node
    return (address.table, address.address, address.bit)


def _point(
    row: ListedPoint, name: str, address: ModbusAddress | OpcUaAddress, *, is_life: bool
) -> AnyPoint:
    """Return a row as a point of a profile; without an example of its own it gets an empty one."""
    kind = address.point_type
    implied = "toggle" if str(kind) == "bool" else None if kind.is_float else "counter"
    common: dict[str, object] = {
        "name": name,
        "title": row.title,
        "tag": row.tag,
        "parameter": row.parameter,
        "parameter_reason": "point list of the site" if row.parameter == "none" else "",
        "unit": row.unit,
        "range": None if row.low is None else (row.low, row.high),
        "poll": row.poll or "normal",
        "scale": row.scale,
        "offset": row.offset,
        "life": False,
        "moves": row.moves or (implied if is_life else None),
    }
    if isinstance(address, OpcUaAddress):
        sample = {"variant": {"type": "Double", "value": 0.0}, "value": 0.0}
        at: dict[str, object] = {"node": address.node, "type": address.type}
        return OpcUaPoint.model_validate({**common, "at": at, "vector": sample})
    registers, value = row.vector
    at = {
        "table": address.table,
        "address": address.address,
        "type": address.type,
        "bit": address.bit,
        "order": address.order,
    }
    vector = {"registers": registers, "value": 0.0 if value is None else value}
    return ModbusPoint.model_validate({**common, "at": at, "vector": vector})
