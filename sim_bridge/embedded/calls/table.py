"""The RPC table: every name of CARLA 0.9.16, the function that answers it, and how much scripts need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sim_bridge.embedded.calls import (
    actors,
    batch,
    episode,
    lights,
    managers,
    recorder,
    scene,
    sensors,
    shapes,
    vehicles,
)
from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.calls.signature import Signature
from sim_bridge.embedded.wire import replies
from sim_bridge.embedded.wire.codec import WrongArgument, encoded


class Need(Enum):
    """How much ordinary scripts need a call."""

    ESSENTIAL = "E"
    COMMON = "C"
    RARE = "r"


@dataclass(frozen=True, slots=True)
class Rpc:
    """One call. `is_raw`: the result goes back without CARLA's Response around it."""

    name: str
    need: Need
    signature: Signature
    is_raw: bool = False

    @property
    def support(self) -> str:
        """How this world answers: "works", "no effect" or "refused"."""
        handler = self.signature.handler
        return "refused" if handler in _REFUSING else "no effect" if handler in _WITHOUT_EFFECT else "works"

    def answer(self, desk: Desk, arguments: list[Any]) -> list[Any]:
        """The result as it goes onto the wire; wrong arguments and refusals become error responses."""
        try:
            result = self.signature.call(desk, arguments)
        except (WrongArgument, Refused) as error:
            return self.error(str(error))
        if self.is_raw:
            return list(result)
        return replies.VOID if self.signature.is_void else replies.value(encoded(result))

    def error(self, reason: str) -> list[Any]:
        return replies.void_failure(reason) if self.signature.is_void else replies.failure(reason)


# Handlers that only say no, and handlers that take a call whose effect would show nowhere here.
_REFUSING = {
    vehicles.no_other_physics,
    vehicles.pose_bones,
    scene.no_textures,
    sensors.send,
    sensors.set_ignored_vehicles,
    sensors.no_gbuffer_token,
    sensors.no_ros,
}
_WITHOUT_EFFECT = {
    episode.load_map_layer,
    episode.unload_map_layer,
    actors.set_actor_autopilot,
    actors.get_names,
    actors.get_transforms,
    vehicles.move_part,
    vehicles.show_vehicle_debug_telemetry,
    vehicles.restore_physx_physics,
    vehicles.get_bones_transform,
    scene.accept,
    shapes.clear_debug_string,
    scene.query_lights_state,
}

E, C, R = Need.ESSENTIAL, Need.COMMON, Need.RARE

_ROWS: tuple[tuple[str, Need, Callable[..., Any]], ...] = (
    ("version", E, episode.version),
    ("get_episode_info", E, episode.get_episode_info),
    ("get_sensor_token", E, episode.get_sensor_token),
    ("get_episode_settings", E, episode.get_episode_settings),
    ("set_episode_settings", E, episode.set_episode_settings),
    ("tick_cue", E, episode.tick_cue),
    ("get_map_info", E, episode.get_map_info),
    ("get_map_data", E, episode.get_map_data),
    ("get_required_files", E, episode.get_required_files),
    ("request_file", C, episode.request_file),
    ("get_navigation_mesh", R, episode.get_navigation_mesh),
    ("get_available_maps", C, episode.get_available_maps),
    ("load_new_episode", E, episode.load_new_episode),
    ("copy_opendrive_to_file", C, episode.copy_opendrive_to_file),
    ("load_map_layer", R, episode.load_map_layer),
    ("unload_map_layer", R, episode.unload_map_layer),
    ("get_actor_definitions", E, episode.get_actor_definitions),
    ("get_actors_by_id", E, actors.get_actors_by_id),
    ("get_spectator", E, actors.get_spectator),
    ("get_weather_parameters", E, scene.get_weather_parameters),
    ("set_weather_parameters", E, scene.set_weather_parameters),
    ("get_imui_gravity", R, scene.get_imui_gravity),
    ("set_imui_gravity", R, scene.set_imui_gravity),
    ("query_lights_state", E, scene.query_lights_state),
    ("update_lights_state", R, scene.accept),
    ("update_day_night_cycle", R, scene.accept),
    ("get_environment_objects", C, scene.get_environment_objects),
    ("enable_environment_objects", R, scene.enable_environment_objects),
    ("get_all_level_BBs", C, scene.get_all_level_bbs),
    ("get_names_of_all_objects", R, scene.get_names_of_all_objects),
    ("apply_color_texture_to_objects", R, scene.no_textures),
    ("apply_float_color_texture_to_objects", R, scene.no_textures),
    ("cast_ray", C, scene.cast_ray),
    ("project_point", C, scene.project_point),
    ("draw_debug_shape", C, shapes.draw_debug_shape),
    ("clear_debug_shape", R, shapes.clear_debug_shape),
    ("clear_debug_string", R, shapes.clear_debug_string),
    ("set_annotations_traverse_translucency", R, scene.accept),
    ("spawn_actor", E, actors.spawn_actor),
    ("spawn_actor_with_parent", E, actors.spawn_actor_with_parent),
    ("destroy_actor", E, actors.destroy_actor),
    ("get_actor_bounding_box", E, actors.get_actor_bounding_box),
    ("set_actor_location", E, actors.set_actor_location),
    ("set_actor_transform", E, actors.set_actor_transform),
    ("set_actor_target_velocity", C, actors.set_actor_target_velocity),
    ("set_actor_target_angular_velocity", C, actors.set_actor_target_angular_velocity),
    ("enable_actor_constant_velocity", C, actors.enable_actor_constant_velocity),
    ("disable_actor_constant_velocity", C, actors.disable_actor_constant_velocity),
    ("add_actor_impulse", R, actors.add_actor_impulse),
    ("add_actor_force", R, actors.add_actor_force),
    ("add_actor_torque", R, actors.add_actor_torque),
    ("add_actor_angular_impulse", R, actors.add_actor_angular_impulse),
    ("add_actor_impulse_at_location", R, actors.add_actor_impulse_at_location),
    ("add_actor_force_at_location", R, actors.add_actor_force_at_location),
    ("set_actor_simulate_physics", E, actors.set_actor_simulate_physics),
    ("set_actor_collisions", R, actors.set_actor_collisions),
    ("set_actor_enable_gravity", R, actors.set_actor_enable_gravity),
    ("set_actor_dead", R, actors.set_actor_dead),
    ("set_actor_autopilot", R, actors.set_actor_autopilot),
    ("get_actor_component_names", R, actors.get_actor_component_names),
    ("get_actor_bone_names", R, actors.get_names),
    ("get_actor_socket_names", R, actors.get_names),
    ("get_actor_component_world_transform", R, actors.get_actor_component_world_transform),
    ("get_actor_component_relative_transform", R, actors.get_actor_component_relative_transform),
    ("get_actor_bone_world_transforms", R, actors.get_transforms),
    ("get_actor_bone_relative_transforms", R, actors.get_transforms),
    ("get_actor_socket_world_transforms", R, actors.get_transforms),
    ("get_actor_socket_relative_transforms", R, actors.get_transforms),
    ("get_vehicle_bone_world_transforms", R, actors.get_transforms),
    ("apply_control_to_vehicle", E, vehicles.apply_control_to_vehicle),
    ("apply_ackermann_control_to_vehicle", C, vehicles.apply_ackermann_control_to_vehicle),
    ("get_ackermann_controller_settings", R, vehicles.get_ackermann_controller_settings),
    ("apply_ackermann_controller_settings", R, vehicles.apply_ackermann_controller_settings),
    ("get_physics_control", E, vehicles.get_physics_control),
    ("apply_physics_control", E, vehicles.apply_physics_control),
    ("get_telemetry_data", R, vehicles.get_telemetry_data),
    ("show_vehicle_debug_telemetry", R, vehicles.show_vehicle_debug_telemetry),
    ("get_vehicle_light_state", E, vehicles.get_vehicle_light_state),
    ("set_vehicle_light_state", E, vehicles.set_vehicle_light_state),
    ("get_vehicle_light_states", E, vehicles.get_vehicle_light_states),
    ("open_vehicle_door", R, vehicles.move_part),
    ("close_vehicle_door", R, vehicles.move_part),
    ("get_wheel_steer_angle", R, vehicles.get_wheel_steer_angle),
    ("get_wheel_pitch_angle", R, vehicles.get_wheel_pitch_angle),
    ("set_wheel_steer_direction", R, vehicles.set_wheel_steer_direction),
    ("set_wheel_pitch_angle", R, vehicles.move_part),
    ("enable_carsim", R, vehicles.no_other_physics),
    ("use_carsim_road", R, vehicles.no_other_physics),
    ("enable_chrono_physics", R, vehicles.no_other_physics),
    ("restore_physx_physics", R, vehicles.restore_physx_physics),
    ("apply_control_to_walker", C, vehicles.apply_control_to_walker),
    ("get_bones_transform", R, vehicles.get_bones_transform),
    ("set_bones_transform", R, vehicles.pose_bones),
    ("blend_pose", R, vehicles.pose_bones),
    ("get_pose_from_animation", R, vehicles.pose_bones),
    ("set_traffic_light_state", C, lights.set_traffic_light_state),
    ("set_traffic_light_green_time", C, lights.set_traffic_light_green_time),
    ("set_traffic_light_yellow_time", C, lights.set_traffic_light_yellow_time),
    ("set_traffic_light_red_time", C, lights.set_traffic_light_red_time),
    ("freeze_traffic_light", R, lights.freeze_traffic_light),
    ("freeze_all_traffic_lights", C, lights.freeze_all_traffic_lights),
    ("reset_traffic_light_group", C, lights.reset_traffic_light_group),
    ("reset_all_traffic_lights", C, lights.reset_all_traffic_lights),
    ("get_group_traffic_lights", C, lights.get_group_traffic_lights),
    ("get_light_boxes", R, lights.get_light_boxes),
    ("is_traffic_manager_running", E, managers.is_traffic_manager_running),
    ("get_traffic_manager_running", C, managers.get_traffic_manager_running),
    ("add_traffic_manager_running", E, managers.add_traffic_manager_running),
    ("destroy_traffic_manager", C, managers.destroy_traffic_manager),
    ("send", R, sensors.send),
    ("set_ignored_vehicles", R, sensors.set_ignored_vehicles),
    ("enable_gbuffers", R, sensors.no_gbuffers),
    ("are_gbuffers_enabled", R, sensors.are_gbuffers_enabled),
    ("get_gbuffer_token", R, sensors.no_gbuffer_token),
    ("enable_sensor_for_ros", R, sensors.no_ros),
    ("disable_sensor_for_ros", R, sensors.no_ros),
    ("is_sensor_enabled_for_ros", R, sensors.is_sensor_enabled_for_ros),
    ("start_recorder", R, recorder.start_recorder),
    ("stop_recorder", R, recorder.stop_recorder),
    ("stop_replayer", R, recorder.stop_replayer),
    ("set_replayer_time_factor", R, recorder.set_replayer_time_factor),
    ("set_replayer_ignore_hero", R, recorder.set_replayer_ignore_hero),
    ("set_replayer_ignore_spectator", R, recorder.set_replayer_ignore_spectator),
    ("show_recorder_file_info", R, recorder.show_recorder_file_info),
    ("show_recorder_collisions", R, recorder.show_recorder_collisions),
    ("show_recorder_actors_blocked", R, recorder.show_recorder_actors_blocked),
    ("replay_file", R, recorder.replay_file),
)

TABLE: dict[str, Rpc] = {name: Rpc(name, need, Signature(handler)) for name, need, handler in _ROWS}
TABLE["apply_batch"] = Rpc("apply_batch", E, Signature(batch.apply_batch), is_raw=True)
