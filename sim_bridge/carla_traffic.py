"""Other vehicles, driven by CARLA's own Traffic Manager in this process. Session thread.

The Traffic Manager steps inside `world.tick()`. Two rules keep libcarla alive: a world is never reloaded while one
exists, and no vehicle that it drives is destroyed before it was taken off autopilot.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import carla

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_connection import free_port
from sim_bridge.carla_rig import ROLE
from sim_bridge.manager_nudge import Patience

log = logging.getLogger(__name__)

# Nobody starts closer to our car than this, and all start as near as this where there is room: traffic is to be met.
CLEAR_M, NEAR_M = 18.0, 150.0
# Beyond the slowest tick of a busy machine, and well before a drive is given up for hanging.
WOKEN_AFTER_S = 2.0


class Traffic:
    """One per connection: the Traffic Manager stays, the vehicles change with every episode."""

    def __init__(self, client: Any, config: CarlaConfig) -> None:
        self._client = client
        self._config = config
        self._manager: Any = None
        # Entered for every tick: what the manager sleeps through would never return.
        self.patience = Patience()
        self._vehicles: list[int] = []

    def start(self, world: Any, away_from: Any, seed: int) -> None:
        """Spawn an episode's vehicles, the same ones for the same seed. Fewer come where spawn points are taken."""
        if self._config.traffic_vehicles == 0:
            return
        manager = self._started_manager()
        manager.set_random_device_seed(seed % 2**31)
        draw = random.Random(seed)
        points = [p for p in world.get_map().get_spawn_points() if p.location.distance(away_from) > CLEAR_M]
        draw.shuffle(points)
        points.sort(key=lambda point: point.location.distance(away_from) > NEAR_M)
        commands = [self._spawn(world, point, draw, manager) for point in points[: self._config.traffic_vehicles]]
        replies = self._client.apply_batch_sync(commands, False)
        self._vehicles = [reply.actor_id for reply in replies if not reply.error]
        if len(self._vehicles) < self._config.traffic_vehicles:
            log.warning("%d of %d vehicles found a place.", len(self._vehicles), self._config.traffic_vehicles)

    def clear(self, world: Any) -> None:
        """Take this episode's vehicles away."""
        ids, self._vehicles = self._vehicles, []
        alive = [actor for actor in world.get_actors(ids) if actor is not None and actor.is_alive]
        for vehicle in alive:
            vehicle.set_autopilot(False, self._port)
        self._client.apply_batch_sync([carla.command.DestroyActor(vehicle.id) for vehicle in alive], False)

    def close(self) -> None:
        """End the Traffic Manager. The vehicles must be gone."""
        if self._manager is not None:
            self.patience.close()
            self.patience = Patience()
            self._manager.set_synchronous_mode(False)
            self._manager.shut_down()
            self._manager = None

    @property
    def _port(self) -> int:
        port: int = self._manager.get_port()
        return port

    def _started_manager(self) -> Any:
        if self._manager is None:
            self._manager = self._client.get_trafficmanager(self._config.traffic_manager_port or free_port())
            self._manager.set_synchronous_mode(True)
            self.patience = Patience(self._port, WOKEN_AFTER_S)
            self._manager.set_global_distance_to_leading_vehicle(2.5)
        return self._manager

    def _spawn(self, world: Any, point: Any, draw: random.Random, manager: Any) -> Any:
        cars = world.get_blueprint_library().filter("vehicle.*")
        blueprint = draw.choice(sorted((b for b in cars if _is_car(b)), key=lambda b: str(b.id)))
        for name in ("color", "driver_id"):
            if blueprint.has_attribute(name):
                blueprint.set_attribute(name, draw.choice(blueprint.get_attribute(name).recommended_values))
        blueprint.set_attribute("role_name", ROLE)
        autopilot = carla.command.SetAutopilot(carla.command.FutureActor, True, manager.get_port())
        return carla.command.SpawnActor(blueprint, point).then(autopilot)


def _is_car(blueprint: Any) -> bool:
    """Four wheels and no longer than a van: lorries and buses block the junctions of a small town, and an ambulance
    on an errand like everybody else's says something wrong."""
    if blueprint.has_attribute("special_type") and blueprint.get_attribute("special_type").as_str() == "emergency":
        return False
    if blueprint.get_attribute("number_of_wheels").as_int() != 4:
        return False
    return not blueprint.has_attribute("base_type") or blueprint.get_attribute("base_type").as_str() in ("car", "van")
