"""A sheet of frames with their labels drawn on, to be looked at before anything is trained on them.

Green dots are the expert's path, blue its speed points, magenta the way into the neighbouring lanes, yellow the turns;
boxes are what is said to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from model.training.expert import Kind, roll_out
from model.training.samples import FrameFacts
from model.training.sentences import commentary
from sim_bridge.messages import FRONT_CAMERA

BOX_COLORS = {
    "red": (255, 40, 40),
    "yellow": (255, 220, 0),
    "green": (0, 255, 90),
    "lead": (0, 200, 255),
    "lead_brakes": (255, 0, 160),
    "pedestrian": (255, 140, 0),
    "vehicle": (150, 150, 255),
}
COLUMNS = 3
PICTURE_SIZE = (512, 256)


def ground_uv(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Ego ground points -> picture, 0..1, (N, 2); what lies behind the camera is NaN."""
    xy = np.asarray(points, dtype=np.float64)
    forward = xy[:, 0] - FRONT_CAMERA.x_m
    forward = np.where(forward > 1.0, forward, np.nan)
    focal = 0.5 * FRONT_CAMERA.width_px / math.tan(math.radians(FRONT_CAMERA.fov_deg) / 2.0)
    u = 0.5 + focal * (xy[:, 1] - FRONT_CAMERA.y_m) / forward / FRONT_CAMERA.width_px
    v = 0.5 + focal * FRONT_CAMERA.z_m / forward / FRONT_CAMERA.height_px
    return np.column_stack([u, v])


def _dots(draw: ImageDraw.ImageDraw, points: npt.ArrayLike, color: tuple[int, int, int], size: float) -> None:
    for u, v in ground_uv(points):
        if np.isfinite(u) and 0.0 <= u <= 1.0 and 0.0 <= v <= 1.0:
            x, y = u * PICTURE_SIZE[0], v * PICTURE_SIZE[1]
            draw.ellipse([x - size, y - size, x + size, y + size], fill=color)


def label_lines(facts: FrameFacts, speed_mps: float) -> list[str]:
    """What is written on a frame: the light, the leader, the walker, the junction, the commentary."""
    light = f"{facts.light.state} {facts.light.stop_line_m:.0f} m" if facts.light else "-"
    lead = "-"
    if facts.lead:
        lead = f"{facts.lead.color} {facts.lead.type} {facts.lead.gap_m:.0f} m{' brakes' if facts.lead.brakes else ''}"
    walker = f"{facts.pedestrian.distance_m:.0f} m" if facts.pedestrian else "-"
    junction = "in" if facts.in_junction else "-" if facts.junction_m is None else f"{facts.junction_m:.0f} m"
    lanes = f"{'L' if facts.may_change_left else ''}{'R' if facts.may_change_right else ''}"
    rolled = roll_out(facts, Kind.NONE, speed_mps)
    return [
        f"light {light}  lead {lead}  walker {walker}",
        f"junction {junction} {'/'.join(facts.turns)}  lanes {lanes or '-'}  limit {facts.speed_limit_mps * 3.6:.0f}",
        f"{speed_mps:.0f} m/s: {commentary(facts, speed_mps, rolled)}",
    ]


def overlaid(picture: Image.Image, facts: FrameFacts, speed_mps: float = 6.0) -> Image.Image:
    """One frame with its labels on, 512x256."""
    image = picture.convert("RGB").resize(PICTURE_SIZE)
    draw = ImageDraw.Draw(image)
    for line in (facts.lane_left, facts.lane_right):
        if line is not None:
            _dots(draw, line[:25:2], (255, 0, 255), 1.0)
    for line in facts.turns.values():
        _dots(draw, line[::2], (255, 255, 0), 1.0)
    rolled = roll_out(facts, Kind.NONE, speed_mps)
    _dots(draw, rolled.path, (0, 255, 0), 2.0)
    _dots(draw, rolled.speed, (60, 120, 255), 2.5)
    for box in facts.seen:
        corners = [box.u0 * 512, box.v0 * 256, box.u1 * 512, box.v1 * 256]
        draw.rectangle(corners, outline=BOX_COLORS.get(box.kind, (255, 255, 255)))
    for row, text in enumerate(label_lines(facts, speed_mps)):
        draw.text((4, 3 + 11 * row), text, fill=(255, 255, 255), stroke_width=1, stroke_fill=(0, 0, 0))
    return image


def write_sheet(path: Path, frames: Sequence[tuple[Path, FrameFacts]]) -> None:
    """A PNG of all `frames`, three in a row."""
    rows = math.ceil(len(frames) / COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * PICTURE_SIZE[0], max(1, rows) * PICTURE_SIZE[1]))
    for k, (jpeg, facts) in enumerate(frames):
        with Image.open(jpeg) as picture:
            where = ((k % COLUMNS) * PICTURE_SIZE[0], (k // COLUMNS) * PICTURE_SIZE[1])
            sheet.paste(overlaid(picture, facts), where)
    sheet.save(path)
