"""The navigation mesh as the file a client asks for. The client caches it by name alone, so the name carries a hash."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sim_bridge.embedded.contracts import Town
from sim_bridge.embedded.navigation.ribbons import walkable
from sim_bridge.embedded.navigation.tile import Welded, written
from sim_bridge.embedded.town.opendrive import parse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeshFile:
    name: str
    data: bytes


def can_be_kept() -> bool:
    """Whether a client of our own account can store files where it wants to, under its home.

    Where it cannot, the client fails to connect at all as soon as a server offers it a file.
    """
    home = os.environ.get("HOME", "")
    cache = Path(home) / "carlaCache"
    place = cache if cache.is_dir() else cache.parent
    return bool(home) and place.is_dir() and os.access(place, os.W_OK)


@lru_cache(maxsize=2)
def mesh_file(town: Town) -> MeshFile | None:
    """None for a town without sidewalks, with more than one tile holds, or whose author wants none: walkers there have
    no AI."""
    if not town.has_navigation:
        return None
    mesh = Welded(walkable(parse(town.opendrive)))
    try:
        data = written(mesh)
    except ValueError as error:
        _LOG.warning("%s has no navigation for walkers: %s", town.name, error)
        return None
    return MeshFile(f"Carla/Maps/Nav/{town.name}_{hashlib.sha256(data).hexdigest()[:12]}.bin", data)
