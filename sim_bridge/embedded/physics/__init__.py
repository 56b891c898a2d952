"""Bullet physics of the embedded world: vehicles on ray-cast wheels, walkers, props, and what stands still."""

from sim_bridge.embedded.physics.bodies import Physics

__all__ = ["Physics"]
