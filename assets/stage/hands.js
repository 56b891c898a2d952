// Keys and touch pads -> packets about what the hands hold. Sent on every change and again while anything is held;
// the server turns them into pedals. Anything that takes the hands away from this page lets go at once.

const RESEND_MS = 50; // the drive brakes after 0.4 s of silence, so a packet may be late several times over
const AFTER_LETTING_GO = 5; // packets more, so that the wheel comes back to the middle
const DRIVING = new Set(["KeyW", "KeyA", "KeyS", "KeyD", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Space"]);
const SHIFTS = new Set(["ShiftLeft", "ShiftRight"]);

export class Hands {
  // `act(name)`: a key that stands for a button was pressed: "hand-back" or "pause".
  constructor(link, act) {
    this.link = link;
    this.act = act;
    this.held = new Set();
    this.axes = null;
    this.isReverse = false;
    this.isTabbing = false; // whether the focus is where Tab put it, not where a pointer left it
    this.seq = 0;
    this.left = 0;
    this.presses = []; // {seq, pressed_ms} of every key that went down: what the bench reads
    window.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("keyup", (event) => this.released(event));
    window.addEventListener("pointerdown", () => (this.isTabbing = false), true);
    for (const leaving of ["blur", "pagehide"]) window.addEventListener(leaving, () => this.letGo());
    document.addEventListener("visibilitychange", () => document.hidden && this.letGo());
    setInterval(() => this.resend(), RESEND_MS);
  }

  get isHolding() {
    return this.axes !== null || [...this.held].some((code) => DRIVING.has(code));
  }

  pressed(event) {
    if (event.code === "Tab") this.isTabbing = true;
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (this.isTabbing && belongsToControl(event)) return undefined;
    if (event.repeat) return DRIVING.has(event.code) && event.preventDefault();
    if (event.code === "KeyR") this.isReverse = !this.isReverse;
    if (event.code === "KeyH") this.act("hand-back");
    if (event.code === "KeyP") this.act("pause");
    if (!DRIVING.has(event.code) && !SHIFTS.has(event.code)) return undefined;
    if (DRIVING.has(event.code)) takeFromControl(event);
    this.held.add(event.code);
    this.presses.push({ seq: this.seq + 1, pressed_ms: event.timeStamp });
    if (this.presses.length > 1000) this.presses.shift();
    return this.changed();
  }

  // A key that goes up is always believed, wherever the focus is.
  released(event) {
    if (this.held.delete(event.code)) this.changed();
  }

  letGo() {
    if (!this.isHolding && !this.held.size) return;
    this.held.clear();
    this.axes = null;
    this.changed();
  }

  // The touch pads: {steer, throttle, brake}, or null when no finger is down.
  setAxes(axes) {
    this.axes = axes;
    this.changed();
  }

  changed() {
    this.left = AFTER_LETTING_GO;
    this.post();
  }

  resend() {
    if (this.isHolding) this.post();
    else if (this.left > 0) {
      this.left--;
      this.post();
    }
  }

  post() {
    const message = { k: "hands", seq: ++this.seq, held: [...this.held], reverse: this.isReverse, t: performance.now() };
    if (this.axes) message.axes = this.axes;
    this.link.send(message);
  }
}

// Wires the touch pads; each finger holds one pad.
export function wirePads(pads, hands) {
  const now = { steer: 0, throttle: 0, brake: 0 };
  const down = new Set();
  const tell = () => hands.setAxes(down.size ? { ...now } : null);
  for (const pad of pads) {
    const name = pad.dataset.pad;
    const move = (event) => {
      if (name === "steer") now.steer = steerAt(pad, event.clientX);
      else now[name] = name === "brake" ? 0.7 : 0.75;
      pad.style.setProperty("--steer", now.steer);
      tell();
    };
    const up = (event) => {
      down.delete(event.pointerId);
      now[name] = 0;
      pad.style.setProperty("--steer", 0);
      tell();
    };
    pad.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      pad.setPointerCapture(event.pointerId);
      down.add(event.pointerId);
      move(event);
    });
    pad.addEventListener("pointermove", (event) => down.has(event.pointerId) && move(event));
    for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, up);
  }
}

function steerAt(pad, clientX) {
  const box = pad.getBoundingClientRect();
  return Math.max(-1, Math.min(1, ((clientX - box.left) / box.width) * 2 - 1));
}

function isTyping({ target }) {
  return target.isContentEditable || target.tagName === "TEXTAREA" || (target.tagName === "INPUT" && target.type === "text");
}

// Whether the key works the control that has the focus: who goes by Tab presses buttons with it.
function belongsToControl({ code, target }) {
  return (code === "Space" && isPressable(target)) || (code.startsWith("Arrow") && target.type === "radio");
}

// A clicked control keeps the focus, and some browsers press it when the key goes up again.
function takeFromControl(event) {
  event.preventDefault();
  if (isPressable(event.target)) event.target.blur();
}

function isPressable(target) {
  return target.tagName === "BUTTON" || target.tagName === "INPUT" || target.tagName === "A";
}
