"""`points = …` of a device: its options from `edge.toml`, its rows, its points.  Pure.

Shared by `check`, `plan` and `run` (through `installation.py`), `points` and `import`.
"""

from collections.abc import Callable, Mapping

from devices.address import Order
from devices.point_address import Notation
from devices.point_list import ListOptions, notation_of, read_point_list
from devices.point_site import SitePoints, site_points
from devices.profile import ModbusProfile, Profile
from edge.config import EdgeConfig
from edge.config_device import DeviceConfig
from proto.errors import Fault

Presets = Callable[[str], Notation | None]
"""Finds the notation of a preset by its name; None when there is none."""


def list_options(
    config: EdgeConfig,
    device: DeviceConfig,
    profile: Profile | None,
    presets: Presets,
    parameters: Mapping[str, str],
) -> tuple[ListOptions | None, str]:
    """Return how the list of a device is to be read, and what is wrong with that."""
    stated = device.points
    assert stated is not None, "only devices with a list come here"
    preset = stated.preset or device.preset
    notation, wrong = notation_of(stated.base, preset, presets)
    if wrong:
        return None, wrong
    return ListOptions(
        file=stated.file,
        protocol=_protocol(config, device),
        notation=notation,
        encoding=stated.encoding,
        order=_order(profile, notation),
        polls=config.poll,
        parameters=parameters,
        device=device.name,
    ), ""


def read_listed(
    data: bytes, options: ListOptions, profile: Profile | None, life: str | None
) -> tuple[SitePoints | None, list[Fault]]:
    """Return the points of a device that has a list, or None and every fault of the list."""
    found, faults = read_point_list(data, options)
    if found is None:
        return None, faults
    return site_points(found, options.file, options.protocol, profile, life or "")


def _protocol(config: EdgeConfig, device: DeviceConfig) -> str:
    """Return the protocol of the line; of a pair that of its first member's line."""
    if device.pair:
        first = next((other for other in config.device if other.name == device.pair[0]), device)
        device = first
    return "modbus" if config.line_of(device).is_modbus else "opcua"


def _order(profile: Profile | None, notation: Notation) -> Order:
    if isinstance(profile, ModbusProfile):
        return profile.modbus.order
    order: object = getattr(notation, "order", None)
    return order if isinstance(order, Order) else Order.ABCD
