"""Any interleaving of publish, republish, cut and commit: each notification once, or shown."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.opcua.sequence import Sequence

KEPT = 8  # what the server keeps for republishing


class Server:
    """A subscription as Part 4 describes it: numbers its messages, keeps the last ones."""

    def __init__(self) -> None:
        self.next = 1
        self.kept: deque[tuple[int, int]] = deque()
        self.acknowledged: set[int] = set()

    def publish(self) -> tuple[int, int]:
        made = (self.next, self.next * 10)
        self.next += 1
        self.kept.append(made)
        while len(self.kept) > KEPT:
            self.kept.popleft()
        return made

    def republish(self, sequence: int) -> int | None:
        return dict(self.kept).get(sequence)

    def acknowledge(self, sequences: list[int]) -> None:
        self.acknowledged |= set(sequences)
        self.kept = deque(one for one in self.kept if one[0] not in self.acknowledged)


class Client:
    """The driver in miniature: rows by token, a disk, acknowledgements that may get lost."""

    def __init__(self, server: Server) -> None:
        self.server, self.order = server, Sequence[int]()
        self.rows: list[tuple[int, int, int | None]] = []
        self.on_disk = 0
        self.token = 0

    def take(self, sequence: int, body: int) -> None:
        self._store(self.order.message(sequence, body))

    def _store(self, deliveries: list[object]) -> None:
        for one in deliveries:
            self.token += 1
            self.rows.append((self.token, one.sequence, one.body))
            if one.body is not None:
                self.order.handed_on(one.sequence, self.token)

    def mend(self, *, is_open_end: bool) -> None:
        while True:
            sequence = self.order.missing
            if sequence is None:
                if not is_open_end:
                    return
                sequence = self.order.expected
            body = self.server.republish(sequence)
            if body is None:
                was_missing = self.order.missing is not None
                self._store(self.order.not_available(sequence))
                if not was_missing:
                    return
            else:
                self.take(sequence, body)

    def commit(self, share: int) -> None:
        self.on_disk = max(self.on_disk, self.token * share // 4)
        self.order.committed(self.on_disk)

    def send_acks(self, *, is_lost: bool) -> None:
        acks = self.order.take_acks()
        if is_lost:
            self.order.put_back(acks)
        else:
            self.server.acknowledge(acks)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 3)),
        st.tuples(st.just("swap"), st.just(0)),
        st.tuples(st.just("cut"), st.integers(0, 12)),
        st.tuples(st.just("commit"), st.integers(0, 4)),
        st.tuples(st.just("acks"), st.integers(0, 1)),
        st.tuples(st.just("mend"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_each_notification_is_stored_once_or_shown_and_acknowledged_means_on_disk(
    steps: list[tuple[str, int]],
) -> None:
    server = Server()
    client = Client(server)
    for what, number in steps:
        match what:
            case "publish":
                for _ in range(number):
                    client.take(*server.publish())
            case "swap":  # two answers of two requests, taken in the wrong order
                first, second = server.publish(), server.publish()
                client.take(*second)
                client.take(*first)
            case "cut":  # what is sent now reaches nobody; then the session stands again
                for _ in range(number):
                    server.publish()
                client.mend(is_open_end=True)
            case "commit":
                client.commit(number)
            case "acks":
                client.send_acks(is_lost=bool(number))
            case _:
                client.mend(is_open_end=False)
        on_disk = {sequence for token, sequence, _ in client.rows if token <= client.on_disk}
        early = client.order.early_acks
        assert len(server.acknowledged - on_disk) <= early
    client.take(*server.publish())
    client.mend(is_open_end=False)
    sequences = [sequence for _, sequence, _ in client.rows]
    assert sequences == list(range(1, server.next))  # in order, each once or shown as lost
    assert all(body in (None, sequence * 10) for _, sequence, body in client.rows)
    assert client.order.lost == sum(body is None for _, _, body in client.rows)
