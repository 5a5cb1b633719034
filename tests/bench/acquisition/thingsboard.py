"""The peer: ThingsBoard IoT Gateway 3.8.5 with broker and sink.  Shell: pip, processes.

Its virtual environment lives in `build/peers/thingsboard`, filled by plain pip; the broker is
Debian's mosquitto.  The settings are those under which it is fastest and loses nothing, as
`acquisition.md` 5 gives them.
"""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.bench.processes import Process, cores

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "build" / "peers" / "thingsboard"
VERSION = "3.8.5"
NAME = f"ThingsBoard Gateway {VERSION}"
_PACKAGES = (
    f"thingsboard-gateway=={VERSION}",
    "tb-mqtt-client==1.13.13",
    "pymodbus==3.9.2",
    "pyserial",
    "pyserial-asyncio",
    "paho-mqtt>=2,<3",
)
_STAMP = HOME / ".installed"
_OFF = "0:0,"
_LIMITS = (
    "rateLimits",
    "dpRateLimits",
    "messagesRateLimits",
    "deviceMessagesRateLimits",
    "deviceRateLimits",
    "deviceDpRateLimits",
)


class PeerMissing(Exception):
    """The peer cannot be run here; the message says why and what to do."""


def install() -> None:
    """Install the peer when it is not there.

    Raises:
        PeerMissing: a package or the broker cannot be had.
    """
    if broker() is None:
        raise PeerMissing("no mosquitto: apt install mosquitto (2.0)")
    if _STAMP.exists() and _STAMP.read_text() == "\n".join(_PACKAGES):
        return
    sys.stderr.write(f"installing {NAME} into build/peers …\n")
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(HOME)
    pip = [HOME / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        [*map(str, pip), "install", "-q", *_PACKAGES], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeerMissing(done.stderr.strip().splitlines()[-1][:200] if done.stderr else "pip")
    _STAMP.write_text("\n".join(_PACKAGES))


def broker() -> str | None:
    """Return where mosquitto is."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class ThingsBoard:
    """Broker, sink and gateway, reading registers of libmodbus servers.

    Args:
        folder: empty, for all its files.
        ports: of the servers.
        tags: registers a server.
        per_tag: True = one entry a register, as a real register map needs; False = one range.
        broker_port: free port.
    """

    def __init__(
        self, folder: Path, ports: Sequence[int], tags: int, *, per_tag: bool, broker_port: int
    ) -> None:
        here, others = cores()
        log, python = folder / "peer.log", HOME / "bin" / "python"
        (folder / "mosquitto.conf").write_text(
            f"listener {broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 0\nmax_inflight_messages 0\nlog_type error\n"
        )
        _write(folder, ports, tags, per_tag=per_tag, broker_port=broker_port)
        found = broker()
        assert found is not None
        self._broker = Process([found, "-c", folder / "mosquitto.conf"], on=others, log=log)
        try:
            _await_port(broker_port)
            script = Path(__file__).parent / "sink.py"
            self._sink = Process([python, script, str(broker_port)], on=others, log=log)
            self._sink.read_until("ready")
            self._gateway = Process(
                [
                    python,
                    "-c",
                    "from thingsboard_gateway.tb_gateway import main; main()",
                ],
                on=here,
                log=log,
                folder=folder,
                environment={"TB_GW_CONFIG_DIR": str(folder / "config")},
                quiet=True,
            )
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process of the gateway."""
        return self._gateway.pid

    def count(self) -> tuple[int, float, float]:
        """Return values so far, and median and worst age in ms since the last call."""
        values, _, middle, worst = self._sink.ask("count")
        return int(values), float(middle), float(worst)

    def stop(self) -> None:
        """End all three."""
        for name in ("_gateway", "_sink", "_broker"):
            process = getattr(self, name, None)
            if process is not None:
                process.stop()


def _await_port(port: int) -> None:
    import socket
    import time

    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise PeerMissing(f"mosquitto does not listen on {port}")


def _write(
    folder: Path, ports: Sequence[int], tags: int, *, per_tag: bool, broker_port: int
) -> None:
    config = folder / "config"
    (config / "statistics").mkdir(parents=True)
    (folder / "logs").mkdir()
    (folder / "data").mkdir()
    general = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": broker_port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "deviceFiltering": {"enable": False},
            "maxPayloadSizeBytes": 65_000,
            "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500,
            "handleDeviceRenaming": True,
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
            **dict.fromkeys(_LIMITS, _OFF),
        },
        "storage": {
            "type": "sqlite",
            "data_file_path": f"{folder}/data/",
            "messages_ttl_check_in_hours": 1,
            "messages_ttl_in_days": 7,
            "max_read_records_count": 1_000,
            "writing_batch_size": 1_000,
        },
        "grpc": {"enabled": False},
        "connectors": [
            {"type": "modbus", "name": "bench", "configuration": "modbus.json"},
        ],
    }
    slaves = [_slave(number, port, tags, per_tag=per_tag) for number, port in enumerate(ports)]
    modbus = {"name": "bench", "logLevel": "WARNING", "master": {"slaves": slaves}}
    (config / "tb_gateway.json").write_text(json.dumps(general))
    (config / "modbus.json").write_text(json.dumps(modbus))
    (config / "logs.json").write_text(json.dumps(_quiet_logs()))
    (config / "list.json").write_text("{}")


def _slave(number: int, port: int, tags: int, *, per_tag: bool) -> dict[str, object]:
    common = {"type": "16uint", "functionCode": 3, "objectsCount": 1}
    if per_tag:
        entries = [{"tag": f"r{at}", **common, "address": at} for at in range(tags)]
    else:
        wide = {"tag": "r${address}", "address": f"0-{tags - 1}", "maxRegistersPerRequest": 125}
        entries = [{**common, **wide}]
    return {
        "host": "127.0.0.1",
        "port": port,
        "type": "tcp",
        "method": "socket",
        "unitId": 1,
        "deviceName": f"plc{number:03d}",
        "deviceType": "default",
        "timeout": 3,
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": 1,
        "retryOnEmpty": False,
        "retryOnInvalid": False,
        "pollPeriod": 1_000,
        "connectAttemptTimeMs": 5_000,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 5_000,
        "reportStrategy": {"type": "ON_RECEIVED"},
        "attributes": [],
        "timeseries": entries,
        "attributeUpdates": [],
        "rpc": [],
    }


def _quiet_logs() -> dict[str, object]:
    names = ("service", "tb_connection", "storage", "database", "extension", "connector")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"err": {"class": "logging.StreamHandler", "level": "WARNING"}},
        "loggers": {n: {"handlers": ["err"], "level": "WARNING"} for n in names},
        "root": {"level": "WARNING", "handlers": ["err"]},
    }
