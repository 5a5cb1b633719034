"""Notification messages become rows: every value one row, in order, with its own time."""

from datetime import UTC, datetime

from asyncua import ua

from devices.address import NodeType
from devices.driver import Change
from devices.opcua.inbox import Inbox
from devices.opcua.plan import NodeItem
from devices.opcua.sequence import Delivery
from proto.quality import Quality, Reason
from tests.unit.devices.test_opcua_notes import Clock

ITEMS = tuple(NodeItem(f"nsu=urn:x;s={name}", NodeType.DOUBLE) for name in "ab")


def entry(slot: int, number: float, second: int) -> ua.MonitoredItemNotification:
    time = datetime(2026, 11, 23, 16, 0, second, tzinfo=UTC)
    value = ua.DataValue(ua.Variant(number, ua.VariantType.Double), SourceTimestamp=time)
    return ua.MonitoredItemNotification(ClientHandle=slot, Value=value)


class Rows:
    """An inbox with one subscription; keeps what it hands on."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.inbox = Inbox({0: ITEMS}, Clock(), self.changes.append, lambda _: None)
        self.watch = self.inbox.watches[0]
        self.inbox.begin(self.watch, 7, 10**9)

    def tell(self, *notifications: list[ua.MonitoredItemNotification]) -> None:
        body: list[object] = [ua.DataChangeNotification(MonitoredItems=n) for n in notifications]
        self.inbox.hand_on(self.watch, [Delivery(1, body)])

    def values(self, slot: int) -> list[float]:
        return [float(change.columns.value[slot]) for change in self.changes]


def test_a_block_is_init_until_it_is_reported() -> None:
    rows = Rows()
    assert rows.watch.columns.reason.tolist() == [Reason.INIT, Reason.INIT]
    before = rows.watch.columns
    rows.tell([entry(1, 7.5, 1)])
    [change] = rows.changes
    assert change.columns.quality.tolist() == [Quality.BAD, Quality.GOOD]
    assert before.quality.tolist() == [Quality.BAD, Quality.BAD]


def test_several_values_of_one_item_are_several_rows_in_order() -> None:
    rows = Rows()
    rows.tell([entry(0, 1.0, 1), entry(1, 9.0, 1), entry(0, 2.0, 2), entry(0, 3.0, 3)])
    assert rows.values(0) == [1.0, 2.0, 3.0]
    assert rows.values(1) == [9.0, 9.0, 9.0]


def test_values_in_two_notifications_of_one_message_stay_in_order_and_none_is_lost() -> None:
    rows = Rows()
    rows.tell([entry(0, 1.0, 1), entry(0, 2.0, 2)], [entry(0, 3.0, 3), entry(0, 4.0, 4)])
    assert rows.values(0) == [1.0, 2.0, 3.0, 4.0]
    times = [int(change.columns.source_us[0]) for change in rows.changes]
    assert times == sorted(times)


def test_a_message_without_values_refreshes_the_receive_time_and_no_source_time() -> None:
    rows = Rows()
    rows.tell([entry(0, 1.0, 42)])
    source = int(rows.changes[0].columns.source_us[0])
    rows.watch.heard_ns = 99
    rows.tell()
    assert rows.changes[1].keep_alive
    assert int(rows.watch.columns.source_us[0]) == source
