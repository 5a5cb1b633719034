"""A device profile: what a model of equipment offers, as people write it in TOML.  Pure.

A profile is data: no templates, no addresses of a site.  It names its source, and every point
carries a worked example of that source (`vector`), so that a wrong map cannot be loaded.  These are
the models; `profile_check.parse_profile` reads text into them and reports every fault at once.
"""

from typing import Annotated, Literal

from pydantic import Field

from devices.address import ModbusAddress, OpcUaAddress, one_address
from devices.profile_options import (
    BITS_MAX,
    REGISTERS_MAX,
    REGISTERS_UNKNOWN_DEVICE,
    Canary,
    DeviceClock,
    ForbiddenRange,
    ModbusOptions,
    Quirks,
)
from devices.profile_point import (
    ModbusAt,
    ModbusPoint,
    ModbusText,
    ModbusVector,
    OpcUaAt,
    OpcUaPoint,
    OpcUaText,
    OpcUaVariant,
    OpcUaVector,
    PointModel,
    Signal,
)
from devices.profile_ring import EventRing
from devices.profile_values import Duration, Finite, Model, Name, Text
from devices.text import TextAddress
from proto.point import PointType

__all__ = [
    "BITS_MAX",
    "POINTS_MAX",
    "REGISTERS_MAX",
    "REGISTERS_UNKNOWN_DEVICE",
    "Canary",
    "DeviceClock",
    "EventRing",
    "Finite",
    "ForbiddenRange",
    "ModbusAt",
    "ModbusOptions",
    "ModbusPoint",
    "ModbusProfile",
    "ModbusText",
    "ModbusVector",
    "Model",
    "Name",
    "OpcUaAt",
    "OpcUaPoint",
    "OpcUaProfile",
    "OpcUaText",
    "OpcUaVariant",
    "OpcUaVector",
    "PointModel",
    "Product",
    "Profile",
    "ProfileModel",
    "Quirks",
    "Signal",
    "Text",
    "point_type",
    "text_address",
]

POINTS_MAX = 4096
TEXTS_MAX = 64


class Product(Model):
    """One product that the profile describes."""

    vendor: Text
    model: Text


class ProfileModel(Model):
    """What every profile states.

    Attributes:
        profile: its name, and the name of its file.
        version: counts up with each change.
        kind: kind of equipment, a file of `devices/kinds/`.
        grade: bronze = vectors decode; silver = simulated; gold = seen on hardware; platinum =
            certified.
        source: where the map comes from: manual, version, table.
        products: what it describes.
        preset: numbering of the maker's list (`devices/presets/`); documents it, decodes nothing.
        update_ns: how often the device renews the copy that it shows; 0 = with each request.
        clock: the point that shows the device's own time.
        event_ring: ring of events that it keeps.
    """

    profile: Name
    version: Annotated[int, Field(ge=1)]
    kind: Name
    grade: Literal["bronze", "silver", "gold", "platinum"]
    source: Text
    products: Annotated[tuple[Product, ...], Field(max_length=64)] = ()
    preset: Name | None = None
    update_ns: Annotated[Duration, Field(alias="update", ge=0, le=3600 * 10**9)] = 0
    clock: DeviceClock | None = None
    event_ring: EventRing | None = None


class ModbusProfile(ProfileModel):
    """A model that speaks Modbus."""

    protocol: Literal["modbus"]
    modbus: ModbusOptions = ModbusOptions()
    points: Annotated[tuple[ModbusPoint, ...], Field(max_length=POINTS_MAX)]
    texts: Annotated[tuple[ModbusText, ...], Field(max_length=TEXTS_MAX)] = ()

    def address(self, point: ModbusPoint) -> ModbusAddress:
        """Return where `point` stands, with the byte order that holds for it."""
        at = point.at
        order = at.order if at.order is not None else self.modbus.order
        return one_address(at.table, at.address, at.type, order, at.bit)


class OpcUaProfile(ProfileModel):
    """A model that serves OPC UA."""

    protocol: Literal["opcua"]
    points: Annotated[tuple[OpcUaPoint, ...], Field(max_length=POINTS_MAX)]
    texts: Annotated[tuple[OpcUaText, ...], Field(max_length=TEXTS_MAX)] = ()

    def address(self, point: OpcUaPoint) -> OpcUaAddress:
        """Return the node of `point`."""
        return OpcUaAddress(point.at.node, point.at.type)


Profile = ModbusProfile | OpcUaProfile


def point_type(point: ModbusPoint | OpcUaPoint) -> PointType:
    """Return how the raw code of `point` travels."""
    return point.at.type.point_type


def text_address(text: ModbusText) -> TextAddress:
    """Return where a text stands."""
    at = text.at
    return TextAddress(at.table, at.address, at.bytes, at.first == "low", at.encoding)
