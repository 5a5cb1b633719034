"""Rule packs of the distribution or of people, by name or path.  Shell: reads files."""

from functools import cache
from importlib import resources
from pathlib import Path

from central.analysis.pack import Domain, Pack, domain_of, parse_pack
from proto.catalogue import catalogue, hazards
from proto.errors import Fault, PackError

PACK_BYTES_MAX = 1_048_576


@cache
def domain() -> Domain:
    """Return the domain catalogue of the package."""
    return domain_of(hazards(), catalogue())


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """Return the pack of a name (`default`, `demo`) or of a path to a TOML file.

    Args:
        name: a pack of the distribution, or a path that ends in `.toml`.
        folder: what a relative path is relative to.

    Raises:
        PackError: there is no such pack, or every fault of its text.
    """
    return parse_pack(_text(name, folder), domain(), place=name)


def _text(name: str, folder: Path | None) -> str:
    try:
        if name.endswith(".toml"):
            path = (folder or Path()) / name
            if path.stat().st_size > PACK_BYTES_MAX:
                raise PackError([Fault(name, "pack.size", f"more than {PACK_BYTES_MAX} bytes")])
            return path.read_text(encoding="utf-8")
        packs = resources.files("central.analysis").joinpath("packs")
        return packs.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PackError([Fault(name, "pack.encoding", f"not UTF-8 at {error.start}")]) from None
    except OSError as error:
        message = f"{error.strerror or error}; name a pack of the distribution or a .toml file"
        raise PackError([Fault(name, "pack.unreadable", message)]) from None
