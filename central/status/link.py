"""Whether a gateway is heard: LIVE, LATE after 20 s, LOST after 45 s.  Pure.

Source: `central.md` 3.3.  Rules: any message of a session is a word; silence is measured on the
centre's monotonic clock; the journal holds transitions only, with wall times for people.

    NEVER --word--> LIVE --20 s--> LATE --45 s--> LOST
                     ^-----word------'---------------'
After a start of the centre the last journal state stands and silence is counted from the start.
"""

from dataclasses import dataclass, replace

from central.status.model import LinkState

LATE_AFTER_NS = 20_000_000_000
LOST_AFTER_NS = 45_000_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """One gateway's link.

    Attributes:
        since_us: wall time of the last transition; None before the first.
        seen_us: wall time of the last word, None before the first since the centre started.
        word_ns: monotonic time from which silence counts.
    """

    state: LinkState = LinkState.NEVER
    since_us: int | None = None
    seen_us: int | None = None
    word_ns: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the link journal."""

    gateway: str
    at_us: int
    state: LinkState
    reason: str


def word(link: Link, gateway: str, now_us: int, now_ns: int) -> tuple[Link, Transition | None]:
    """The gateway was heard."""
    heard = replace(link, seen_us=now_us, word_ns=now_ns)
    if link.state is LinkState.LIVE:
        return heard, None
    return _moved(heard, gateway, LinkState.LIVE, now_us, "word")


def silence(link: Link, gateway: str, now_us: int, now_ns: int) -> tuple[Link, Transition | None]:
    """Time has passed; called about once a second."""
    quiet = now_ns - link.word_ns
    if link.state in (LinkState.LIVE, LinkState.LATE) and quiet >= LOST_AFTER_NS:
        return _moved(link, gateway, LinkState.LOST, now_us, "silent 45 s")
    if link.state is LinkState.LIVE and quiet >= LATE_AFTER_NS:
        return _moved(link, gateway, LinkState.LATE, now_us, "silent 20 s")
    return link, None


def fold(link: Link, transition: Transition) -> Link:
    """Replay one row of the journal."""
    return replace(link, state=transition.state, since_us=transition.at_us)


def worst_link(links: list[LinkState]) -> LinkState:
    """Return the link of a site: the worst of its gateways; NEVER when none was ever heard."""
    heard = [state for state in links if state is not LinkState.NEVER]
    rank = {LinkState.LIVE: 0, LinkState.LATE: 1, LinkState.LOST: 2, LinkState.NEVER: 3}
    return max(heard, key=rank.__getitem__, default=LinkState.NEVER)


def _moved(
    link: Link, gateway: str, state: LinkState, now_us: int, reason: str
) -> tuple[Link, Transition]:
    return replace(link, state=state, since_us=now_us), Transition(gateway, now_us, state, reason)
