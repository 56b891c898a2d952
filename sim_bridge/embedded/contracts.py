"""What the rooms of the embedded world hand each other: town -> physics and renderer, world -> both, and back.

Plain data, any thread. Coordinates are CARLA's (left-handed, metres, degrees, yaw clockwise); `physics` and `renderer`
convert to panda3d's right-handed frame in one place each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Label(IntEnum):
    """CARLA's CityObjectLabel, the ones this world has."""

    NONE = 0
    ROADS = 1
    SIDEWALKS = 2
    BUILDINGS = 3
    WALLS = 4
    FENCES = 5
    POLES = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGNS = 8
    VEGETATION = 9
    TERRAIN = 10
    SKY = 11
    PEDESTRIANS = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    OTHER = 22
    ROAD_LINES = 24
    GROUND = 25


class LightState(IntEnum):
    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class Pose:
    """Location in metres and rotation in degrees, CARLA's order and signs."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Static triangles of one look. `layer` orders flat ground for the painter: terrain < road < marking < pavement;
    "solid" is everything with depth (buildings, poles, trees, kerbs' sides)."""

    name: str
    layer: str  # "terrain" | "road" | "marking" | "pavement" | "solid"
    label: Label
    vertices: npt.NDArray[np.float32]  # (N, 3)
    normals: npt.NDArray[np.float32]  # (N, 3)
    uvs: npt.NDArray[np.float32]  # (N, 2), in texture repeats
    colors: npt.NDArray[np.float32]  # (N, 4) 0..1
    # (M, 3). Front faces are counter-clockwise seen from outside once mirrored to the right-handed frame (x, -y, z).
    triangles: npt.NDArray[np.int32]
    # A name the renderer paints: "asphalt", "grass", "pavement", "facade_brick", ...; "" is plain colour.
    texture: str = ""


@dataclass(frozen=True, slots=True)
class StaticBox:
    """Something solid that stands still: building, trunk, pole. `extent` is half sizes along the box's own axes."""

    name: str
    label: Label
    pose: Pose  # centre of the box
    extent: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Signal:
    """A traffic light or sign of the OpenDRIVE file. `pose` is its pole's foot, yaw facing the traffic it rules."""

    signal_id: str  # OpenDRIVE id, as the client looks it up
    kind: str  # "traffic_light" | "stop" | "yield" | "speed_limit"
    pose: Pose
    head: Pose  # centre of the lamps or plate, facing the traffic
    stop_line: Pose  # middle of the approach's stop line, yaw along the traffic
    junction_id: int = -1
    phase: int = 0  # lights of one junction with the same phase are green together
    pole_index: int = 0
    speed_limit_kmh: float = 0.0
    # Of a stop or yield sign: where on others' ways over the junction a car comes first, x and y.
    gives_way_at: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """Everything the world needs of a map. Built once by `town.load`, then only read."""

    name: str  # "Backseat01"
    opendrive: str
    spawn_points: tuple[Pose, ...]
    signals: tuple[Signal, ...]
    meshes: tuple[Mesh, ...]
    boxes: tuple[StaticBox, ...]
    bounds: tuple[float, float, float, float]  # x_min, y_min, x_max, y_max
    # Lane centres sampled every two metres for look-ups by position: x, y, yaw_deg, limit_kmh, road_id, lane_id, s.
    lane_samples: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 7)))
    has_navigation: bool = True  # whether walkers are offered a mesh to find their way on


@dataclass(frozen=True, slots=True)
class VehicleShape:
    """A vehicle's body for physics and drawing; the actor origin is on the ground below the middle of the box."""

    blueprint_id: str
    length: float
    width: float
    height: float
    mass: float
    wheel_base: float
    track: float
    wheel_radius: float
    max_steer_deg: float
    body: str  # "sedan" | "hatchback" | "suv" | "pickup" | "van" | "truck" | "bus" | "motorcycle" | "bicycle"
    service: str = ""  # "police" | "ambulance" | "fire": painted as such, with beacons on the roof


@dataclass(slots=True)
class PedalState:
    """The newest control of a vehicle, as CARLA's VehicleControl."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class BodyState:
    """A moving thing after a tick. Velocity m/s in the world, angular velocity deg/s, acceleration m/s2."""

    pose: Pose
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    angular_velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    acceleration: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wheel_steer_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Contact:
    """A collision during the last tick. `b` is 0 with `b_static` naming what stood there, or an actor id."""

    a: int
    b: int
    b_static: str
    b_label: Label
    impulse: tuple[float, float, float]  # N s, on `a`, in the world


@dataclass(frozen=True, slots=True)
class Drawn:
    """How one actor looks now."""

    actor_id: int
    pose: Pose
    # CARLA VehicleLightState bits that burn now: 1 position, 2 low beam, 4 high beam, 8 brake, 16 right, 32 left,
    # 64 reverse, 128 fog; 512 and 1024 are the left and the right beacon of an emergency vehicle.
    light_flags: int = 0
    wheel_steer_deg: float = 0.0
    walk_phase: float = 0.0  # 0..1 through a stride, walkers only
    walk_speed_mps: float = 1.4  # how far the limbs swing: 0 hangs them straight


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera to draw: `pose` in the world, horizontal `fov`. `hides` is an actor it does not see, 0 none.

    `kind` is "rgb", or what is measured: "depth", "semantic", "instance", "normals" or "flow".
    """

    camera_id: int
    width: int
    height: int
    fov: float
    pose: Pose
    kind: str = "rgb"
    hides: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Rays to measure along, from the origin of `pose` in its axes. The fan that all ticks' rays stay in is given
    apart from the rays, so that the views for them are set up once."""

    scan_id: int
    pose: Pose
    directions: npt.NDArray[np.float32]  # (N, 3) unit vectors: forward, right, up
    range_m: float
    azimuth_deg: tuple[float, float]  # lowest and highest of the fan, clockwise from forward
    elevation_deg: tuple[float, float]
    pitch_deg: tuple[float, float]  # between neighbouring rays, horizontally and vertically
    hides: int = 0  # an actor the rays pass through, 0 none


@dataclass(frozen=True, slots=True, eq=False)
class Echoes:
    """What the rays of a scan meet first, in their order."""

    distance: npt.NDArray[np.float32]  # (N,) metres, inf where nothing is within range
    cosine: npt.NDArray[np.float32]  # (N,) of the angle between ray and surface normal, 0..1
    label: npt.NDArray[np.uint8]  # (N,) Label
    actor_id: npt.NDArray[np.int64]  # (N,) 0 for the town


@dataclass(frozen=True, slots=True)
class Sky:
    """What the weather does to the picture. Degrees and CARLA's 0..100 scales."""

    sun_altitude: float = 45.0
    sun_azimuth: float = 0.0
    cloudiness: float = 10.0
    fog_density: float = 0.0
    wetness: float = 0.0
    precipitation: float = 0.0
    puddles: float = 0.0
    dust: float = 0.0
    wind: float = 0.0
    fog_distance_m: float = 0.0  # where the fog begins


@dataclass(frozen=True, slots=True)
class Dot:
    """A square that a script drew in the air, as large in every picture however far it is. Colour 0..255."""

    at: tuple[float, float, float]
    size_px: float
    color: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight bar that a script drew in the air. Colour 0..255."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    thickness_m: float
    color: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What scripts drew that is in sight now. The same object as long as nothing of it changes."""

    dots: tuple[Dot, ...] = ()
    strokes: tuple[Stroke, ...] = ()


NO_MARKS = Marks()
