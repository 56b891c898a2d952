"""Can CARLA's own agents drive every junction? `python -m tests.embedded.carla_agents FOLDER [--towns Backseat03 ...]`,
where FOLDER is the `PythonAPI` of a CARLA 0.9.16 checkout; its agents need `shapely` and `networkx`.

None of CARLA's code is part of this repository. One car per junction drives each connection of it in turn along the
route of CARLA's own planner, far from the cars of other junctions: onto it, across, and out into the next street.
Printed as one line of JSON for each town and agent: how many connections were driven, and what went wrong. Exit 1 when
something did.

Who leaves the road has its middle outside of every driving lane. Said with it: the side of the lane, the speed there,
and what sideways acceleration the lane's own bend asks for at that speed. CARLA's agents steer for a point 3 m and half
a second's way ahead, which cuts bends the more the faster they are, and do not slow down for bends.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import carla
import numpy as np
import numpy.typing as npt

from sim_bridge.embedded import town as towns
from tests.worlds import TOWN, embedded

TICK_S = 0.05
BEFORE_M, BEYOND_M = 30.0, 25.0  # how much of the streets is driven too; less where they are shorter
STEP_M = 2.0
PATIENCE_S = 150.0  # a round of lights and the way, at a bicycle's pace
ARRIVED_M = 4.0
LIFT_M = 0.3
APART_M = 15.0  # between the ways of any two cars
WALLED = carla.OpendriveGenerationParameters()
AGENTS = {"basic": ("basic_agent", "BasicAgent"), "behavior": ("behavior_agent", "BehaviorAgent")}


@dataclass(frozen=True)
class Connection:
    """One lane's way over a junction."""

    junction_id: int
    road_id: int
    way: tuple[carla.Waypoint, ...]  # from the street before it to the street beyond

    @property
    def name(self) -> str:
        return f"{self.way[0].road_id}/{self.way[0].lane_id} -> {self.way[-1].road_id}/{self.way[-1].lane_id}"

    @property
    def points(self) -> npt.NDArray[np.float64]:
        """(N, 2) x and y."""
        return np.array([(one.transform.location.x, one.transform.location.y) for one in self.way])

    def bend_at(self, index: int) -> float:
        """Curvature of the lane around its waypoint of this index, in 1/m, positive to the right."""
        before, after = self.way[max(0, index - 1)], self.way[min(len(self.way) - 1, index + 1)]
        turn = math.radians(after.transform.rotation.yaw - before.transform.rotation.yaw)
        gap = before.transform.location.distance(after.transform.location)
        return math.remainder(turn, math.tau) / max(float(gap), STEP_M / 2.0)


@dataclass
class Run:
    """A car on its way over one connection."""

    connection: Connection
    car: carla.Vehicle
    agent: Any
    ticks: int = 0
    aside_m: float = 0.0  # farthest from the lane's middle
    hits: list[str] = field(default_factory=list)
    off_road: str = ""  # where it first left, in words
    sensor: carla.Sensor | None = None

    def look(self, town: carla.Map) -> None:
        here = self.car.get_location()
        self.ticks += 1
        nearest = min(range(len(self.connection.way)), key=lambda i: self._away(i, here))
        aside_m = _to_the_right(here, self.connection.way[nearest].transform)
        self.aside_m = max(self.aside_m, abs(aside_m))
        if not self.off_road and town.get_waypoint(here, project_to_road=False) is None:
            self.off_road = self._told(aside_m, self.connection.bend_at(nearest))

    def _away(self, index: int, here: carla.Location) -> float:
        return float(self.connection.way[index].transform.location.distance(here))

    def _told(self, aside_m: float, bend: float) -> str:
        velocity = self.car.get_velocity()
        speed_mps = math.hypot(velocity.x, velocity.y)
        side = "inside" if aside_m * bend > 0.0 else "outside"
        asked = f"{speed_mps:.1f} m/s, {speed_mps**2 * abs(bend):.1f} m/s2 in the bend"
        return f"left the road {abs(aside_m):.1f} m {side} of its lane's middle at {asked}"

    @property
    def has_arrived(self) -> bool:
        goal = self.connection.way[-1].transform.location
        # The planner's route may end a step short of it, and a BehaviorAgent that is asked on past its route raises.
        return bool(self.agent.done() or self.car.get_location().distance(goal) < ARRIVED_M)

    def verdict(self) -> str:
        if self.hits:
            return f"hit {self.hits[0]}"
        if not self.has_arrived:
            here = self.car.get_location()
            return f"stuck at ({here.x:.0f}, {here.y:.0f})"
        return self.off_road


def connections(town: carla.Map) -> list[Connection]:
    """Every connection of the map's topology that crosses a junction."""
    entries = (entry for entry, _ in town.get_topology() if entry.is_junction)
    return [Connection(entry.junction_id, entry.road_id, tuple(_way(entry))) for entry in entries]


def _way(entry: carla.Waypoint) -> Iterator[carla.Waypoint]:
    before = [entry]
    while len(before) * STEP_M < BEFORE_M and (behind := before[-1].previous(STEP_M)) and not behind[0].is_junction:
        before.append(behind[0])
    yield from reversed(before)
    here, beyond_m = entry, 0.0
    while beyond_m < BEYOND_M and (ahead := here.next(STEP_M)):
        if not here.is_junction and ahead[0].is_junction:
            return
        here = next((one for one in ahead if one.road_id == entry.road_id), ahead[0])
        beyond_m += 0.0 if here.is_junction else STEP_M
        yield here


def _to_the_right(here: carla.Location, pose: carla.Transform) -> float:
    right = pose.get_right_vector()
    return float((here.x - pose.location.x) * right.x + (here.y - pose.location.y) * right.y)


@cache
def _is_apart(one: Connection, other: Connection) -> bool:
    gaps = np.linalg.norm(one.points[:, None] - other.points[None], axis=2)
    return bool(gaps.min() > APART_M)


class Teams:
    """One car at a time for each junction, and of all junctions those whose ways are apart."""

    def __init__(self, world: carla.World, agent_type: Any, planner: Any, options: Any) -> None:
        self._world, self._agent_type, self._planner, self._options = world, agent_type, planner, options
        self._town = world.get_map()
        self._blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        self.left: dict[int, list[Connection]] = defaultdict(list)
        self.driven: list[tuple[Connection, str, float]] = []  # with what went wrong, and metres beside the middle
        self.unplanned: list[str] = []
        for connection in connections(self._town):
            self.left[connection.junction_id].append(connection)
        self._runs: dict[int, Run] = {}

    def drive(self) -> None:
        is_new = True
        while self._runs or any(self.left.values()):
            if is_new:
                self._start_waiting()
            self._world.tick()
            is_new = False
            for junction, run in list(self._runs.items()):
                run.look(self._town)
                if run.hits or run.has_arrived or run.ticks * TICK_S > PATIENCE_S:
                    self._finish(junction, run)
                    is_new = True
                else:
                    run.car.apply_control(run.agent.run_step())

    def _start_waiting(self) -> None:
        ways = [run.connection for run in self._runs.values()]
        started = []
        for junction, waiting in self.left.items():
            if waiting and junction not in self._runs and all(_is_apart(waiting[-1], way) for way in ways):
                started.append((waiting[-1], self._spawned(waiting[-1])))
                ways.append(waiting.pop())
        self._world.tick()  # an agent asks its car where it is when it is made
        for connection, car in started:
            self._runs[connection.junction_id] = self._manned(connection, car)

    def _spawned(self, connection: Connection) -> carla.Vehicle:
        start = connection.way[0].transform
        start.location.z += LIFT_M
        return self._world.spawn_actor(self._blueprint, start)

    def _manned(self, connection: Connection, car: carla.Vehicle) -> Run:
        agent = self._agent_type(car, map_inst=self._town, grp_inst=self._planner)
        agent.set_global_plan(self._plan(connection))
        run = Run(connection, car, agent)
        bumper = self._world.get_blueprint_library().find("sensor.other.collision")
        run.sensor = self._world.spawn_actor(bumper, carla.Transform(), attach_to=car)
        run.sensor.listen(lambda event: run.hits.append(event.other_actor.type_id))
        return run

    def _plan(self, connection: Connection) -> list[tuple[carla.Waypoint, Any]]:
        """The planner's own route, or the way itself where that leads elsewhere."""
        ends = connection.way[0].transform.location, connection.way[-1].transform.location
        route = self._planner.trace_route(*ends)
        if any(waypoint.road_id == connection.road_id for waypoint, _ in route):
            return list(route)
        self.unplanned.append(connection.name)
        return [(waypoint, self._options.LANEFOLLOW) for waypoint in connection.way]

    def _finish(self, junction: int, run: Run) -> None:
        self.driven.append((run.connection, run.verdict(), run.aside_m))
        if run.sensor is not None:
            run.sensor.stop()
            run.sensor.destroy()
        run.car.destroy()
        del self._runs[junction]


def drive_town(name: str, agent: str) -> dict[str, object]:
    """`name` is a shipped town's, or the path of an OpenDRIVE file, which is uploaded."""
    module, cls = AGENTS[agent]
    agent_type = getattr(importlib.import_module(f"agents.navigation.{module}"), cls)
    planning = importlib.import_module("agents.navigation.global_route_planner")
    options = importlib.import_module("agents.navigation.local_planner").RoadOption
    upload = Path(name) if name not in towns.names() else None
    with embedded(TOWN if upload else name, seed=7) as running:
        client = carla.Client("127.0.0.1", running.port)
        client.set_timeout(60.0)
        world = client.generate_opendrive_world(upload.read_text(), WALLED) if upload else client.get_world()
        world.apply_settings(carla.WorldSettings(synchronous_mode=True, fixed_delta_seconds=TICK_S))
        planner = planning.GlobalRoutePlanner(world.get_map(), STEP_M)
        teams = Teams(world, agent_type, planner, options)
        count = sum(map(len, teams.left.values()))
        teams.drive()
    wrong = {connection.name: problem for connection, problem, _ in teams.driven if problem}
    aside = sorted(aside_m for _, _, aside_m in teams.driven)
    return {
        "town": name,
        "agent": agent,
        "connections": count,
        "driven": len(teams.driven) - len(wrong),
        "wrong": wrong,
        "planner goes another way": teams.unplanned,
        "metres beside the lane's middle, median and most": [round(aside[len(aside) // 2], 2), round(aside[-1], 2)],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.embedded.carla_agents", description=__doc__)
    parser.add_argument("folder", type=Path, help="The PythonAPI folder of a CARLA 0.9.16 checkout.")
    parser.add_argument("--towns", nargs="+", default=list(towns.names()), help="Only these towns, or OpenDRIVE files.")
    parser.add_argument("--agents", nargs="+", choices=sorted(AGENTS), default=sorted(AGENTS), help="Only these.")
    args = parser.parse_args()
    sys.path.append(str(args.folder / "carla"))
    reports = []
    for name in args.towns:
        for agent in args.agents:
            reports.append(drive_town(name, agent))
            print(json.dumps(reports[-1]), flush=True)
    return 1 if any(report["wrong"] for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
