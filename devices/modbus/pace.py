"""How long to wait for an answer, learnt from the answers of one unit.  Pure.

TCP: four times the p99 of the last 256 answers, within 200 ms and 1 s; the configured time-out is
the start, and widens these limits where it lies outside.  Serial: twice the time that request and
answer take on the wire, and what the device may think.  A time-out is never shortened to meet a
deadline.

Source: `acquisition.md` 3.9.
"""

from collections import deque

from devices.modbus.line_settings import SerialEndpoint

KEPT = 256
LEARN_FROM = 16
LEAST_NS, MOST_NS = 200 * 10**6, 10**9
THINKS_NS = 300 * 10**6


class Pace:
    """The answers of one unit.

    Attributes:
        timeout_ns: of the next request over TCP.
        p99_ns: of the answers kept; the configured time-out before the first.
    """

    __slots__ = ("_answers", "_least_ns", "_most_ns", "_since", "p99_ns", "timeout_ns")

    def __init__(self, timeout_ns: int) -> None:
        self.timeout_ns = self.p99_ns = timeout_ns
        self._answers: deque[int] = deque(maxlen=KEPT)
        self._least_ns = min(LEAST_NS, timeout_ns)
        self._most_ns = max(MOST_NS, timeout_ns)
        self._since = 0

    def add(self, took_ns: int) -> None:
        """Take the time of one answer."""
        self._answers.append(took_ns)
        self._since += 1
        if self._since >= LEARN_FROM:
            self._since = 0
            self._learn()

    def _learn(self) -> None:
        answers = sorted(self._answers)
        self.p99_ns = answers[max(-(-99 * len(answers) // 100) - 1, 0)]
        self.timeout_ns = min(max(4 * self.p99_ns, self._least_ns), self._most_ns)


def serial_timeout_ns(
    port: SerialEndpoint, sent_bytes: int, answer_bytes: int, thinks_ns: int
) -> int:
    """Return the time-out of one request on a serial line."""
    return 2 * (sent_bytes + answer_bytes) * port.char_ns + thinks_ns
