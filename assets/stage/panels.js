// The words and figures around the picture. All text that came from a person, the model or the server goes through
// textContent, never through markup.

const SAID_AT_MOST = 12;
const AT_END_PX = 24;

export function panelsOf(root) {
  const shown = {};
  for (const element of root.querySelectorAll("[data-show]")) shown[element.dataset.show] = element;
  return shown;
}

export function put(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

export function figure(value, digits, unit = "") {
  return value === null || value === undefined ? "–" : value.toFixed(digits) + unit;
}

// What the one wheel button does now, and what it says: from one place, so that they agree. A driver that failed would
// be refused the car, so there the button is for the person.
export function wheelDeed({ drive, failure }, me) {
  const isSafeStop = drive.engagement === "safe_stop";
  if (drive.engagement === "engaged" || (isSafeStop && failure)) return { action: "takeover", words: "Take the wheel" };
  if (isSafeStop) return { action: "engage", words: "Let the model drive" };
  return { action: drive.holder === me ? "release" : "engage", words: "Hand back to the model" };
}

export function showVitals(shown, vitals, local) {
  put(shown.where, `${vitals.town} · ${vitals.world}`);
  put(shown.model, vitals.model_label + (vitals.privileged ? " · reads the simulator" : ""));
  shown.model.title = vitals.model_detail;
  shown.model.dataset.privileged = String(vitals.privileged);
  put(shown["plan-age"], figure(vitals.plan_age_ms, 0, " ms"));
  shown["plan-age"].dataset.level = vitals.plan_age_ms === null || vitals.plan_age_ms > 500 ? "bad" : vitals.plan_age_ms > 250 ? "fair" : "good";
  put(shown["plan-hz"], figure(vitals.plan_hz, vitals.plan_hz < 1 ? 2 : 1, "/s"));
  const seconds = vitals.inference_ms / 1000;
  const took = seconds < 1 ? figure(vitals.inference_ms, 0, " ms") : figure(seconds, 1, " s");
  put(shown.inference, took + (vitals.on_known_picture ? ", picture known" : ""));
  put(shown.rtf, figure(vitals.real_time_factor, vitals.real_time_factor < 0.1 ? 3 : 2, "×"));
  put(shown.fps, figure(local.fps, 0, "/s"));
  put(shown.delay, figure(local.delayMs, 0, " ms"));
}

export function showDrive(shown, header, me) {
  const { drive, phase } = header;
  put(shown.speed, figure(drive.speed, 1));
  put(shown.kmh, figure(drive.speed === null ? null : drive.speed * 3.6, 0));
  shown.hits.hidden = drive.collisions === 0;
  put(shown.hits, drive.collisions === 1 ? "1 collision" : `${drive.collisions} collisions`);
  put(shown.target, figure(drive.target, 1, " m/s"));
  put(shown["strip-speed"], `${figure(drive.speed, 1)} / ${figure(drive.target, 1)} m/s`);
  for (const name of ["steer", "throttle", "brake"]) put(shown[`strip-${name}`], figure(drive[name], 2));
  shown.engagement.dataset.engagement = drive.engagement;
  const isPaused = phase === "paused";
  put(shown["engagement-words"], drive.engagement_words + (isPaused ? " · paused" : ""));
  put(shown["engagement-reason"], `${holderWords(drive, me)}: ${drive.reason_words}`);
  const isMine = drive.holder === me;
  put(shown["wheel-words"], wheelDeed(header, me).words);
  put(shown["pause-words"], isPaused ? "Resume" : "Pause");
  shown["hand-hint"].hidden = !isMine;
  shown.pads.hidden = !isMine || !matchMedia("(pointer: coarse)").matches;
}

function holderWords(drive, me) {
  if (drive.being_freed) return "the car frees itself";
  if (drive.engagement === "safe_stop") return "nobody drives";
  if (drive.engagement === "overridden") return "a person adds throttle, the model steers";
  if (drive.engagement === "engaged") return "the model drives";
  return drive.holder === me ? "you drive" : `${drive.holder} drives`;
}

export function showOrders(shown, words) {
  const { asked, acting, kind, note } = words;
  put(shown["asked-words"], asked ? `“${asked.text}”` : "nothing");
  put(shown["asked-mode"], asked ? asked.mode : "");
  put(shown["acting-words"], acting ? `“${acting.text}”` : "the route");
  put(shown["acting-note"], acting ? [kind === "none" ? "" : kind.replace("_", " "), note].filter(Boolean).join(" · ") : "");
  const isWaiting = (asked?.serial ?? 0) !== (acting?.serial ?? 0) && asked !== null;
  shown.asked.dataset.state = !asked ? "none" : isWaiting ? "waiting" : "heard";
  shown.acting.dataset.state = acting ? "heard" : "none";
  put(shown["talk-order"], words.talk_order === "talk_first" ? "talks first, then plans" : "talks alongside the plan");
}

// What the drive is for and how it goes: a scene, or a route of a file.
export function showJourney(shown, journey) {
  shown.journey.hidden = !journey;
  if (!journey) return;
  put(shown.journey, journey.line);
  shown.journey.dataset.stage = journey.stage;
}

// How far a driver is that takes seconds, and that the world waits for it.
export function showWaiting(shown, waiting) {
  shown.waiting.hidden = !waiting;
  if (!waiting) return;
  const { progress } = waiting;
  put(shown["progress-words"], progress ? progress.words : "");
  put(shown["lockstep-words"], waiting.lockstep);
  put(shown.cancel, waiting.cancel);
  shown.waiting.dataset.busy = String(Boolean(progress)); // keeps its height, so that the page does not jump
  shown["progress-bar"].dataset.known = String(Boolean(progress?.of));
  shown["progress-done"].style.width = progress?.of ? `${(100 * progress.done) / progress.of}%` : "";
}

// The sentence that grows, and the ones before it, newest first.
export class Commentary {
  constructor(shown) {
    this.shown = shown;
    this.tick = null;
    this.text = "";
  }

  show(words) {
    if (words.commentary_tick !== this.tick && this.text) this.remember(this.text);
    this.tick = words.commentary_tick;
    this.text = words.commentary;
    this.shown.commentary.dataset.growing = String(!words.commentary_final);
    // Between two sentences the last one stays readable.
    if (this.text) put(this.shown.commentary, this.text);
  }

  remember(text) {
    const newest = this.shown.said.firstElementChild;
    if (newest?.textContent === text) return;
    const item = document.createElement("li");
    item.textContent = text;
    this.shown.said.prepend(item);
    while (this.shown.said.childElementCount > SAID_AT_MOST) this.shown.said.lastElementChild.remove();
  }
}

// Questions with their answers, oldest first. Who reads at the end stays there; who scrolled back is left alone.
export class Chat {
  constructor(shown) {
    this.shown = shown;
    this.rows = new Map();
    this.endTop = 0; // where the end was when it was last scrolled to
  }

  // Also where the words above have grown since and left the chat less room.
  get isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.shown.chat;
    return scrollHeight - scrollTop - clientHeight < AT_END_PX || scrollTop > this.endTop - AT_END_PX;
  }

  show(answers) {
    const { chat } = this.shown, isAtEnd = this.isAtEnd;
    if (answers.length) this.shown["chat-empty"].hidden = true;
    for (const answer of answers) {
      const row = this.rows.get(answer.id) ?? this.addRow(answer);
      put(row.answer, answer.error || answer.text || "…");
      row.answer.dataset.state = answer.error ? "error" : answer.final ? "final" : "growing";
    }
    if (isAtEnd) chat.scrollTop = chat.scrollHeight;
    this.endTop = isAtEnd ? chat.scrollTop : Infinity;
  }

  addRow(answer) {
    const question = document.createElement("p"), reply = document.createElement("p");
    question.className = "bubble asked";
    reply.className = "bubble answered";
    question.textContent = answer.question;
    this.shown.chat.append(question, reply);
    const row = { question, answer: reply };
    this.rows.set(answer.id, row);
    return row;
  }
}

export function showTrouble(shown, parts, header, isLinked) {
  const failure = header?.failure ?? "";
  const broken = parts.filter(({ state }) => state !== "running" && state !== "starting");
  // The view repeats what the process's own line says: each sentence once.
  const said = broken.map(({ name, state, line }) => line || `The ${name} process is ${state}.`);
  const lines = [...new Set([...said, failure])].filter(Boolean);
  shown.trouble.hidden = !lines.length || !isLinked;
  put(shown["trouble-title"], troubleTitle(broken, header));
  put(shown["trouble-line"], lines.join(" ").slice(0, 600));
}

function troubleTitle(broken, header) {
  if (broken.length) return `The ${broken.map(({ name }) => name).join(" and ")} stopped`;
  if (header?.phase === "starting") return "Starting again";
  if (header?.phase === "failed") return "The drive failed";
  return header?.drive.engagement === "safe_stop" ? "The car has no driver and brakes" : "The driver makes no plan";
}
