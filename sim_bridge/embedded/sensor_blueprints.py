"""The sensors' attributes by CARLA's names, with CARLA's defaults. Data only.

Those this world cannot honour (exposure, bloom, lens flare) are listed too: scripts set them, and an unknown attribute
is an error in the client.
"""

from __future__ import annotations

Value = bool | int | float | str

_TICK: dict[str, Value] = {"sensor_tick": 0.0}
_LENS: dict[str, Value] = {
    "lens_circle_falloff": 5.0,
    "lens_circle_multiplier": 0.0,
    "lens_k": -1.0,
    "lens_kcube": 0.0,
    "lens_x_size": 0.08,
    "lens_y_size": 0.08,
}
_CAMERA: dict[str, Value] = {"image_size_x": 800, "image_size_y": 600, "fov": 90.0, **_TICK, **_LENS}
_RGB: dict[str, Value] = {
    **_CAMERA,
    "enable_postprocess_effects": True,
    "bloom_intensity": 0.675,
    "lens_flare_intensity": 0.1,
    "motion_blur_intensity": 0.45,
    "motion_blur_max_distortion": 0.35,
    "motion_blur_min_object_screen_size": 0.1,
    "gamma": 2.2,
    "exposure_mode": "histogram",
    "exposure_compensation": 0.0,
    "exposure_min_bright": 10.0,
    "exposure_max_bright": 12.0,
    "exposure_speed_up": 3.0,
    "exposure_speed_down": 1.0,
    "calibration_constant": 16.0,
    "iso": 100.0,
    "shutter_speed": 200.0,
    "fstop": 1.4,
    "min_fstop": 1.2,
    "blade_count": 5,
    "focal_distance": 1000.0,
    "blur_amount": 1.0,
    "blur_radius": 0.0,
    "temp": 6500.0,
    "tint": 0.0,
    "slope": 0.88,
    "toe": 0.55,
    "shoulder": 0.26,
    "black_clip": 0.0,
    "white_clip": 0.04,
    "chromatic_aberration_intensity": 0.0,
    "chromatic_aberration_offset": 0.0,
}
_GNSS: dict[str, Value] = {
    "noise_seed": 0,
    **{f"noise_{axis}_{what}": 0.0 for axis in ("alt", "lat", "lon") for what in ("bias", "stddev")},
    **_TICK,
}
_IMU: dict[str, Value] = {
    "noise_seed": 0,
    **{f"noise_accel_stddev_{axis}": 0.0 for axis in "xyz"},
    **{f"noise_gyro_{what}_{axis}": 0.0 for what in ("bias", "stddev") for axis in "xyz"},
    **_TICK,
}

_DVS: dict[str, Value] = {
    **_RGB,
    "positive_threshold": 0.3,
    "negative_threshold": 0.3,
    "sigma_positive_threshold": 0.0,
    "sigma_negative_threshold": 0.0,
    "refractory_period_ns": 0,
    "use_log": True,
    "log_eps": 0.001,
}
_SWEEP: dict[str, Value] = {
    "channels": 32,
    "range": 10.0,
    "points_per_second": 56000,
    "rotation_frequency": 10.0,
    "upper_fov": 10.0,
    "lower_fov": -30.0,
    "horizontal_fov": 360.0,
    **_TICK,
}
_LIDAR: dict[str, Value] = {
    **_SWEEP,
    "atmosphere_attenuation_rate": 0.004,
    "dropoff_general_rate": 0.45,
    "dropoff_intensity_limit": 0.8,
    "dropoff_zero_intensity": 0.4,
    "noise_seed": 0,
    "noise_stddev": 0.0,
}
_RADAR: dict[str, Value] = {
    "horizontal_fov": 30.0,
    "vertical_fov": 30.0,
    "points_per_second": 1500,
    "range": 100.0,
    "noise_seed": 0,
    **_TICK,
}
_OBSTACLE: dict[str, Value] = {
    "distance": 5.0,
    "hit_radius": 0.5,
    "only_dynamics": False,
    "debug_linetrace": False,
    **_TICK,
}
_RADIO: dict[str, Value] = {
    "noise_seed": 0,
    "frequency_ghz": 5.9,
    "transmit_power": 21.5,
    "receiver_sensitivity": -99.0,
    "combined_antenna_gain": 10.0,
    "scenario": "highway",
    "path_loss_model": "winner",
    "path_loss_exponent": 2.7,
    "d_ref": 1.0,
    "filter_distance": 500.0,
    "use_etsi_fading": True,
    "custom_fading_stddev": 0.0,
    **_TICK,
}

SENSORS: dict[str, dict[str, Value]] = {
    "sensor.camera.rgb": _RGB,
    "sensor.other.collision": {},
    "sensor.other.lane_invasion": {},
    "sensor.other.gnss": _GNSS,
    "sensor.other.imu": _IMU,
    "sensor.other.obstacle": _OBSTACLE,
    "sensor.other.radar": _RADAR,
    "sensor.camera.depth": _CAMERA,
    "sensor.camera.semantic_segmentation": _CAMERA,
    "sensor.camera.instance_segmentation": _CAMERA,
    "sensor.camera.cosmos_visualization": _CAMERA,
    "sensor.camera.normals": _CAMERA,
    "sensor.camera.optical_flow": _CAMERA,
    "sensor.camera.dvs": _DVS,
    "sensor.lidar.ray_cast": _LIDAR,
    "sensor.lidar.ray_cast_semantic": _SWEEP,
    "sensor.other.v2x": {**_RADIO, "gen_cam_min": 0.1, "gen_cam_max": 1.0, "fixed_rate": False},
    "sensor.other.v2x_custom": {**_RADIO, "channel_id": "Default"},
    "sensor.other.rss": {},
}

# Scripts look these up and set their attributes before they spawn any; spawning one is refused in words.
UNSUPPORTED = frozenset(
    {
        "sensor.other.v2x",
        "sensor.other.v2x_custom",
        "sensor.other.rss",
    }
)
