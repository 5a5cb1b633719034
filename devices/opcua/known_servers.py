"""The server profiles of the package (`servers/*.toml`).  Shell: package files."""

from functools import cache
from importlib.resources import files

from devices.opcua.limits import ServerProfile, parse_profile


@cache
def load_profiles() -> tuple[ServerProfile, ...]:
    """Return every server profile, by name."""
    folder = files("devices.opcua") / "servers"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(
        parse_profile(entry.name.removesuffix(".toml"), entry.read_bytes())
        for entry in sorted(found, key=lambda one: one.name)
    )
