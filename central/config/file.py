"""Reads `central.toml` and looks at what it names: every fault at once.  Shell: files."""

import os
import tomllib
from pathlib import Path

from central.config import CentralSettings, parse_config, settings_of
from proto.errors import ConfigError, Fault


def load_settings(path: Path, *, with_files: bool = True) -> CentralSettings:
    """Read the configuration, and with `with_files` the certificates and the data directory too.

    Raises:
        ConfigError: every fault, each with its place.
    """
    place = str(path)
    faults: list[Fault] = []
    settings: CentralSettings | None = None
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = settings_of(parse_config(document, place), place, str(path.resolve().parent))
    except OSError as error:
        faults = [
            Fault(place, "config.unreadable", f"{error.strerror or error}; name another file")
        ]
    except UnicodeDecodeError as error:
        faults = [Fault(place, "config.unreadable", f"not UTF-8 at byte {error.start}")]
    except tomllib.TOMLDecodeError as error:
        faults = [Fault(place, "config.syntax", str(error))]
    except ConfigError as error:
        faults = list(error.faults)
    if settings is not None and with_files:
        faults = file_faults(settings)
    if settings is None or faults:
        raise ConfigError(faults)
    return settings


def file_faults(settings: CentralSettings) -> list[Fault]:
    """Return what is wrong with the files and folders that the configuration names."""
    faults: list[Fault] = []
    for key, path in (
        ("gateways.cert", settings.cert),
        ("gateways.key", settings.key),
        ("pki.root", settings.root),
    ):
        problem = _unreadable(path)
        if problem:
            faults.append(
                Fault(f"{settings.place}: {key}", "config.certificate", f"{path}: {problem}")
            )
    problem = _unwritable(Path(settings.data_dir))
    if problem:
        place = f"{settings.place}: central.data_dir"
        faults.append(Fault(place, "config.data_dir", f"{settings.data_dir}: {problem}"))
    return faults


def _unreadable(path: str) -> str:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return f"{error.strerror or error}; make it, or name another file"
    return "" if b"-----BEGIN " in content else "is no PEM file"


def _unwritable(folder: Path) -> str:
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    if not nearest.is_dir():
        return f"{nearest} is not a directory"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} is not writable for this user"
    return ""
