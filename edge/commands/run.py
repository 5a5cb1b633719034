"""`yujing-edge run`: the gateway itself.  Shell: terminal."""

import asyncio
from pathlib import Path


def run(file: Path) -> int:
    """运行网关 Run the gateway until SIGTERM or Ctrl-C."""
    from edge.gateway import run_gateway  # the other commands start without the whole gateway

    return asyncio.run(run_gateway(file))
