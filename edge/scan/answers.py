"""What the running gateway answers about points and interlocks.  Shell: reads image and clock."""

from collections.abc import Callable, Mapping

from edge.image import ProcessImage
from edge.points import Plant
from edge.scan.explain import explain_interlock, explain_point, uses, value_of
from edge.scan.loop import ScanLoop
from edge.toml_faults import near
from proto.clock import Clock
from proto.errors import BadRequest, NotFound

Request = Mapping[str, object]
Answer = Callable[[Request], dict[str, object]]
More = Callable[[int], Mapping[str, object]]


class Answers:
    """Answers of the control socket: `points`, `interlocks`, `explain`."""

    def __init__(
        self,
        plant: Plant,
        image: ProcessImage,
        scans: ScanLoop,
        clock: Clock,
        more: More | None = None,
    ) -> None:
        """Take what is asked about; `more` says what acquisition knows of a point, by number."""
        self._plant, self._image, self._scans, self._clock = plant, image, scans, clock
        self._more = more

    def table(self) -> dict[str, Answer]:
        """Return the functions by the word that asks for them."""
        return {"points": self.points, "interlocks": self.interlocks, "explain": self.explain}

    def points(self, request: Request) -> dict[str, object]:
        """Return live values: of the tags or names in `ids`, or of all points.

        Raises:
            NotFound: one of them is no point.
        """
        wanted = request.get("ids")
        if wanted is None:
            numbers = list(range(len(self._plant.points)))
        elif isinstance(wanted, list):
            numbers = [self._number(str(name)) for name in wanted]
        else:
            raise BadRequest("control.request", "ids is a list of tags or point names")
        image, now_ns = self._image.freeze(), self._clock.mono_ns()
        rows = [value_of(self._plant, number, image, now_ns) for number in numbers]
        return {"schema": "point-values/1", "points": rows}

    def interlocks(self, _: Request) -> dict[str, object]:
        """Return every interlock as it stands."""
        return {"schema": "interlocks/1", "interlocks": list(self._scans.status())}

    def explain(self, request: Request) -> dict[str, object]:
        """Return how the tag, point or interlock `id` gets its value or decides.

        Raises:
            NotFound: there is no such thing.
        """
        name = str(request.get("id", ""))
        now_ns = self._clock.mono_ns()
        found = self._scans.state_of(name)
        if found is not None:
            return explain_interlock(found[0], found[1], now_ns, live=True)
        number = self._number(name)
        body = explain_point(self._plant, number, self._image.freeze(), now_ns)
        used = uses([state.model for state in self._scans.states], number)
        more = {} if self._more is None else self._more(number)
        return {**body, "interlocks": used, "now_us": self._clock.wall_us(), **more}

    def _number(self, name: str) -> int:
        number = self._plant.index_of.get(name)
        if number is None:
            known = [*self._plant.index_of, *(v.interlock for v in self._scans.views())]
            message = f'no point, tag or interlock "{name}"{near(name, known)}'
            raise NotFound("edge.unknown_id", message)
        return number
