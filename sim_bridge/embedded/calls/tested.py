"""Which test covers which call, by its name in the tests of this room. Printed by `launch.py serve --coverage`.

The tests keep it true: after each of them, every call it stands for here must have reached a server, and no call of the
table may be missing.
"""

_CLIENT, _CALLS = "test_world_client.py::", "test_calls.py::"
_SCRIPT, _SCRIPTED = _CLIENT + "test_the_real_client[{}]", _CALLS + "test_the_real_client_calls[{}]"

# The calls that each test covers.
_COVERED: dict[str, tuple[str, ...]] = {
    _SCRIPT.format("drives_and_sees"): (
        "version",
        "get_episode_info",
        "get_sensor_token",
        "get_episode_settings",
        "set_episode_settings",
        "tick_cue",
        "get_map_info",
        "get_map_data",
        "get_required_files",
        "load_new_episode",
        "get_actor_definitions",
        "get_actors_by_id",
        "spawn_actor",
        "spawn_actor_with_parent",
        "destroy_actor",
        "apply_control_to_vehicle",
    ),
    _CLIENT + "test_carlas_walker_ai_walks_the_towns_sidewalks": (
        "request_file",
        "set_actor_collisions",
    ),
    _CALLS + "test_calls_that_the_python_client_never_sends": (
        "get_navigation_mesh",
        "add_actor_torque",
        "add_actor_impulse_at_location",
        "add_actor_force_at_location",
        "set_actor_dead",
        "freeze_traffic_light",
        "are_gbuffers_enabled",
    ),
    _SCRIPTED.format("looks_at_the_town"): (
        "get_available_maps",
        "get_imui_gravity",
        "set_imui_gravity",
        "get_environment_objects",
        "enable_environment_objects",
        "get_all_level_BBs",
        "get_names_of_all_objects",
        "cast_ray",
        "project_point",
    ),
    _SCRIPTED.format("draws_in_the_air"): ("draw_debug_shape", "clear_debug_shape"),
    _SCRIPT.format("draws_its_own_town"): ("copy_opendrive_to_file",),
    _SCRIPTED.format("puts_and_pushes"): (
        "get_spectator",
        "set_actor_location",
        "set_actor_target_velocity",
        "set_actor_target_angular_velocity",
        "enable_actor_constant_velocity",
        "disable_actor_constant_velocity",
        "add_actor_force",
        "add_actor_angular_impulse",
        "set_actor_enable_gravity",
    ),
    _SCRIPT.format("runs_free"): (
        "get_weather_parameters",
        "set_weather_parameters",
    ),
    _SCRIPTED.format("sees_every_vehicle_of_the_gallery"): ("get_actor_bounding_box",),
    _SCRIPT.format("teleports_frame_by_frame"): (
        "set_actor_transform",
        "set_actor_simulate_physics",
        "set_vehicle_light_state",
    ),
    _SCRIPT.format("senses"): ("add_actor_impulse",),
    _SCRIPTED.format("asks_a_car_about_itself"): (
        "get_actor_component_names",
        "get_actor_component_world_transform",
        "get_actor_component_relative_transform",
        "get_physics_control",
        "apply_physics_control",
        "get_telemetry_data",
        "get_vehicle_light_state",
        "get_vehicle_light_states",
        "get_wheel_steer_angle",
        "set_wheel_steer_direction",
        "get_wheel_pitch_angle",
    ),
    _SCRIPTED.format("follows_an_ackermann_control"): (
        "apply_ackermann_control_to_vehicle",
        "get_ackermann_controller_settings",
        "apply_ackermann_controller_settings",
    ),
    _SCRIPTED.format("leads_a_walker_by_hand"): ("apply_control_to_walker",),
    _SCRIPT.format("rules_the_lights"): (
        "set_traffic_light_state",
        "freeze_all_traffic_lights",
        "reset_all_traffic_lights",
        "get_group_traffic_lights",
    ),
    _SCRIPTED.format("times_the_lights"): (
        "set_traffic_light_green_time",
        "set_traffic_light_yellow_time",
        "set_traffic_light_red_time",
        "reset_traffic_light_group",
        "get_light_boxes",
    ),
    _SCRIPTED.format("spawns_a_crowd_in_batches"): (
        "is_traffic_manager_running",
        "add_traffic_manager_running",
    ),
    _CALLS + "test_managers_are_remembered_by_port": (
        "get_traffic_manager_running",
        "destroy_traffic_manager",
    ),
    _SCRIPTED.format("keeps_many_sensors_in_step"): (
        "enable_gbuffers",
        "is_sensor_enabled_for_ros",
    ),
    _SCRIPT.format("refuses_in_words"): ("start_recorder",),
    _SCRIPT.format("records_and_replays"): (
        "stop_recorder",
        "stop_replayer",
        "set_replayer_time_factor",
        "set_replayer_ignore_hero",
        "set_replayer_ignore_spectator",
        "show_recorder_file_info",
        "show_recorder_collisions",
        "show_recorder_actors_blocked",
        "replay_file",
    ),
    _SCRIPT.format("batches"): ("apply_batch",),
}

# Each has a test of its own, by its name.
_REFUSED = (
    "apply_color_texture_to_objects",
    "apply_float_color_texture_to_objects",
    "enable_carsim",
    "use_carsim_road",
    "enable_chrono_physics",
    "set_bones_transform",
    "blend_pose",
    "get_pose_from_animation",
    "send",
    "set_ignored_vehicles",
    "get_gbuffer_token",
    "enable_sensor_for_ros",
    "disable_sensor_for_ros",
)

# Each has a test of its own, by its name.
_WITHOUT_EFFECT = (
    "load_map_layer",
    "unload_map_layer",
    "query_lights_state",
    "update_lights_state",
    "update_day_night_cycle",
    "clear_debug_string",
    "set_annotations_traverse_translucency",
    "set_actor_autopilot",
    "get_actor_bone_names",
    "get_actor_socket_names",
    "get_actor_bone_world_transforms",
    "get_actor_bone_relative_transforms",
    "get_actor_socket_world_transforms",
    "get_actor_socket_relative_transforms",
    "get_vehicle_bone_world_transforms",
    "show_vehicle_debug_telemetry",
    "open_vehicle_door",
    "close_vehicle_door",
    "set_wheel_pitch_angle",
    "restore_physx_physics",
    "get_bones_transform",
)

TESTED_BY: dict[str, str] = {
    **{call: test for test, calls in _COVERED.items() for call in calls},
    **{call: _CALLS + f"test_a_refusal_says_what_is_not_supported[{call}]" for call in _REFUSED},
    **{call: _CALLS + f"test_a_call_without_effect_is_answered[{call}]" for call in _WITHOUT_EFFECT},
}
