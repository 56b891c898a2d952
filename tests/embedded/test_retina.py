"""The dynamic vision sensor: one event per step of brightness, with its time and its sign."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim_bridge.embedded.contracts import BodyState, Pose
from sim_bridge.embedded.wire.structs import ActorDescription, AttributeValue
from sim_bridge.embedded.world.actors import SensorActor
from sim_bridge.embedded.world.retina import EVENT, Retina
from tests.embedded.test_world import advance, car, flat_world, listening, sent

MILLISECOND_NS = 1_000_000


def retina(**attributes: str) -> Retina:
    given = tuple(AttributeValue(name, 4, value) for name, value in attributes.items())
    return Retina(SensorActor(7, ActorDescription(0, "sensor.camera.dvs", given), BodyState(Pose())))


def grey(value: int, at: tuple[int, int] | None = None, other: int = 0) -> np.ndarray:
    """A picture of 4 x 6 pixels; the one at (row, column) has another value."""
    picture = np.full((4, 6, 4), value, np.uint8)
    if at is not None:
        picture[at] = other
    return picture


def test_an_event_takes_thirteen_bytes_as_on_the_wire() -> None:
    assert EVENT.itemsize == 13


def test_the_first_picture_and_an_unchanged_one_tell_nothing() -> None:
    eye = retina()
    assert len(eye.events(grey(100), 1.0)) == 0 and len(eye.events(grey(100), 1.1)) == 0


def test_a_pixel_that_brightens_fires_once_per_step_at_the_time_it_crosses_it() -> None:
    eye = retina(log_eps="0.000001")
    eye.events(grey(60), 1.0)
    events = eye.events(grey(60, (2, 5), 120), 1.05)
    # log 2 holds two steps of 0.3.
    assert [(e["x"], e["y"], e["pol"]) for e in events] == [(5, 2, 1), (5, 2, 1)]
    expected = [1e9 + 50 * MILLISECOND_NS * 0.3 * step / math.log(2.0) for step in (1, 2)]
    assert events["t"].tolist() == pytest.approx(expected, abs=1000.0)
    # What is left of the step is not forgotten: 0.09 and another 0.25 are more than 0.3.
    assert len(eye.events(grey(60, (2, 5), round(120 * math.exp(0.25))), 1.1)) == 1


def test_a_pixel_that_darkens_fires_with_the_other_sign_and_its_own_threshold() -> None:
    eye = retina(negative_threshold="0.5", log_eps="0.000001")
    eye.events(grey(200), 0.0)
    events = eye.events(grey(200, (0, 1), 50), 0.05)
    assert events["pol"].tolist() == [0, 0] and set(events["x"]) == {1} and set(events["y"]) == {0}


def test_events_come_in_the_order_of_their_times() -> None:
    eye = retina()
    eye.events(grey(100), 0.0)
    picture = grey(220)
    picture[:2] = 20
    times = eye.events(picture, 0.05)["t"]
    assert len(times) > 24 and (np.diff(times) >= 0).all()


def test_a_pixel_rests_for_the_refractory_period() -> None:
    eye = retina(refractory_period_ns=str(45 * MILLISECOND_NS))
    eye.events(grey(20), 0.0)
    assert len(eye.events(grey(20, (1, 1), 250), 0.05)) == 1


def test_without_the_logarithm_brightness_counts_as_it_is() -> None:
    eye = retina(use_log="false", positive_threshold="20")
    eye.events(grey(100), 0.0)
    assert len(eye.events(grey(100, (1, 1), 165), 0.05)) == 3


def test_thresholds_scatter_as_much_as_asked_and_the_same_way_each_time() -> None:
    def counts() -> list[int]:
        eye = retina(sigma_positive_threshold="0.2")
        eye.events(grey(50), 0.0)
        events = eye.events(grey(150), 0.05)
        return np.bincount(events["y"].astype(int) * 6 + events["x"], minlength=24).tolist()

    assert len(set(counts())) > 1 and counts() == counts()


def test_a_world_sends_events_only_where_something_changes() -> None:
    world = flat_world()
    ego = car(world)
    eye = listening(world, "sensor.camera.dvs", ego.actor_id, image_size_x="8", image_size_y="4")
    advance(world, 5)
    assert sent(world, eye.stream_id) == []
    # The flat painter paints its first pixel by where the first actor is.
    world.place(ego, Pose(200.0, 1.75, 0.0))
    advance(world, 1)
    (message,) = sent(world, eye.stream_id)
    assert len(message) > 48 + 12 and (len(message) - 48 - 12) % EVENT.itemsize == 0
