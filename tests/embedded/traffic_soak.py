"""Does traffic flow in a town? `python -m tests.embedded.traffic_soak Backseat04 --minutes 10 --without firetruck`.

Vehicles of the client's own Traffic Manager drive for so many simulated minutes. Printed: one line of JSON (who still
drives, how far, the longest anyone stood still, collisions, roads nobody drove on, and every knot: who stood too long
though at no light, where, and what held it), then a verdict in words that names each vehicle that is stuck and why.
Exit 1 when one is: the Traffic Manager took it away because it was blocked for 90 s, or it stands in a knot at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import time
from contextlib import closing
from dataclasses import dataclass

import carla

from sim_bridge.manager_nudge import Patience
from sim_bridge.world_process import free_port_pair
from tests.embedded.traffic_watch import Sight, Watch
from tests.worlds import embedded

TICK_S = 0.05
LOOK_EVERY = 10  # ticks


@dataclass(frozen=True)
class Outcome:
    figures: dict[str, object]
    stuck: list[str]

    def verdict(self) -> str:
        cars = self.figures["cars"]
        if not self.stuck:
            return f"traffic flows: none of {cars} is stuck"
        return "\n".join([f"{len(self.stuck)} of {cars} are stuck:", *self.stuck])


class Touches:
    """The collision sensors of every car. Their events come on libcarla's threads and wait here for the next look."""

    def __init__(self, world: carla.World, cars: list[carla.Vehicle]) -> None:
        self._events: queue.SimpleQueue[tuple[float, int, int, str]] = queue.SimpleQueue()
        kind = world.get_blueprint_library().find("sensor.other.collision")
        self._sensors = [world.spawn_actor(kind, carla.Transform(), attach_to=car) for car in cars]
        for sensor, car in zip(self._sensors, cars, strict=True):
            sensor.listen(lambda event, who=car.id: self._events.put(_touch(event, who)))

    def pass_on(self, watch: Watch, began_s: float) -> None:
        while not self._events.empty():
            at_s, who, other, what = self._events.get()
            watch.touch(at_s - began_s, who, other, what)

    def close(self) -> None:
        for sensor in self._sensors:
            if sensor.is_alive:
                sensor.destroy()


def _touch(event: carla.CollisionEvent, who: int) -> tuple[float, int, int, str]:
    other = event.other_actor
    is_car = other is not None and other.type_id.startswith("vehicle.")
    return event.timestamp, who, other.id if is_car else 0, other.type_id if other is not None else "something"


def _sights(snapshot: carla.WorldSnapshot, town: carla.Map, cars: list[carla.Vehicle]) -> list[Sight]:
    found = ((car, snapshot.find(car.id)) for car in cars)
    return [_sight(car, state, town) for car, state in found if state is not None]


def _sight(car: carla.Vehicle, state: carla.ActorSnapshot, town: carla.Map) -> Sight:
    pose = state.get_transform()
    where = town.get_waypoint(pose.location)
    is_at_light = car.is_at_traffic_light()
    return Sight(
        car.id, car.type_id.removeprefix("vehicle."), pose.location.x, pose.location.y,
        math.radians(pose.rotation.yaw), state.get_velocity().length(), where.road_id, where.lane_id,
        is_at_light, not is_at_light and car.get_traffic_light_state() == carla.TrafficLightState.Red,
    )  # fmt: skip


def soak(name: str, minutes: float, count: int, without: str, is_safe: bool, seed: int) -> Outcome:
    with embedded(name, seed=seed) as running:
        client = carla.Client("127.0.0.1", running.port)
        client.set_timeout(60.0)
        world = client.get_world()
        world.apply_settings(carla.WorldSettings(synchronous_mode=True, fixed_delta_seconds=TICK_S))
        manager = client.get_trafficmanager(free_port_pair())
        manager.set_synchronous_mode(True)
        manager.set_random_device_seed(seed)
        cars = _spawned(world, count, without, is_safe)
        world.tick()
        for car in cars:
            car.set_autopilot(True, manager.get_port())
        outcome = _drive(world, cars, manager.get_port(), round(minutes * 60 / TICK_S))
        manager.shut_down()
        return outcome


def _drive(world: carla.World, cars: list[carla.Vehicle], port: int, ticks: int) -> Outcome:
    town, watch, touches = world.get_map(), Watch(), Touches(world, cars)
    begin_s, began = world.get_snapshot().timestamp.elapsed_seconds, time.monotonic()
    patience = Patience(port)
    with closing(patience):
        for tick in range(ticks):
            with patience:
                world.tick()
            if tick % LOOK_EVERY == 0:
                touches.pass_on(watch, begin_s)
                watch.look(tick * TICK_S, _sights(world.get_snapshot(), town, cars))
        alive = {car.id for car in cars if world.get_snapshot().find(car.id) is not None}
        seconds = time.monotonic() - began
        touches.close()
    figures = _figures(watch, town, len(cars), len(alive), ticks / seconds)
    return Outcome({**figures, "nudges of the Traffic Manager": patience.nudges}, watch.stuck(alive))


def _figures(watch: Watch, town: carla.Map, cars: int, alive: int, ticks_per_s: float) -> dict[str, object]:
    metres = sorted(watch.metres.values())
    everywhere = {waypoint.road_id for waypoint in town.generate_waypoints(5.0)}
    return {
        "cars": cars,
        "still there": alive,
        "metres least": round(metres[0]),
        "metres median": round(metres[len(metres) // 2]),
        "longest still s": watch.longest_s,
        "collisions": watch.collisions,
        "roads nobody drove on": sorted(everywhere - watch.roads),
        "knots": [knot.sentence() for knot in watch.knots],
        "ticks per s": round(ticks_per_s),
    }


def _spawned(world: carla.World, count: int, without: str, is_safe: bool) -> list[carla.Vehicle]:
    """Vehicles of every kind in turn, but for those whose id contains `without`; of base type "car" where `is_safe`."""
    every = world.get_blueprint_library().filter("vehicle.*")
    kinds = [kind for kind in every if not (without and without in kind.id) and (not is_safe or _is_car(kind))]
    starts = world.get_map().get_spawn_points()
    tried = (world.try_spawn_actor(kinds[i % len(kinds)], start) for i, start in enumerate(starts[:count]))
    return [car for car in tried if car is not None]


def _is_car(kind: carla.ActorBlueprint) -> bool:
    return bool(kind.get_attribute("base_type").as_str() == "car")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.embedded.traffic_soak", description=__doc__)
    parser.add_argument("town", help="The town to drive in.")
    parser.add_argument("--minutes", type=float, default=10.0, help="Simulated minutes.")
    parser.add_argument("--cars", type=int, default=30, help="How many cars.")
    parser.add_argument("--seed", type=int, default=7, help="Of the world and of the Traffic Manager.")
    parser.add_argument("--without", default="", help="Leave out vehicles whose id contains this.")
    parser.add_argument(
        "--safe", action="store_true", help="Only cars, as CARLA's generate_traffic leaves out the rest."
    )
    args = parser.parse_args()
    outcome = soak(args.town, args.minutes, args.cars, args.without, args.safe, args.seed)
    print(json.dumps(outcome.figures))
    print(outcome.verdict())
    return 1 if outcome.stuck else 0


if __name__ == "__main__":
    raise SystemExit(main())
