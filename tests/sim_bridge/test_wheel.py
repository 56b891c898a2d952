import itertools
import random
from dataclasses import replace

import pytest

from sim_bridge.engagement import Event
from sim_bridge.hands import COAST_BRAKE, Hands
from sim_bridge.messages import Control, Engagement, HumanInput, Reason
from sim_bridge.wheel import HANDS_NEUTRAL_AFTER_S, HANDS_SILENT_AFTER_S, Wheel

CRUISE = Control(steer=0.1, throttle=0.4)


def hands(holder: str = "ann", seq: int = 1, **held: float) -> HumanInput:
    return HumanInput(
        holder,
        seq,
        is_nudge=set(held) == {"nudge"},
        throttle=held.pop("nudge", 0.0) or held.pop("throttle", 0.0),
        **held,
    )


def driven(wheel: Wheel, now_s: float = 0.0, speed_mps: float = 5.0) -> Control:
    wheel.watches(now_s)
    return wheel.control(CRUISE, speed_mps, now_s)


@pytest.mark.parametrize(
    ("held", "reason"),
    [({"steer": -1.0}, Reason.USER_STEER), ({"brake": 1.0}, Reason.USER_BRAKE), ({"throttle": 1.0}, Reason.USER_GAS)],
)
def test_a_key_takes_the_car_in_the_same_tick(held: dict[str, float], reason: Reason) -> None:
    wheel = Wheel()
    assert driven(wheel) == CRUISE
    wheel.hears(hands(**held), 0.0)
    assert (wheel.standing.engagement, wheel.standing.reason, wheel.standing.holder) == (
        Engagement.MANUAL,
        reason,
        "ann",
    )
    assert driven(wheel) != CRUISE


def test_braking_hands_never_get_the_drivers_throttle() -> None:
    wheel = Wheel()
    driven(wheel)
    wheel.hears(hands(brake=1.0), 0.0)
    for tick in range(4):
        control = driven(wheel, tick * 0.05)
        assert control.throttle == 0.0
    assert control.brake == 1.0


def test_a_nudge_adds_throttle_and_leaves_the_driver_the_wheel_until_it_is_released() -> None:
    wheel = Wheel()
    wheel.hears(hands(nudge=0.9), 0.0)
    assert driven(wheel) == Control(steer=CRUISE.steer, throttle=0.9)
    assert wheel.standing.engagement is Engagement.OVERRIDDEN
    wheel.hears(hands(seq=2), 0.05)
    assert driven(wheel, 0.05) == CRUISE
    assert (wheel.standing.engagement, wheel.standing.reason) == (Engagement.ENGAGED, Reason.USER_RELEASED)


def test_a_nudge_whose_sender_falls_silent_is_over() -> None:
    wheel = Wheel()
    wheel.hears(hands(nudge=0.9), 0.0)
    assert driven(wheel, HANDS_SILENT_AFTER_S + 0.01) == CRUISE


def test_a_silent_hand_goes_neutral_and_then_the_car_stops_until_somebody_decides() -> None:
    wheel = Wheel()
    wheel.hears(hands(throttle=1.0), 0.0)
    assert driven(wheel, 0.05).throttle > 0
    assert driven(wheel, HANDS_NEUTRAL_AFTER_S + 0.01).throttle == 0.0
    braking = [driven(wheel, HANDS_SILENT_AFTER_S + 0.01 + k * 0.05).brake for k in range(12)]
    assert (wheel.standing.engagement, wheel.standing.reason) == (Engagement.SAFE_STOP, Reason.DEADMAN)
    assert braking == sorted(braking) and braking[0] > COAST_BRAKE and braking[-1] == 1.0
    wheel.happens(Event.PLAN_GOOD)
    assert wheel.standing.engagement is Engagement.SAFE_STOP
    wheel.happens(Event.ENGAGE)
    assert driven(wheel, 2.0) == CRUISE


def test_idle_hands_coast_with_a_light_brake_for_as_long_as_they_like() -> None:
    wheel = Wheel()
    wheel.happens(Event.TAKEOVER, "ann")
    for tick in range(100):
        control = driven(wheel, tick * 0.05)
    assert wheel.standing.engagement is Engagement.MANUAL
    assert (control.throttle, control.brake, control.steer) == (0.0, COAST_BRAKE, 0.0)


def test_a_closed_tab_stops_the_car_at_once() -> None:
    wheel = Wheel()
    wheel.hears(hands(throttle=1.0), 0.0)
    wheel.happens(Event.HOLDER_LEFT, "ann")
    assert driven(wheel).brake > 0
    assert (wheel.standing.engagement, wheel.standing.reason) == (Engagement.SAFE_STOP, Reason.WATCHER_LEFT)


def test_a_second_persons_hands_are_refused_and_the_first_keeps_driving() -> None:
    wheel = Wheel()
    wheel.hears(hands("ann", steer=1.0), 0.0)
    assert "ann" in wheel.hears(hands("bob", brake=1.0), 0.0)
    assert wheel.standing.holder == "ann"
    assert driven(wheel).brake == 0.0


def test_packets_overtaken_on_the_way_are_dropped() -> None:
    wheel = Wheel()
    wheel.hears(hands(seq=5, throttle=1.0), 0.0)
    wheel.hears(hands(seq=4, brake=1.0), 0.0)
    assert driven(wheel).brake == 0.0
    assert wheel.echo == ("ann", 5, 0.0)


def test_a_sender_that_was_started_anew_counts_from_one_again() -> None:
    wheel = Wheel()
    wheel.hears(hands(seq=500), 0.0)
    wheel.hears(hands(seq=1, steer=1.0), 5.0)
    assert wheel.standing.engagement is Engagement.MANUAL


def test_keys_still_down_when_the_car_is_handed_back_do_not_take_it_again() -> None:
    wheel = Wheel()
    wheel.hears(hands(seq=1, steer=1.0), 0.0)
    wheel.happens(Event.ENGAGE)
    wheel.hears(hands(seq=2, steer=1.0), 0.05)
    assert wheel.standing.engagement is Engagement.ENGAGED
    wheel.hears(hands(seq=3, steer=1.0, brake=1.0), 0.1)
    assert wheel.standing.engagement is Engagement.MANUAL


def test_letting_go_takes_nothing() -> None:
    wheel = Wheel()
    wheel.hears(hands(), 0.0)
    assert wheel.standing.engagement is Engagement.ENGAGED


def test_a_safe_stop_keeps_the_wheel_where_it_was() -> None:
    wheel = Wheel()
    driven(wheel)
    wheel.happens(Event.PLAN_STALE)
    assert driven(wheel).steer == CRUISE.steer


def test_without_a_plan_the_engaged_car_stands() -> None:
    assert Wheel().control(None, 0.0, 0.0) == Control(brake=1.0)


def test_a_takeover_starts_from_the_drivers_wheel_and_steers_no_faster_than_hands_do() -> None:
    taken = Hands()
    taken.take(Control(steer=0.3))
    steps = [taken.control(hands(steer=1.0), 0.0).steer for _ in range(20)]
    assert steps[0] == pytest.approx(0.38) and steps[-1] == 1.0
    assert max(b - a for a, b in itertools.pairwise(steps)) <= 0.081


def test_the_lock_shrinks_with_speed() -> None:
    slow, fast = Hands(), Hands()
    for _ in range(30):
        at_5 = slow.control(hands(steer=1.0), 5.0).steer
        at_20 = fast.control(hands(steer=1.0), 20.0).steer
    assert at_5 == pytest.approx(0.8) and at_20 == pytest.approx(0.2)


def test_reverse_waits_for_standstill() -> None:
    backwards = replace(hands(throttle=1.0), reverse=True)
    assert Hands().control(backwards, 8.0).brake > 0
    engaged = Hands().control(backwards, 0.0)
    assert engaged.reverse and engaged.throttle > 0 and engaged.brake == 0


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_the_driver_moves_the_car_only_while_it_is_engaged(seed: int) -> None:
    draw, wheel, now_s = random.Random(seed), Wheel(), 0.0
    for seq in range(1, 300):
        now_s += draw.choice([0.05, 0.05, 0.05, 0.5])
        if draw.random() < 0.5:
            held = draw.choice([{}, {"steer": 0.5}, {"throttle": 1.0}, {"brake": 1.0}, {"nudge": 0.9}])
            wheel.hears(hands(draw.choice(["ann", "bob"]), seq, **held), now_s)
        else:
            objection = draw.choice(["", "no plan"])
            wheel.happens(draw.choice(list(Event)), draw.choice(["ann", "bob"]), plan_objection=objection)
        control = driven(wheel, now_s)
        engagement = wheel.standing.engagement
        if engagement is Engagement.ENGAGED:
            assert control == CRUISE
        elif engagement is Engagement.OVERRIDDEN:
            assert control.steer == CRUISE.steer and control.throttle >= CRUISE.throttle
        elif engagement is Engagement.SAFE_STOP:
            assert control.throttle == 0.0 and control.brake >= 0.3
        else:
            assert wheel.standing.person in ("ann", "bob")
            assert control.throttle == 0.0 or wheel.echo is not None, "only held pedals give throttle"


@pytest.mark.parametrize("event", [Event.EPISODE_STARTED, Event.HOLDER_LEFT])
def test_a_key_that_went_up_unheard_does_not_stop_who_takes_the_wheel_later(event: Event) -> None:
    wheel = Wheel()
    wheel.hears(hands(throttle=1.0), 0.0)
    wheel.happens(event, "ann")
    wheel.happens(Event.TAKEOVER, "ann")
    driven(wheel, 3.0)
    assert wheel.standing.engagement is Engagement.MANUAL


def test_a_key_that_went_up_behind_a_dead_link_does_not_stop_who_takes_the_wheel_later() -> None:
    wheel = Wheel()
    wheel.hears(hands(nudge=1.0), 0.0)
    driven(wheel, 1.0)
    assert wheel.standing.engagement is Engagement.ENGAGED
    wheel.happens(Event.TAKEOVER, "ann")
    driven(wheel, 3.0)
    assert wheel.standing.engagement is Engagement.MANUAL


def test_taking_the_wheel_again_leaves_the_hands_that_hold_it() -> None:
    wheel = Wheel()
    wheel.hears(hands(brake=1.0), 0.0)
    wheel.happens(Event.TAKEOVER, "ann")
    assert driven(wheel, 0.05).brake > COAST_BRAKE
