// Live strip charts on plain canvases: the last 20 simulated seconds, the newest at the right edge.

const SPAN_S = 20;
const REDRAW_MS = 100;
const LOOKS = {
  speed: { low: 0, high: 15, lines: [["target", "#ffb347", true], ["speed", "#e8eef5", false]] },
  steer: { low: -0.6, high: 0.6, lines: [["steer", "#7fb2ff", false]], zero: true },
  throttle: { low: 0, high: 1, lines: [["throttle", "#5fd38d", false]], fill: true },
  brake: { low: 0, high: 1, lines: [["brake", "#ff6b6b", false]], fill: true },
};

export class Strips {
  constructor(canvases) {
    this.canvases = canvases;
    this.rows = [];
    this.drawnMs = 0;
  }

  add(episode, simS, drive) {
    const last = this.rows[this.rows.length - 1];
    if (last && (last.episode !== episode || simS < last.simS)) this.rows = [];
    if (last && simS === last.simS) return;
    this.rows.push({ episode, simS, ...drive });
    while (this.rows[0].simS < simS - SPAN_S) this.rows.shift();
    const nowMs = performance.now();
    if (nowMs - this.drawnMs < REDRAW_MS) return;
    this.drawnMs = nowMs;
    for (const [name, canvas] of Object.entries(this.canvases)) drawStrip(canvas, LOOKS[name], this.rows);
  }
}

function drawStrip(canvas, look, rows) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const [low, high] = range(look, rows);
  const y = (value) => height - 2 - ((value - low) / (high - low)) * (height - 4);
  const endS = rows[rows.length - 1].simS;
  const x = (simS) => width - ((endS - simS) / SPAN_S) * width;
  drawGrid(context, width, height, look, y, ratio);
  for (const [field, colour, isDashed] of look.lines) drawLine(context, rows, field, colour, isDashed, look.fill, x, y, ratio);
}

// Grows with the data, so that nothing leaves the strip.
function range(look, rows) {
  const values = look.lines.flatMap(([field]) => rows.map((row) => row[field] ?? 0));
  const reach = Math.max(look.high, ...values.map(Math.abs));
  return [look.low < 0 ? -reach : 0, reach];
}

function drawGrid(context, width, height, look, y, ratio) {
  context.strokeStyle = "rgba(255, 255, 255, 0.07)";
  context.lineWidth = ratio;
  context.beginPath();
  for (let k = 1; k < 4; k++) {
    context.moveTo((width * k) / 4, 0);
    context.lineTo((width * k) / 4, height);
  }
  context.moveTo(0, look.zero ? y(0) : height - 1);
  context.lineTo(width, look.zero ? y(0) : height - 1);
  context.stroke();
}

function drawLine(context, rows, field, colour, isDashed, isFilled, x, y, ratio) {
  context.beginPath();
  rows.forEach((row, index) => {
    const at = [x(row.simS), y(row[field] ?? 0)];
    if (index) context.lineTo(...at);
    else context.moveTo(...at);
  });
  context.setLineDash(isDashed ? [4 * ratio, 3 * ratio] : []);
  context.strokeStyle = colour;
  context.lineWidth = 1.6 * ratio;
  context.lineJoin = "round";
  context.stroke();
  context.setLineDash([]);
  if (!isFilled) return;
  context.lineTo(x(rows[rows.length - 1].simS), y(0));
  context.lineTo(x(rows[0].simS), y(0));
  context.globalAlpha = 0.22;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}
