"""The server profiles of the package (`servers/*.toml`).  Shell: package files."""

from functools import cache
from importlib.resources import files

from devices.opcua.limits import ServerProfile, parse_profile


def profile_names() -> tuple[str, ...]:
    """Return the names of the server profiles, without reading them."""
    folder = files("devices.opcua") / "servers"
    found = [entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(name.removesuffix(".toml") for name in found))


@cache
def load_profiles() -> tuple[ServerProfile, ...]:
    """Return every server profile, by name."""
    folder = files("devices.opcua") / "servers"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(
        parse_profile(entry.name.removesuffix(".toml"), entry.read_bytes())
        for entry in sorted(found, key=lambda one: one.name)
    )
