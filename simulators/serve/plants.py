"""The plants by name, each ready to run behind its protocol.  Shell: reads package data and pki."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devices.catalog import find
from devices.profile import ModbusProfile, OpcUaProfile
from proto.errors import ConfigError, Fault
from simulators import events
from simulators.box import published_names
from simulators.clock import SystemClock
from simulators.plants.catalog import PLANTS, load_bof, load_dust_dry
from simulators.plants.model import Commands, Knobs, Memory, PlantModel, State, Traits
from simulators.plc.image import node_cells, register_map
from simulators.serve.control import Controlled, ControlSocket
from simulators.serve.line import LineServer
from simulators.serve.modbus_tcp import ModbusTcpServer
from simulators.serve.runner import PlantRunner

ANSWER_S = 0.010  # how long a controller takes to answer (`certification.md` 3.3)
JITTER_S = 0.001


@dataclass(frozen=True, slots=True)
class PlantOptions:
    """How one plant is to be run: port (0 = any), seed, control socket, pki directory (OPC UA)."""

    name: str
    port: int = 0
    seed: int = 1
    control: Path | None = None
    pki: Path | None = None


class Runs(Controlled, Protocol):
    """A plant that can be run and controlled."""

    async def run(self) -> None:
        """Step for ever."""

    async def stop(self) -> None:
        """Close the line for good."""


def make_plant(options: PlantOptions) -> tuple[Runs, LineServer]:
    """Return a plant, ready to run, and the server of its protocol.

    Raises:
        ConfigError: no such plant, or a profile or pki directory that does not fit.
    """
    if options.name == "bof":
        return _join(load_bof(), options)
    if options.name == "dust_dry":
        return _join(load_dust_dry(), options)
    message = f"no such plant; known: {', '.join(PLANTS)}"
    raise ConfigError([Fault(options.name, "plant.unknown", message)])


def _join(
    model: PlantModel[State, Knobs, Memory, Commands], options: PlantOptions
) -> tuple[Runs, LineServer]:
    server = _server(model.traits, published_names(model), options)
    return PlantRunner(model, server, SystemClock(), options.seed), server


def _server(traits: Traits, published: frozenset[str], options: PlantOptions) -> LineServer:
    match find(traits.profile):
        case ModbusProfile() as modbus:
            return ModbusTcpServer(
                register_map(modbus, published),
                port=options.port,
                product=traits.profile,
                answer_s=ANSWER_S,
                jitter_s=JITTER_S,
                seed=options.seed,
            )
        case OpcUaProfile() as opcua:
            pki = options.pki
            if pki is None or not (pki / "own" / "cert.pem").is_file():
                message = "needs --pki DIR with own/cert.pem, own/key.pem, trusted/"
                raise ConfigError([Fault(str(pki or "--pki"), "plant.pki_missing", message)])
            from simulators.serve.opcua import OpcUaServer  # asyncua is slow to load

            return OpcUaServer(
                node_cells(opcua, published), name=traits.name, pki=pki, port=options.port
            )


async def run_plant(options: PlantOptions) -> None:
    """Run one plant until SIGTERM or SIGINT.

    Raises:
        ConfigError: no such plant, or a profile or pki directory that does not fit.
        OSError: the port or the control socket is in use.
    """
    plant, server = make_plant(options)
    await _run(plant, server, options)


async def _run(plant: Runs, server: LineServer, options: PlantOptions) -> None:
    events.bind(plant=options.name)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    control = ControlSocket(options.control, plant) if options.control else None
    if control is not None:
        await control.open()
    await server.prepare()
    events.plant_started(port=options.port, seed=options.seed)
    problem: OSError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(plant.run())
            await stopped.wait()
            running.cancel()
    except* OSError as failed:
        problem = next(e for e in failed.exceptions if isinstance(e, OSError))
    finally:
        if control is not None:
            await control.close()
        await plant.stop()
    if problem is not None:
        raise problem
