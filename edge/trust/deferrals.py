"""What two persons have put off: the verdict by pinned key, with its deferrals.  Shell: pki files.

The file is read at each connect, so that what is signed on site holds without a restart.
"""

from pathlib import Path

from devices.opcua.certificate import Judge, Presented, Verdict
from edge.trust import pin

DEFERRALS = "deferrals.toml"


def judge_of(pki: Path) -> Judge:
    """Return the verdict by pinned key, with the deferrals that stand in `pki` at the time."""

    def judge(presented: Presented, now_us: int) -> Verdict:
        return pin.judge(presented, now_us, read_deferrals(pki))

    return judge


def read_deferrals(pki: Path) -> tuple[pin.Deferral, ...]:
    """Return the deferrals of a pki folder; none where the file is missing or damaged.

    A damaged file defers nothing: the alarm is urgent, the session stands all the same.
    """
    try:
        return pin.parse_deferrals((pki / DEFERRALS).read_bytes())
    except (OSError, ValueError):
        return ()
