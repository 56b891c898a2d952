"""Scenes as data, and the runner that plays them over the public `carla` API, in our own world or in real CARLA.

`scene` is what a scene is, `reading` makes it of `assets/scenarios/*.json`, `places` finds where it can happen, `run`
plays it. Nothing here knows the drive loop, a driver or a page.
"""

from sim_bridge.scenarios.reading import load, load_file, names
from sim_bridge.scenarios.run import NoPlace, Outcome, SceneRun
from sim_bridge.scenarios.scene import Scene

__all__ = ["NoPlace", "Outcome", "Scene", "SceneRun", "load", "load_file", "names"]
