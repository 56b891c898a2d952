"""Traffic lights that take turns, and which light a car stands before.

The lights of one junction form a group. Its phases follow each other: green, yellow, then all red, then the next phase;
lights of the other phases stay red meanwhile. Times come from the lights of the running phase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sim_bridge.embedded.contracts import LightState, Pose
from sim_bridge.embedded.world.actors import TrafficLight, Vehicle
from sim_bridge.embedded.world.geometry import difference_deg, seen_from
from sim_bridge.embedded.world.lanes import LaneIndex, LanePlace

_NEXT = {LightState.GREEN: LightState.YELLOW, LightState.YELLOW: LightState.RED, LightState.RED: LightState.GREEN}

# A car is "at" a light from where a firm brake (m/s2) would still stop it at the line, and at least this far before it.
# The Traffic Manager brakes as soon as its car is "at" a red light; with these it comes to rest 3 m before the line.
_FIRM_BRAKE = 6.0
_ZONE_M = 2.0
_FARTHEST_M = 35.0
_PAST_LINE_M = 0.8  # a car whose origin is this far beyond the line has passed it
_FRONT_OVERHANG = 0.5  # of the car's length lies before its origin


class LightGroup:
    """The lights of one junction. `state` is that of the running phase's lights."""

    def __init__(self, lights: list[TrafficLight]) -> None:
        self.lights = lights
        self._phases = sorted({light.signal.phase for light in lights})
        self._turn = 0
        self.state = LightState.GREEN
        self._elapsed_s = 0.0
        self.reset()

    def reset(self) -> None:
        self._turn, self.state, self._elapsed_s = 0, LightState.GREEN, 0.0
        self._show()

    def advance(self, delta_s: float) -> None:
        if any(light.is_frozen for light in self.lights):
            return
        self._elapsed_s += delta_s
        for light in self.lights:
            light.elapsed_s += delta_s
        # A tick can be longer than a state; the remainder carries over so the cycle keeps its length.
        while self._elapsed_s >= (duration := self._duration()):
            self._elapsed_s -= duration
            if self.state is LightState.RED:
                self._turn = (self._turn + 1) % len(self._phases)
            self.state = _NEXT[self.state]
            self._show()

    def _duration(self) -> float:
        light = next(light for light in self.lights if light.signal.phase == self._phases[self._turn])
        times = {LightState.GREEN: light.green_s, LightState.YELLOW: light.yellow_s, LightState.RED: light.red_s}
        return max(times[self.state], 0.05)

    def _show(self) -> None:
        for light in self.lights:
            is_running = light.signal.phase == self._phases[self._turn]
            state = self.state if is_running else LightState.RED
            if light.state is not state:
                light.state, light.elapsed_s = state, 0.0


def groups(lights: Iterable[TrafficLight]) -> dict[int, LightGroup]:
    """The group of every light, by the light's actor id. A light without a junction is a group of its own."""
    by_junction: dict[int, list[TrafficLight]] = defaultdict(list)
    for light in lights:
        key = light.signal.junction_id if light.signal.junction_id >= 0 else -1 - light.actor_id
        by_junction[key].append(light)
    made = [LightGroup(members) for members in by_junction.values()]
    return {light.actor_id: group for group in made for light in group.lights}


class StopLines:
    """Which light rules a car: the one whose stop line lies ahead on the car's own road and direction."""

    def __init__(self, lights: Iterable[TrafficLight], lanes: LaneIndex) -> None:
        self._by_road: dict[tuple[int, bool], list[TrafficLight]] = defaultdict(list)
        for light in lights:
            place = lanes.nearest(light.signal.stop_line)
            if place is not None:
                self._by_road[place.road_id, place.lane_id < 0].append(light)

    def ahead_of(self, vehicle: Vehicle, place: LanePlace | None, speed_mps: float) -> TrafficLight | None:
        """The light whose zone the car's front bumper is in; once in, it stays until the line is passed."""
        if place is None:
            return None
        for light in self._by_road.get((place.road_id, place.lane_id < 0), ()):
            is_waiting = vehicle.waits_at == light.actor_id
            reach = _FARTHEST_M if is_waiting else min(_FARTHEST_M, _ZONE_M + speed_mps**2 / (2.0 * _FIRM_BRAKE))
            if -reach <= self._beyond(light.signal.stop_line, vehicle) <= _PAST_LINE_M:
                return light
        return None

    @staticmethod
    def _beyond(line: Pose, vehicle: Vehicle) -> float:
        """How far the front bumper is past the line, in metres; far before it for a car that faces elsewhere."""
        if abs(difference_deg(vehicle.pose.yaw, line.yaw)) > 70.0:
            return -_FARTHEST_M - 1.0
        along = seen_from(line, (vehicle.pose.x, vehicle.pose.y, vehicle.pose.z))[0]
        return along + _FRONT_OVERHANG * vehicle.shape.length
