"""One figure of a bench: what we reach, what the named peer reaches in the same run.  Pure."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One line of output; `met` is judged by `target`, and is None when that was not run.

    Attributes:
        section, name: what was measured.
        ours, unit: our figure.
        peer, peer_value: who else, and its figure in the same unit.
        ratio: peer's figure divided by ours; None without a peer.
        target: in words, such as `ratio >= 25`.
        met: whether it holds; None = not judged, and `reason` says why.
        reason: of a missing figure or verdict.
        machine: cores, load average at the beginning and end.
        detail: further figures, units in their names.
    """

    section: str
    name: str
    unit: str
    ours: float | None = None
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    reason: str = ""
    machine: str = ""
    detail: dict[str, object] | None = None

    def line(self) -> str:
        """Return the JSON line of `bench/1`."""
        body: dict[str, object] = {"schema": "bench/1"}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            body[name] = round(value, 4) if isinstance(value, float) else value
        return json.dumps(body, ensure_ascii=False)

    def row(self) -> str:
        """Return the line of the table that people read."""
        verdict = {True: "pass", False: "FAIL", None: "–"}[self.met]
        figure = "–" if self.ours is None else f"{self.ours:.4g} {self.unit}"
        peer = "" if self.peer_value is None else f"{self.peer}: {self.peer_value:.4g} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.1f}×"
        said = " ".join(part for part in (self.target, self.reason) if part)
        return f"{self.name:<44} {figure:>18} {peer:>36} {ratio:>8}  {verdict:<4} {said}"
