// Report: viewer, sortable tables, filter, copying. The page is complete without it.
"use strict";
(() => {
  const WORDS = JSON.parse(document.getElementById("script-words").textContent);
  const filled = (words, parts) => words.replace(/\{(\w+)\}/g, (_, name) => String(parts[name]));
  const TOP = 40, SIDE = 256, CODE_Y = 36, CELLS = 24;

  /* ---------------------------------------------------------------- viewer */

  class Viewer {
    constructor(root) {
      this.root = root;
      const data = JSON.parse(root.querySelector("script").textContent);
      this.frames = data.frames;
      this.person = data.person;
      this.rate = data.rate[0] / data.rate[1];
      this.video = root.querySelector("video");
      this.canvas = root.querySelector("canvas");
      this.pen = this.canvas.getContext("2d");
      this.status = root.querySelector(".viewer-status");
      this.seekBar = root.querySelector("[data-seek]");
      this.wipeBar = root.querySelector("[data-wipe]");
      this.strip = document.createElement("canvas");
      this.strip.width = 3 * SIDE;
      this.strip.height = 1;
      this.stripPen = this.strip.getContext("2d", { willReadFrequently: true });
      this.index = 0;
      this.wanted = 0;  // asked for by the reader
      this.asked = -1;  // asked of the clip; -1 while it plays
      this.busy = false;
      this.blinking = false;
      this.mode = "trio";
      this.listen();
      root.querySelector(".viewer-stage").hidden = false;
      this.video.controls = false;
      this.video.classList.add("behind");
      this.video.setAttribute("aria-hidden", "true");
      this.video.tabIndex = -1;
      if (this.video.readyState >= 1) this.go(0);
      else this.video.addEventListener("loadedmetadata", () => this.go(this.wanted), { once: true });
    }

    listen() {
      this.video.addEventListener("seeked", () => this.arrived());
      this.video.addEventListener("play", () => this.playing(true));
      this.video.addEventListener("pause", () => this.playing(false));
      this.seekBar.addEventListener("input", () => this.go(Number(this.seekBar.value)));
      this.wipeBar.addEventListener("input", () => this.draw());
      for (const button of this.root.querySelectorAll("[data-do]")) {
        const name = button.dataset.do;
        if (name === "blink") {
          for (const event of ["pointerdown"]) button.addEventListener(event, () => this.blink(true));
          for (const event of ["pointerup", "pointerleave", "pointercancel", "blur"])
            button.addEventListener(event, () => this.blink(false));
          button.addEventListener("keydown", (e) => { if (e.key === " " || e.key === "Enter") { e.preventDefault(); this.blink(true); } });
          button.addEventListener("keyup", () => this.blink(false));
        } else {
          button.addEventListener("click", () => this[name]());
        }
      }
      for (const radio of this.root.querySelectorAll("input[type=radio]"))
        radio.addEventListener("change", () => this.show(radio.value));
      this.root.addEventListener("keydown", (e) => this.key(e, true));
      this.root.addEventListener("keyup", (e) => this.key(e, false));
      this.canvas.addEventListener("pointermove", (e) => { if (e.buttons) this.drag(e); });
      this.canvas.addEventListener("pointerdown", (e) => this.drag(e));
    }

    key(event, down) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "b") { this.blink(down); return; }
      const steps = { ",": "previous", ".": "next", "[": "previousFlag", "]": "nextFlag", "k": "play" };
      if (down && Object.hasOwn(steps, event.key)) { event.preventDefault(); this[steps[event.key]](); }
    }

    drag(event) {
      if (this.mode !== "wipe") return;
      const box = this.canvas.getBoundingClientRect();
      this.wipeBar.value = String(Math.round(100 * (event.clientX - box.left) / box.width));
      this.draw();
    }

    previous() { this.go(this.wanted - 1); }
    next() { this.go(this.wanted + 1); }
    previousFlag() { this.flag(-1); }
    nextFlag() { this.flag(1); }

    /** To the first frame of the flagged stretch before or after this one. */
    flag(way) {
      const flagged = (k) => k >= 0 && k < this.frames.length && this.frames[k][5].length > 0;
      const begins = (k) => flagged(k) && !(flagged(k - 1) && this.frames[k - 1][5].join() === this.frames[k][5].join());
      for (let k = this.wanted + way; k >= 0 && k < this.frames.length; k += way)
        if (begins(k)) { this.go(k); return; }
      this.say(way > 0 ? WORDS.noFlagAfter : WORDS.noFlagBefore);
    }

    play() { if (this.video.paused) this.video.play(); else this.video.pause(); }

    playing(on) {
      const button = this.root.querySelector("[data-do=play]");
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? WORDS.pause : WORDS.play;
      this.asked = -1;
      if (on) this.follow();
      else this.go(this.index);
    }

    follow() {
      const tick = (now, meta) => {
        this.index = this.wanted = this.clamp(Math.round(meta.mediaTime * this.rate));
        this.seekBar.value = String(this.index);
        this.draw();
        if (!this.video.paused) this.video.requestVideoFrameCallback(tick);
      };
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(tick);
    }

    clamp(k) { return Math.min(this.frames.length - 1, Math.max(0, k)); }

    /** Ask for a frame by its place in the clip; only the last one asked for is fetched. */
    go(k) {
      this.wanted = this.clamp(k);
      this.seekBar.value = String(this.wanted);
      if (!this.video.paused) this.video.pause();
      if (this.busy || this.video.readyState < 1) return;
      // Seeking where one is may end a clip at its last frame; what is shown is drawn again.
      if (this.asked === this.wanted && this.video.readyState >= 2) { this.draw(); return; }
      this.busy = true;
      this.asked = this.wanted;
      this.video.currentTime = (this.wanted + 0.5) / this.rate;
    }

    /** To a frame of the source by its number; false when this person is not in it. */
    goToFrame(number) {
      const k = this.frames.findIndex((f) => f[0] === number);
      if (k >= 0) this.go(k);
      return k >= 0;
    }

    arrived() {
      this.busy = false;
      if (this.asked !== this.wanted && this.video.paused) { this.go(this.wanted); return; }
      this.index = this.wanted;
      if (this.video.readyState >= 2) this.draw();
      else this.video.addEventListener("canplay", () => this.draw(), { once: true });
    }

    blink(on) { if (this.blinking !== on) { this.blinking = on; this.draw(); } }

    show(mode) {
      this.mode = mode;
      this.root.querySelector(".viewer-wipe").hidden = mode !== "wipe";
      this.draw();
    }

    draw() {
      const { pen, canvas, video } = this;
      if (video.readyState < 2) return;
      const panel = (k, x, width, from = 0, share = 1) =>
        pen.drawImage(video, k * SIDE + from * SIDE, TOP, share * SIDE, SIDE, x, 0, width, SIDE);
      if (this.mode === "trio") {
        if (canvas.width !== 3 * SIDE) { canvas.width = 3 * SIDE; canvas.height = video.videoHeight; }
        pen.drawImage(video, 0, 0);
        pen.fillStyle = "#1d2126";  // the number for a program has been read where it lies
        pen.fillRect(0, TOP - 8, canvas.width, 8);
        if (this.blinking) pen.drawImage(video, 0, TOP, SIDE, SIDE, SIDE, TOP, SIDE, SIDE);
      } else {
        const below = video.videoHeight - TOP - SIDE;
        if (canvas.width !== 2 * SIDE) { canvas.width = 2 * SIDE; canvas.height = 2 * SIDE + below; }
        const share = this.blinking ? 1 : Number(this.wipeBar.value) / 100, cut = 2 * SIDE * share;
        pen.fillStyle = "#1d2126";
        pen.fillRect(0, 0, canvas.width, canvas.height);
        pen.drawImage(video, SIDE, TOP, SIDE, SIDE, 0, 0, 2 * SIDE, 2 * SIDE);
        if (share > 0) pen.drawImage(video, 0, TOP, SIDE * share, SIDE, 0, 0, cut, 2 * SIDE);
        pen.fillStyle = "#ffffff";
        pen.fillRect(Math.min(cut, canvas.width - 2), 0, 2, 2 * SIDE);
        if (below > 0) pen.drawImage(video, 0, TOP + SIDE, 2 * SIDE, below, 0, 2 * SIDE, 2 * SIDE, below);
      }
      this.tell();
    }

    /** The frame number that the clip itself carries; null where it is unreadable, undefined where
        the browser keeps the pixels of a file beside the page from scripts. */
    code() {
      this.stripPen.drawImage(this.video, 0, CODE_Y, 3 * SIDE, 1, 0, 0, 3 * SIDE, 1);
      let row;
      try {
        row = this.stripPen.getImageData(0, 0, 3 * SIDE, 1).data;
      } catch {
        return undefined;
      }
      let word = 0;
      for (let cell = 0; cell < CELLS; cell++) {
        const middle = Math.floor((cell + 0.5) * 3 * SIDE / CELLS);
        word = word * 2 + (row[4 * middle] > 127 ? 1 : 0);
      }
      const number = word >> 4;
      let sum = 0;
      for (let shift = 0; shift < 20; shift += 4) sum += (number >> shift) & 15;
      return sum % 16 === (word & 15) ? number : null;
    }

    tell() {
      const [number, time, outcome, , band, flags] = this.frames[this.index];
      const shown = this.code();
      this.root.dataset.shown = shown === null ? "" : shown === undefined ? "unknown" : String(shown);
      const parts = [
        filled(WORDS.frame, { number }),
        time === null ? WORDS.noTime : `${time.toFixed(3).replace(".", WORDS.decimal)} s`,
        outcome, band,
      ];
      parts.push(flags.length ? filled(WORDS.flags, { flags: flags.join(", ") }) : WORDS.noFlag);
      if (shown === undefined) parts.push(WORDS.compare);
      const agrees = shown === undefined || shown === number % 1048576;
      this.say(agrees ? parts.join(" · ") : filled(shown === null ? WORDS.unreadable : WORDS.unlike, { number, shown }));
      this.status.classList.toggle("warn", !agrees);
      this.canvas.setAttribute("aria-label", `${this.video.getAttribute("aria-label")}: ${parts.join(", ")}`);
      const name = `${String(number).padStart(6, "0")}_${String(this.person).padStart(2, "0")}.png`;
      for (const link of this.root.querySelectorAll("[data-still]"))
        link.setAttribute("href", `../${link.dataset.still}/${name}`);
    }

    say(words) { if (this.status.textContent !== words) this.status.textContent = words; }
  }

  const viewers = new Map();
  for (const root of document.querySelectorAll("[data-viewer]")) {
    const viewer = new Viewer(root);
    viewers.set(viewer.person, viewer);
  }
  for (const link of document.querySelectorAll("a[data-frame]")) {
    const viewer = viewers.get(Number(link.dataset.person));
    link.addEventListener("click", () => {
      viewer.goToFrame(Number(link.dataset.frame));
      viewer.seekBar.focus({ preventScroll: true });
    });
  }

  /* ---------------------------------------------------------------- tables */

  const value = (cell) => {
    const text = cell.dataset.order ?? cell.textContent.trim();
    const number = Number(text.replaceAll(WORDS.group, "").replace(WORDS.decimal, "."));
    return text !== "" && Number.isFinite(number) ? number : text;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row]);
        rows.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
        table.tBodies[0].append(...rows.map((pair) => pair[1]));
      });
    });
  }
  for (const input of document.querySelectorAll("input[data-filter]")) {
    const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
    const words = rows.map((row) => row.textContent.toLowerCase());
    const status = input.closest(".filter").querySelector("[role=status]");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(",").map((w) => w.trim()).filter(Boolean);
      let shown = 0;
      rows.forEach((row, k) => {
        row.hidden = !wanted.every((w) => words[k].includes(w));
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = wanted.length ? filled(WORDS.shown, { shown, count: rows.length }) : "";
    });
  }

  /* ---------------------------------------------------------------- copying */

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const status = button.parentElement.querySelector("[role=status]");
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        status.textContent = WORDS.copied;
      } catch {
        status.textContent = WORDS.selected;
      }
    });
  }
  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
})();
