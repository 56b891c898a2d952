"""What a person's hands ask for -> a Control, smoothed so that a key press is no jerk. Session thread.

With nothing held in MANUAL the car coasts in neutral with a light brake: it comes to rest by itself, slowly enough to
leave time for the next key, and does not roll away.
"""

from __future__ import annotations

from sim_bridge.messages import TICK_S, Control, HumanInput

COAST_BRAKE = 0.1
STEER_PER_S = 1.6  # towards where the key points
STEER_BACK_PER_S = 3.2  # towards the middle: letting go straightens faster than holding turns
# Full lock at 20 m/s is a spin; the lock shrinks to a half at this speed.
HALF_LOCK_MPS = 10.0
THROTTLE_PER_S = 2.5
BRAKE_PER_S = 5.0
# Gears change direction only near standstill; before that, asking for the other one brakes.
SHIFT_BELOW_MPS = 0.5


def holds_anything(hands: HumanInput) -> bool:
    return abs(hands.steer) > 0.01 or hands.throttle > 0.01 or hands.brake > 0.01


class Hands:
    """The smoothed state of wheel and pedals under a person's hands, from `take` to the end of the takeover."""

    def __init__(self) -> None:
        self._now = Control()

    def take(self, control: Control) -> None:
        """Start where the driver left wheel and pedals, so that a takeover does not jerk."""
        self._now = control

    def control(self, hands: HumanInput | None, speed_mps: float) -> Control:
        """The next tick's control. `hands` None: nothing is held."""
        now = self._now
        if hands is None or not holds_anything(hands):
            reverse = now.reverse and abs(speed_mps) > SHIFT_BELOW_MPS
            self._now = Control(_steered(now.steer, 0.0, speed_mps), 0.0, COAST_BRAKE, reverse)
            return self._now
        throttle, brake, reverse = _pedals(hands, speed_mps)
        self._now = Control(
            _steered(now.steer, hands.steer, speed_mps),
            _towards(now.throttle, throttle, THROTTLE_PER_S) if throttle else 0.0,
            _towards(now.brake, brake, BRAKE_PER_S) if brake else 0.0,
            reverse,
        )
        return self._now


def nudged(control: Control, nudge: HumanInput) -> Control:
    """The driver's control with a person's throttle added: never less throttle, and no braking against the foot."""
    throttle = min(max(nudge.throttle, control.throttle), 1.0)
    return Control(control.steer, throttle, 0.0, False)


def _pedals(hands: HumanInput, speed_mps: float) -> tuple[float, float, bool]:
    throttle, brake = _unit(hands.throttle), _unit(hands.brake)
    rolls_forward, rolls_back = speed_mps > SHIFT_BELOW_MPS, speed_mps < -SHIFT_BELOW_MPS
    if throttle and ((hands.reverse and rolls_forward) or (not hands.reverse and rolls_back)):
        return 0.0, max(throttle, brake), rolls_back
    return throttle, brake, hands.reverse


def _steered(now: float, wanted: float, speed_mps: float) -> float:
    lock = 1.0 / (1.0 + (abs(speed_mps) / HALF_LOCK_MPS) ** 2)
    target = max(-1.0, min(1.0, wanted)) * max(lock, 0.1)
    is_returning = abs(target) < abs(now) or target * now < 0
    return _towards(now, target, STEER_BACK_PER_S if is_returning else STEER_PER_S)


def _towards(now: float, target: float, per_s: float) -> float:
    step = per_s * TICK_S
    return round(max(now - step, min(now + step, target)), 4)


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
