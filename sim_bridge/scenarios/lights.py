"""The traffic lights of one junction, held in the states a scene asks for. Session thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import carla

from sim_bridge.scenarios.places import Place
from sim_bridge.scenarios.rules import Rules

_STATES = {
    "red": carla.TrafficLightState.Red,
    "yellow": carla.TrafficLightState.Yellow,
    "green": carla.TrafficLightState.Green,
}
_WORDS = {state: word for word, state in _STATES.items()}


class Lights:
    """Found when made; nothing is held before `hold`. `release` lets them take turns again."""

    def __init__(self, world: Any, place: Place, rules: Rules) -> None:
        arms = {"ego": (place.entry,) if place.entry else (), **place.arms}
        ids = {arm: {i for lane in lanes for i in rules.light_ids(lane)} for arm, lanes in arms.items()}
        wanted = set().union(*ids.values()) if ids else set()
        by_id = {a.get_opendrive_id(): a for a in world.get_actors().filter("traffic.traffic_light*")} if wanted else {}
        self._arms = {arm: [by_id[i] for i in sorted(own) if i in by_id] for arm, own in ids.items()}
        self._held: dict[str, tuple[Any, Any]] = {}

    def hold(self, states: dict[str, str]) -> None:
        """`states` by arm; "others" is every arm that is not named."""
        for arm, lights in self._arms.items():
            word = states.get(arm) or states.get("others")
            # "side" is another name for left or right, and must not overrule it.
            if word and not (arm == "side" and "side" not in states):
                self._held.update({light.get_opendrive_id(): (light, _STATES[word]) for light in lights})
        self._set(self._held.values())
        for light, _ in list(self._held.values())[:1]:
            light.freeze(True)

    def keep(self) -> None:
        """Once per tick: set again what somebody else has switched."""
        self._set((light, state) for light, state in self._held.values() if light.get_state() != state)

    def state(self, arm: str) -> str:
        """ "red", "yellow" or "green"; "" for an arm without lights."""
        lights = self._arms.get(arm, [])
        return _WORDS.get(lights[0].get_state(), "") if lights else ""

    def release(self) -> None:
        for light, _ in list(self._held.values())[:1]:
            light.freeze(False)
        self._held = {}

    def _set(self, held: Iterable[tuple[Any, Any]]) -> None:
        for light, state in held:
            light.set_state(state)
