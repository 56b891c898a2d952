"""What the traffic soak makes of what it sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.embedded.traffic_watch import LONG_S, Sight, Watch

BUS = Sight(7, "mitsubishi.fusorosa", 10.0, 0.0, 0.0, 0.0, road=3, lane=-1)
CAR = Sight(9, "audi.tt", 16.0, 1.0, 3.14, 0.0, road=3, lane=1)


def watched(*sights: Sight, seconds: float = LONG_S) -> Watch:
    watch = Watch()
    for half_seconds in range(round(2.0 * seconds) + 1):
        watch.look(half_seconds / 2.0, list(sights))
    return watch


def test_who_stands_long_is_named_with_the_place_and_with_whom_it_touched() -> None:
    watch = Watch()
    watch.touch(0.0, 7, 9, "vehicle.audi.tt")
    for second in range(round(LONG_S) + 1):
        watch.look(float(second), [BUS, CAR])
    (bus, car) = watch.stuck({7, 9})
    assert bus.startswith("stands still: mitsubishi.fusorosa 7 stood 45 s at 45 s, at (10.0, 0.0)")
    assert "road 3 lane -1: touches audi.tt 9, last 45 s ago; audi.tt 9 is 6.1 m ahead, still for 45 s" in bus
    assert "touches mitsubishi.fusorosa 7" in car


def test_a_sign_and_an_empty_road_are_told_apart() -> None:
    assert "held by a stop or yield sign" in watched(replace(BUS, is_shown_red=True)).stuck({7})[0]
    queued = watched(replace(BUS, is_shown_red=True), seconds=10.0)
    for seconds in range(11, 60):
        queued.look(float(seconds), [BUS])
    assert "waits its turn at a sign" in queued.stuck({7})[0]
    assert "nothing near holds it" in watched(BUS).stuck({7})[0]


@pytest.mark.parametrize("sight", [replace(BUS, is_at_light=True), replace(BUS, speed_mps=1.0)])
def test_who_waits_at_a_light_or_moves_is_in_no_knot(sight: Sight) -> None:
    watch = watched(sight, seconds=200.0)
    assert not watch.knots and not watch.stuck({7})


def test_a_knot_that_came_apart_is_told_but_nobody_is_stuck_in_it() -> None:
    watch = watched(BUS)
    watch.look(46.0, [replace(BUS, speed_mps=3.0)])
    assert len(watch.knots) == 1 and not watch.stuck({7})


def test_who_is_taken_away_is_stuck_whatever_was_seen_of_it() -> None:
    assert watched(BUS).stuck(set())[0].startswith("taken away: mitsubishi.fusorosa 7 stood")
    assert watched(BUS, seconds=1.0).stuck(set()) == ["taken away: mitsubishi.fusorosa 7 vanished at (10.0, 0.0)"]


def test_a_collision_counts_once_for_both_and_again_after_a_pause() -> None:
    watch = Watch()
    for at_s in (1.0, 1.05, 1.1, 8.0):
        watch.touch(at_s, 7, 9, "vehicle.audi.tt")
        watch.touch(at_s, 9, 7, "vehicle.mitsubishi.fusorosa")
    assert watch.collisions == 2
