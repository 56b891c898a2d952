"""CARLA's Response<T> around a result: a variant of error and value, or for void an optional error."""

from __future__ import annotations

VOID: list[object] = [[False]]


def value(encoded: object) -> list[object]:
    return [[1, encoded]]


def failure(reason: str) -> list[object]:
    return [[0, [reason]]]


def void_failure(reason: str) -> list[object]:
    return [[True, [reason]]]
