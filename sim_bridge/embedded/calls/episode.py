"""Connection, episode, map, settings and ticks."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from sim_bridge.embedded.calls.desk import VERSION, Desk, Refused
from sim_bridge.embedded.navigation.mesh_file import can_be_kept, mesh_file
from sim_bridge.embedded.town import Generation, build, fit_to_drive, names
from sim_bridge.embedded.wire.structs import ActorDefinition, EpisodeInfo, EpisodeSettings, MapInfo, Token
from sim_bridge.embedded.wire.tokens import WORLD_STREAM
from sim_bridge.embedded.world.world import UPLOADED_TOWN

_LOG = logging.getLogger(__name__)

# CARLA's synchronous Traffic Manager loses a wake-up and hangs when ticks come faster than its thread gets back to
# waiting. With this much time from cue to reply, some of it after the tick, it was not seen to; with less it was, on a
# machine with more work than cores.
_MANAGER_PAUSE_S = 0.003
_LEAST_PAUSE_S = 0.001
_AS_CARLA = Generation()


def version(desk: Desk) -> str:
    return VERSION


def get_episode_info(desk: Desk) -> EpisodeInfo:
    return EpisodeInfo(desk.world.episode, Token(desk.streams.token(WORLD_STREAM)))


def get_sensor_token(desk: Desk, stream_id: int) -> Token:
    desk.streams.expect(stream_id)
    return Token(desk.streams.token(stream_id & 0xFFFFFFFF))


def get_episode_settings(desk: Desk) -> EpisodeSettings:
    return desk.world.settings


def set_episode_settings(desk: Desk, settings: EpisodeSettings) -> int:
    """A fixed step of 0 means none, as in CARLA."""
    delta = settings.fixed_delta_s
    if delta is not None and not 0.0 <= delta <= 10.0:
        raise Refused(f"fixed_delta_seconds: expected 0 to 10 s, got {delta}")
    desk.world.settings = replace(settings, fixed_delta_s=delta or None)
    return desk.world.frame


def tick_cue(desk: Desk) -> int:
    """Advance the world by one tick, once every subscription under way has arrived."""
    asked_at = time.monotonic()
    if desk.caller not in desk.tickers:
        desk.tickers.add(desk.caller)
        if len(desk.tickers) > 1:
            _LOG.warning("%d clients tick this world: each moves it on for the others too", len(desk.tickers))
    desk.streams.settle()
    if not desk.world.is_synchronous:
        return desk.world.frame
    frame = desk.world.tick()
    if desk.managers:
        time.sleep(max(_LEAST_PAUSE_S, _MANAGER_PAUSE_S - (time.monotonic() - asked_at)))
    return frame


def get_map_info(desk: Desk) -> MapInfo:
    town = desk.world.town
    return MapInfo(f"Carla/Maps/{town.name}", town.spawn_points)


def get_map_data(desk: Desk) -> str:
    return desk.world.town.opendrive


def get_required_files(desk: Desk, folder: str = "", *_: Any) -> tuple[str, ...]:
    """The walkers' navigation mesh; every other file a client could want travels by a call of its own."""
    mesh = mesh_file(desk.world.town) if folder == "Nav" and can_be_kept() else None
    return (mesh.name,) if mesh else ()


def request_file(desk: Desk, name: str) -> bytes:
    mesh = mesh_file(desk.world.town)
    if mesh is not None and name == mesh.name:
        return mesh.data
    raise Refused(f"expected a file that get_required_files lists, got {name!r:.80}")


def get_navigation_mesh(desk: Desk) -> bytes:
    mesh = mesh_file(desk.world.town)
    return mesh.data if mesh else b""


def get_available_maps(desk: Desk) -> tuple[str, ...]:
    return tuple(f"/Game/Carla/Maps/{name}" for name in names())


def load_new_episode(desk: Desk, map_name: str = "", reset_settings: bool = True, layers: int = 65535) -> None:
    """Reload this town (empty name) or another. The world is untouched when the town is unknown."""
    try:
        desk.world.reload(map_name, reset_settings)
    except ValueError as error:
        raise Refused(str(error)) from None


def copy_opendrive_to_file(desk: Desk, opendrive: str, parameters: Generation = _AS_CARLA) -> None:
    """Keep the town; the `load_new_episode("OpenDriveMap")` that follows drives in it."""
    try:
        desk.world.uploaded_town = build(UPLOADED_TOWN, fit_to_drive(opendrive), generation=parameters)
    except ValueError as error:
        raise Refused(f"this OpenDRIVE text makes no town: {error}") from None


def load_map_layer(desk: Desk, layers: int) -> None:
    """Towns here have one layer; showing it again changes nothing."""


def unload_map_layer(desk: Desk, layers: int) -> None:
    """Towns here have one layer, which stays."""


def get_actor_definitions(desk: Desk) -> tuple[ActorDefinition, ...]:
    return desk.world.library.definitions
