"""SessionView -> what the page, the cockpit and scripts receive. Pure functions, any thread.

The stage receives one binary message per tick: `[u32 length][JSON header][JPEG][JPEG]`. The header says where each JPEG
lies, counted from the end of the header, so a reader needs no other framing.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

from app import text
from app.text import BEING_FREED, ENGAGEMENT_WORDS, PHASE_WORDS, REASON_WORDS
from sim_bridge.messages import TICK_S, Answer, CameraSpec, Instruction, Phase, Points, SessionView


@dataclass(frozen=True, slots=True)
class Packet:
    """One view made ready for the wire, shared by every watcher. `header` ends before the closing brace."""

    serial: int
    header: bytes
    answers: bytes
    pictures: tuple[bytes, ...]

    def message(self, with_answers: bool) -> bytes:
        """The whole message; the answers are left out for a watcher that has them already."""
        tail = b',"answers":' + self.answers + b"}" if with_answers else b"}"
        head = self.header + tail
        return b"".join((struct.pack("<I", len(head)), head, *self.pictures))


def packet(view: SessionView, serial: int) -> Packet:
    header = json.dumps({"serial": serial, **header_of(view)}, separators=(",", ":"), allow_nan=False)
    answers = json.dumps([answer_of(answer) for answer in view.answers], separators=(",", ":"))
    pictures = tuple(bytes(picture.jpeg) for picture in view.pictures)
    return Packet(serial, header[:-1].encode(), answers.encode(), pictures)


def header_of(view: SessionView) -> dict[str, Any]:
    """Everything of a view but the answers and the picture bytes, in JSON's types. No NaN: a missing figure is None."""
    return {
        "k": "view",
        "phase": view.phase.value,
        "phase_words": PHASE_WORDS[view.phase],
        "episode": view.episode,
        "tick": view.tick,
        "sim_s": view.sim_time_us / 1e6,
        "published_ms": view.published_at_ns / 1e6,
        "pictures": _pictures(view),
        "drive": _drive(view),
        "plan": _plan(view),
        "vitals": _vitals(view),
        "words": _words(view),
        "waiting": _waiting(view),
        "echo": list(view.input_echo) if view.input_echo else None,
        "journey": _journey(view),
        "notice": view.notice,
        "failure": view.failure,
    }


def status_of(view: SessionView) -> dict[str, Any]:
    """What `/status` returns to a script."""
    vitals = _vitals(view)
    return {
        "phase": view.phase.value,
        "episode": view.episode,
        "tick": view.tick,
        "sim_time_s": view.sim_time_us / 1e6,
        "real_time_factor": vitals["real_time_factor"],
        "model": view.driver.name,
        "model_label": view.driver.label,
        "model_is_privileged": view.driver.is_privileged,
        "town": view.town,
        "world": view.world,
        "engagement": view.engagement.value,
        "engagement_reason": view.engagement_reason.value,
        "holder": view.holder,
        "being_freed": view.is_being_freed,
        "instruction_asked": view.instruction_asked.text if view.instruction_asked else "",
        "instruction_acting": view.instruction_acting.text if view.instruction_acting else "",
        "instruction_mode": view.instruction_asked.mode.value if view.instruction_asked else "",
        "instruction_kind": view.instruction_kind.value,
        "instruction_note": view.instruction_note,
        "plan_age_ms": vitals["plan_age_ms"],
        "plan_hz": vitals["plan_hz"],
        "inference_ms": vitals["inference_ms"],
        "on_known_picture": view.is_on_known_picture,
        "speed_mps": finite(view.ego.speed_mps),
        "target_speed_mps": finite(view.target_speed_mps),
        "steer": finite(view.control.steer),
        "throttle": finite(view.control.throttle),
        "brake": finite(view.control.brake),
        "pose": {"x_m": finite(view.ego.x_m), "y_m": finite(view.ego.y_m), "yaw_rad": finite(view.ego.yaw_rad)},
        "collisions": view.collisions,
        "commentary": view.commentary.text,
        "talk_order": view.talk_order.value,
        "frame_hz": vitals["frame_hz"],
        "lockstep_ticks": view.lockstep_ticks,
        "progress": progress_of(view),
        "journey": _journey(view),
        "notice": view.notice,
        "failure": view.failure,
    }


def status_before_first_view() -> dict[str, Any]:
    """The same keys, while there is no view yet."""
    figures = ("real_time_factor", "plan_age_ms", "plan_hz", "inference_ms", "speed_mps", "target_speed_mps")
    hands = ("steer", "throttle", "brake", "pose", "frame_hz", "model_is_privileged")
    hands += ("lockstep_ticks", "progress", "journey", "on_known_picture", "being_freed")
    words = ("model", "model_label", "town", "world", "engagement", "engagement_reason", "holder", "commentary")
    more = ("instruction_asked", "instruction_acting", "instruction_mode", "instruction_kind", "instruction_note")
    empty: dict[str, Any] = {"phase": "starting", "episode": 0, "tick": 0, "sim_time_s": 0.0, "collisions": 0}
    empty |= dict.fromkeys(figures + hands) | dict.fromkeys((*words, *more, "talk_order", "notice", "failure"), "")
    return empty


def instruction_of(instruction: Instruction | None) -> dict[str, Any] | None:
    if instruction is None or not instruction.text:
        return None
    return {"text": instruction.text, "mode": instruction.mode.value, "serial": instruction.serial}


def answer_of(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.question_id,
        "question": answer.question,
        "text": answer.text,
        "final": answer.is_final,
        "error": answer.error,
        "tick": answer.asked_at_tick,
    }


def camera_of(camera: CameraSpec) -> dict[str, Any]:
    return {
        "name": camera.name,
        "width": camera.width_px,
        "height": camera.height_px,
        "fov": camera.fov_deg,
        "x": camera.x_m,
        "y": camera.y_m,
        "z": camera.z_m,
        "pitch": camera.pitch_deg,
    }


def finite(value: float | None, digits: int = 4) -> float | None:
    """Rounded, or None where it is missing or not a number, which JSON cannot carry."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)


def _pictures(view: SessionView) -> list[dict[str, Any]]:
    described, offset = [], 0
    for picture in view.pictures:
        length = len(picture.jpeg)
        described.append({"camera": camera_of(picture.camera), "offset": offset, "length": length})
        offset += length
    return described


def _drive(view: SessionView) -> dict[str, Any]:
    return {
        "speed": finite(view.ego.speed_mps),
        "target": finite(view.target_speed_mps),
        "steer": finite(view.control.steer),
        "throttle": finite(view.control.throttle),
        "brake": finite(view.control.brake),
        "reverse": view.control.reverse,
        "engagement": view.engagement.value,
        "engagement_words": ENGAGEMENT_WORDS[view.engagement],
        "reason": view.engagement_reason.value,
        "reason_words": BEING_FREED if view.is_being_freed else REASON_WORDS[view.engagement_reason],
        "holder": view.holder,
        "being_freed": view.is_being_freed,
        "collisions": view.collisions,
    }


def _plan(view: SessionView) -> dict[str, Any]:
    return {
        "path": _points(view.path_xy_in_ego),
        "speed": _points(view.speed_xy_in_ego),
        "targets": _points(view.target_points_xy_in_ego),
    }


def _vitals(view: SessionView) -> dict[str, Any]:
    return {
        "plan_age_ms": finite(view.plan_age_ms, 1),
        "plan_hz": finite(view.plan_hz, 2),
        "inference_ms": finite(view.inference_ms, 1),
        "on_known_picture": view.is_on_known_picture,
        "frame_hz": finite(view.frame_hz, 2),
        "real_time_factor": finite(view.real_time_factor, 3),
        "model": view.driver.name,
        "model_label": view.driver.label,
        "model_detail": view.driver.detail,
        "privileged": view.driver.is_privileged,
        "town": view.town,
        "world": view.world,
    }


def _words(view: SessionView) -> dict[str, Any]:
    return {
        "asked": instruction_of(view.instruction_asked),
        "acting": instruction_of(view.instruction_acting),
        "kind": view.instruction_kind.value,
        "note": view.instruction_note,
        "talk_order": view.talk_order.value,
        "commentary": view.commentary.text,
        "commentary_final": view.commentary.is_final,
        "commentary_tick": view.commentary.made_at_tick,
    }


def progress_of(view: SessionView) -> dict[str, Any] | None:
    """What the driver is busy with, where that takes long enough to be seen."""
    progress = view.progress
    if progress is None:
        return None
    return {
        "doing": progress.doing,
        "stage": progress.stage,
        "done": progress.done,
        "of": progress.of,
        "elapsed_s": finite(progress.elapsed_s, 1),
        "words": text.progress_words(progress),
    }


def _journey(view: SessionView) -> dict[str, str] | None:
    return None if view.journey is None else {"line": view.journey.line, "stage": view.journey.stage.value}


def _waiting(view: SessionView) -> dict[str, Any] | None:
    """Whether the world waits for the driver, and how far the driver is. None where both are at control rate."""
    if not view.lockstep_ticks and view.progress is None:
        return None
    # A plan on a known picture is quick; the next one, which the world waits for, has to look first.
    plan_s = (0.0 if view.is_on_known_picture else view.inference_ms / 1000) or view.driver.frame_s
    is_plan = view.progress is not None and view.progress.doing == "plan"
    return {
        "lockstep": text.lockstep_words(view.lockstep_ticks * TICK_S, plan_s, view.real_time_factor)
        if view.lockstep_ticks
        else "",
        "is_standing": bool(view.lockstep_ticks) and view.phase is Phase.RUNNING,
        "progress": progress_of(view),
        "cancel": text.CANCEL_PLAN if is_plan and view.phase is Phase.RUNNING else text.CANCEL,
    }


def _points(points: Points | None) -> list[list[float]] | None:
    """(N, 2) metres rounded to millimetres; None when missing or when any is not a number."""
    if points is None:
        return None
    rows = [[round(float(x), 3), round(float(y), 3)] for x, y in points]
    return rows if all(math.isfinite(value) for row in rows for value in row) else None
