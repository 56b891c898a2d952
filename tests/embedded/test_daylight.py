"""What a driver's network has learned to see by day stays what it is: pictures against saved ones, pixel by pixel.

`python -m tests.embedded.test_daylight` writes the saved pictures; do so only when the looks of the day are meant to
change, because a network trained on the old ones then has to be trained again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sim_bridge.embedded.contracts import Camera, Drawn, LightState, Mesh, Pose, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from tests.embedded.plain_towns import block, floor, lamp_at, plain_town

SAVED = Path(__file__).with_name("daylight")
SKIES = {
    "noon": Sky(65.0, 40.0, 5.0),
    "evening": Sky(18.0, 250.0, 15.0),
    "haze": Sky(35.0, 160.0, 40.0, 20.0),
    "after_rain": Sky(50.0, 80.0, 55.0, 0.0, 80.0),
}
WHITE = (1.0, 1.0, 1.0)
VEHICLES = (
    "vehicle.lincoln.mkz_2020", "vehicle.mini.cooper_s", "vehicle.nissan.patrol", "vehicle.tesla.cybertruck",
    "vehicle.mercedes.sprinter", "vehicle.carlamotors.carlacola", "vehicle.mitsubishi.fusorosa", "vehicle.audi.tt",
    "vehicle.kawasaki.ninja", "vehicle.bh.crossbike",
)  # fmt: skip


def _street() -> Town:
    """Every texture and every layer, closed off by walls so that no horizon shows."""
    facades = ("facade_brick", "facade_plaster", "facade_office", "facade_glass", "roof", "bark", "leaves")
    houses = [
        replace(block((14.0 + 9.0 * i, side * 15.0, 4.0), 4.0, WHITE, 6.0), texture=facades[(2 * i + side) % 7])
        for i in range(5)
        for side in (-1, 1)
    ]
    walls = [block((148.0, 0.0, 8.0), 146.0, (0.4, 0.5, 0.35)), block((0.0, -160.0, 8.0), 140.0, (0.4, 0.5, 0.35))]
    walls.append(block((0.0, 160.0, 8.0), 140.0, (0.4, 0.5, 0.35)))
    ground: list[Mesh] = [
        floor("terrain", 140.0, WHITE, -0.02, "grass"),
        floor("road", 100.0, WHITE, 0.0, "asphalt"),
        floor("pavement", 3.0, WHITE, 0.02, "pavement"),
        replace(floor("marking", 0.1, (0.95, 0.95, 0.95), 0.01), vertices=_stripe()),
    ]
    far = [replace(wall, vertices=wall.vertices + np.array([220.0, 0, 0], np.float32)) for wall in walls[:1]]
    return plain_town((*ground, *houses, *far, *walls[1:]), signals=(lamp_at(24.0), lamp_at(14.0, "8", "stop")))


def _stripe() -> npt.NDArray[np.float32]:
    return np.array([(3, 1.6, 0.01), (60, 1.6, 0.01), (60, 1.8, 0.01), (3, 1.8, 0.01)], np.float32)


def pictures() -> dict[str, npt.NDArray[np.uint8]]:
    renderer = Renderer(_street(), "software")
    drawn = []
    for index, blueprint_id in enumerate(VEHICLES):
        renderer.add_actor(10 + index, blueprint_id, {"color": f"{20 * index + 20},{200 - 18 * index},120"})
        lamps = (0, 8, 16, 32, 2, 64, 1)[index % 7]
        pose = Pose(8.0 + 5.5 * (index // 2), 5.0 if index % 2 else -4.5, 0.0, 0.0, 20.0 * index)
        drawn.append(Drawn(10 + index, pose, lamps, wheel_steer_deg=4.0 * index))
    renderer.add_actor(30, "walker.pedestrian.0001", {})
    renderer.add_actor(31, "static.prop.constructioncone", {})
    drawn += [Drawn(30, Pose(7.0, 1.0, 0.0, 0.0, 60.0), walk_phase=0.2), Drawn(31, Pose(6.0, -1.2))]
    camera = Camera(1, 512, 256, 110.0, Pose(-1.5, 0.0, 2.0))
    renderer.add_camera(camera)
    lights = {"7": LightState.RED}
    taken = {name: renderer.render(drawn, [camera], lights, sky)[1] for name, sky in SKIES.items()}
    renderer.close()
    return taken


@pytest.fixture(scope="module")
def taken() -> dict[str, npt.NDArray[np.uint8]]:
    return pictures()


@pytest.mark.parametrize("name", SKIES)
def test_the_day_looks_as_it_did(name: str, taken: dict[str, npt.NDArray[np.uint8]]) -> None:
    saved = np.asarray(Image.open(SAVED / f"{name}.png").convert("RGB")).astype(int)
    off = np.abs(taken[name][..., 2::-1].astype(int) - saved).max(axis=2)
    # Another processor may round a level, or an edge to the next pixel, here and there.
    assert (off > 2).mean() < 2e-4, f"{(off > 2).sum()} pixels changed, up to {off.max()} levels"


if __name__ == "__main__":
    SAVED.mkdir(exist_ok=True)
    for picture_name, picture in pictures().items():
        Image.fromarray(np.ascontiguousarray(picture[..., 2::-1])).save(SAVED / f"{picture_name}.png", optimize=True)
