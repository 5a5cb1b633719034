"""From what an earlier run of ours kept to subscriptions that go on, and back.  Shell: queues.

Clause: acquisition.md 3.13.4, 3.13.5; `remembered.py` says what is kept and why.
"""

from collections.abc import Mapping

import numpy as np

from devices.driver import Progress
from devices.opcua.history import Before, Fill
from devices.opcua.inbox import Inbox, Watch
from devices.opcua.nodes import ServerFacts
from devices.opcua.reconcile import Actual
from devices.opcua.remembered import Remembered, Stand, Window, Writer, decode, key_of
from devices.opcua.sequence import Sequence, after
from devices.opcua.subscriptions import Subscriptions


class Memory:
    """What is kept of one session over our own restarts.

    Attributes:
        facts: of the server as it was; empty where nothing was kept.
    """

    def __init__(self, data: bytes | None, inbox: Inbox, subscriptions: Subscriptions) -> None:
        self.facts = ServerFacts()
        self._inbox, self._subscriptions = inbox, subscriptions
        self._writer = Writer()
        found = decode(data) if data else None
        self._before: Mapping[int, Stand] = {}
        if found is not None:
            self._restore(found)

    def _restore(self, found: Remembered) -> None:
        self.facts = ServerFacts(namespaces=found.namespaces, start_us=found.start_us)
        by_key = {stand.key: stand for stand in found.stands.values()}
        before: dict[int, Stand] = {}
        for block, watch in self._inbox.watches.items():
            stand = by_key.get(key_of(watch.items))
            if stand is not None and len(stand.source_us) == len(watch.items):
                before[block] = stand
                self._take_up(watch, stand)
        self._before = before
        self._subscriptions.is_elsewhere = True

    def _take_up(self, watch: Watch, stand: Stand) -> None:
        watch.since = stand.source_us
        there = stand.actual
        if there.server_id is None or there.server_id in self._inbox.by_id:
            self._inbox.gap(watch)
        else:
            silence_ns = self._subscriptions.silence_ns(there.keep_alive_ms)
            self._inbox.begin(watch, there.server_id, silence_ns)
            self._subscriptions.actual[watch.block] = there
            watch.order = Sequence(after(stand.sequence))
            watch.floor = stand.source_us.tolist()
            watch.is_catching_up = True
        self._reopen(watch, stand.gaps)

    def _reopen(self, watch: Watch, gaps: tuple[Window, ...]) -> None:
        """Go on with what history had still to fill."""
        n = len(watch.items)
        known = [one for one in gaps if 0 <= one[0] < n]
        windows = {slot: (low, high) for slot, low, high in known if high > low}
        if windows:
            seen = {slot: Before((), low) for slot, (low, _) in windows.items()}
            self._inbox.fills.append(Fill(watch.block, n, windows, seen, watch.instants))
        unended = [(slot, low) for slot, low, high in known if not high]
        if unended:
            covered = np.zeros(n, np.int64)
            if watch.covered is not None:
                covered = watch.covered
            for slot, low in unended:
                covered[slot] = low
            watch.covered, watch.pending = covered, covered > 0

    def cursor(self, progress: Mapping[int, Progress], facts: ServerFacts) -> bytes:
        """Return what the next start needs; see `Resumable.cursor`."""
        stands: dict[int, Stand] = {}
        for block, watch in self._inbox.watches.items():
            one, old = progress.get(block), self._before.get(block)
            there = self._subscriptions.actual.get(block, Actual())
            source_us = np.zeros(len(watch.items), np.int64) if one is None else one.source_us
            if watch.since is not None:
                source_us = np.maximum(source_us, watch.since)
            sequence = 0
            if one is not None and one.message[0] == there.server_id:
                sequence = one.message[1]
            elif old is not None and old.actual.server_id == there.server_id:
                sequence = old.sequence
            stands[block] = Stand(
                key_of(watch.items), there, sequence, source_us, self._gaps(watch, one)
            )
        return self._writer.encode(Remembered(facts.namespaces, facts.start_us, stands))

    def _gaps(self, watch: Watch, one: Progress | None) -> tuple[Window, ...]:
        """Return what history has still to give: what of it is on disk is left out."""
        found: list[Window] = []
        for fill in self._inbox.fills_of(watch.block):
            for slot, (low, high) in fill.windows.items():
                filled_us = 0 if one is None or one.filled_us is None else int(one.filled_us[slot])
                found.append((slot, max(low, min(filled_us, high)), high))
        found += [(slot, low, high) for slot, (low, high) in watch.windows.items()]
        if watch.covered is not None and watch.pending is not None:
            slots = np.flatnonzero(watch.pending).tolist()
            found += [(slot, int(watch.covered[slot]), 0) for slot in slots]
        return tuple(found)
