"""Cross-sections lofted along a vehicle's length, the way a hull is drawn. Tables of sections per body, data only.

A section is (y, half_width, floor, belt, top, roof_half_width, pane): y from 0 at the rear to 1 at the nose, half
widths as parts of half the body's width, heights as parts of its height. `pane` says what lies between this section
and the next: "-" paint all over, "s" glass at the sides, "w" glass on top (a windscreen), "b" both, "p" a pillar,
"d" a dark load bed on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.renderer.geoms import Surface, joined, smooth_surface, surface

RGB = tuple[float, float, float]
Section = tuple[float, float, float, float, float, float, str]

SEDAN: tuple[Section, ...] = (
    (0.000, 0.80, 0.26, 0.50, 0.570, 0.70, "-"),
    (0.012, 0.90, 0.20, 0.54, 0.640, 0.76, "-"),
    (0.045, 0.965, 0.17, 0.575, 0.685, 0.82, "-"),
    (0.150, 1.00, 0.16, 0.600, 0.715, 0.84, "w"),
    (0.225, 1.00, 0.16, 0.610, 0.850, 0.74, "b"),
    (0.330, 1.00, 0.16, 0.615, 0.965, 0.66, "s"),
    (0.470, 1.00, 0.16, 0.615, 1.000, 0.66, "p"),
    (0.490, 1.00, 0.16, 0.615, 1.000, 0.66, "s"),
    (0.590, 1.00, 0.16, 0.610, 0.980, 0.67, "b"),
    (0.735, 1.00, 0.16, 0.600, 0.715, 0.82, "-"),
    (0.760, 1.00, 0.16, 0.595, 0.690, 0.84, "-"),
    (0.900, 0.975, 0.16, 0.545, 0.630, 0.82, "-"),
    (0.965, 0.915, 0.18, 0.495, 0.560, 0.76, "-"),
    (0.990, 0.830, 0.20, 0.450, 0.495, 0.70, "-"),
    (1.000, 0.740, 0.26, 0.420, 0.440, 0.62, "-"),
)
COUPE: tuple[Section, ...] = (
    (0.000, 0.80, 0.26, 0.50, 0.560, 0.70, "-"),
    (0.020, 0.92, 0.20, 0.56, 0.640, 0.76, "-"),
    (0.060, 0.98, 0.17, 0.60, 0.700, 0.80, "w"),
    (0.230, 1.00, 0.16, 0.63, 0.900, 0.68, "b"),
    (0.380, 1.00, 0.16, 0.63, 0.990, 0.64, "s"),
    (0.560, 1.00, 0.16, 0.62, 0.985, 0.65, "b"),
    (0.715, 1.00, 0.16, 0.61, 0.730, 0.82, "-"),
    (0.740, 1.00, 0.16, 0.60, 0.705, 0.84, "-"),
    (0.890, 0.975, 0.16, 0.55, 0.640, 0.82, "-"),
    (0.965, 0.900, 0.18, 0.49, 0.550, 0.74, "-"),
    (1.000, 0.740, 0.26, 0.42, 0.440, 0.62, "-"),
)
HATCHBACK: tuple[Section, ...] = (
    (0.000, 0.84, 0.24, 0.54, 0.640, 0.74, "-"),
    (0.015, 0.93, 0.19, 0.58, 0.680, 0.80, "w"),
    (0.075, 0.99, 0.17, 0.62, 0.930, 0.74, "p"),
    (0.130, 1.00, 0.17, 0.63, 0.970, 0.73, "s"),
    (0.400, 1.00, 0.17, 0.63, 1.000, 0.73, "p"),
    (0.425, 1.00, 0.17, 0.63, 1.000, 0.73, "s"),
    (0.590, 1.00, 0.17, 0.62, 0.985, 0.74, "b"),
    (0.730, 1.00, 0.17, 0.61, 0.735, 0.84, "-"),
    (0.755, 1.00, 0.17, 0.60, 0.710, 0.85, "-"),
    (0.910, 0.97, 0.17, 0.56, 0.645, 0.82, "-"),
    (0.970, 0.90, 0.19, 0.50, 0.560, 0.74, "-"),
    (1.000, 0.76, 0.26, 0.43, 0.450, 0.64, "-"),
)
SUV: tuple[Section, ...] = (
    (0.000, 0.90, 0.26, 0.56, 0.640, 0.80, "-"),
    (0.012, 0.97, 0.21, 0.59, 0.680, 0.84, "w"),
    (0.040, 1.00, 0.20, 0.61, 0.960, 0.82, "p"),
    (0.075, 1.00, 0.20, 0.61, 0.985, 0.82, "s"),
    (0.240, 1.00, 0.20, 0.61, 1.000, 0.82, "p"),
    (0.265, 1.00, 0.20, 0.61, 1.000, 0.82, "s"),
    (0.440, 1.00, 0.20, 0.61, 1.000, 0.82, "p"),
    (0.465, 1.00, 0.20, 0.61, 1.000, 0.82, "s"),
    (0.620, 1.00, 0.20, 0.61, 0.985, 0.82, "b"),
    (0.720, 1.00, 0.20, 0.60, 0.690, 0.88, "-"),
    (0.740, 1.00, 0.20, 0.60, 0.665, 0.89, "-"),
    (0.930, 0.985, 0.20, 0.57, 0.630, 0.87, "-"),
    (0.980, 0.94, 0.22, 0.52, 0.570, 0.82, "-"),
    (1.000, 0.86, 0.28, 0.46, 0.480, 0.74, "-"),
)
PICKUP: tuple[Section, ...] = (
    (0.000, 0.92, 0.28, 0.56, 0.600, 0.86, "-"),
    (0.012, 0.98, 0.23, 0.58, 0.630, 0.88, "d"),
    (0.350, 1.00, 0.22, 0.60, 0.660, 0.90, "b"),
    (0.385, 1.00, 0.22, 0.60, 0.970, 0.80, "s"),
    (0.500, 1.00, 0.22, 0.60, 1.000, 0.79, "p"),
    (0.520, 1.00, 0.22, 0.60, 1.000, 0.79, "s"),
    (0.635, 1.00, 0.22, 0.60, 0.985, 0.80, "b"),
    (0.755, 1.00, 0.22, 0.60, 0.690, 0.86, "-"),
    (0.930, 0.98, 0.22, 0.57, 0.630, 0.85, "-"),
    (0.985, 0.93, 0.24, 0.52, 0.570, 0.80, "-"),
    (1.000, 0.86, 0.30, 0.46, 0.480, 0.74, "-"),
)
VAN: tuple[Section, ...] = (
    (0.000, 0.92, 0.20, 0.44, 0.940, 0.86, "-"),
    (0.008, 0.98, 0.15, 0.45, 0.985, 0.88, "-"),
    (0.050, 1.00, 0.14, 0.45, 1.000, 0.88, "-"),
    (0.620, 1.00, 0.14, 0.45, 1.000, 0.88, "p"),
    (0.640, 1.00, 0.14, 0.45, 1.000, 0.88, "s"),
    (0.750, 1.00, 0.14, 0.45, 0.965, 0.84, "b"),
    (0.865, 1.00, 0.14, 0.42, 0.560, 0.84, "-"),
    (0.960, 0.96, 0.15, 0.38, 0.450, 0.80, "-"),
    (0.990, 0.90, 0.17, 0.34, 0.370, 0.76, "-"),
    (1.000, 0.82, 0.20, 0.30, 0.310, 0.70, "-"),
)
CAB: tuple[Section, ...] = (
    (0.640, 0.96, 0.20, 0.50, 0.960, 0.82, "-"),
    (0.660, 0.98, 0.18, 0.50, 0.980, 0.84, "-"),
    (0.720, 0.98, 0.18, 0.50, 0.985, 0.84, "s"),
    (0.860, 0.98, 0.18, 0.48, 0.965, 0.82, "b"),
    (0.950, 0.98, 0.18, 0.46, 0.570, 0.88, "-"),
    (0.985, 0.95, 0.18, 0.42, 0.500, 0.86, "-"),
    (1.000, 0.90, 0.22, 0.36, 0.380, 0.80, "-"),
)
BUS: tuple[Section, ...] = (
    (0.000, 0.94, 0.16, 0.42, 0.940, 0.86, "-"),
    (0.006, 0.99, 0.11, 0.42, 0.980, 0.90, "-"),
    (0.030, 1.00, 0.10, 0.42, 1.000, 0.91, "s"),
    *(
        (0.03 + 0.115 * i + d, 1.00, 0.10, 0.42, 1.0, 0.91, p)
        for i in range(1, 8)
        for d, p in ((0.0, "p"), (0.012, "s"))
    ),
    (0.950, 1.00, 0.10, 0.40, 0.990, 0.90, "b"),
    (0.993, 0.98, 0.11, 0.38, 0.480, 0.94, "-"),
    (1.000, 0.93, 0.16, 0.32, 0.340, 0.88, "-"),
)

# What each strip of a ring is, from the middle of the floor up the side to the middle of the roof.
_STRIPS = ("under", "sill", "side", "side", "window", "frame", "top", "top")
GLASS: RGB = (0.055, 0.070, 0.085)
PLASTIC: RGB = (0.075, 0.075, 0.080)


@dataclass(frozen=True, slots=True, eq=False)
class Hull:
    """Paint and trim apart from glass, because each throws light back in its own way."""

    paint: Surface
    trim: Surface
    glass: Surface


def _half_ring(section: Section, half_width: float, height: float) -> list[tuple[float, float]]:
    """(x, z) of nine points from the middle of the floor to the middle of the roof."""
    _, wide, floor, belt, top, roof_wide, _ = section
    w, r = wide * half_width, roof_wide * half_width
    f, b, t = floor * height, belt * height, top * height
    edge = t - 0.035 * height
    if edge < b:
        edge = b + 0.5 * (t - b)
    glass = (w * 0.965 + (r - w * 0.965) * 0.86, b + (edge - b) * 0.86)
    waist = f + (b - f) * 0.52
    sides = [(w * 0.90, f), (w * 0.975, f + 0.05 * height), (w, waist), (w * 0.965, b)]
    return [(0.0, f), *sides, glass, (r, edge), (r * 0.62, t - 0.006 * height), (0.0, t)]


def _material(strip: str, pane: str) -> str:
    if strip in ("under", "sill"):
        return "trim"
    if strip == "window" and pane in "sb":
        return "glass"
    if strip == "window" and pane == "p":
        return "trim"
    if strip == "top" and pane == "d":
        return "trim"
    return "glass" if strip == "top" and pane in "wb" else "paint"


def hull(sections: tuple[Section, ...], size: tuple[float, float, float], color: RGB) -> Hull:
    """Loft `sections` to a body of full `size` (width, length, height)."""
    width, length, height = size
    rows = np.array([_half_ring(s, width / 2.0, height) for s in sections])  # (S, 9, 2)
    count, points_per_half = rows.shape[:2]
    ys = np.array([(s[0] - 0.5) * length for s in sections])
    faces: dict[str, list[tuple[int, int, int]]] = {"paint": [], "trim": [], "glass": []}
    vertices: list[tuple[float, float, float]] = []
    caps: list[tuple[int, int, int]] = []
    for side in (1.0, -1.0):
        start = len(vertices)
        for i in range(count):
            vertices += [(side * x, ys[i], z) for x, z in rows[i]]
        for i in range(count - 1):
            for strip in range(points_per_half - 1):
                a = start + i * points_per_half + strip
                b = a + points_per_half
                quad = [(a, b, b + 1), (a, b + 1, a + 1)]
                # The right side is wound so that it faces outward; the left one is its mirror image.
                turned = quad if side > 0 else [(p, r, q) for p, q, r in quad]
                faces[_material(_STRIPS[strip], sections[i][6])] += turned
        caps += _caps(start, count, points_per_half, side)
    # Rear and nose are flat-shaded apart, so that their edges stay crisp.
    return Hull(
        joined([smooth_surface(vertices, faces["paint"], color), surface(vertices, caps, color)]),
        smooth_surface(vertices, faces["trim"], PLASTIC),
        smooth_surface(vertices, faces["glass"], GLASS)
        if faces["glass"]
        else smooth_surface(vertices[:3], [(0, 1, 1)]),
    )


def _caps(start: int, count: int, per_half: int, side: float) -> list[tuple[int, int, int]]:
    """Close rear and nose with fans around the middle of the floor."""
    rear, nose = start, start + (count - 1) * per_half
    fans = []
    for i in range(1, per_half - 1):
        fans.append((rear, rear + i, rear + i + 1))
        fans.append((nose, nose + i + 1, nose + i))
    return fans if side > 0 else [(a, c, b) for a, b, c in fans]
