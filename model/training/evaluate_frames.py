"""Open loop on held-out places and held-out phrasings: decisions without an instruction, and all the suites in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model.training import evaluate_dream, evaluate_language, evaluate_words, labels, obedience
from model.training.expert import Kind, Rolled, roll_out
from model.training.judged_frames import Case, Frame, FrameDriver, shares
from sim_bridge.interfaces import Driver
from sim_bridge.messages import DrivePlan

Says = Callable[[str], None]
Judged = tuple[dict[str, Any], list[Case]]

SLOW_MPS = 2.0
DECIDES_FROM_MPS = 3.0
SLOWS_FOR = ("red", "yellow", "stop_sign", "yield", "blocked", "lead", "pedestrian")
OPEN_LOOP = ("dream", "decisions", "vqa", "commentary", "language")


def decisions(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """Without an instruction: does the plan slow down where the expert stops, and only there?"""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    errors: list[tuple[float, float]] = []
    for frame in frames:
        speed = labels.sampled_speed(frame[1], rng)
        expert = roll_out(frame[1], Kind.NONE, speed)
        plan = driver.plan(driver.show(frame, speed, rng), None)
        errors.append(_errors(plan, expert))
        if speed < DECIDES_FROM_MPS:
            continue
        end = obedience.end_speed(plan.speed_xy_in_ego)
        slows = end < max(SLOW_MPS, 0.6 * speed)
        got = f"ends at {end:.1f} m/s"
        if expert.end_mps < SLOW_MPS and expert.cause in SLOWS_FOR:
            cases.append(
                Case("decision", f"slows for {expert.cause}", slows, str(frame[0]), f"{speed:.1f} m/s", "slow", got)
            )
        elif expert.end_mps > speed - 0.5:
            cases.append(Case("decision", "drives on", not slows, str(frame[0]), f"{speed:.1f} m/s", "drive on", got))
    path, pace = np.array(errors).T if errors else (np.zeros(1), np.zeros(1))
    figures = shares(cases)
    figures |= {"path_ade_m": round(float(path.mean()), 3), "speed_ade_m": round(float(pace.mean()), 3)}
    return figures, cases


def _errors(plan: DrivePlan, expert: Rolled) -> tuple[float, float]:
    path = np.hypot(*(plan.path_xy_in_ego - expert.path).T).mean()
    pace = np.hypot(*(plan.speed_xy_in_ego - expert.speed).T).mean()
    return float(path), float(pace)


def suites(
    driver: Driver,
    frames: Sequence[Frame],
    per_category: int,
    seed: int,
    say: Says,
    names: Sequence[str] = OPEN_LOOP,
) -> Judged:
    """The open-loop figures called `names` of a driver that looks at pictures."""
    shown = FrameDriver(driver)
    made: dict[str, Callable[[], Judged]] = {
        "dream": lambda: evaluate_dream.dream(shown, frames, per_category, seed),
        "decisions": lambda: decisions(shown, frames, seed),
        "vqa": lambda: evaluate_words.vqa(shown, frames, seed),
        "commentary": lambda: evaluate_words.commentary(shown, frames, seed),
        "language": lambda: evaluate_language.language(shown, frames, per_category, seed),
    }
    figures: dict[str, Any] = {"frames": len(frames)}
    cases: list[Case] = []
    for name in names:
        say(f"{name}: {len(frames)} held-out frames")
        figures[name], judged = made[name]()
        cases += judged
    return figures, cases
