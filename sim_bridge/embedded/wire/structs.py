"""CARLA's composite types, one dataclass each, fields in wire order. Plain data: decoded and encoded by `codec`.

Units are CARLA's: metres, degrees, m/s; a wheel's radius and position are centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim_bridge.embedded.contracts import Pose

Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]
ZERO: Vec3 = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """`kind`: 1 bool, 2 int, 3 float, 4 string, 5 colour. The value is always text."""

    id: str
    kind: int
    value: str


@dataclass(frozen=True, slots=True)
class ActorAttribute:
    """An attribute of a blueprint. Variations are modifiable and their value is the first recommended one."""

    id: str
    kind: int
    value: str
    recommended: tuple[str, ...] = ()
    is_modifiable: bool = False
    restrict_to_recommended: bool = False


@dataclass(frozen=True, slots=True)
class ActorDefinition:
    uid: int
    id: str
    tags: str
    attributes: tuple[ActorAttribute, ...]


@dataclass(frozen=True, slots=True)
class ActorDescription:
    """What the caller asked to spawn; echoed in Actor, where `actor.attributes` shows it."""

    uid: int
    id: str
    attributes: tuple[AttributeValue, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """`location` is relative to the actor's origin; `extent` is half sizes."""

    location: Vec3 = ZERO
    extent: Vec3 = ZERO
    rotation: Vec3 = ZERO
    actor_id: int = 0


@dataclass(frozen=True, slots=True)
class ActorRecord:
    """CARLA's Actor. `stream_token` is 24 bytes for a sensor that streams, else empty: the client decides by length."""

    id: int
    parent_id: int
    description: ActorDescription
    box: BoundingBox
    labels: bytes
    stream_token: bytes


@dataclass(frozen=True, slots=True)
class Token:
    data: bytes


@dataclass(frozen=True, slots=True)
class EpisodeInfo:
    episode_id: int
    token: Token


@dataclass(frozen=True, slots=True)
class MapInfo:
    name: str
    spawn_points: tuple[Pose, ...]


@dataclass(frozen=True, slots=True)
class EpisodeSettings:
    is_synchronous: bool = False
    no_rendering: bool = False
    fixed_delta_s: float | None = None
    substepping: bool = True
    max_substep_s: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True


@dataclass(frozen=True, slots=True)
class Weather:
    """0..100 scales, sun angles in degrees."""

    cloudiness: float = 10.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 10.0
    sun_azimuth: float = 45.0
    sun_altitude: float = 45.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.2
    wetness: float = 0.0
    scattering_intensity: float = 1.0
    mie_scattering_scale: float = 0.03
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0


@dataclass(frozen=True, slots=True)
class VehicleControl:
    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0


@dataclass(frozen=True, slots=True)
class AckermannControl:
    """Steer in radians at the wheels (positive right), speed m/s, acceleration m/s2."""

    steer: float = 0.0
    steer_speed: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    jerk: float = 0.0


@dataclass(frozen=True, slots=True)
class AckermannSettings:
    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


@dataclass(frozen=True, slots=True)
class WalkerControl:
    direction: Vec3 = (1.0, 0.0, 0.0)
    speed: float = 0.0
    jump: bool = False


@dataclass(frozen=True, slots=True)
class Gear:
    ratio: float = 1.0
    down: float = 0.5
    up: float = 0.65


@dataclass(frozen=True, slots=True)
class Wheel:
    tire_friction: float = 3.5
    damping_rate: float = 0.25
    max_steer_angle: float = 70.0
    radius: float = 35.0
    max_brake_torque: float = 1500.0
    max_handbrake_torque: float = 3000.0
    lat_stiff_max_load: float = 3.0
    lat_stiff_value: float = 20.0
    long_stiff_value: float = 3000.0
    position: Vec3 = ZERO


@dataclass(frozen=True, slots=True)
class PhysicsControl:
    """CARLA's VehiclePhysicsControl."""

    torque_curve: tuple[Vec2, ...] = ((0.0, 400.0), (1890.0, 500.0), (5729.0, 400.0))
    max_rpm: float = 5729.0
    moi: float = 1.0
    damping_full: float = 0.15
    damping_zero_engaged: float = 2.0
    damping_zero_disengaged: float = 0.35
    use_gear_autobox: bool = True
    gear_switch_time: float = 0.5
    clutch_strength: float = 10.0
    final_ratio: float = 4.0
    forward_gears: tuple[Gear, ...] = (Gear(4.0), Gear(2.0), Gear(1.5), Gear(1.1), Gear(1.0))
    mass: float = 1000.0
    drag_coefficient: float = 0.3
    center_of_mass: Vec3 = ZERO
    steering_curve: tuple[Vec2, ...] = ((0.0, 1.0), (120.0, 1.0))
    wheels: tuple[Wheel, ...] = ()
    use_sweep_wheel_collision: bool = False


@dataclass(frozen=True, slots=True)
class WheelTelemetry:
    tire_friction: float = 0.0
    lat_slip: float = 0.0
    long_slip: float = 0.0
    omega: float = 0.0
    tire_load: float = 0.0
    normalized_tire_load: float = 0.0
    torque: float = 0.0
    long_force: float = 0.0
    lat_force: float = 0.0
    normalized_long_force: float = 0.0
    normalized_lat_force: float = 0.0


@dataclass(frozen=True, slots=True)
class Telemetry:
    speed: float = 0.0
    steer: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    engine_rpm: float = 0.0
    gear: int = 0
    drag: float = 0.0
    wheels: tuple[WheelTelemetry, ...] = ()


@dataclass(frozen=True, slots=True)
class LightFlags:
    """CARLA's VehicleLightState: 1 position, 2 low beam, 4 high, 8 brake, 16 right, 32 left, 64 reverse, 128 fog."""

    flags: int = 0


@dataclass(frozen=True, slots=True)
class EnvironmentObject:
    transform: Pose
    box: BoundingBox
    id: int
    name: str
    label: int


@dataclass(frozen=True, slots=True)
class LabelledPoint:
    location: Vec3
    label: int


@dataclass(frozen=True, slots=True)
class DebugShape:
    """`primitive` is `[kind, fields]`; a life of 0 s or less never ends."""

    primitive: Any
    color: tuple[int, int, int] = (255, 0, 0)
    life_time: float = -1.0
    is_persistent: bool = True


@dataclass(frozen=True, slots=True)
class ManagerAddress:
    """Where a Traffic Manager listens, inside its client's process."""

    ip: str = ""
    port: int = 0
