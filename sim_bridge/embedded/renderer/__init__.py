"""Pictures of the embedded world: one panda3d scene graph, drawn in software or by real GL. The world's thread only."""

from sim_bridge.embedded.renderer.scene import Renderer

__all__ = ["Renderer"]
