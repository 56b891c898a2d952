"""What stands beside a town's roads, as data: `assets/towns/<name>.scenery.json`. OpenDRIVE's frame, like the roads.

The author writes it, `scenery` builds meshes and boxes from it; neither knows the other.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

RGB = tuple[float, float, float]
FACADES = ("facade_brick", "facade_plaster", "facade_glass", "facade_office")
CARS = ("sedan", "hatchback", "van")
PROPS = ("bench", "bin", "hydrant", "planter", "shelter")


@dataclass(frozen=True, slots=True)
class Building:
    """A box on the ground: `width` along its heading, `depth` across; `heading` in radians. A gable instead of a flat
    roof on houses; shops are a glass ground floor."""

    x: float
    y: float
    heading: float
    width: float
    depth: float
    storeys: int
    facade: str
    tint: RGB
    gable: bool
    shops: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """`height` to the top, `crown` its radius; `fine` trees stand near a road and get more triangles. A conifer is
    a stack of cones."""

    x: float
    y: float
    height: float
    crown: float
    tint: RGB
    fine: bool
    conifer: bool


@dataclass(frozen=True, slots=True)
class Lamp:
    """A street lamp's pole; its arm points along `heading`, over the road."""

    x: float
    y: float
    heading: float


@dataclass(frozen=True, slots=True)
class Prop:
    kind: str
    x: float
    y: float
    heading: float


@dataclass(frozen=True, slots=True)
class Rail:
    """A guard rail along `points`."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ParkedCar:
    """Its middle, on the ground; `heading` is where its nose points."""

    body: str
    x: float
    y: float
    heading: float
    color: RGB


@dataclass(frozen=True, slots=True)
class Scenery:
    buildings: tuple[Building, ...] = ()
    trees: tuple[Tree, ...] = ()
    lamps: tuple[Lamp, ...] = ()
    props: tuple[Prop, ...] = ()
    rails: tuple[Rail, ...] = ()
    parked: tuple[ParkedCar, ...] = ()


Item = TypeVar("Item", Building, Tree, Lamp, Prop, Rail, ParkedCar)


def dumps(scenery: Scenery) -> str:
    """One item per line, numbers to a centimetre or a milliradian: readable, and the same text on every machine."""
    groups = []
    for field in fields(scenery):
        rows = [json.dumps(_rounded(asdict(item))) for item in getattr(scenery, field.name)]
        if rows:
            groups.append(f' "{field.name}": [\n  ' + ",\n  ".join(rows) + "\n ]")
    return "{\n" + ",\n".join(groups) + "\n}\n"


def loads(text: str) -> Scenery:
    """Raises ValueError naming the item that has a missing, unknown or non-finite value."""
    data = json.loads(text)
    return Scenery(
        buildings=_items(data, "buildings", Building),
        trees=_items(data, "trees", Tree),
        lamps=_items(data, "lamps", Lamp),
        props=_items(data, "props", Prop),
        rails=_items(data, "rails", Rail),
        parked=_items(data, "parked", ParkedCar),
    )


def _items(data: dict[str, Any], group: str, kind: type[Item]) -> tuple[Item, ...]:
    return tuple(_item(row, f"{group}[{number}]", kind) for number, row in enumerate(data.get(group, [])))


def _item(row: dict[str, Any], place: str, kind: type[Item]) -> Item:
    expected = {field.name for field in fields(kind)}
    if set(row) != expected:
        raise ValueError(f"expected {sorted(expected)} in {place}, got {sorted(row)}")
    if any(isinstance(value, float) and not math.isfinite(value) for value in row.values()):
        raise ValueError(f"expected finite numbers in {place}, got {row}")
    if row.get("facade", FACADES[0]) not in FACADES or row.get("kind", PROPS[0]) not in PROPS:
        raise ValueError(f"expected a facade out of {FACADES} or a prop out of {PROPS} in {place}, got {row}")
    if row.get("body", CARS[0]) not in CARS:
        raise ValueError(f"expected a body out of {CARS} in {place}, got {row}")
    return kind(**{name: _tuples(value) for name, value in row.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(entry) for entry in value]
    return round(value, 3) + 0.0 if isinstance(value, float) else value
