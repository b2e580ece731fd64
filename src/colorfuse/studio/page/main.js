// The page: a photo, its marks, and what the server makes of them.

import { download, element, lastColors, list, offer, remember, say } from "./panel.js";
import { listenToPointer } from "./pointer.js";
import { Server, Source } from "./server.js";
import { hintsOf, marksOf, newId, Session, stored } from "./session.js";
import { clamp, placesOf, View } from "./view.js";

const HOVER_MS = 70;
const AGAIN_MS = 1000;
const WIDTHS = 400;

class Studio {
  constructor() {
    this.server = new Server();
    this.view = new View(element("canvas"));
    this.sources = [];
    this.references = new Map();
    this.sessions = new Map();
    this.source = this.session = this.selected = null;
    this.busy = this.again = false;
    this.lastColor = lastColors()[0] ?? null;
    listenToPointer(this.view, this);
  }

  get tool() {
    return document.querySelector("[name=tool]:checked").value;
  }

  async start() {
    const { photos, methods } = await this.server.json("state");
    this.methods = methods;
    element("method").replaceChildren(...methods.map(({ name }) => new Option(name === "fusion" ? "network" : name, name)));
    this.sources = photos.map((photo) => new Source(this.server, photo));
    this.listPhotos();
    offer("last", lastColors().map((color) => ({ color })), (color) => this.choose(color), "none yet");
    if (this.sources.length) await this.open(this.sources[0]);
  }

  // Photos.

  async openFiles(files) {
    const marks = files.filter((file) => /\.json$/i.test(file.name));
    const photos = files.filter((file) => !marks.includes(file)).map((file) => new Source(this.server, { name: file.name, file }));
    const known = (source) => this.sources.find((other) => other.key === source.key);
    this.sources.push(...photos.filter((source) => !known(source)));
    this.listPhotos();
    if (photos.length) await this.open(known(photos[0]));
    for (const file of marks) await this.openMarks(file);
  }

  async openMarks(file) {
    if (!this.session) return say(`${file.name}: open its photo first`, true);
    try {
      const { marks, saturation, method } = marksOf(await file.text());
      const outside = marks.find((mark) => placesOf(mark).some(([x, y]) => x < 0 || y < 0 || x >= this.view.size.width || y >= this.view.size.height));
      if (outside) throw new Error(`has marks outside this photo of ${this.view.size.width} × ${this.view.size.height} pixels`);
      const known = this.methods.some(({ name }) => name === method);
      this.change({ marks, saturation: clamp(Number(saturation ?? this.session.state.saturation), 0, 2), ...(known && { method }) });
      return say(`${marks.length} marks from ${file.name}`);
    } catch (error) {
      return say(`${file.name} ${error.message}`, true);
    }
  }

  async open(source) {
    say(`Opening ${source.name} …`);
    this.opening = source;
    try {
      const about = await source.ask((id) => this.server.json(`photos/${id}`));
      const response = await source.ask((id) => this.server.fetch(`photos/${id}/original`));
      const original = await createImageBitmap(await response.blob());
      if (this.opening !== source) return;
      this.source = source;
      this.session = this.sessions.get(source.key) ?? new Session(source.key);
      this.sessions.set(source.key, this.session);
      this.selected = null;
      this.view.open({ width: about.width, height: about.height });
      this.view.show({ original });
      this.about = `${about.name}: ${about.width} × ${about.height}, ${about.kind === "in colour" ? "already in colour" : about.kind}, ${about.bits} bits`;
      this.shrunk = about.previewWidth < about.width ? "; shown smaller, saved at full size" : "";
      element("welcome").hidden = true;
      element("zoom").hidden = false;
      this.listPhotos();
      this.show();
      await this.refresh();
    } catch (failure) {
      if (this.opening === source) this.fail(failure, () => this.open(source));
      if (!source.id) this.sources = this.sources.filter((each) => each !== source || failure.status === 0);
      this.listPhotos();
    }
  }

  step(by) {
    const index = this.sources.indexOf(this.source) + by;
    if (this.sources[index]) this.open(this.sources[index]);
  }

  listPhotos() {
    const index = this.sources.indexOf(this.source);
    element("folder").hidden = this.sources.length < 2;
    element("photos").replaceChildren(...this.sources.map(({ name }, at) => new Option(name, at, false, at === index)));
    element("previous").disabled = index <= 0;
    element("next").disabled = index < 0 || index >= this.sources.length - 1;
  }

  // Marks.

  add(place) {
    this.sketch(null);
    const [[x, y]] = placesOf(place);
    const keep = element("keep").checked && this.lastColor;
    const mark = { id: newId(), ...place, color: keep ? this.lastColor : this.view.colorAt({ x, y }), radius: this.radius() };
    this.selected = mark.id;
    this.change({ marks: [...this.session.state.marks, mark] });
    this.suggest({ x, y });
  }

  sketch(path) {
    this.view.marks = this.session.state.marks.concat(path ? [{ id: "sketch", path, color: this.lastColor ?? "#808080", radius: this.radius() }] : []);
    this.view.draw();
  }

  radius() {
    const diameter = (element("width").value * Math.max(this.view.size.width, this.view.size.height)) / WIDTHS;
    return Math.max(0, Math.round(5 * diameter) / 10);
  }

  select(id) {
    this.selected = id;
    const mark = this.chosen();
    if (mark) {
      const [[x, y]] = placesOf(mark);
      this.view.cross = { x, y };
      this.suggest({ x, y });
    }
    this.show();
  }

  chosen() {
    return this.session?.state.marks.find(({ id }) => id === this.selected) ?? null;
  }

  // Move a mark that was at a place by so many pixels of the photo, within it.
  shift(id, right, down, mark) {
    const [xs, ys] = [0, 1].map((axis) => placesOf(mark).map((place) => place[axis]));
    const x = clamp(right, -Math.min(...xs), this.view.size.width - 1 - Math.max(...xs));
    const y = clamp(down, -Math.min(...ys), this.view.size.height - 1 - Math.max(...ys));
    const moved = mark.path ? { path: mark.path.map((place) => [place[0] + x, place[1] + y]) } : { x: mark.x + x, y: mark.y + y };
    this.edit(id, moved, `move ${id}`);
  }

  edit(id, changes, gesture = null) {
    const marks = this.session.state.marks.map((mark) => (mark.id === id ? { ...mark, ...changes } : mark));
    this.change({ marks }, gesture);
  }

  remove(ids) {
    this.change({ marks: this.session.state.marks.filter(({ id }) => !ids.includes(id)) });
    this.selected = null;
    this.show();
  }

  // Give the selected mark a colour, or mark the place of the cross with it.
  choose(color, gesture = null) {
    if (!this.session) return;
    if (color) {
      this.lastColor = color;
      remember(color);
      offer("last", lastColors().map((each) => ({ color: each })), (each) => this.choose(each));
    }
    if (this.chosen()) return this.edit(this.selected, { color }, gesture);
    const mark = { id: newId(), ...this.view.cross, color, radius: this.radius() };
    this.selected = mark.id;
    return this.change({ marks: [...this.session.state.marks, mark] }, gesture);
  }

  change(changes, gesture = null) {
    this.session.change(changes, gesture);
    this.show();
    this.refresh();
  }

  undo(redo = false) {
    if (!this.session || !(redo ? this.session.redo() : this.session.undo())) return;
    if (!this.chosen()) this.selected = null;
    this.show();
    this.refresh();
  }

  // What is shown of the state.

  show() {
    const { state, past, future } = this.session;
    const mark = this.chosen();
    Object.assign(this.view, { marks: state.marks, selected: this.selected });
    this.view.draw();
    list(state.marks, this.selected, (id) => this.select(id));
    element("undo").disabled = !past.length;
    element("redo").disabled = !future.length;
    element("delete").disabled = !mark;
    element("clear").disabled = !state.marks.length;
    element("of").textContent = mark ? (mark.path ? "this stroke" : "this point") : "the next mark";
    element("picker").value = element("hex").value = mark?.color ?? this.lastColor ?? "#808080";
    element("width-shown").textContent = `${Math.max(1, Math.round(2 * (mark?.radius ?? this.radius())))} px`;
    element("saturation").value = state.saturation;
    element("saturation-shown").textContent = Number(state.saturation).toFixed(2);
    element("method").value = state.method;
    const reference = this.references.get(state.reference);
    element("reference-shown").hidden = element("drop-reference").hidden = !reference;
    if (reference) element("reference-shown").src = reference.shown;
    this.view.divider = element("compare").checked ? element("divider").value / 100 : null;
    element("compare-label").hidden = !element("compare").checked;
  }

  wanted(state = this.session.state) {
    const reference = this.references.get(state.reference);
    return { hints: hintsOf(state.marks), method: state.method, saturation: Number(state.saturation), reference: reference?.id ?? null };
  }

  // Ask for the colours of the present state; while an answer is on its way, remember to ask again.
  async refresh() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.colors();
      } while (this.again);
    } finally {
      this.busy = false;
    }
  }

  async colors() {
    const { source, session } = this;
    const { state } = session;
    const others = state.reference && this.references.has(state.reference) ? [this.references.get(state.reference)] : [];
    const post = (what) => source.ask(async (id) => this.server.post(`photos/${id}/${what}`, this.wanted(state)), ...others);
    try {
      const response = await post("colors");
      const { palette, notes } = JSON.parse(decodeURIComponent(response.headers.get("About")));
      const colored = await createImageBitmap(await response.blob());
      const unsure = element("unsure").checked ? await createImageBitmap(await (await post("uncertainty")).blob()) : null;
      if (this.source !== source) return;
      this.view.show({ colored, unsure });
      offer("palette", palette.map((color) => ({ color })), (color) => this.choose(color));
      say(notes.length ? notes.join("; ") : this.about + this.shrunk);
      document.body.dataset.shown = JSON.stringify(state.marks.length);
    } catch (failure) {
      if (this.source === source && failure.status !== 409) this.fail(failure, () => this.refresh());
    }
  }

  hover(place) {
    clearTimeout(this.hovering);
    const mark = this.chosen();
    const target = place ?? (mark ? { x: placesOf(mark)[0][0], y: placesOf(mark)[0][1] } : null);
    if (!this.session || !target) return;
    if (!mark) this.view.cross = target;
    this.hovering = setTimeout(() => this.suggest(target), HOVER_MS);
  }

  // Offer what the network thinks likely at a place; of a mark there, without the mark itself.
  async suggest({ x, y }) {
    clearTimeout(this.hovering);
    const { source } = this;
    try {
      const mark = this.chosen();
      const others = mark && placesOf(mark).some((place) => place[0] === x && place[1] === y) ? this.session.state.marks.filter((each) => each !== mark) : this.session.state.marks;
      const wanted = { ...this.wanted(), hints: hintsOf(others), method: "fusion", reference: null, x, y };
      const response = await source.ask((id) => this.server.post(`photos/${id}/suggestions`, wanted));
      const colors = await response.json();
      if (this.source === source) offer("likely", colors, (color) => this.choose(color));
    } catch (failure) {
      if (failure.status === 400) offer("likely", [], null, failure.message);
    }
  }

  focusColors() {
    (element("likely").querySelector("button") ?? element("hex")).focus();
  }

  // Say what is wrong. If the server is away, try again until it is back.
  fail(failure, again) {
    say(failure.message, true);
    if (failure.status === undefined) throw failure;
    if (failure.status !== 0 && failure.status !== 403) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(again, AGAIN_MS);
  }

  // Saving.

  async save() {
    const suffix = element("suffix").value;
    const { source } = this;
    say(`Saving ${source.name} at full size …`);
    try {
      const response = await source.ask((id) => this.server.post(`photos/${id}/save`, { ...this.wanted(), suffix }));
      const name = coloredName(source.name, suffix);
      download(await response.blob(), name);
      say(`Saved ${name}`);
    } catch (failure) {
      say(failure.message, true);
    }
  }

  saveMarks() {
    const { marks, method, saturation } = this.session.state;
    const content = JSON.stringify({ photo: this.source.name, method, saturation, hints: hintsOf(marks) }, null, 1);
    download(new Blob([content], { type: "application/json" }), `${withoutFolder(this.source.name)}.json`);
  }

  async saveAll() {
    const suffix = element("suffix").value;
    try {
      for (const source of this.sources) await source.send();
      const photos = this.sources.map((source) => {
        const state = this.sessions.get(source.key)?.state ?? stored(source.key) ?? { marks: [], method: "fusion", saturation: 1 };
        return { id: source.id, suffix, ...this.wanted(state) };
      });
      const { id } = await (await this.server.post("exports", { photos })).json();
      const link = document.createElement("a");
      link.href = this.server.url(`exports/${id}`);
      link.download = "colored.zip";
      link.click();
      await this.follow(id);
    } catch (failure) {
      say(failure.message, true);
    }
  }

  async follow(id) {
    for (;;) {
      const { done, total, errors, finished } = await this.server.json(`exports/${id}/progress`);
      const failed = errors.length ? `; ${errors.length} could not be coloured: ${errors.join("; ")}` : "";
      say(`${finished ? "Coloured" : "Colouring"} ${done} of ${total}${failed}`, errors.length > 0);
      if (finished) return;
      await new Promise((resolve) => { setTimeout(resolve, 300); });
    }
  }

  async useReference(file) {
    const source = new Source(this.server, { name: file.name, file });
    source.shown = URL.createObjectURL(file);
    this.references.set(source.key, source);
    try {
      await source.send();
      this.change({ reference: source.key });
    } catch (failure) {
      say(failure.message, true);
    }
  }
}

function coloredName(name, suffix) {
  return `${withoutFolder(name).replace(/\.(bmp|jpe?g|png|ppm|tiff?|webp)$/i, "")}-colored${suffix}`;
}

function withoutFolder(name) {
  return name.split("/").at(-1);
}

const studio = new Studio();

function on(id, name, react) {
  element(id).addEventListener(name, react);
}

for (const id of ["open", "welcome-open"]) on(id, "click", () => element("files").click());
on("files", "change", ({ target }) => { studio.openFiles([...target.files]); target.value = ""; });
on("previous", "click", () => studio.step(-1));
on("next", "click", () => studio.step(1));
on("photos", "change", ({ target }) => studio.open(studio.sources[target.value]));
on("all", "click", () => studio.saveAll());
on("undo", "click", () => studio.undo());
on("redo", "click", () => studio.undo(true));
on("save", "click", () => studio.session && studio.save());
on("save-marks", "click", () => studio.session && studio.saveMarks());
on("zoom-in", "click", () => studio.view.zoom(1.5));
on("zoom-out", "click", () => studio.view.zoom(1 / 1.5));
on("zoom-fit", "click", () => studio.view.fit());
on("gray", "click", () => studio.choose(null));
on("picker", "input", ({ target }) => studio.choose(target.value, "picker"));
on("picker", "change", () => studio.session?.endGesture());
on("hex", "change", ({ target }) => {
  const digits = target.value.trim().replace(/^#?([0-9a-f])([0-9a-f])([0-9a-f])$/i, "$1$1$2$2$3$3").replace(/^#/, "");
  if (/^[0-9a-f]{6}$/i.test(digits)) studio.choose(`#${digits.toLowerCase()}`);
  else say(`${target.value} is no colour; write one as in #5b6236`, true);
});
on("width", "input", () => {
  const mark = studio.chosen();
  if (mark) studio.edit(mark.id, { radius: studio.radius() }, "width");
  else if (studio.session) studio.show();
});
on("width", "change", () => studio.session?.endGesture());
on("saturation", "input", ({ target }) => studio.session && studio.change({ saturation: Number(target.value) }, "saturation"));
on("saturation", "change", () => studio.session?.endGesture());
on("method", "change", ({ target }) => studio.session && studio.change({ method: target.value }));
on("choose-reference", "click", () => element("reference-file").click());
on("reference-file", "change", ({ target }) => { if (studio.session && target.files[0]) studio.useReference(target.files[0]); target.value = ""; });
on("drop-reference", "click", () => studio.change({ reference: null }));
on("unsure", "change", () => studio.session && studio.refresh());
on("compare", "change", () => studio.session && studio.show());
on("divider", "input", () => studio.show());
on("delete", "click", () => studio.remove([studio.selected]));
on("clear", "click", () => studio.remove(studio.session.state.marks.map(({ id }) => id)));

document.addEventListener("keydown", (event) => {
  const writes = event.target.matches("input[type=text]");
  const control = event.ctrlKey || event.metaKey;
  if (control && !writes && /^[zy]$/i.test(event.key)) {
    studio.undo(event.shiftKey || event.key.toLowerCase() === "y");
  } else if ((event.key === "Delete" || event.key === "Backspace") && !writes && studio.chosen()) {
    studio.remove([studio.selected]);
    element("canvas").focus();
  } else if (event.key === "Escape" && studio.session) {
    studio.select(null);
    element("canvas").focus();
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  element("stage").classList.add("over");
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) element("stage").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  element("stage").classList.remove("over");
  const files = [...event.dataTransfer.files];
  if (!files.length) return;
  if (event.target.closest("#reference") && studio.session) studio.useReference(files[0]);
  else studio.openFiles(files);
});

function begin() {
  studio.start().catch((failure) => studio.fail(failure, begin));
}
begin();
