"""Files that commands read and write: whole, or not at all.  Shell: files."""

import os
import secrets
from pathlib import Path

from proto.errors import ConfigError, Fault

INPUT_BYTES_MAX = 20 * 1024 * 1024
"""`security.md` 3.13: the largest file that is taken in."""


def read_bytes(path: Path, limit: int = INPUT_BYTES_MAX) -> bytes:
    """Return a file.

    Raises:
        ConfigError: it cannot be read, or is larger than `limit`.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigError([Fault(str(path), "config.file", "not a regular file")])
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            [Fault(str(path), "config.file", said or type(error).__name__)]
        ) from error
    if len(data) > limit:
        message = f"more than {limit >> 20} MiB"
        raise ConfigError([Fault(str(path), "config.file", message)])
    return data


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after a power cut it is the old one or the new one.

    Raises:
        ConfigError: it cannot be written.
    """
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with other.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        other.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        other.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise ConfigError([Fault(str(path), "config.file", reason)]) from error
