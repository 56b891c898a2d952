"""The session's parts at one moment -> the one immutable SessionView of it. Session thread."""

from __future__ import annotations

import time

from sim_bridge.acting_plan import ActingPlan
from sim_bridge.driver_at_work import DriverAtWork
from sim_bridge.interfaces import Simulator
from sim_bridge.messages import Control, EgoState, Observation, Phase, SessionView, TalkOrder
from sim_bridge.pace import Rates
from sim_bridge.standing_instruction import StandingInstruction
from sim_bridge.wheel import Wheel

NOWHERE = EgoState(0.0, 0.0, 0.0, 0.0)


def drive_view(
    *,
    phase: Phase,
    failure: str,
    notice: str,
    seen: Observation | None,
    control: Control,
    talk_order: TalkOrder,
    simulator: Simulator,
    plan: ActingPlan,
    wheel: Wheel,
    instruction: StandingInstruction,
    work: DriverAtWork,
    rates: Rates,
) -> SessionView:
    """`seen` None: nothing has been seen yet. Pictures are added where they are encoded (`publishing`)."""
    tick, ego = (seen.tick, seen.ego) if seen else (0, NOWHERE)
    path, speed = plan.seen_from(ego)
    age_s = plan.age_s(tick)
    return SessionView(
        phase=phase,
        episode=seen.episode if seen else 0,
        tick=tick,
        sim_time_us=seen.sim_time_us if seen else 0,
        published_at_ns=time.monotonic_ns(),
        ego=ego,
        control=control,
        target_speed_mps=plan.target_speed_mps(tick),
        engagement=wheel.standing.engagement,
        engagement_reason=wheel.standing.reason,
        holder=wheel.standing.holder,
        driver=work.driver.info,
        town=simulator.town,
        world=simulator.world,
        path_xy_in_ego=path,
        speed_xy_in_ego=speed,
        target_points_xy_in_ego=seen.target_points_xy_in_ego if seen else None,
        plan_age_ms=None if age_s is None else age_s * 1000.0,
        plan_hz=rates.plans.per_s(),
        inference_ms=plan.plan.inference_ms if plan.plan else 0.0,
        frame_hz=rates.frames.per_s(),
        real_time_factor=rates.sim_time.per_s(),
        instruction_asked=instruction.asked,
        instruction_acting=instruction.acting,
        instruction_kind=instruction.kind,
        instruction_note=instruction.note,
        talk_order=talk_order,
        commentary=work.speech.commentary,
        answers=work.speech.answers,
        input_echo=wheel.echo,
        notice=notice or work.speech.trouble,
        failure=failure,
    )
