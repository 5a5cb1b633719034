"""What differs by operating system, and files written whole.  Shell: files, /proc, usage."""

import ctypes
import gc
import hashlib
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from proto.errors import ConfigError, Fault

_BOOT_UUID = Path("/proc/sys/kernel/random/boot_id")
_MACHINE_ID = Path("/etc/machine-id")
_STATM = Path("/proc/self/statm")


def os_boot_uuid() -> str:
    """Return the operating system's own name of this boot; empty where it has none."""
    return _text_or_empty(_BOOT_UUID)


def machine_hash() -> str:
    """Return a hash of the machine's identity (never the identity itself); empty where unknown."""
    text = _text_or_empty(_MACHINE_ID)
    return hashlib.sha256(b"yujing/machine/1\0" + text.encode()).hexdigest() if text else ""


def cpu_s() -> float:
    """Return the processor time that this process has used, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def rss_bytes() -> int:
    """Return the resident memory of this process, in bytes (where unknown, its peak)."""
    text = _text_or_empty(_STATM)
    if text:
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def settle_memory() -> None:
    """Give back what starting has used, and take what stays out of every later collection.

    Without it each full collection walks through the whole plant: 100 ms at 100,000 points.
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # only glibc keeps freed memory, and can let go
            ctypes.CDLL(None).malloc_trim(0)


def keep_memory() -> None:
    """Take what was made since out of later collections as well, without one now: no pause."""
    gc.freeze()


def free_bytes(directory: Path) -> int:
    """Return the bytes that this user may still write on the file system of `directory`."""
    state = os.statvfs(directory)
    return state.f_bavail * state.f_frsize


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `data` so that a reader sees the old file or the new one, never a part."""
    beside = path.with_name(path.name + ".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    beside.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names created, replaced or removed in `directory` durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def own_directory(path: Path, what: str) -> None:
    """Make `path` a directory of ours (0700) that can be written.

    Raises:
        ConfigError: it cannot be made or written; one clear line.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror or error}; mend its owner and mode"
        raise ConfigError([Fault(str(path), "config.directory", message)]) from error


def _text_or_empty(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
