"""What is done to a valid message: values of another kind, parts lost or doubled, bytes flipped. Seeded, pure."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import msgpack

STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**32, 2**63, -(2**63), 2**64 - 1, 1e308, -1e308, 1e9, 3.4028235e38, 1e-320,
    float("nan"), float("inf"), float("-inf"), "", "x" * 5000, b"", b"\xff" * 40, [], [[]], [None] * 40, {}, {"a": 1},
    {"a": {"b": {}}}, [[[[[[[[[[]]]]]]]]]], "\ud7ff", "%s%n", msgpack.ExtType(5, b"abc"), msgpack.Timestamp(1, 0),
)  # fmt: skip


def bent(rng: random.Random, message: list[Any]) -> list[Any]:
    """The same message with one to three parts of its arguments changed: a call that the server must answer."""
    message = copy.deepcopy(message)
    for _ in range(rng.randint(1, 3)):
        holder, key = rng.choice(_places(message[3]))
        _CHANGES[rng.randrange(len(_CHANGES))](rng, holder, key)
    return message


def broken(rng: random.Random, message: list[Any]) -> list[Any]:
    """No call any more: its type, id, name or its list of arguments is something else."""
    message = copy.deepcopy(message)
    for _ in range(rng.randint(1, 2)):
        key = rng.randrange(len(message)) if message else 0
        _CHANGES[rng.randrange(len(_CHANGES))](rng, message if message else [None], key)
    return message


def _places(root: Any) -> list[tuple[list[Any], int]]:
    """Every element of every list in it."""
    found, todo = [], [root]
    while todo:
        holder = todo.pop()
        for key, item in enumerate(holder):
            found.append((holder, key))
            if isinstance(item, list):
                todo.append(item)
    return found or [([None], 0)]


def _replace(rng: random.Random, holder: list[Any], key: int) -> None:
    holder[key] = copy.deepcopy(rng.choice(STRANGE))  # or the next change would bend STRANGE itself


def _drop(rng: random.Random, holder: list[Any], key: int) -> None:
    del holder[key : rng.choice((key + 1, len(holder)))]


def _double(rng: random.Random, holder: list[Any], key: int) -> None:
    holder.insert(key, copy.deepcopy(holder[key]))


def _swap(rng: random.Random, holder: list[Any], key: int) -> None:
    other = rng.randrange(len(holder))
    holder[key], holder[other] = holder[other], holder[key]


def _nudge(rng: random.Random, holder: list[Any], key: int) -> None:
    """Numbers by a lot; other things become numbers."""
    was = holder[key]
    is_number = isinstance(was, (int, float)) and not isinstance(was, bool)
    holder[key] = was * rng.choice((-1, 10, 1000)) if is_number and abs(was) < 1e15 else rng.choice((-1, 0, 7, 0.5))


_Change = Callable[[random.Random, list[Any], int], None]
_CHANGES: tuple[_Change, ...] = (_replace, _replace, _drop, _double, _swap, _nudge)


def garbled(rng: random.Random, data: bytes) -> bytes:
    """Bytes flipped, lost, doubled or put in."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(5):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at : at + rng.randint(1, 8)]
            case 2:
                out[at:at] = out[at : at + rng.randint(1, 16)]
            case 3:
                out[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
            case _:
                del out[at:]
    return bytes(out)
