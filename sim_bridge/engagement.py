"""Who moves the wheel and pedals, and why: one table over (engagement, event). The session thread runs it.

Nothing here looks at a clock, a plan or a control; `acting_plan` and `wheel` turn those into events.

    engagement   event             becomes      when
    ENGAGED      HANDS, TAKEOVER   MANUAL       the sender holds the wheel from here on
    ENGAGED      NUDGE             OVERRIDDEN   throttle only: the driver keeps the wheel
    OVERRIDDEN   NUDGE_OVER        ENGAGED      released, silent, or gone
    MANUAL       ENGAGE            ENGAGED      only with a fresh valid plan, else refused
    MANUAL       HANDS_SILENT      SAFE_STOP    something was held and its sender fell silent
    MANUAL       HOLDER_LEFT       SAFE_STOP    at once
    ENGAGED      PLAN_STALE, ...   SAFE_STOP    also from OVERRIDDEN; a person in MANUAL needs no plan
    SAFE_STOP    PLAN_GOOD         ENGAGED      only where the plans were the reason
    SAFE_STOP    ENGAGE, TAKEOVER  as above     a person may always take over, and engage with a fresh plan
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sim_bridge.messages import Engagement, Reason

DRIVER = "driver"
NOBODY = "nobody"


class Event(Enum):
    TAKEOVER = "takeover"
    HANDS = "hands"
    NUDGE = "nudge"
    NUDGE_OVER = "nudge_over"
    ENGAGE = "engage"
    HOLDER_LEFT = "holder_left"
    HANDS_SILENT = "hands_silent"
    PLAN_GOOD = "plan_good"
    PLAN_STALE = "plan_stale"
    PLAN_INVALID = "plan_invalid"
    DRIVER_FAILED = "driver_failed"
    WORLD_LOST = "world_lost"
    EPISODE_STARTED = "episode_started"


# What may end by itself once the driver plans well again; everything else needs a person.
RECOVERABLE = frozenset({Reason.PLAN_STALE, Reason.PLAN_INVALID, Reason.DRIVER_FAILED})

_REASONS = {
    Event.TAKEOVER: Reason.USER_TAKEOVER,
    Event.HANDS: Reason.USER_STEER,
    Event.NUDGE: Reason.USER_GAS,
    Event.NUDGE_OVER: Reason.USER_RELEASED,
    Event.ENGAGE: Reason.USER_ENGAGED,
    Event.HOLDER_LEFT: Reason.WATCHER_LEFT,
    Event.HANDS_SILENT: Reason.DEADMAN,
    Event.PLAN_GOOD: Reason.PLAN_RECOVERED,
    Event.PLAN_STALE: Reason.PLAN_STALE,
    Event.PLAN_INVALID: Reason.PLAN_INVALID,
    Event.DRIVER_FAILED: Reason.DRIVER_FAILED,
    Event.WORLD_LOST: Reason.WORLD_LOST,
    Event.EPISODE_STARTED: Reason.STARTED,
}

_ENGAGED, _OVERRIDDEN = Engagement.ENGAGED, Engagement.OVERRIDDEN
_MANUAL, _SAFE_STOP = Engagement.MANUAL, Engagement.SAFE_STOP

# A pair that is not here changes nothing.
TABLE: dict[tuple[Engagement, Event], Engagement] = {
    (_ENGAGED, Event.TAKEOVER): _MANUAL,
    (_ENGAGED, Event.HANDS): _MANUAL,
    (_ENGAGED, Event.NUDGE): _OVERRIDDEN,
    (_ENGAGED, Event.PLAN_STALE): _SAFE_STOP,
    (_ENGAGED, Event.PLAN_INVALID): _SAFE_STOP,
    (_ENGAGED, Event.DRIVER_FAILED): _SAFE_STOP,
    (_OVERRIDDEN, Event.TAKEOVER): _MANUAL,
    (_OVERRIDDEN, Event.HANDS): _MANUAL,
    (_OVERRIDDEN, Event.NUDGE_OVER): _ENGAGED,
    (_OVERRIDDEN, Event.HANDS_SILENT): _ENGAGED,
    (_OVERRIDDEN, Event.HOLDER_LEFT): _ENGAGED,
    (_OVERRIDDEN, Event.ENGAGE): _ENGAGED,
    (_OVERRIDDEN, Event.PLAN_STALE): _SAFE_STOP,
    (_OVERRIDDEN, Event.PLAN_INVALID): _SAFE_STOP,
    (_OVERRIDDEN, Event.DRIVER_FAILED): _SAFE_STOP,
    (_MANUAL, Event.ENGAGE): _ENGAGED,
    (_MANUAL, Event.HOLDER_LEFT): _SAFE_STOP,
    (_MANUAL, Event.HANDS_SILENT): _SAFE_STOP,
    (_SAFE_STOP, Event.TAKEOVER): _MANUAL,
    (_SAFE_STOP, Event.HANDS): _MANUAL,
    # There is no driver to add throttle to: a foot on the pedal is a takeover here.
    (_SAFE_STOP, Event.NUDGE): _MANUAL,
    (_SAFE_STOP, Event.ENGAGE): _ENGAGED,
    (_SAFE_STOP, Event.PLAN_GOOD): _ENGAGED,
    # The reason may become more exact while the car stands.
    (_SAFE_STOP, Event.PLAN_INVALID): _SAFE_STOP,
    (_SAFE_STOP, Event.DRIVER_FAILED): _SAFE_STOP,
    **{(engagement, Event.WORLD_LOST): _SAFE_STOP for engagement in Engagement},
    **{(engagement, Event.EPISODE_STARTED): _ENGAGED for engagement in Engagement},
}

_PERSONAL = frozenset({Event.TAKEOVER, Event.HANDS, Event.NUDGE, Event.NUDGE_OVER, Event.HOLDER_LEFT})
_PLAN_TROUBLE = frozenset({Event.PLAN_INVALID, Event.DRIVER_FAILED})


@dataclass(frozen=True, slots=True)
class Standing:
    """Who drives and why. `person` is who holds the wheel (MANUAL) or adds throttle (OVERRIDDEN), else ""."""

    engagement: Engagement = Engagement.ENGAGED
    reason: Reason = Reason.STARTED
    person: str = ""

    @property
    def holder(self) -> str:
        """Who holds the wheel, as a view says it."""
        if self.engagement is _MANUAL:
            return self.person
        return NOBODY if self.engagement is _SAFE_STOP else DRIVER


def after(
    standing: Standing, event: Event, person: str = "", reason: Reason | None = None, plan_objection: str = ""
) -> tuple[Standing, str]:
    """The standing after `event` and, where it was refused, a sentence why (the standing is unchanged then).

    `person` is the sender of an event that a person causes. `reason` replaces the event's usual one.
    `plan_objection` says why the newest plan may not be followed; "" when it is fresh and valid.
    """
    refusal = _refusal(standing, event, person, plan_objection)
    becomes = TABLE.get((standing.engagement, event))
    if refusal or becomes is None or _ignores(standing, event, person):
        return standing, refusal
    holds = becomes in (_MANUAL, _OVERRIDDEN)
    return replace(standing, engagement=becomes, reason=reason or _REASONS[event], person=person if holds else ""), ""


def _refusal(standing: Standing, event: Event, person: str, plan_objection: str) -> str:
    takes = event in (Event.TAKEOVER, Event.HANDS, Event.NUDGE)
    if takes and standing.person and person != standing.person:
        return f"{standing.person} has the wheel; wait until it is handed back."
    if event is Event.ENGAGE and standing.engagement in (_MANUAL, _SAFE_STOP) and plan_objection:
        return f"The driver cannot take the car: {plan_objection}"
    return ""


def _ignores(standing: Standing, event: Event, person: str) -> bool:
    """What the table alone cannot say: events of bystanders, and recoveries nobody asked for."""
    if event in _PERSONAL and standing.person and person != standing.person:
        return True
    if standing.engagement is not _SAFE_STOP:
        return False
    return event in (_PLAN_TROUBLE | {Event.PLAN_GOOD}) and standing.reason not in RECOVERABLE
