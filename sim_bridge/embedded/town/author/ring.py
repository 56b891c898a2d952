"""A roundabout's lane as streets of their own from arm to arm, so that each arm is a junction by itself.

CARLA's Traffic Manager lets those whom a sign has held over a junction one by one. Where a whole roundabout is one
junction its arms wait for each other, though they share no ground; here only those behind each other do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from sim_bridge.embedded.town.author.built import Arm, Road, turned
from sim_bridge.embedded.town.author.plan import RING_MARGIN_M, Crossing, Street
from sim_bridge.embedded.town.curves import Curve, chain

# How far to either side of its street a junction reaches along the ring. Ways on and off it then turn with nearly the
# ring's own radius, and with four arms a car still fits between one junction and the next.
HALF_ARM_RAD = math.radians(34)


def ring_of(crossing: Crossing, arms: tuple[Arm, ...], first_id: int) -> list[Road]:
    """The streets of a roundabout's own lane, each from one arm to the next; none where it has no `ring`.

    Raises ValueError where two arms leave no room for a street between them.
    """
    if crossing.ring is None:
        return []
    street = Street(crossing.name, crossing.name, crossing.ring)
    bearings = [arm.mouth[2] for arm in _around(arms)]
    between = itertools.pairwise([*bearings, bearings[0]])
    return [Road(first_id + number, street, _bend(crossing, *pair)) for number, pair in enumerate(between)]


def split(arms: tuple[Arm, ...], ring: list[Road]) -> Iterator[tuple[Arm, ...]]:
    """The arms of each junction of a roundabout: a street, the ring that comes and the ring that goes on."""
    order = _around(arms)
    for arm in arms:
        index = order.index(arm)
        before, after = ring[index - 1], ring[index]
        coming = Arm(before.road_id, "end", before.street.profile, turned(before.curve.end))
        yield arm, coming, Arm(after.road_id, "start", after.street.profile, after.curve.start)


def _around(arms: tuple[Arm, ...]) -> list[Arm]:
    """Counter-clockwise, as the traffic goes."""
    return sorted(arms, key=lambda arm: arm.mouth[2])


def _bend(crossing: Crossing, bearing: float, following: float) -> Curve:
    turn = (following - bearing) % math.tau - 2 * HALF_ARM_RAD
    if turn <= 0:
        raise ValueError(f"expected arms of {crossing.name} farther apart than those at {bearing} and {following} rad")
    radius, first = crossing.island_m + RING_MARGIN_M, bearing + HALF_ARM_RAD
    start = crossing.x + radius * math.cos(first), crossing.y + radius * math.sin(first), first + math.pi / 2
    return chain(start, [(radius * turn, 1 / radius)])
