"""Does traffic flow in a town? `python -m tests.embedded.traffic_soak Backseat04 --minutes 10 --without firetruck`.

Vehicles of the client's own Traffic Manager drive for so many simulated minutes. Printed as JSON: who still drives, how
far, the longest anyone stood still, which roads nobody drove on, and every knot: who stood too long though at no light,
where, and beside whom. Exit 1 when one was lost: the Traffic Manager takes away what has been blocked for 90 s.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import carla

from sim_bridge.world_process import free_port_pair
from tests.worlds import embedded

TICK_S = 0.05
LOOK_EVERY = 10  # ticks
STILL_MPS = 0.3
LONG_S = 45.0  # longer than any red light lasts
BESIDE_M = 12.0


@dataclass
class Watch:
    """What is seen of every car, by actor id."""

    town: carla.Map
    metres: Counter[int] = field(default_factory=Counter)
    still_s: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    longest_s: float = 0.0
    roads: set[int] = field(default_factory=set)
    last: dict[int, carla.Location] = field(default_factory=dict)
    knots: list[dict[str, object]] = field(default_factory=list)

    def look(self, cars: list[carla.Vehicle]) -> None:
        for car in cars:
            if not car.is_alive:
                continue
            here = car.get_location()
            self.metres[car.id] += here.distance(self.last.get(car.id, here))
            is_still = car.get_velocity().length() < STILL_MPS
            self.still_s[car.id] = self.still_s[car.id] + LOOK_EVERY * TICK_S if is_still else 0.0
            self.longest_s = max(self.longest_s, self.still_s[car.id])
            self.last[car.id] = here
            self.roads.add(self.town.get_waypoint(here).road_id)
            if self.still_s[car.id] == LONG_S and not car.is_at_traffic_light():
                self.knots.append(self._knot(car, cars))

    def _knot(self, stuck: carla.Vehicle, cars: list[carla.Vehicle]) -> dict[str, object]:
        here = self.last[stuck.id]
        beside = [
            (round(here.distance(self.last[car.id]), 1), car.type_id, round(self.still_s[car.id]))
            for car in cars
            if car.is_alive and car.id != stuck.id and here.distance(self.last.get(car.id, here)) < BESIDE_M
        ]
        where = self.town.get_waypoint(here)
        return {
            "who": stuck.type_id,
            "at": [round(here.x, 1), round(here.y, 1)],
            "road and lane": [where.road_id, where.lane_id],
            "beside, m, who, still s": sorted(beside),
        }

    def report(self, cars: list[carla.Vehicle], ticks_per_s: float) -> dict[str, object]:
        metres = sorted(self.metres.values())
        everywhere = {waypoint.road_id for waypoint in self.town.generate_waypoints(5.0)}
        return {
            "cars": len(cars),
            "still there": sum(car.is_alive for car in cars),
            "metres least": round(metres[0]),
            "metres median": round(metres[len(metres) // 2]),
            "longest still s": self.longest_s,
            "roads nobody drove on": sorted(everywhere - self.roads),
            "knots": self.knots,
            "ticks per s": round(ticks_per_s),
        }


def soak(name: str, minutes: float, count: int, without: str, seed: int) -> dict[str, object]:
    with embedded(name, seed=seed) as running:
        client = carla.Client("127.0.0.1", running.port)
        client.set_timeout(30.0)
        world = client.get_world()
        world.apply_settings(carla.WorldSettings(synchronous_mode=True, fixed_delta_seconds=TICK_S))
        manager = client.get_trafficmanager(free_port_pair())
        manager.set_synchronous_mode(True)
        manager.set_random_device_seed(seed)
        cars = _spawned(world, count, without)
        world.tick()
        for car in cars:
            car.set_autopilot(True, manager.get_port())
        watch, began = Watch(world.get_map()), time.monotonic()
        ticks = round(minutes * 60 / TICK_S)
        for tick in range(ticks):
            world.tick()
            if tick % LOOK_EVERY == 0:
                watch.look(cars)
        report = watch.report(cars, ticks / (time.monotonic() - began))
        manager.shut_down()
        return report


def _spawned(world: carla.World, count: int, without: str) -> list[carla.Vehicle]:
    """Vehicles of every kind in turn, but for those whose id contains `without`."""
    kinds = [kind for kind in world.get_blueprint_library().filter("vehicle.*") if not (without and without in kind.id)]
    starts = world.get_map().get_spawn_points()
    tried = (world.try_spawn_actor(kinds[i % len(kinds)], start) for i, start in enumerate(starts[:count]))
    return [car for car in tried if car is not None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.embedded.traffic_soak", description=__doc__)
    parser.add_argument("town", help="The town to drive in.")
    parser.add_argument("--minutes", type=float, default=10.0, help="Simulated minutes.")
    parser.add_argument("--cars", type=int, default=30, help="How many cars.")
    parser.add_argument("--seed", type=int, default=7, help="Of the world and of the Traffic Manager.")
    parser.add_argument("--without", default="", help="Leave out vehicles whose id contains this.")
    args = parser.parse_args()
    report = soak(args.town, args.minutes, args.cars, args.without, args.seed)
    print(json.dumps(report))
    return 0 if report["still there"] == report["cars"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
