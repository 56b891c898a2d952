"""From MessagePack values to typed Python and back, driven by annotations.

A CARLA struct is an array in field order: a dataclass here, one field per element. Decoding follows the client's own
rules: a shorter array leaves the rest at their defaults, a longer one is ignored beyond the known fields. Every error
names the field. `Pose` and `T | None` have their own wire shapes (`[[x, y, z], [pitch, yaw, roll]]`, `[False]` or
`[True, value]`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from sim_bridge.embedded.contracts import Pose

Decode = Callable[[Any, str], Any]
Encode = Callable[[Any], Any]

# Beyond this a position is a mistake, and squares of it would overflow the physics' float32.
FARTHEST = 1e9


class WrongArgument(ValueError):
    """An argument of a call has the wrong shape; the message names the field."""


def describe(value: object) -> str:
    return f"{type(value).__name__} {value!r:.60}"


def integer(value: Any, name: str) -> int:
    if type(value) is not int:
        raise WrongArgument(f"{name}: expected an integer, got {describe(value)}")
    return value


def number(value: Any, name: str) -> float:
    if type(value) is not float and type(value) is not int:
        raise WrongArgument(f"{name}: expected a number, got {describe(value)}")
    # Written so that NaN, which compares false with everything, is refused too.
    if not -FARTHEST <= value <= FARTHEST:
        if value in (math.inf, -math.inf) or value != value:
            raise WrongArgument(f"{name}: expected a finite number, got {value}")
        value = math.copysign(FARTHEST, value)  # the client sends FLT_MAX for "no limit"
    return float(value)


def flag(value: Any, name: str) -> bool:
    if type(value) is not bool and type(value) is not int:
        raise WrongArgument(f"{name}: expected true or false, got {describe(value)}")
    return bool(value)


def text(value: Any, name: str) -> str:
    if type(value) is not str:
        raise WrongArgument(f"{name}: expected a string, got {describe(value)}")
    return value


def blob(value: Any, name: str) -> bytes:
    if type(value) is not bytes:
        raise WrongArgument(f"{name}: expected bytes, got {describe(value)}")
    return value


def array(value: Any, name: str) -> list[Any]:
    if type(value) is not list:
        raise WrongArgument(f"{name}: expected an array, got {describe(value)}")
    return value


def anything(value: Any, name: str) -> Any:
    return value


def numbers(value: Any, name: str, count: int) -> tuple[float, ...]:
    items = array(value, name)
    if len(items) < count:
        raise WrongArgument(f"{name}: expected {count} numbers, got {len(items)}")
    return tuple(number(item, f"{name}[{i}]") for i, item in enumerate(items[:count]))


def pose(value: Any, name: str) -> Pose:
    parts = array(value, name)
    if len(parts) < 2:
        raise WrongArgument(f"{name}: expected a location and a rotation, got {len(parts)} parts")
    x, y, z = numbers(parts[0], f"{name}.location", 3)
    pitch, yaw, roll = numbers(parts[1], f"{name}.rotation", 3)
    return Pose(x, y, z, pitch, yaw, roll)


def encoded_pose(pose: Pose) -> list[list[float]]:
    return [[pose.x, pose.y, pose.z], [pose.pitch, pose.yaw, pose.roll]]


_PLAIN: dict[Any, Decode] = {
    int: integer,
    float: number,
    bool: flag,
    str: text,
    bytes: blob,
    Pose: pose,
    Any: anything,
    object: anything,
}


@functools.cache
def decoder(annotation: Any) -> Decode:
    """The function that checks and builds a value of this type: plain, Pose, tuple, `T | None` or a dataclass."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if dataclasses.is_dataclass(annotation):
        return _struct_decoder(annotation)
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return _sequence_decoder(decoder(inner[0]))
    if origin is tuple:
        return _tuple_decoder(tuple(decoder(kind) for kind in inner))
    if origin in (typing.Union, types.UnionType) and type(None) in inner and len(inner) == 2:
        return _optional_decoder(decoder(inner[0] if inner[1] is type(None) else inner[1]))
    raise TypeError(f"expected a type that has a wire shape, got {annotation!r}")


def _sequence_decoder(item: Decode) -> Decode:
    def decode(value: Any, name: str) -> tuple[Any, ...]:
        return tuple(item(part, f"{name}[{i}]") for i, part in enumerate(array(value, name)))

    return decode


def _tuple_decoder(items: tuple[Decode, ...]) -> Decode:
    def decode(value: Any, name: str) -> tuple[Any, ...]:
        parts = array(value, name)
        if len(parts) < len(items):
            raise WrongArgument(f"{name}: expected {len(items)} elements, got {len(parts)}")
        return tuple(item(part, f"{name}[{i}]") for i, (item, part) in enumerate(zip(items, parts, strict=False)))

    return decode


def _optional_decoder(item: Decode) -> Decode:
    def decode(value: Any, name: str) -> Any:
        parts = array(value, name)
        return item(parts[1], name) if len(parts) > 1 else None

    return decode


def _struct_decoder(cls: Any) -> Decode:
    hints = typing.get_type_hints(cls)
    fields = [(field.name, decoder(hints[field.name])) for field in dataclasses.fields(cls)]
    required = sum(
        field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        for field in dataclasses.fields(cls)
    )

    def decode(value: Any, name: str) -> Any:
        parts = array(value, name)
        if len(parts) < required:
            raise WrongArgument(f"{name}: expected at least {required} elements, got {len(parts)}")
        values = [read(part, f"{name}.{field}") for (field, read), part in zip(fields, parts, strict=False)]
        try:
            return cls(*values)
        except ValueError as error:
            raise WrongArgument(f"{name}: {error}") from None

    return decode


def encoded(value: Any) -> Any:
    """A typed value as MessagePack takes it. Optionals inside dataclasses are known by their annotation."""
    if isinstance(value, (int, float, str, bytes)):
        return value
    if isinstance(value, Pose):
        return encoded_pose(value)
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    cls: Any = type(value)
    return [write(getattr(value, name)) for name, write in _struct_encoder(cls)]


@functools.cache
def _struct_encoder(cls: Any) -> tuple[tuple[str, Encode], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((field.name, _field_encoder(hints[field.name])) for field in dataclasses.fields(cls))


def _field_encoder(annotation: Any) -> Encode:
    if type(None) in typing.get_args(annotation):
        return lambda value: [False] if value is None else [True, encoded(value)]
    return encoded
