"""What people call an actor of the world, by its CARLA id. Pure function, any thread."""

from __future__ import annotations

_WORDS = {"vehicle": "another vehicle", "walker": "a pedestrian"}


def in_words(type_id: str) -> str:
    """ "vehicle.audi.tt" -> "another vehicle"."""
    return _WORDS.get(type_id.split(".")[0], "something beside the road")
