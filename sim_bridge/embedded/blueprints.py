"""The blueprint library: every id a client can spawn, with CARLA's attributes. Built once, then only read.

A fixed attribute is not modifiable and has no recommended values; a variation is modifiable and its value is the first
recommended one. All values are text, as on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sim_bridge.embedded.contracts import VehicleShape
from sim_bridge.embedded.prop_shapes import PROP_SHAPES, extent_of
from sim_bridge.embedded.sensor_blueprints import SENSORS
from sim_bridge.embedded.wire.structs import ActorAttribute, ActorDefinition, ActorDescription, AttributeValue

BOOL, INT, FLOAT, STRING, COLOR = 1, 2, 3, 4, 5
_KINDS: dict[type, int] = {bool: BOOL, int: INT, float: FLOAT, str: STRING}

_COLORS = (
    "17,37,103", "255,255,255", "38,38,38", "140,24,24", "90,98,105", "32,70,48", "180,150,90", "200,205,210",
)  # fmt: skip
_BASE_TYPES = {"van": "van", "truck": "truck", "bus": "bus", "motorcycle": "motorcycle", "bicycle": "bicycle"}
_SPECIAL_TYPES = {"vehicle.tesla.model3": "electric", "vehicle.tesla.cybertruck": "electric"}


@dataclass(frozen=True, slots=True)
class WalkerShape:
    """A person's size. CARLA puts a walker's origin in the middle of its body."""

    height: float
    radius: float
    age: str
    gender: str


_ADULT = (1.86, 0.19)
_CHILD = (1.20, 0.15)
WALKERS: dict[str, WalkerShape] = {
    f"walker.pedestrian.{number:04d}": WalkerShape(*(_CHILD if age == "child" else _ADULT), age, gender)
    for number, (age, gender) in enumerate(
        (
            ("adult", "female"),
            ("adult", "male"),
            ("adult", "male"),
            ("adult", "female"),
            ("adult", "male"),
            ("adult", "female"),
            ("child", "male"),
            ("child", "female"),
        ),
        start=1,
    )
}

# Half sizes in metres: forward, right, up, standing on the ground.
PROPS: dict[str, tuple[float, float, float]] = {name: extent_of(parts) for name, parts in PROP_SHAPES.items()}


def _written(value: object) -> str:
    return str(value)


def fixed(name: str, value: bool | int | float | str) -> ActorAttribute:
    return ActorAttribute(name, _KINDS[type(value)], _written(value))


def variation(name: str, *values: bool | int | float | str, is_open: bool = True) -> ActorAttribute:
    """`is_open`: any value may be set, the given ones are suggestions."""
    written = tuple(_written(value) for value in values)
    return ActorAttribute(name, _KINDS[type(values[0])], written[0], written, True, not is_open)


def color(*values: str) -> ActorAttribute:
    return ActorAttribute("color", COLOR, values[0], values, True, False)


_ROLE = variation("role_name", "autopilot", "scenario", "ego_vehicle")
_PROP_ROLE = variation("role_name", "prop")


def _vehicle(shape: VehicleShape) -> tuple[ActorAttribute, ...]:
    is_two_wheeled = shape.body in ("motorcycle", "bicycle")
    special = "emergency" if shape.service else _SPECIAL_TYPES.get(shape.blueprint_id, "")
    return (
        fixed("object_type", ""),
        fixed("base_type", _BASE_TYPES.get(shape.body, "car")),
        fixed("special_type", special),
        fixed("generation", 2 if shape.blueprint_id.endswith(("2020", "2021")) else 1),
        fixed("number_of_wheels", 2 if is_two_wheeled else 4),
        fixed("has_lights", shape.body != "bicycle"),
        fixed("has_dynamic_doors", False),
        variation("sticky_control", True, False),
        variation("terramechanics", False, True),
        # The colours of the services are not for choosing.
        *(() if shape.service else (color(*_COLORS),)),
        variation("driver_id", 1, 2) if is_two_wheeled else variation("driver_id", 0, 1),
        _ROLE,
    )


def _walker(number: int, shape: WalkerShape) -> tuple[ActorAttribute, ...]:
    return (
        fixed("gender", shape.gender),
        fixed("age", shape.age),
        fixed("generation", 2 if number > 4 else 1),
        fixed("can_use_wheelchair", False),
        variation("is_invincible", True, False),
        variation("use_wheelchair", False),
        variation("speed", 0.0, 1.4, 2.6),
        variation("role_name", "pedestrian"),
    )


def _prop(blueprint_id: str, extent: tuple[float, float, float]) -> tuple[ActorAttribute, ...]:
    size = "tiny" if max(extent) < 0.4 else "small" if max(extent) < 0.8 else "medium" if max(extent) < 1.5 else "big"
    return (fixed("size", size), fixed("generation", 1), _PROP_ROLE)


def _definitions(vehicles: Mapping[str, VehicleShape]) -> Iterator[tuple[str, Iterable[ActorAttribute]]]:
    for blueprint_id, shape in sorted(vehicles.items()):
        yield blueprint_id, _vehicle(shape)
    for number, (blueprint_id, walker) in enumerate(WALKERS.items(), start=1):
        yield blueprint_id, _walker(number, walker)
    for blueprint_id, extent in PROPS.items():
        yield blueprint_id, _prop(blueprint_id, extent)
    yield "controller.ai.walker", (_ROLE,)
    for blueprint_id, attributes in SENSORS.items():
        yield (
            blueprint_id,
            (*(variation(name, value) for name, value in attributes.items()), variation("role_name", "front")),
        )


class UnknownBlueprint(ValueError):
    """The id of an actor to spawn is not in the library."""


class Library:
    """The definitions a client sees, and the check of what it sends back."""

    def __init__(self, vehicles: Mapping[str, VehicleShape]) -> None:
        self.vehicles = vehicles
        self.definitions = tuple(
            ActorDefinition(uid, blueprint_id, blueprint_id.replace(".", ","), tuple(attributes))
            for uid, (blueprint_id, attributes) in enumerate(_definitions(vehicles), start=1)
        )
        self._by_id = {definition.id: definition for definition in self.definitions}

    def completed(self, description: ActorDescription) -> ActorDescription:
        """The description with the blueprint's own uid and every attribute it left out. Raises UnknownBlueprint."""
        definition = self._by_id.get(description.id)
        if definition is None:
            raise UnknownBlueprint(
                f"expected a blueprint of this world, got {description.id!r:.80}; get_blueprint_library() lists them"
            )
        given = {attribute.id: attribute.value for attribute in description.attributes}
        attributes = tuple(
            AttributeValue(a.id, a.kind, given[a.id] if a.is_modifiable and a.id in given else a.value)
            for a in definition.attributes
        )
        return ActorDescription(definition.uid, definition.id, attributes)
