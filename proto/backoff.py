"""Full-jitter exponential back-off; the caller gives the random number.  Pure."""


def backoff_ns(attempt: int, *, base_ns: int, cap_ns: int, fraction: float) -> int:
    """Return the pause before retry `attempt` (0 = first): a part of min(cap, base * 2**attempt).

    `fraction` is uniform in [0, 1) and comes from the caller, so that the core stays pure.
    """
    ceiling = min(cap_ns, base_ns << min(attempt, 40))
    return int(ceiling * fraction)
