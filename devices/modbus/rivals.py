"""What others would ask for the same points: per tag, contiguous, with a fixed gap.  Pure.

For `plan`, which shows what the plan saves, and for the proof that it is never dearer.
"""

from collections.abc import Sequence

from devices.modbus.ask import Ask

REGISTERS, BITS = 125, 2000


def per_tag(function: int, spans: Sequence[tuple[int, int]]) -> list[Ask]:
    """Return one request for each distinct (start, length)."""
    return [Ask(function, start, length) for start, length in sorted(set(spans))]


def fixed_gap(
    function: int, spans: Sequence[tuple[int, int]], gap: int, limit: int = 0
) -> list[Ask]:
    """Return the requests of those who bridge every hole up to `gap`; 0 = contiguous only."""
    most = limit or (BITS if function in (1, 2) else REGISTERS)
    found: list[Ask] = []
    for start, length in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        end = start + length
        last = found[-1] if found else None
        if last is not None and start <= last.end + gap and end - last.start <= most:
            found[-1] = Ask(function, last.start, max(last.end, end) - last.start)
        elif last is None or end > last.end:
            found.append(Ask(function, start, length))
    return found
