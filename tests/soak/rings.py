"""M10: a million events of a controller's ring, in bursts of 1,000 a second.  Shell: stdout.

0 lost below the ring's length, also with a kill -9 each 1.5 s or so; 0 uncounted above it.
"""

import json
import sys
from dataclasses import asdict

from tests.harness.ring_run import RingScore, campaign


def rings(events: int, seed: int = 1) -> bool:
    """Run the campaigns, one JSON line each; True when nothing is lost below, or uncounted."""
    cases: dict[str, RingScore] = {
        "ring below its length": campaign(events, count=1000, burst=900, pause_s=4.0, seed=seed),
        "ring below its length, killed": campaign(
            events,
            count=1000,
            burst=700,
            pause_s=12.0,
            crash_every_s=1.5,
            commit_every=7,
            has_total=False,
            seed=seed,
        ),
        "ring overrun": campaign(events, count=300, burst=3000, pause_s=4.0, seed=seed),
        "ring overrun, killed": campaign(
            events, count=300, burst=3000, pause_s=4.0, crash_every_s=1.5, commit_every=7, seed=seed
        ),
    }
    is_good = True
    for name, score in cases.items():
        print(json.dumps({"campaign": name, **asdict(score), "uncounted": score.uncounted}))
        sys.stdout.flush()
        is_good &= score.uncounted == score.doubled == score.out_of_order == 0
        is_good &= score.lost == 0 or "overrun" in name
    return is_good
