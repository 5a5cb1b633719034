"""The status object: every key is always there, whatever the state."""

import json

from edge.health import summary


def _status() -> dict[str, object]:
    return summary.summarize(
        summary.ProcessHealth(
            gateway="610581-bof1a",
            site="hancheng-steel",
            boot_id=3,
            config_version=12,
            uptime_s=1.5,
            cpu_s=0.2,
            rss_bytes=1000,
            clock_state="SYNCED",
            clock_offset_us=5,
            restarts={"line bof1": 1},
        ),
        lines=[summary.LineHealth("bof1", "UP", 7)],
        samples=summary.SampleCounts(10, 9, 8, 2, 0),
        lanes={"BULK": summary.LaneHealth("ab", 1, 4, 9, 3, 1, 1, 0)},
        uplink=summary.UplinkHealth("OPEN", 7, 8, None, 100, 2, 1),
        spool=summary.SpoolHealth(1, 2, 3),
        overruns=0,
        interlocks=[{"interlock": "I1"}],
        alarms=[],
    )


def test_every_key_of_the_contract_is_there() -> None:
    status = _status()

    assert status["schema"] == "gateway-status/1"
    assert set(status) >= {
        *("gateway", "site", "boot_id", "config_version", "uptime_s", "lines", "samples", "lanes"),
        *("uplink", "interlocks", "alarms", "spool", "overruns", "clock_state", "cpu_s"),
        "rss_bytes",
    }
    assert status["samples"] == {
        "acquired": 10,
        "committed": 9,
        "acknowledged": 8,
        "pending": 2,
        "gapped": 0,
    }


def test_the_status_is_one_line_of_json() -> None:
    data = summary.to_json(_status())

    assert data.count(b"\n") == 1
    assert json.loads(data) == _status()
