"""Which CARLA world to drive in, and what to put into it. Plain data, any thread; needs no carla to be installed."""

from __future__ import annotations

from dataclasses import dataclass

from sim_bridge.messages import CHASE_CAMERA, FRONT_CAMERA, CameraSpec


@dataclass(frozen=True, slots=True)
class CarlaConfig:
    """`town` "" drives in whatever map the server has loaded; another name loads that map once, at the start.

    `seed` is added to the seed of each reset for the traffic only: one start, other traffic. `is_embedded` says that
    the server is our own `python -m sim_bridge.embedded`. `traffic_manager_port` 0 picks a free one. `scene` is a name
    of `sim_bridge.scenarios`, `routes` a Leaderboard file, `route_id` a route of it ("" the first).
    """

    host: str = "127.0.0.1"
    port: int = 2000
    town: str = ""
    seed: int = 0
    traffic_vehicles: int = 10
    walkers: int = 0
    scene: str = ""
    routes: str = ""
    route_id: str = ""
    front_camera: CameraSpec = FRONT_CAMERA
    chase_camera: CameraSpec | None = CHASE_CAMERA
    ego_blueprint: str = "vehicle.lincoln.mkz_2020"
    is_embedded: bool = False
    traffic_manager_port: int = 0
    connect_timeout_s: float = 5.0
    # One silent tick of this length is a lost world; below the 5 s that a Simulator promises.
    tick_timeout_s: float = 4.0
    frame_timeout_s: float = 2.0
    # Building an episode up may stall a big world: the first car of a kind compiles its shaders.
    reset_timeout_s: float = 30.0

    @property
    def world(self) -> str:
        return "embedded" if self.is_embedded else f"carla {self.host}:{self.port}"

    def __post_init__(self) -> None:
        if not 0 < self.port < 65535:
            raise ValueError(f"A CARLA port lies in 1..65534 (the streams use the next one); {self.port} does not.")
        if self.traffic_vehicles < 0 or self.walkers < 0:
            raise ValueError(f"There cannot be {self.traffic_vehicles} vehicles and {self.walkers} walkers.")
