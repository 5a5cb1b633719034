"""Axes of points that the gateway makes itself: links, members of pairs, cabinet inputs.  Pure."""

from collections.abc import Mapping

from devices.driver import Block
from edge.config_cabinet import CabinetConfig
from edge.config_device import DeviceConfig
from edge.plant import CABINET, OWN_PERIOD_NS, OWN_POLL, AxisPlan, OwnRequest
from proto.point import Point, PointType

LINK = "link"
ACTIVE = "active"
_OWN_TITLE = {
    LINK: "通信状态 link: 0 down, 1 up, 2 suspended",
    ACTIVE: "主用成员 active member: 0, 1",
}


def own_axis(
    device: DeviceConfig, number: int, what: str, *, index: int, first_point: int
) -> AxisPlan:
    """Return the axis of a point that the gateway makes itself."""
    name = f"{device.name}.{what}"
    point = Point(
        name=name,
        tag=name,
        title=_OWN_TITLE[what],
        type=PointType.U16,
        unit="1",
        parameter="none",
        poll=OWN_POLL,
        range_low=0.0,
        range_high=2.0,
        process_unit=device.unit,
    )
    block = Block(device.name, OWN_POLL, OWN_PERIOD_NS, False, (point,), OwnRequest(what))
    return AxisPlan(
        index=index,
        line=device.line or "",
        device=number,
        block=block,
        block_index=-1,
        first_point=first_point,
        period_ns=OWN_PERIOD_NS,
        phase_ns=0,
        life_column=None,
    )


_CABINET_POINTS = {
    "mains": ("市电 mains power", "sys.gw.mains_power"),
    "ups": ("不间断电源 UPS in order", "none"),
    "door": ("机柜门 cabinet door", "sys.gw.cabinet_door"),
    "isolation_key": ("隔离钥匙 isolation key", "none"),
    "acknowledge": ("确认按钮 acknowledge button", "none"),
}


def cabinet_device(cabinet: CabinetConfig) -> DeviceConfig:
    """Return the module as a device; its name cannot be written in a file, so that none is it."""
    return DeviceConfig.model_construct(
        name=CABINET,
        line=None,
        path="plc",
        life="none",
        reason="the gateway's own I/O module",
    )


def cabinet_axis(
    cabinet: CabinetConfig, poll: Mapping[str, int], device: int, index: int, first_point: int
) -> AxisPlan:
    """Return the axis of the module's inputs, class `fast`."""
    points = tuple(
        Point(
            name=f"{CABINET}.{name}",
            tag=f"{CABINET}.{name}",
            title=title,
            type=PointType.BOOL,
            unit="bool",
            parameter=parameter,
            poll="fast",
        )
        for name, (title, parameter) in _CABINET_POINTS.items()
        if name in cabinet.inputs
    )
    period_ns = poll["fast"]
    block = Block(CABINET, "fast", period_ns, False, points, OwnRequest("cabinet inputs"))
    return AxisPlan(
        index=index,
        line=cabinet.line,
        device=device,
        block=block,
        block_index=-1,
        first_point=first_point,
        period_ns=period_ns,
        phase_ns=0,
        life_column=None,
    )
