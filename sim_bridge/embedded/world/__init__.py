"""The world's state and its ticks: actors, lights, weather, sensors, episodes. One thread, the world's, owns it all."""
