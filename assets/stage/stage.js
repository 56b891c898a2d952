// The stage: paints each view as it comes, picture and overlay in one task, and passes on what the person does.

import { Hands, wirePads } from "./hands.js";
import { Link } from "./link.js";
import { drawPlan } from "./overlay.js";
import { Chat, Commentary, figure, panelsOf, put, showDrive, showJourney, showOrders, showTrouble, showVitals, showWaiting, wheelDeed } from "./panels.js";
import { Strips } from "./strips.js";

const STALE_MS = 600; // a picture older than this is dimmed, because a still picture looks like a live one
const STANDING_STALE_MS = 2500; // where the world waits for the driver, views still come a few times a second
// Ahead of the car's origin, from where on a camera sees the road. Nearer than that the car's own body is in the way:
// the bonnet is looked through faintly, so that a plan to stand still stays visible; the roof is not.
const MARKS = { front: { fromM: 2.4, faintest: 0.3 }, chase: { fromM: 4.5, faintest: 0 } };
const SAMPLES_AT_MOST = 20000;
const OVERLAY_AT_MOST_PX = 2560;

export function start(element) {
  const root = element.querySelector(".backseat") ?? element;
  if (root.dataset.started) return;
  root.dataset.started = "yes";
  window.backseat = new Stage(root);
}

class Stage {
  constructor(root) {
    this.root = root;
    this.shown = panelsOf(root);
    this.canvases = collect(root, "canvas");
    this.overlays = collect(root, "overlay");
    this.strips = new Strips(collect(root, "strip"));
    this.toggles = collect(root, "toggle");
    this.commentary = new Commentary(this.shown);
    this.chat = new Chat(this.shown);
    this.header = null;
    this.parts = [];
    this.hadWheel = false;
    this.paintedAtMs = -Infinity;
    this.heardAtMs = -Infinity;
    this.paints = []; // {tick, episode, painted_ms, delay_ms}: what the bench reads
    this.echoes = []; // {seq, sent_ms, applied_ms}: key to applied control
    this.link = new Link({
      view: (...args) => this.paint(...args),
      answers: (answers) => this.chat.show(answers),
      beat: (beat) => this.heartbeat(beat),
      result: (result) => this.say(result),
      state: (word) => this.linkChanged(word),
    });
    this.hands = new Hands(this.link, (name) => this.act(name));
    wirePads([...root.querySelectorAll("[data-pad]")], this.hands);
    this.wireControls();
    setInterval(() => this.watchAge(), 200);
  }

  // ---- views ----

  paint(header, bitmaps) {
    const previous = this.header;
    this.header = header;
    this.heardAtMs = performance.now();
    header.pictures.forEach(({ camera }, index) => this.paintPicture(camera, bitmaps[index]));
    this.paintPlan();
    const isNewPicture = header.pictures.length > 0 && (!previous || previous.tick !== header.tick || previous.episode !== header.episode);
    if (isNewPicture) this.notePaint(header);
    this.noteEcho(header);
    this.strips.add(header.episode, header.sim_s, header.drive);
    this.showWords(header);
  }

  paintPicture(camera, bitmap) {
    const canvas = this.canvases[camera.name];
    if (!canvas) return;
    resize(canvas, camera.width, camera.height);
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  }

  // In the same task as the pictures, so that a plan never lies on another tick's road. The marks have a canvas of
  // their own in the screen's pixels: they stay sharp where the picture is enlarged.
  paintPlan() {
    for (const { camera } of this.header?.pictures ?? []) {
      const overlay = this.overlays[camera.name];
      if (!overlay) continue;
      const scale = overlayScale(overlay, camera);
      resize(overlay, Math.round(camera.width * scale), Math.round(camera.height * scale));
      const context = overlay.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, overlay.width, overlay.height);
      context.scale(scale, scale);
      drawPlan(context, camera, this.header.plan, this.shows, MARKS[camera.name] ?? { fromM: 0, faintest: 1 });
    }
  }

  get shows() {
    return { path: this.toggles.path.checked, speed: this.toggles.speed.checked, targets: this.toggles.targets.checked };
  }

  notePaint(header) {
    const paintedMs = performance.now(), publishedMs = this.link.localMs(header.published_ms);
    const delayMs = publishedMs === null ? null : paintedMs - publishedMs;
    this.paintedAtMs = paintedMs;
    this.paints.push({ tick: header.tick, episode: header.episode, painted_ms: paintedMs, delay_ms: delayMs });
    if (this.paints.length > SAMPLES_AT_MOST) this.paints.splice(0, SAMPLES_AT_MOST / 2);
  }

  // The tick that applied an input of ours tells its number; its picture left the simulator when it had been applied.
  noteEcho({ echo, published_ms: publishedMs }) {
    if (!echo || echo[0] !== this.link.holder) return;
    const last = this.echoes[this.echoes.length - 1];
    const appliedMs = this.link.localMs(publishedMs);
    if ((last && last.seq === echo[1]) || appliedMs === null) return;
    this.echoes.push({ seq: echo[1], sent_ms: echo[2], applied_ms: appliedMs });
    if (this.echoes.length > SAMPLES_AT_MOST) this.echoes.splice(0, SAMPLES_AT_MOST / 2);
  }

  showWords(header) {
    showDrive(this.shown, header, this.link.holder);
    showVitals(this.shown, header.vitals, this.localFigures());
    showOrders(this.shown, header.words);
    showWaiting(this.shown, header.waiting);
    showJourney(this.shown, header.journey);
    this.commentary.show(header.words);
    this.showNotice(header.notice);
    this.noteHolder(header.drive.holder);
    this.root.querySelector('[data-do="talk"]').checked = header.words.talk_order === "talk_first";
    put(this.shown.gear, this.hands.isReverse ? "reverse on" : "reverse off");
    showTrouble(this.shown, this.parts, header, this.link.isOpen);
  }

  // News of the drive replace what stands there; when they are over, nothing is said in their place.
  showNotice(notice) {
    const isOver = !notice && this.shown.line.dataset.verdict === "notice";
    if (isOver || (notice && notice !== this.noticed)) this.say({ verdict: "notice", line: notice });
    this.noticed = notice;
  }

  // "You have the wheel" stands there no longer than it is so; a new episode takes it away, too.
  noteHolder(holder) {
    const hasWheel = holder === this.link.holder;
    if (this.hadWheel && !hasWheel && this.shown.line.dataset.about === "takeover") this.say({ verdict: "accepted", line: "" });
    this.hadWheel = hasWheel;
  }

  // Over the last two seconds of paints.
  localFigures() {
    const sinceMs = performance.now() - 2000;
    const recent = this.paints.slice(-60).filter(({ painted_ms: ms }) => ms > sinceMs);
    const delays = recent.map(({ delay_ms: ms }) => ms).filter((ms) => ms !== null).sort((a, b) => a - b);
    return { fps: recent.length / 2, delayMs: delays.length ? delays[delays.length >> 1] : null };
  }

  // ---- when views stop ----

  watchAge() {
    const ageMs = performance.now() - this.paintedAtMs;
    // A picture that is meant to stand still is shown again and again; only when that ends is it stale.
    const isPaused = this.header?.phase === "paused" && this.link.isOpen;
    const isStanding = Boolean(this.header?.waiting?.is_standing) && performance.now() - this.heardAtMs < STANDING_STALE_MS;
    const isStale = !isPaused && !isStanding && ageMs > STALE_MS;
    this.root.dataset.stale = String(isStale);
    if (!isStale) return;
    showTrouble(this.shown, this.parts, this.header, this.link.isOpen);
    put(this.shown["veil-line"], this.staleWords(performance.now() - this.heardAtMs));
    if (this.header && this.link.isOpen) put(this.shown.fps, figure(this.localFigures().fps, 0, "/s"));
  }

  // `ageMs`: since the newest view came, paused or not.
  staleWords(ageMs) {
    if (!this.link.isOpen && this.link.reason) return this.link.reason;
    if (!this.link.isOpen) return this.header ? `No link to the program for ${seconds(ageMs)}. Reconnecting…` : "Connecting to the drive…";
    const starting = this.parts.find(({ state }) => state === "starting" || state === "restarting");
    if (starting) return starting.line || `The ${starting.name} is starting…`;
    return this.header ? `No picture for ${seconds(ageMs)}` : "Waiting for the first picture…";
  }

  heartbeat(beat) {
    this.parts = beat.parts;
    showTrouble(this.shown, this.parts, this.header, this.link.isOpen);
    const watching = beat.watchers === 1 ? "only you are watching" : `${beat.watchers} are watching`;
    put(this.shown.link, `live · ${watching} · you are ${this.link.holder}`);
  }

  linkChanged(word) {
    this.root.dataset.link = word;
    if (word === "lost") put(this.shown.link, this.link.reason || "link lost, reconnecting…");
    if (word === "lost") this.shown.trouble.hidden = true;
  }

  // ---- what the person does ----

  wireControls() {
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("submit", (event) => this.submitted(event));
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && document.activeElement?.blur());
    for (const name of ["path", "speed", "targets"]) this.toggles[name].addEventListener("change", () => this.paintPlan());
    this.toggles.chase.addEventListener("change", () => (this.root.dataset.chase = String(this.toggles.chase.checked)));
    const talk = this.root.querySelector('[data-do="talk"]');
    talk.addEventListener("change", () => this.request({ k: "do", action: talk.checked ? "talk_first" : "talk_alongside" }));
  }

  clicked(event) {
    const chip = event.target.closest("[data-example], [data-question-example]");
    if (chip) return chip.dataset.example !== undefined ? this.instruct(chip.textContent) : this.ask(chip.textContent);
    const button = event.target.closest("button[data-do]");
    return button ? this.act(button.dataset.do) : undefined;
  }

  submitted(event) {
    event.preventDefault();
    const box = event.target.querySelector("input");
    if (event.target.dataset.form === "instruct") this.instruct(box.value, box);
    else this.ask(box.value, box);
  }

  act(name) {
    if (name === "restart") return this.request({ k: "restart" });
    if (name === "clear") return this.request({ k: "instruct", text: "", clear: true, mode: this.mode });
    if (name === "pause") return this.request({ k: "do", action: this.header?.phase === "paused" ? "resume" : "pause" });
    if (name === "wheel") return this.useWheel();
    if (name === "hand-back") return this.handBack();
    return this.request({ k: "do", action: name });
  }

  useWheel() {
    const action = this.header ? wheelDeed(this.header, this.link.holder).action : "takeover";
    if (action === "takeover") this.shown.screen.focus({ preventScroll: true });
    return this.request({ k: "do", action });
  }

  handBack() {
    const { engagement, holder } = this.header?.drive ?? {};
    if (engagement === "engaged") return undefined;
    return this.request({ k: "do", action: holder === this.link.holder ? "release" : "engage" });
  }

  get mode() {
    return this.root.querySelector('input[name="mode"]:checked').value;
  }

  async instruct(text, box) {
    const result = await this.request({ k: "instruct", text, mode: this.mode });
    emptyWhenSent(box, text, result);
  }

  async ask(text, box) {
    const result = await this.request({ k: "ask", text });
    emptyWhenSent(box, text, result);
  }

  async request(message) {
    const result = await this.link.request(message);
    this.say(result, message.action);
    return result;
  }

  // `action`: what was asked for, where the sentence answers a button.
  say({ verdict, line }, action = "") {
    put(this.shown.line, line || (verdict === "accepted" || verdict === "notice" ? "" : "The drive did not take that."));
    this.shown.line.dataset.verdict = verdict;
    this.shown.line.dataset.about = action;
  }
}

// What was typed while the answer was on its way stays.
function emptyWhenSent(box, text, { verdict }) {
  if (box && verdict === "accepted" && box.value === text) box.value = "";
}

// Screen pixels per picture pixel, as `object-fit: cover` will show it.
function overlayScale(overlay, camera) {
  const shown = Math.max(overlay.clientWidth / camera.width, overlay.clientHeight / camera.height) * (window.devicePixelRatio || 1);
  return Math.min(OVERLAY_AT_MOST_PX / camera.width, shown || 1);
}

// Setting a canvas' size clears it and costs, even to the same size.
function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
}

function collect(root, name) {
  const found = {};
  for (const element of root.querySelectorAll(`[data-${name}]`)) found[element.dataset[name]] = element;
  return found;
}

function seconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : "a while";
}
