"""A car that drives a scene's way at one speed, or stops for what stands in it: enough to see scenes happen."""

from __future__ import annotations

from typing import Any

import carla

from sim_bridge.messages import TICK_S
from sim_bridge.scenarios import Outcome, SceneRun
from sim_bridge.scenarios.doings import Wanted
from sim_bridge.scenarios.following import Follower
from sim_bridge.scenarios.seen import Watched


class SteadyEgo:
    """One run of one scene in a world that it ticks itself."""

    def __init__(self, client: Any, scene: Any, seed: int, mps: float = 8.0, stop_s: float | None = None) -> None:
        self.world = client.get_world()
        self.run = SceneRun(self.world, scene, seed)
        self.run.prepare()
        blueprint = self.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        self.world.tick()
        self.car = self.world.spawn_actor(blueprint, self.run.ego_start)
        self._follower = Follower(self.run.place.course, 0.0, TICK_S)
        self._watched, self._mps, self._stop_s = Watched(self.car), mps, stop_s
        self.world.tick()
        self.run.begin(self.car)

    def drive(self, ticks: int = 10_000, until_happened: bool = False) -> Outcome:
        for _ in range(ticks):
            self.run.tick()
            if self.run.outcome.ended or (until_happened and self.run.happened):
                break
            seen = self._watched.read(self.world.get_snapshot())
            assert seen is not None
            self.car.apply_control(self._follower.control(seen, self._wanted(seen)))
            self.world.tick()
        return self.run.outcome

    def _wanted(self, seen: Any) -> Wanted:
        s, _ = self.run.place.course.locate(seen.x, seen.y)
        if self._stop_s is not None and s + seen.half_length + seen.speed_mps**2 / 8.0 > self._stop_s:
            return Wanted(0.0, 1.0)
        return Wanted(self._mps)

    def close(self) -> None:
        self.run.clear()
        self.car.destroy()
        self.world.tick()


def synchronous(port: int) -> Any:
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(10.0)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, TICK_S
    world.apply_settings(settings)
    world.tick()
    return client
