"""LIVE, LATE after 20 s, LOST after 45 s."""

from central.status.link import Link, fold, silence, word, worst_link
from central.status.model import LinkState

S = 1_000_000_000


def states(*seconds: float) -> list[LinkState]:
    """Return the states of a gateway that spoke at 0 and is looked at after so many seconds."""
    link, _ = word(Link(), "g", 1_000, 0)
    made = []
    for second in seconds:
        link, _ = silence(link, "g", 1_000, int(second * S))
        made.append(link.state)
    return made


def test_silence_makes_late_and_then_lost() -> None:
    assert states(0, 19.9, 20, 44.9, 45, 3_600) == [
        LinkState.LIVE,
        LinkState.LIVE,
        LinkState.LATE,
        LinkState.LATE,
        LinkState.LOST,
        LinkState.LOST,
    ]


def test_only_transitions_reach_the_journal() -> None:
    link, first = word(Link(), "g", 1_000, 0)
    link, again = word(link, "g", 2_000, S)
    assert first is not None
    assert again is None
    assert (link.since_us, link.seen_us) == (1_000, 2_000)


def test_a_lost_gateway_that_speaks_is_live_at_once() -> None:
    link, _ = word(Link(), "g", 0, 0)
    link, _ = silence(link, "g", 0, 50 * S)
    link, back = word(link, "g", 60_000_000, 60 * S)
    assert link.state is LinkState.LIVE
    assert back is not None
    assert back.at_us == 60_000_000


def test_a_gateway_that_was_never_heard_stays_never() -> None:
    link, moved = silence(Link(), "g", 0, 3_600 * S)
    assert (link.state, moved) == (LinkState.NEVER, None)


def test_the_fold_of_the_journal_is_the_last_state() -> None:
    link, first = word(Link(), "g", 7, 0)
    link, late = silence(link, "g", 8, 21 * S)
    assert first is not None
    assert late is not None
    folded = fold(fold(Link(), first), late)
    assert (folded.state, folded.since_us) == (link.state, link.since_us)


def test_a_site_is_as_bad_as_its_worst_gateway_that_was_ever_heard() -> None:
    assert worst_link([LinkState.LIVE, LinkState.LATE]) is LinkState.LATE
    assert worst_link([LinkState.NEVER, LinkState.LIVE]) is LinkState.LIVE
    assert worst_link([]) is LinkState.NEVER
