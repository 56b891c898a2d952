"""Towns: an OpenDRIVE file read into lanes, signals, spawn points, meshes and solid boxes. `author` writes our own."""

from sim_bridge.embedded.town.folder import names
from sim_bridge.embedded.town.generation import Generation
from sim_bridge.embedded.town.loading import build, load
from sim_bridge.embedded.town.upload import fit_to_drive

__all__ = ["Generation", "build", "fit_to_drive", "load", "names"]
