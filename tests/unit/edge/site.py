"""A whole site of files in a folder: configuration, matrices, limits, certificates."""

from importlib.resources import files
from pathlib import Path

from tests.unit.edge.plant import DUST, EDGE

TABLES = """
[interlock]
matrices = ["matrices/bof.toml", "matrices/dust.toml"]
[alarm]
limits = "limits.toml"
"""


def template(name: str) -> str:
    """A template of the package."""
    return (files("edge.matrix") / "templates" / name).read_text("utf-8")


def write_site(folder: Path) -> Path:
    """Write a site without faults; returns the configuration file."""
    (folder / "matrices").mkdir()
    (folder / "pki" / "opcua" / "own").mkdir(parents=True)
    (folder / "data").mkdir()
    for name in ("root.pem", "gw.pem", "gw.key", "pki/opcua/own/cert.pem", "pki/opcua/own/key.pem"):
        (folder / name).write_text("-")
    (folder / "matrices" / "bof.toml").write_text(template("bof.toml"))
    (folder / "matrices" / "dust.toml").write_text(template("dust_dry.toml"))
    (folder / "limits.toml").write_text(template("limits_bof.toml"))
    path = folder / "edge.toml"
    path.write_text(EDGE + DUST + TABLES)
    return path
