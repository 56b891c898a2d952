"""What people call an actor of the world, by its CARLA id. Pure function, any thread."""

from __future__ import annotations

_WORDS = {"vehicle": "another vehicle", "walker": "a pedestrian"}


def in_words(type_id: str) -> str:
    """ "vehicle.audi.tt" -> "another vehicle"."""
    if type_id.startswith("static.prop."):  # cones, boxes and barriers stand on the road as well
        return "an object"
    return _WORDS.get(type_id.split(".")[0], "something beside the road")
