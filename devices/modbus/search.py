"""Search in one refused read: which registers, which limit, or what lies between.  Pure.

Rules of this file.  An *atom* is what must not be split: a point, or points that overlap.  A search
begins with a run of atoms whose hull the device refused.

* Exception 3 and more than 16 registers: the longest prefix that is accepted is found by halving;
  it is the limit only when as many registers *behind* it are accepted as well.  Else, or for any
  other exception:
* Bisect at the borders of atoms.  Both halves of every refused run are asked; a refused single atom
  is bad; two good halves of a refused whole mean a barrier: the addresses between them.

A search makes at most `PROBES_MAX` requests; what is undecided then counts as bad.
Source: `acquisition.md` 3.6, invariant 6: at most 2·⌈log2 n⌉ + 1 requests a bad register.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from devices.modbus.ask import Ask

LIMIT_WORTH_A_SEARCH = 16
PROBES_MAX = 512


@dataclass(frozen=True, slots=True)
class Atom:
    """Addresses `first` to `end` (behind it) that are asked together or not at all."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Bad:
    """Addresses that no request may touch.

    `first` to `last`, both included; `last` = `first` - 1 is a barrier without room: no request
    holds `last` and `first` together.
    """

    first: int
    last: int
    exception: int


@dataclass(frozen=True, slots=True)
class Search:
    """Where a search stands.

    Attributes:
        function: function code of the block.
        atoms: ascending, disjoint.
        exception: with which the whole was refused.
        low, high: longest accepted and shortest refused count from the first atom; high 0 = not
            a search for a limit.
        is_verifying: the count `low` is being asked at the other end.
        refused: runs [i, j) of atoms that are refused and not yet split, the last one first.
        left: exception of the left half of the run on top, 0 = accepted, None = not asked.
        found: what is bad.
        limit: the limit that was proved, 0 = none.
        probes: requests made.
    """

    function: int
    atoms: tuple[Atom, ...]
    exception: int
    low: int = 0
    high: int = 0
    is_verifying: bool = False
    refused: tuple[tuple[int, int], ...] = ()
    left: int | None = None
    found: tuple[Bad, ...] = ()
    limit: int = 0
    probes: int = 0

    @property
    def is_done(self) -> bool:
        """True when there is nothing left to ask."""
        return self.high == 0 and not self.refused


def atoms_of(spans: Sequence[tuple[int, int]]) -> tuple[Atom, ...]:
    """Return the atoms of points given as (start, length): what overlaps is one atom."""
    atoms: list[Atom] = []
    for start, length in sorted(set(spans)):
        if atoms and start < atoms[-1].end:
            atoms[-1] = Atom(atoms[-1].first, max(atoms[-1].end, start + length))
        else:
            atoms.append(Atom(start, start + length))
    return tuple(atoms)


def begin(function: int, atoms: Sequence[Atom], exception: int) -> Search:
    """Return the search in the hull of `atoms`, which was refused with `exception`."""
    state = Search(function, tuple(atoms), exception)
    length = atoms[-1].end - atoms[0].first
    if exception == 3 and length > LIMIT_WORTH_A_SEARCH:
        return replace(state, high=length)
    return _bisect(state)


def ask(state: Search) -> Ask:
    """Return the next request of a search that is not done."""
    if state.high:
        first = state.atoms[0].first
        if state.is_verifying:
            room = state.atoms[-1].end - first - state.low
            return Ask(state.function, first + min(state.low, room), state.low)
        return Ask(state.function, first, (state.low + state.high) // 2)
    i, j = state.refused[-1]
    middle = (i + j) // 2
    return _hull(state, i, middle) if state.left is None else _hull(state, middle, j)


def step(state: Search, exception: int) -> Search:
    """Return the search after its request was answered (0) or refused with `exception`."""
    state = replace(state, probes=state.probes + 1)
    if state.high:
        return _step_limit(state, exception)
    if state.left is None:
        return _within_bound(replace(state, left=exception))
    return _within_bound(_split(state, state.left, exception))


def _hull(state: Search, i: int, j: int) -> Ask:
    first = state.atoms[i].first
    return Ask(state.function, first, state.atoms[j - 1].end - first)


def _bisect(state: Search) -> Search:
    """Begin to bisect; a single atom needs no further proof."""
    n = len(state.atoms)
    if n == 1:
        return _with_bad(replace(state, high=0), 0, 1, state.exception)
    return replace(state, high=0, is_verifying=False, refused=((0, n),), left=None)


def _step_limit(state: Search, exception: int) -> Search:
    if state.is_verifying:
        if exception:
            return _bisect(state)
        return replace(state, limit=state.low, high=0, is_verifying=False)
    middle = (state.low + state.high) // 2
    low, high = (state.low, middle) if exception else (middle, state.high)
    state = replace(state, low=low, high=high)
    if high - low > 1:
        return state
    return replace(state, is_verifying=True) if low else _bisect(state)


def _split(state: Search, left: int, right: int) -> Search:
    """Take both answers of the run on top: bad atoms, runs to split further, or a barrier."""
    i, j = state.refused[-1]
    middle = (i + j) // 2
    state = replace(state, refused=state.refused[:-1], left=None)
    if not left and not right:
        before, behind = state.atoms[middle - 1], state.atoms[middle]
        barrier = Bad(before.end, behind.first - 1, state.exception)
        return replace(state, found=(*state.found, barrier))
    for a, b, exception in ((middle, j, right), (i, middle, left)):
        if exception and b - a == 1:
            state = _with_bad(state, a, b, exception)
        elif exception:
            state = replace(state, refused=(*state.refused, (a, b)))
    return state


def _with_bad(state: Search, i: int, j: int, exception: int) -> Search:
    bad = Bad(state.atoms[i].first, state.atoms[j - 1].end - 1, exception)
    return replace(state, found=(*state.found, bad))


def _within_bound(state: Search) -> Search:
    """End a search that has asked too much: what is undecided counts as bad."""
    if state.probes < PROBES_MAX:
        return state
    for i, j in state.refused:
        state = _with_bad(state, i, j, state.exception)
    return replace(state, refused=(), left=None)
