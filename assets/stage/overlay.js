// What the driver plans, drawn over a camera picture. Three marks that cannot be taken for one another:
// the path (where the wheel aims) is a ribbon, the speed points (where the car wants to be, each quarter second) are
// discs, the route's targets are pins.

import { disc, pixel, polygon, ribbon, seen, NEAR_M } from "./projection.js";

const PATH_HALF_WIDTH_M = 0.45;
const DISC_RADIUS_M = 0.42;
const FADE_M = 2; // over this length a mark comes up, so that it does not start with a hard edge

// `marks`: from `fromM` metres ahead the road is seen; nearer, the car's body is, and marks are at their `faintest`.
export function drawPlan(context, camera, plan, shows, marks) {
  context.save();
  if (shows.path && plan.path) drawPath(context, camera, plan.path, marks);
  if (shows.speed && plan.speed) drawSpeed(context, camera, plan.speed, marks);
  if (shows.targets && plan.targets) plan.targets.forEach((target) => drawPin(context, camera, target));
  context.restore();
}

function drawPath(context, camera, path, marks) {
  const stretches = ribbon(path, PATH_HALF_WIDTH_M);
  stretches.forEach((corners, index) => {
    const strength = strengthAt(path[index + 1][0], marks);
    if (strength <= 0) return;
    const far = 1 - (0.55 * index) / stretches.length;
    fill(context, polygon(camera, corners), `rgba(38, 224, 196, ${0.5 * strength * far})`);
  });
  for (const side of [0, 1]) {
    const edge = stretches.map((corners) => corners[side]);
    edge.push(stretches[stretches.length - 1][side === 0 ? 3 : 2]);
    strokeGround(context, camera, edge.filter(([x]) => x > marks.fromM), "rgba(160, 255, 240, 0.9)", camera.width / 512);
  }
}

function drawSpeed(context, camera, points, marks) {
  // Far ones first, so that a nearer disc lies over a farther one.
  for (const point of [...points].reverse()) {
    const strength = strengthAt(point[0] + DISC_RADIUS_M, marks);
    if (strength <= 0) continue;
    const rim = polygon(camera, disc(point, DISC_RADIUS_M));
    fill(context, rim, `rgba(255, 170, 40, ${0.92 * strength})`);
    outline(context, rim, `rgba(40, 18, 0, ${0.95 * strength})`, Math.min(camera.width / 640, 0.12 * heightOf(rim)));
  }
}

function drawPin(context, camera, [x, y]) {
  const foot = seen(camera, [x, y, 0]), head = seen(camera, [x, y, 2.2]);
  if (foot[2] < NEAR_M || head[2] < NEAR_M) return;
  const [fx, fy] = pixel(camera, foot), [hx, hy] = pixel(camera, head);
  const size = Math.max(camera.width / 160, Math.min(camera.width / 60, (fy - hy) / 4));
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  context.lineWidth = camera.width / 512;
  context.beginPath();
  context.moveTo(fx, fy);
  context.lineTo(hx, hy);
  context.stroke();
  const diamond = [[hx, hy - size], [hx + size, hy], [hx, hy + size], [hx - size, hy]];
  fill(context, diamond, "rgba(96, 150, 255, 0.95)");
  outline(context, diamond, "rgba(255, 255, 255, 0.95)", camera.width / 512);
}

// Far discs are a few pixels high; an outline of full width would leave nothing of their colour.
function heightOf(pixels) {
  const rows = pixels.map(([, y]) => y);
  return Math.max(...rows) - Math.min(...rows);
}

function strengthAt(xM, { fromM, faintest }) {
  return Math.max(faintest, Math.min(1, (xM - fromM) / FADE_M + 0.15));
}

function trace(context, pixels) {
  context.beginPath();
  pixels.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
}

function fill(context, pixels, colour) {
  if (pixels.length < 3) return;
  trace(context, pixels);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
}

function outline(context, pixels, colour, width) {
  if (pixels.length < 3) return;
  trace(context, pixels);
  context.closePath();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

function strokeGround(context, camera, points, colour, width) {
  const pixels = points.map((point) => seen(camera, point)).filter((point) => point[2] >= NEAR_M).map((point) => pixel(camera, point));
  trace(context, pixels);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
