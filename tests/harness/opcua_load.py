"""CPU per OPC UA notification of our driver, against node-opcua on the other core.

usage: python -m tests.harness.opcua_load [--items 5000] [--ms 1000] [--seconds 10]

One JSON line.  What is counted: user and system time of this process, which runs the driver alone,
divided by the values that were reported with a new source time.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from devices.address import NodeType
from devices.driver import DeviceSettings
from devices.opcua.driver import OpcUaDriver, OpcUaSecurity
from tests.harness import opcua_cuts
from tests.integration.devices.clock import RealClock
from tests.unit.devices.builders import dust, node

WARM_S = 3.0


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(items: int, ms: int, seconds: float, folder: Path) -> dict[str, object]:
    """Return the figures of one run."""
    names = [f"C{at}" for at in range(items)]
    bindings = [
        node(f"d/{n}", f"{opcua_cuts.NS}{n}", NodeType.DOUBLE, acquire="subscribe") for n in names
    ]
    period = ms * 1_000_000
    device = DeviceSettings("d", 0, dust().profile, tuple(bindings), {"fast": period})
    async with opcua_cuts.foreign("node", folder, names) as (server, pki):
        endpoint = f"opc.tcp://127.0.0.1:{server.port}"
        driver = OpcUaDriver(endpoint, [device], OpcUaSecurity(pki), RealClock())
        await driver.connect()
        await server.count(names, ms)
        await asyncio.sleep(WARM_S)
        driver.changes()
        begun, cpu, values, rows = time.monotonic(), _cpu_s(), 0, 0
        last = dict.fromkeys(range(len(driver.blocks)), 0)
        while time.monotonic() - begun < seconds:
            await asyncio.sleep(0.1)
            for change in driver.changes():
                if change.token:
                    driver.committed(change.token)
                if not change.keep_alive:
                    source = change.columns.source_us
                    values += int((source != last[change.block_index]).sum())
                    last[change.block_index] = source
                    rows += 1
        used, took = _cpu_s() - cpu, time.monotonic() - begun
        await driver.close()
        return {
            "items": items,
            "ms": ms,
            "values": values,
            "values_s": round(values / took),
            "rows": rows,
            "cpu_percent": round(100 * used / took, 1),
            "us_per_value": round(used / max(1, values) * 1e6, 2),
        }


def main() -> int:
    """Run one measurement as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--ms", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(given.items, given.ms, given.seconds, Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
