"""From a profile to the points of one device: names, tags and addresses in one place.  Pure."""

from collections.abc import Collection

from devices.address import Address, ModbusAddress
from devices.driver import Acquire, PointBinding
from devices.profile import (
    ModbusPoint,
    ModbusProfile,
    OpcUaPoint,
    OpcUaProfile,
    Profile,
    point_type,
    text_address,
)
from devices.profile_number import conversion
from devices.registers import Slot
from devices.text import TextBinding
from proto.point import Point


def bind(
    device: str,
    profile: Profile,
    *,
    process_unit: str = "",
    life: str | None = None,
    causes: Collection[str] = (),
) -> tuple[PointBinding, ...]:
    """Return every point of `profile` as a point of `device`, in the order of the profile.

    Args:
        device: `[[device]] name`; point names become `<device>/<point>`.
        profile: what the model offers.
        process_unit: process unit in the register (工艺单元).
        life: profile name of the life point that the site declares; None = as the profile says.
        causes: profile names of points that feed a cause of an interlock: these are always read.
    """
    if isinstance(profile, ModbusProfile):
        return tuple(
            _binding(device, process_unit, point, profile.address(point), "read", life)
            for point in profile.points
        )
    return _bind_opcua(device, profile, process_unit, life, causes)


def _bind_opcua(
    device: str,
    profile: OpcUaProfile,
    process_unit: str,
    life: str | None,
    causes: Collection[str],
) -> tuple[PointBinding, ...]:
    bound: list[PointBinding] = []
    for point in profile.points:
        acquire: Acquire = "read" if point.name in causes else point.acquire
        bound.append(_binding(device, process_unit, point, profile.address(point), acquire, life))
    return tuple(bound)


def _binding(
    device: str,
    process_unit: str,
    point: ModbusPoint | OpcUaPoint,
    address: Address,
    acquire: Acquire,
    life: str | None,
) -> PointBinding:
    name = f"{device}/{point.name}"
    low, high = point.range if point.range is not None else (None, None)
    number = conversion(point)
    return PointBinding(
        point=Point(
            name=name,
            tag=point.tag or name,
            title=point.title,
            type=point_type(point),
            unit=point.unit,
            parameter=point.parameter,
            poll=point.poll,
            scale=number.scale,
            offset=number.offset,
            range_low=low,
            range_high=high,
            process_unit=process_unit,
            life=point.life if life is None else point.name == life,
        ),
        address=address,
        acquire=acquire,
        fault_values=point.fault_values,
        moves=point.moves,
        toggle_ns=point.period_ns,
        active=point.active,
        digest=point.digest,
        rate_max=point.rate_max,
        stuck_after_ns=point.stuck_after_ns,
        clamped=point.clamped,
        current=number.current,
        together=point.together if isinstance(point, ModbusPoint) else "",
        sampling_ns=point.sampling_ns if isinstance(point, OpcUaPoint) else None,
        enum=point.enum,
    )


def slot_of(binding: PointBinding) -> Slot:
    """Return how the value of a Modbus point is decoded."""
    address, point = binding.address, binding.point
    assert isinstance(address, ModbusAddress)
    return Slot(address, point.scale, point.offset, binding.fault_values, binding.current)


def bind_texts(device: str, profile: Profile) -> tuple[TextBinding, ...]:
    """Return every text of `profile` as a text of `device`."""
    if isinstance(profile, ModbusProfile):
        return tuple(
            TextBinding(f"{device}/{text.name}", text.title, text_address(text), text.digest)
            for text in profile.texts
        )
    return tuple(
        TextBinding(f"{device}/{text.name}", text.title, text.at, text.digest)
        for text in profile.texts
    )
