"""What is where, measured instead of painted: depth, labels and echoes from a second drawing of the same scene.

Every triangle is drawn in one flat colour that is its number. A pixel's number leads to the triangle's plane, and the
plane meets the pixel's ray at the exact place, so distances do not suffer from the rasteriser's coarse depth buffer.
"""

from sim_bridge.embedded.renderer.survey.survey import Survey

__all__ = ["Survey"]
