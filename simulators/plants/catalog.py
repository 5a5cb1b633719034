"""Find the plants and build them from their variants.  Shell: reads package data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import TypeVar

from proto.errors import ConfigError, Fault
from simulators.instrument import Instrument
from simulators.physics.filter import FilterConstants
from simulators.physics.hopper import HopperConstants
from simulators.physics.water import WaterConstants
from simulators.plants import bof, dust_dry
from simulators.plants.model import Traits
from simulators.plc.program import ProtectionSettings

Built = TypeVar("Built")
PLANTS = ("bof", "dust_dry")


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a variant; `place` names it in faults."""

    place: str
    entries: Mapping[str, object]

    def values(self) -> dict[str, object]:
        """Return `key -> value`; each entry is a table that states unit and basis."""
        out: dict[str, object] = {}
        for key, entry in self.entries.items():
            if not isinstance(entry, dict) or not {"value", "unit", "basis"} <= entry.keys():
                raise _refused(f"{self.place}.{key}", "needs value, unit and basis")
            value = entry["value"]
            out[key] = tuple(value) if isinstance(value, list) else value
        return out

    def build(self, kind: type[Built], **more: object) -> Built:
        """Build one frozen class of constants; its fields and the keys must match exactly."""
        values = self.values() | more
        wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        if values.keys() != wanted:
            odd = ", ".join(sorted(wanted ^ values.keys()))
            raise _refused(self.place, f"missing or unknown: {odd}")
        return kind(**values)


def _refused(place: str, message: str) -> ConfigError:
    return ConfigError([Fault(place, "variant.refused", message)])


class _Variant:
    """One variant file, by table."""

    def __init__(self, name: str) -> None:
        text = (
            resources.files("simulators.plants")
            .joinpath("variants", f"{name}.toml")
            .read_text("utf-8")
        )
        self._name = name
        self._data = tomllib.loads(text)

    def table(self, name: str) -> _Table:
        """Return one table; an absent one is a fault."""
        entries = self._data.get(name)
        if not isinstance(entries, dict):
            raise _refused(f"{self._name}.toml", f"table [{name}] is missing")
        return _Table(f"{self._name}.toml [{name}]", entries)

    def instruments(self) -> tuple[Instrument, ...]:
        """Return the transmitters in the file's order, which numbers their noise channels."""
        out = []
        for point, entry in self.table("instrument").entries.items():
            if not isinstance(entry, dict) or not {"unit", "basis"} <= entry.keys():
                raise _refused(f"{self._name}.toml [instrument] {point}", "needs unit and basis")
            keys = {key: value for key, value in entry.items() if key not in ("unit", "basis")}
            out.append(Instrument(point=point, **keys))
        return tuple(out)


def load_bof() -> bof.Bof:
    """Return the plant `bof` with the constants of its variant."""
    variant = _Variant("bof")
    traits = variant.table("traits").build(
        Traits,
        name="bof",
        title_zh="转炉氧枪冷却",
        title_en="converter, oxygen lance cooling",
        profile="bof_lance_plc",
        device="bof1_plc",
        protocol="modbus",
        knobs=bof.KNOBS,
    )
    return bof.Bof(
        traits=traits,
        constants=variant.table("plant").build(bof.BofConstants),
        water=variant.table("water").build(WaterConstants),
        settings=variant.table("protection").build(ProtectionSettings),
        instruments=variant.instruments(),
    )


def load_dust_dry() -> dust_dry.DustDry:
    """Return the plant `dust_dry` with the constants of its variant."""
    variant = _Variant("dust_dry")
    traits = variant.table("traits").build(
        Traits,
        name="dust_dry",
        title_zh="干式除尘器",
        title_en="dry dust collector",
        profile="dust_dry_plc",
        device="dust1_plc",
        protocol="opcua",
        knobs=dust_dry.KNOBS,
    )
    return dust_dry.DustDry(
        traits=traits,
        constants=variant.table("plant").build(dust_dry.DustConstants),
        filter=variant.table("filter").build(FilterConstants),
        hopper=variant.table("hopper").build(HopperConstants),
        settings=variant.table("protection").build(ProtectionSettings),
        instruments=variant.instruments(),
    )


def traits(name: str) -> Traits:
    """Return what identifies a plant of `PLANTS`."""
    return load_bof().traits if name == "bof" else load_dust_dry().traits


def points(name: str) -> tuple[str, ...]:
    """Return the points of a plant of `PLANTS` whose transmitters can be frozen."""
    plant = load_bof() if name == "bof" else load_dust_dry()
    return tuple(each.point for each in plant.instruments)
