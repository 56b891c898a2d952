"""People on the sidewalks, steered by CARLA's own crowd in this process. Session thread.

A walker is two actors: the person, and the controller that the client's crowd moves it with. A controller is started
only after a tick has made its person known, and stopped before either is destroyed.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import carla

from sim_bridge.carla_rig import ROLE

log = logging.getLogger(__name__)

# How many of them may step onto a road outside a crossing.
CROSSING_SHARE = 0.1
# How fast people walk, m/s.
PACE_MPS = (1.1, 1.6)


class Walkers:
    """One per connection; the people change with every episode."""

    def __init__(self, client: Any, count: int) -> None:
        self._client = client
        self._count = count
        self._people: list[int] = []
        self._controllers: list[Any] = []

    def start(self, world: Any, seed: int) -> None:
        """Put an episode's walkers on their feet, the same ones for the same seed. Ticks the world twice."""
        if self._count == 0:
            return
        draw = random.Random(seed)
        world.set_pedestrians_seed(seed % 2**31)
        world.set_pedestrians_cross_factor(CROSSING_SHARE)
        world.tick()  # the client loads the navigation mesh with the first tick it sees
        places = [world.get_random_location_from_navigation() for _ in range(self._count)]
        if None in places:
            log.warning("This world has no navigation mesh, so nobody walks in it.")
            return
        self._people = self._spawned([self._person(world, place, draw) for place in places])
        controller = world.get_blueprint_library().find("controller.ai.walker")
        minds = [carla.command.SpawnActor(controller, carla.Transform(), person) for person in self._people]
        controllers = self._spawned(minds)
        world.tick()
        self._controllers = list(world.get_actors(controllers))
        for mind in self._controllers:
            mind.start()
            mind.go_to_location(world.get_random_location_from_navigation())
            mind.set_max_speed(draw.uniform(*PACE_MPS))

    def clear(self) -> None:
        """Take this episode's walkers away."""
        for mind in self._controllers:
            mind.stop()
        doomed = [*(mind.id for mind in self._controllers), *self._people]
        self._people, self._controllers = [], []
        if doomed:
            self._client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in doomed], False)

    def _person(self, world: Any, place: Any, draw: random.Random) -> Any:
        looks = sorted(world.get_blueprint_library().filter("walker.pedestrian.*"), key=lambda b: str(b.id))
        blueprint = draw.choice(looks)
        for name, value in (("is_invincible", "false"), ("role_name", ROLE)):
            if blueprint.has_attribute(name):
                blueprint.set_attribute(name, value)
        place.z += 0.5
        return carla.command.SpawnActor(blueprint, carla.Transform(place))

    def _spawned(self, commands: list[Any]) -> list[int]:
        return [reply.actor_id for reply in self._client.apply_batch_sync(commands, False) if not reply.error]
