// Ground points -> pixels, through a camera's pinhole. The cockpit's projection.py has the same rules.
// Ego: x forward, y right, z up, metres. Pixels: x right, y down, from the top left corner.

export const NEAR_M = 0.5;

export function focalPx(camera) {
  return camera.width / 2 / Math.tan((camera.fov * Math.PI) / 360);
}

// An ego point in the camera's axes: [right, up, ahead], metres.
export function seen(camera, [px, py, pz]) {
  const x = px - camera.x, y = py - camera.y, z = pz - camera.z;
  const pitch = (camera.pitch * Math.PI) / 180;
  return [y, -x * Math.sin(pitch) + z * Math.cos(pitch), x * Math.cos(pitch) + z * Math.sin(pitch)];
}

export function pixel(camera, [right, up, ahead]) {
  const focal = focalPx(camera);
  return [camera.width / 2 + (focal * right) / ahead, camera.height / 2 - (focal * up) / ahead];
}

// A closed polygon in pixels, cut at NEAR_M; empty when all of it lies nearer.
export function polygon(camera, points) {
  const corners = points.map((point) => seen(camera, point));
  const kept = [];
  corners.forEach((here, index) => {
    const there = corners[(index + 1) % corners.length];
    if (here[2] >= NEAR_M) kept.push(here);
    if (here[2] >= NEAR_M !== there[2] >= NEAR_M) {
      const share = (NEAR_M - here[2]) / (there[2] - here[2]);
      kept.push(here.map((value, axis) => value + share * (there[axis] - value)));
    }
  });
  return kept.map((point) => pixel(camera, point));
}

// A path as flat quadrilaterals, one per stretch between two points.
export function ribbon(path, halfWidthM) {
  const sides = path.map((_, index) => sidesAt(path, index, halfWidthM));
  return sides.slice(1).map(([left, right], index) => [sides[index][0], sides[index][1], right, left]);
}

export function disc([x, y], radiusM, corners = 20) {
  return Array.from({ length: corners }, (_, index) => {
    const angle = (2 * Math.PI * index) / corners;
    return [x + radiusM * Math.cos(angle), y + radiusM * Math.sin(angle), 0];
  });
}

// The ribbon's left and right edge at one point, square to the stretch around it.
function sidesAt(path, index, halfWidthM) {
  const before = path[Math.max(index - 1, 0)], after = path[Math.min(index + 1, path.length - 1)];
  const dx = after[0] - before[0], dy = after[1] - before[1], length = Math.hypot(dx, dy) || 1;
  const ox = (-dy / length) * halfWidthM, oy = (dx / length) * halfWidthM; // y points right: this is the right side
  const [x, y] = path[index];
  return [[x - ox, y - oy, 0], [x + ox, y + oy, 0]];
}
