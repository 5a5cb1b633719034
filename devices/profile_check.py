"""From the text of a profile to the profile, or to every fault in it at once.  Pure."""

from collections.abc import Mapping

from devices.kinds import Kind
from devices.model_faults import read_toml, validate
from devices.profile import ModbusProfile, OpcUaProfile, Profile
from devices.profile_sense import sense_faults
from proto.errors import Fault, ProfileError


def parse_profile(
    text: str, file: str, parameters: Mapping[str, str], kinds: Mapping[str, Kind]
) -> Profile:
    """Return the profile in a TOML text.

    Args:
        text: the whole file.
        file: what people call it; the start of every place.
        parameters: id -> unit of the catalogue.
        kinds: name -> kind.

    Raises:
        ProfileError: every fault at once: of form first, of sense when the form is right.
    """
    data, faults = read_toml(text, file)
    profile: Profile | None = None
    if not faults:
        match data.get("protocol"):
            case "modbus":
                profile, faults = validate(ModbusProfile, data, file)
            case "opcua":
                profile, faults = validate(OpcUaProfile, data, file)
            case other:
                message = f'"{other}": state "modbus" or "opcua"'
                faults = [Fault(f"{file}: protocol", "profile.protocol", message)]
        faults = [_as_missing_vector(fault, data) for fault in faults]
    if profile is not None:
        faults = sense_faults(profile, file, parameters, kinds)
    if profile is None or faults:
        raise ProfileError(faults)
    return profile


def _as_missing_vector(fault: Fault, data: Mapping[str, object]) -> Fault:
    """Say it in the words of the trade when a point has no worked example."""
    if fault.code != "config.missing" or not fault.place.endswith("].vector"):
        return fault
    at = int(fault.place.rpartition("[")[2].partition("]")[0])
    points = data.get("points")
    point = points[at] if isinstance(points, list) else None
    name = point.get("name", at) if isinstance(point, dict) else at
    return Fault(fault.place, "profile.vector_missing", f"{name} has no worked example 缺少样例")
