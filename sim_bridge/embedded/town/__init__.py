"""Towns: an OpenDRIVE file read into lanes, signals, spawn points, meshes and solid boxes. `author` writes our own."""

from sim_bridge.embedded.town.folder import names
from sim_bridge.embedded.town.loading import build, load

__all__ = ["build", "load", "names"]
