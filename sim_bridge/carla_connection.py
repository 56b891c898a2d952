"""Reaching a CARLA server in bounded time, with a sentence for each way it can fail. The caller's thread."""

from __future__ import annotations

import socket
import time
from typing import Any

import carla

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.interfaces import SimulatorLost

LOAD_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 5.0


def connected(config: CarlaConfig) -> Any:
    """A carla.Client of a server of our own version, which has the right town loaded. Raises SimulatorLost."""
    _wait_for_port(config)
    client = carla.Client(config.host, config.port)
    client.set_timeout(ANSWER_TIMEOUT_S)
    try:
        _check_version(client, config)
        _load_town(client, config)
    except RuntimeError as problem:
        if isinstance(problem, SimulatorLost):
            raise
        raise SimulatorLost(
            f"{config.host}:{config.port} accepts connections but does not answer as CARLA does ({problem}). "
            "Check that a CARLA 0.9.16 server listens there, and not something else."
        ) from problem
    client.set_timeout(config.tick_timeout_s)
    return client


def _wait_for_port(config: CarlaConfig) -> None:
    """A refused connection is tried again until the time is up: a server may still be starting."""
    deadline = time.monotonic() + config.connect_timeout_s
    while True:
        try:
            socket.create_connection((config.host, config.port), timeout=2.0).close()
            return
        except OSError as problem:
            if time.monotonic() >= deadline:
                raise SimulatorLost(
                    f"No CARLA server answers at {config.host}:{config.port} ({problem}). Start one there, "
                    "or give another address with --carla HOST:PORT, or leave --carla out to use the embedded world."
                ) from problem
            time.sleep(0.2)


def _check_version(client: Any, config: CarlaConfig) -> None:
    theirs, ours = client.get_server_version(), client.get_client_version()
    if theirs != ours:
        raise SimulatorLost(
            f"The server at {config.host}:{config.port} is CARLA {theirs}, this client is CARLA {ours}; "
            f"they speak different protocols. Start a CARLA {ours} server."
        )


def _load_town(client: Any, config: CarlaConfig) -> None:
    if not config.town:
        return
    loaded = short_name(client.get_world().get_map().name)
    if loaded == config.town:
        return
    known = sorted(short_name(name) for name in client.get_available_maps())
    if config.town not in known:
        raise SimulatorLost(
            f"The world at {config.host}:{config.port} has no town {config.town!r}. It has: {', '.join(known)}."
        )
    client.set_timeout(LOAD_TIMEOUT_S)
    client.load_world(config.town)


def short_name(map_name: str) -> str:
    """ "/Game/Carla/Maps/Town01" -> "Town01"."""
    return map_name.rsplit("/", 1)[-1]


def free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
