import pytest

from central.console.live import Block, changed, message, must_resync


def block(name: str, mark: object) -> Block:
    return Block(name, mark, "t.html", {})


def test_a_block_is_sent_once_and_again_only_when_its_mark_changes() -> None:
    first = [block("a", 1), block("b", 1)]
    assert changed(first, {}) == first
    assert changed(first, {"a": 1, "b": 1}) == []
    assert [each.id for each in changed([block("a", 1), block("b", 2)], {"a": 1, "b": 1})] == ["b"]


def test_content_is_unnamed_and_every_line_is_data() -> None:
    assert message("<p>\nx\r\ny\rz</p>", identity="ab-7") == (
        b"id: ab-7\ndata: <p>\ndata: x\ndata: y\ndata: z</p>\n\n"
    )


def test_control_is_named() -> None:
    assert message("{}", event="beat") == b"event: beat\ndata: {}\n\n"


def test_a_line_of_content_cannot_become_a_command_of_the_stream() -> None:
    lines = message("x\nevent: bye\n\nid: 9").decode().splitlines()
    assert {line.partition(":")[0] for line in lines if line} == {"data"}


@pytest.mark.parametrize(
    ("last", "expected"), [("", False), ("aa-1", False), ("bb-1", True), ("garbage", True)]
)
def test_only_a_client_of_another_run_must_start_anew(last: str, expected: bool) -> None:
    assert must_resync(last, "aa") is expected
