"""The car's wheel and pedals: who holds them by the engagement rules, and what they do this tick. Session thread only.

Times are seconds of one steadily rising clock chosen by the session: the wall's in realtime, the world's in lockstep.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim_bridge.engagement import Event, Standing, after
from sim_bridge.hands import Hands, holds_anything, nudged
from sim_bridge.messages import FULL_BRAKE, TICK_S, Control, Engagement, HumanInput, Reason

# A sender repeats what is held each 100 ms. Two lost packets make the hands neutral, four stop the car.
HANDS_NEUTRAL_AFTER_S = 0.2
HANDS_SILENT_AFTER_S = 0.4
# No packet is under way for this long: a lower number after it is a sender that was started anew.
COUNTS_ANEW_AFTER_S = 2.0
# A safe stop squeezes the brake: at once noticeable, full after half a second.
STOP_BRAKE_FIRST, STOP_BRAKE_PER_S = 0.3, 1.4


@dataclass(frozen=True, slots=True)
class Heard:
    hands: HumanInput
    at_s: float


class Wheel:
    """One per session. Events go in, `standing` says who drives, `control` says what the wheel and pedals do."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.echo: tuple[str, int, float] | None = None
        self._hands = Hands()
        self._heard: dict[str, Heard] = {}
        self._handed_back: HumanInput | None = None
        self._applied = Control()
        self._stopping_s = 0.0

    @property
    def driver_steers(self) -> bool:
        return self.standing.engagement in (Engagement.ENGAGED, Engagement.OVERRIDDEN)

    def happens(self, event: Event, person: str = "", reason: Reason | None = None, plan_objection: str = "") -> str:
        """Obey one event. Returns why it was refused, or ""."""
        was = self.standing
        self.standing, refusal = after(was, event, person, reason, plan_objection)
        if self.standing.engagement is not was.engagement:
            self._changed(was)
        self._forgets(event, person, is_taken=self.standing is not was)
        return refusal

    def hears(self, hands: HumanInput, now_s: float) -> str:
        """One packet of a person's hands. Returns why it was refused, or ""."""
        known = self._heard.get(hands.holder)
        if known is not None and hands.seq <= known.hands.seq and now_s - known.at_s < COUNTS_ANEW_AFTER_S:
            return ""  # overtaken on the way by a newer packet
        self._heard[hands.holder] = Heard(hands, now_s)
        event = self._meaning(hands)
        return self.happens(event, hands.holder, _reason(hands)) if event else ""

    def watches(self, now_s: float) -> None:
        """Once per tick: whoever held something and fell silent no longer drives."""
        heard = self._heard.get(self.standing.person)
        if heard and holds_anything(heard.hands) and now_s - heard.at_s > HANDS_SILENT_AFTER_S:
            self.happens(Event.HANDS_SILENT)

    def control(self, driver: Control | None, speed_mps: float, now_s: float) -> Control:
        """This tick's control. `driver` is what the tracker asks for; None while there is no plan to follow."""
        self._applied = self._chosen(driver, speed_mps, now_s)
        return self._applied

    def _chosen(self, driver: Control | None, speed_mps: float, now_s: float) -> Control:
        heard = self._heard.get(self.standing.person)
        self.echo = None if heard is None else (heard.hands.holder, heard.hands.seq, heard.hands.sent_at_ms)
        if self.standing.engagement is Engagement.SAFE_STOP:
            return self._safe_stop()
        if self.standing.engagement is Engagement.MANUAL:
            is_fresh = heard is not None and now_s - heard.at_s <= HANDS_NEUTRAL_AFTER_S
            return self._hands.control(heard.hands if heard and is_fresh else None, speed_mps)
        if driver is None:
            return FULL_BRAKE
        return nudged(driver, heard.hands) if self.standing.person and heard else driver

    def _safe_stop(self) -> Control:
        """Brake with the wheel held where it was: straightening it in a bend would leave the road."""
        brake = min(1.0, STOP_BRAKE_FIRST + STOP_BRAKE_PER_S * self._stopping_s)
        self._stopping_s += TICK_S
        return Control(self._applied.steer, 0.0, brake, False)

    def _meaning(self, hands: HumanInput) -> Event | None:
        """What a packet changes about who drives; None when it only moves wheel and pedals already held."""
        standing = self.standing
        is_holder = standing.person == hands.holder
        if not holds_anything(hands):
            self._handed_back = None
            return Event.NUDGE_OVER if is_holder and standing.engagement is Engagement.OVERRIDDEN else None
        if is_holder and standing.engagement is Engagement.MANUAL:
            return None
        if self._handed_back is not None and _same_hold(hands, self._handed_back):
            return None  # still the keys that were down when the car was handed back
        is_nudge = hands.is_nudge and hands.brake <= 0.01 and abs(hands.steer) <= 0.01
        return Event.NUDGE if is_nudge else Event.HANDS

    def _forgets(self, event: Event, person: str, is_taken: bool) -> None:
        """Keys let go while nobody listened (a reset, a dead link) would pass for a hand that fell silent."""
        if event is Event.EPISODE_STARTED:
            self._heard.clear()
        elif event is Event.HOLDER_LEFT or (event is Event.TAKEOVER and is_taken):
            self._heard.pop(person, None)

    def _changed(self, was: Standing) -> None:
        becomes = self.standing.engagement
        if becomes is Engagement.MANUAL:
            self._hands.take(self._applied)
        if becomes is Engagement.SAFE_STOP:
            self._stopping_s = 0.0
        heard = self._heard.get(was.person)
        if was.engagement is Engagement.MANUAL and becomes is Engagement.ENGAGED and heard:
            self._handed_back = heard.hands


def _same_hold(a: HumanInput, b: HumanInput) -> bool:
    return a.holder == b.holder and (a.steer, a.throttle, a.brake) == (b.steer, b.throttle, b.brake)


def _reason(hands: HumanInput) -> Reason | None:
    """Which of a person's limbs it was, for a packet that takes something over."""
    if hands.brake > 0.01:
        return Reason.USER_BRAKE
    if abs(hands.steer) > 0.01:
        return Reason.USER_STEER
    return Reason.USER_GAS if hands.throttle > 0.01 else None
