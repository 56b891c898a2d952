import itertools

import pytest

from sim_bridge.engagement import DRIVER, NOBODY, RECOVERABLE, TABLE, Event, Standing, after
from sim_bridge.messages import Engagement, Reason

ENGAGED, OVERRIDDEN, MANUAL, SAFE_STOP = (
    Engagement.ENGAGED,
    Engagement.OVERRIDDEN,
    Engagement.MANUAL,
    Engagement.SAFE_STOP,
)

# Written out once more by hand, from the rules as a person would say them. "." stays as it is.
EXPECTED = {
    #                        ENGAGED     OVERRIDDEN  MANUAL     SAFE_STOP
    Event.TAKEOVER: (MANUAL, MANUAL, MANUAL, MANUAL),
    Event.HANDS: (MANUAL, MANUAL, MANUAL, MANUAL),
    Event.NUDGE: (OVERRIDDEN, OVERRIDDEN, MANUAL, MANUAL),
    Event.NUDGE_OVER: (ENGAGED, ENGAGED, MANUAL, SAFE_STOP),
    Event.ENGAGE: (ENGAGED, ENGAGED, ENGAGED, ENGAGED),
    Event.HOLDER_LEFT: (ENGAGED, ENGAGED, SAFE_STOP, SAFE_STOP),
    Event.HANDS_SILENT: (ENGAGED, ENGAGED, SAFE_STOP, SAFE_STOP),
    Event.PLAN_GOOD: (ENGAGED, OVERRIDDEN, MANUAL, ENGAGED),
    Event.PLAN_STALE: (SAFE_STOP, SAFE_STOP, MANUAL, SAFE_STOP),
    Event.PLAN_INVALID: (SAFE_STOP, SAFE_STOP, MANUAL, SAFE_STOP),
    Event.DRIVER_FAILED: (SAFE_STOP, SAFE_STOP, MANUAL, SAFE_STOP),
    Event.WORLD_LOST: (SAFE_STOP, SAFE_STOP, SAFE_STOP, SAFE_STOP),
    Event.EPISODE_STARTED: (ENGAGED, ENGAGED, ENGAGED, ENGAGED),
}
STATES = (ENGAGED, OVERRIDDEN, MANUAL, SAFE_STOP)


def standing(engagement: Engagement) -> Standing:
    """`engagement` as it comes about: with a person where one is needed, and a stop the plans caused."""
    person = "ann" if engagement in (MANUAL, OVERRIDDEN) else ""
    return Standing(engagement, Reason.PLAN_STALE if engagement is SAFE_STOP else Reason.STARTED, person)


@pytest.mark.parametrize(("event", "state"), list(itertools.product(Event, range(4))))
def test_every_event_in_every_state(event: Event, state: int) -> None:
    became, refusal = after(standing(STATES[state]), event, person="ann")
    assert (became.engagement, refusal) == (EXPECTED[event][state], "")


@pytest.mark.parametrize("event", list(Event))
def test_a_change_always_has_a_reason_and_a_person_only_where_one_drives(event: Event) -> None:
    for state in Engagement:
        became, _ = after(standing(state), event, person="ann")
        assert isinstance(became.reason, Reason)
        assert bool(became.person) == (became.engagement in (MANUAL, OVERRIDDEN))


def test_the_table_covers_no_event_twice_and_only_known_states() -> None:
    assert all(isinstance(state, Engagement) and isinstance(event, Event) for state, event in TABLE)


@pytest.mark.parametrize("reason", list(Reason))
def test_only_stops_that_the_plans_caused_end_by_themselves(reason: Reason) -> None:
    became, _ = after(Standing(SAFE_STOP, reason), Event.PLAN_GOOD)
    if reason in (Reason.PLAN_STALE, Reason.PLAN_INVALID, Reason.DRIVER_FAILED):
        assert became == Standing(ENGAGED, Reason.PLAN_RECOVERED)
    else:
        assert became == Standing(SAFE_STOP, reason)


@pytest.mark.parametrize("reason", sorted(set(Reason) - RECOVERABLE, key=lambda r: r.value))
def test_a_bad_plan_never_hides_why_a_person_must_engage(reason: Reason) -> None:
    for event in (Event.PLAN_STALE, Event.PLAN_INVALID, Event.DRIVER_FAILED):
        assert after(Standing(SAFE_STOP, reason), event)[0].reason is reason


def test_a_more_exact_plan_trouble_replaces_a_vaguer_one() -> None:
    stale = Standing(SAFE_STOP, Reason.PLAN_STALE)
    failed = after(stale, Event.DRIVER_FAILED)[0]
    assert failed.reason is Reason.DRIVER_FAILED
    assert after(failed, Event.PLAN_STALE)[0].reason is Reason.DRIVER_FAILED


@pytest.mark.parametrize("event", [Event.TAKEOVER, Event.HANDS, Event.NUDGE])
@pytest.mark.parametrize("state", [MANUAL, OVERRIDDEN])
def test_a_second_person_is_refused_with_a_sentence(event: Event, state: Engagement) -> None:
    became, refusal = after(standing(state), event, person="bob")
    assert became == standing(state)
    assert "ann has the wheel" in refusal


@pytest.mark.parametrize("event", [Event.NUDGE_OVER, Event.HOLDER_LEFT])
def test_what_a_bystander_lets_go_of_changes_nothing(event: Event) -> None:
    for state in (MANUAL, OVERRIDDEN):
        assert after(standing(state), event, person="bob") == (standing(state), "")


@pytest.mark.parametrize("state", [MANUAL, SAFE_STOP])
def test_engaging_needs_a_plan_that_may_be_followed(state: Engagement) -> None:
    became, refusal = after(standing(state), Event.ENGAGE, plan_objection="it has made no plan yet.")
    assert became == standing(state)
    assert "no plan yet" in refusal


def test_who_holds_the_wheel() -> None:
    assert standing(ENGAGED).holder == standing(OVERRIDDEN).holder == DRIVER
    assert standing(MANUAL).holder == "ann"
    assert standing(SAFE_STOP).holder == NOBODY


def test_a_given_reason_replaces_the_usual_one() -> None:
    assert after(standing(ENGAGED), Event.HANDS, "ann", Reason.USER_BRAKE)[0].reason is Reason.USER_BRAKE
