// The one WebSocket of this tab: reconnects by itself, acknowledges what was painted, keeps the server's clock.

const RETRY_MS = [250, 500, 1000, 2000];
const TURNED_AWAY_RETRY_MS = 15000; // the program said why it wants no link; asked again at once it says the same
const TURNED_AWAY = 1008; // the close code that comes with such a reason
const SILENT_AT_MOST_MS = 6000; // the program says something each second
const REFUSALS_AT_MOST = 3;
const CLOCK_EVERY_MS = 5000;

export class Link {
  // `on`: view(header, bitmaps), answers, beat, result, state(word). All are called on the page's thread.
  constructor(on) {
    this.on = on;
    this.holder = "";
    this.tries = 0;
    this.refusals = 0; // tries in a row in which the program answered, but opened no link
    this.reason = ""; // why the program closed the link, in its words
    this.heardAtMs = -Infinity;
    this.asked = 0;
    this.waiting = new Map();
    this.owed = 0;
    this.lastSerial = 0;
    this.bestTripMs = Infinity;
    this.offsetMs = null; // server clock minus this page's performance.now()
    this.runName = null;
    window.addEventListener("backseat-ticket", () => this.open());
    document.addEventListener("visibilitychange", () => document.hidden || this.payOwed());
    setInterval(() => this.askClock(), CLOCK_EVERY_MS);
    setInterval(() => this.dropSilent(), 1000);
    if (window.backseatTicket) this.open();
  }

  open() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const where = new URL("stage/socket", document.baseURI);
    where.protocol = where.protocol === "https:" ? "wss:" : "ws:";
    where.search = "?ticket=" + encodeURIComponent(window.backseatTicket);
    this.socket = new WebSocket(where);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = (event) => this.heard(event.data);
    this.socket.onclose = ({ code, reason }) => this.closed(code === TURNED_AWAY ? reason : "");
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
    return this.isOpen;
  }

  // Resolves with {verdict, line}.
  request(message) {
    const id = ++this.asked;
    return new Promise((resolve) => {
      if (!this.send({ ...message, id })) {
        resolve({ verdict: "not_running", line: "The page has lost its link to the program and is trying again." });
        return;
      }
      this.waiting.set(id, resolve);
    });
  }

  // This page's time for a moment on the server's clock, or null before the first handshake.
  localMs(serverMs) {
    return this.offsetMs === null ? null : serverMs - this.offsetMs;
  }

  opened() {
    this.heardAtMs = performance.now();
    this.lastSerial = 0;
    this.owed = 0;
    this.bestTripMs = Infinity;
    this.on.state("open");
    this.askClock();
    setTimeout(() => this.askClock(), 300);
    setTimeout(() => this.askClock(), 900);
    this.nameRun();
  }

  heard(data) {
    this.heardAtMs = performance.now();
    return this.receive(data);
  }

  // A network that went away closes nothing: its silence is all there is to notice.
  dropSilent() {
    if (!this.isOpen || performance.now() - this.heardAtMs < SILENT_AT_MOST_MS) return;
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.closed("");
  }

  closed(reason) {
    this.reason = reason;
    this.on.state("lost");
    for (const resolve of this.waiting.values()) resolve({ verdict: "not_running", line: "The link broke before an answer came." });
    this.waiting.clear();
    setTimeout(() => this.retry(), reason ? TURNED_AWAY_RETRY_MS : RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
  }

  async retry() {
    const name = this.runName === null ? null : await runName();
    this.refusals = name === null || this.reason ? 0 : this.refusals + 1;
    // A program that was started anew does not know this tab's ticket, and every ticket ends: load the page again.
    const isTicketSpent = this.holder && this.refusals > REFUSALS_AT_MOST;
    if (name !== null && (name !== this.runName || isTicketSpent)) location.reload();
    else this.open();
  }

  greeted(holder) {
    this.holder = holder;
    this.tries = this.refusals = 0;
    this.reason = "";
  }

  async nameRun() {
    this.runName ??= await runName();
  }

  askClock() {
    this.send({ k: "clock", t: performance.now() });
  }

  async receive(data) {
    if (typeof data === "string") return this.receiveWords(JSON.parse(data));
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    // Before the pictures are decoded: answers come in the order in which they grew.
    if (header.answers) this.on.answers(header.answers);
    let bitmaps = [];
    try {
      bitmaps = await Promise.all(
        header.pictures.map(({ offset, length: size }) => createImageBitmap(new Blob([new Uint8Array(data, 4 + length + offset, size)], { type: "image/jpeg" }))),
      );
    } finally {
      this.acknowledge();
    }
    // Two pictures in the decoder may finish in the wrong order; the older one is dropped.
    if (header.serial > this.lastSerial) {
      this.lastSerial = header.serial;
      this.on.view(header, bitmaps);
    }
    bitmaps.forEach((bitmap) => bitmap.close());
  }

  // A hidden tab keeps its credits, so the server stops sending to it.
  acknowledge() {
    if (document.hidden) this.owed++;
    else this.send({ k: "ack" });
  }

  payOwed() {
    for (; this.owed > 0; this.owed--) this.send({ k: "ack" });
  }

  receiveWords(message) {
    if (message.k === "clock") this.setClock(message);
    else if (message.k === "hello") this.greeted(message.holder);
    else if (message.k === "result" && this.waiting.has(message.id)) {
      this.waiting.get(message.id)(message);
      this.waiting.delete(message.id);
    } else if (message.k === "result") this.on.result(message);
    else if (message.k === "beat") this.on.beat(message);
  }

  // The quickest round trip so far gives the best estimate; old ones age, since clocks drift.
  setClock({ t, server_ms: serverMs }) {
    const tripMs = performance.now() - t;
    this.bestTripMs += 0.2;
    if (tripMs > this.bestTripMs) return;
    this.bestTripMs = tripMs;
    this.offsetMs = serverMs - (t + tripMs / 2);
  }
}

async function runName() {
  try {
    const answer = await fetch(new URL("stage/run", document.baseURI), { cache: "no-store" });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null; // nobody answers yet
  }
}
