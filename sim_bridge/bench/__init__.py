"""Measuring the embedded world: its speed, its memory, and how close its default car is to CARLA's."""
