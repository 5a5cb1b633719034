"""Find, load and list profiles and kinds.  Shell: reads package data and files.

A profile is named (`bof_lance_plc`, from the package) or given by path (ends in `.toml`).
"""

import errno
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from devices.address_notation import PresetNotation
from devices.kinds import Kind, parse_kind
from devices.preset import Preset, parse_preset, parse_stated
from devices.profile import Profile
from devices.profile_check import parse_profile
from proto.catalogue import catalogue
from proto.errors import Fault, ProfileError


@cache
def parameter_units() -> dict[str, str]:
    """Return id -> unit of every parameter of the catalogue."""
    return {each.id: each.unit for each in catalogue().parameters.values()}


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind of the package by name."""
    folder = resources.files("devices") / "kinds"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    found = [parse_kind(file.read_text("utf-8"), file.name, parameter_units()) for file in files]
    return {kind.kind: kind for kind in found}


@cache
def presets() -> dict[str, Preset]:
    """Return every preset of the package by name."""
    folder = resources.files("devices") / "presets"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    found = [parse_preset(file.read_text("utf-8"), file.name) for file in files]
    return {preset.preset: preset for preset in found}


def notation(stated: str) -> PresetNotation | None:
    """Return the notation of a preset as a site states it (`s7 db=10 y0=0`); None = no such one."""
    try:
        wanted = parse_stated(stated)
    except ValueError:
        return None
    preset = presets().get(wanted.name)
    return None if preset is None else PresetNotation(preset, wanted.site)


def names() -> tuple[str, ...]:
    """Return the names of the profiles of the package, sorted."""
    return tuple(sorted(_files()))


@cache
def _files() -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for industry in (resources.files("devices") / "profiles").iterdir():
        if industry.is_dir():
            for file in industry.iterdir():
                if file.name.endswith(".toml"):
                    found[file.name.removesuffix(".toml")] = file
    return found


def find(profile: str, *, base: Path | None = None) -> Profile:
    """Return a profile by name, or by path relative to `base`.

    Raises:
        ProfileError: no such profile, or every fault in it at once.
    """
    if profile.endswith(".toml"):
        return _load((base or Path()) / profile)
    file = _files().get(profile)
    if file is None:
        message = f"no such profile; known: {', '.join(names())}"
        raise ProfileError([Fault(profile, "profile.unknown", message)])
    return parse_profile(file.read_text("utf-8"), file.name, parameter_units(), kinds())


def _text(path: Path) -> str:
    """Return the text of a file; a pipe or device would be waited for, and is refused."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not a regular file")
    return path.read_text("utf-8")


def _load(path: Path) -> Profile:
    try:
        text = _text(path)
    except OSError as error:
        raise ProfileError(
            [Fault(str(path), "profile.unreadable", error.strerror or "?")]
        ) from None
    except UnicodeDecodeError:
        raise ProfileError([Fault(str(path), "profile.unreadable", "not UTF-8")]) from None
    except ValueError as error:  # a name that no file can have
        raise ProfileError([Fault(repr(str(path)), "profile.unreadable", str(error))]) from None
    return parse_profile(text, str(path), parameter_units(), kinds())
