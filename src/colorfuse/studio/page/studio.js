// A photo, its marks, and what is shown of them.

import { Coloring } from "./coloring.js";
import { element, lastColors, list, offer, remember, say } from "./panel.js";
import { Source } from "./server.js";
import { marksOf, newId, Session } from "./session.js";
import { clamp, placesOf, View } from "./view.js";

const WIDTHS = 400;

export class Studio {
  constructor(server) {
    this.server = server;
    this.view = new View(element("canvas"));
    this.coloring = new Coloring(this);
    this.sources = [];
    this.references = new Map();
    this.sessions = new Map();
    this.source = this.session = this.selected = this.opening = null;
    this.methods = [];
    this.lastColor = lastColors()[0] ?? null;
    this.next = undefined; // the colour that was chosen for the next mark; null keeps its place gray
    this.broken = new Set(); // sources that could not be opened
  }

  get tool() {
    return document.querySelector("[name=tool]:checked").value;
  }

  async start() {
    const { photos, methods } = await this.server.json("state");
    this.methods = methods;
    element("method").replaceChildren(...methods.map(({ name }) => new Option(name === "fusion" ? "network" : name, name)));
    const isNew = ({ id }) => this.sources.every((source) => source.id !== id);
    this.sources.unshift(...photos.filter(isNew).map((photo) => new Source(this.server, photo)));
    this.listPhotos();
    this.offerLast();
    if (this.sources.length && !this.opening) await this.open(this.sources[0]);
  }

  // Go on where the server was away.
  resume() {
    if (!this.methods.length) this.start().catch((failure) => this.coloring.fail(failure));
    else if (this.opening !== this.source) this.open(this.opening);
    else this.coloring.refresh();
  }

  // Photos.

  async openFiles(files) {
    const marks = files.filter((file) => /\.json$/i.test(file.name));
    const photos = files.filter((file) => !marks.includes(file)).map((file) => new Source(this.server, { name: file.name, file }));
    const known = (source) => this.sources.find((other) => other.key === source.key);
    this.sources.push(...photos.filter((source) => !known(source)));
    this.listPhotos();
    const first = photos.length ? known(photos[0]) : this.source;
    if (photos.length) await this.open(first);
    for (const file of marks) await this.openMarks(file, first);
  }

  // Open a file of marks on the photo that it names, or else on one that was opened with it or before.
  async openMarks(file, other) {
    try {
      const { marks, saturation, method, photo } = marksOf(await file.text());
      const source = this.sources.find(({ name }) => name === photo) ?? other;
      if (!source || (source === other && source !== this.source)) throw new Error("has marks of a photo that is not open");
      const session = this.sessionOf(source);
      if (session === this.session) this.checkInside(marks);
      const isKnown = this.methods.some(({ name }) => name === method);
      session.change({ marks, saturation: clamp(Number(saturation ?? session.state.saturation) || 0, 0, 2), ...(isKnown && { method }) });
      if (session === this.session) this.update();
      say(`${file.name}: ${marks.length} ${marks.length === 1 ? "mark" : "marks"} on ${source.name}`);
    } catch (error) {
      say(`${file.name} ${error.message}`, true);
    }
  }

  checkInside(marks) {
    const { width, height } = this.view.size;
    const isOutside = ([x, y]) => x < 0 || y < 0 || x >= width || y >= height;
    if (marks.some((mark) => placesOf(mark).some(isOutside))) throw new Error(`has marks outside this photo of ${width} × ${height} pixels`);
  }

  sessionOf(source) {
    if (!this.sessions.has(source.key)) this.sessions.set(source.key, new Session(source.key, () => source === this.source && this.update()));
    return this.sessions.get(source.key);
  }

  async open(source) {
    say(`Opening ${source.name} …`);
    this.opening = source;
    this.listPhotos();
    try {
      const about = await source.ask((id) => this.server.json(`photos/${id}`));
      const response = await source.ask((id) => this.server.fetch(`photos/${id}/original`));
      const original = await createImageBitmap(await response.blob());
      if (this.opening !== source) {
        original.close();
        return;
      }
      this.source = source;
      this.broken.delete(source);
      this.session = this.sessionOf(source);
      this.selected = null;
      this.view.open({ width: about.width, height: about.height });
      this.view.show({ original });
      this.about = describe(about);
      element("welcome").hidden = true;
      element("zoom").hidden = false;
      this.listPhotos();
      this.update();
    } catch (failure) {
      if (failure.status === 409) return; // another photo is opened instead
      if (this.opening === source) this.coloring.fail(failure);
      if (failure.status === 0 || failure.status === 403) return; // it is opened once the server is back
      if (this.opening === source) this.opening = this.source;
      this.broken.add(source);
      const isDamaged = source.file && (failure.status === 400 || failure.status === 413);
      if (isDamaged) this.sources = this.sources.filter((each) => each !== source);
      this.listPhotos();
    }
  }

  step(by) {
    const source = this.beside(by);
    if (source) this.open(source);
  }

  // The photo after or before the one that is shown, but for those that could not be opened.
  beside(by) {
    let index = this.sources.indexOf(this.opening) + by;
    while (this.broken.has(this.sources[index])) index += by;
    return this.sources[index];
  }

  listPhotos() {
    const index = this.sources.indexOf(this.opening);
    element("folder").hidden = this.sources.length < 2;
    element("photos").replaceChildren(...this.sources.map(({ name }, at) => new Option(name, at)));
    element("photos").selectedIndex = index;
    element("previous").disabled = !this.beside(-1);
    element("next").disabled = !this.beside(1);
  }

  useReference(file) {
    const source = new Source(this.server, { name: file.name, file });
    source.shown = URL.createObjectURL(file);
    this.references.set(source.key, source);
    this.change({ reference: source.key });
  }

  // Marks.

  add(place) {
    this.sketch(null);
    const [[x, y]] = placesOf(place);
    const kept = element("keep").checked && this.lastColor;
    const color = this.next === undefined ? kept || this.view.colorAt({ x, y }) : this.next;
    const mark = { id: newId(), ...place, color, radius: this.radius() };
    this.selected = mark.id;
    this.next = undefined;
    this.change({ marks: [...this.session.state.marks, mark] });
    this.coloring.hover({ x, y }); // soon, since its colours come first
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
    this.session?.endGesture();
    const mark = this.chosen();
    if (mark) {
      element("width").value = (2 * mark.radius * WIDTHS) / Math.max(this.view.size.width, this.view.size.height);
      const [[x, y]] = placesOf(mark);
      this.view.cross = { x, y };
      this.coloring.hover({ x, y });
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

  // Give the selected mark a colour, or else the next one; null keeps the place gray.
  choose(color) {
    if (color) {
      remember(color);
      this.offerLast();
    }
    this.tryColor(color);
    this.session?.endGesture();
  }

  // The same while the colour is still being chosen.
  tryColor(color) {
    if (!this.session) return;
    this.lastColor = color ?? this.lastColor;
    this.next = this.chosen() ? undefined : color;
    if (this.chosen()) this.edit(this.selected, { color }, `color ${this.selected}`);
    else this.show();
  }

  change(changes, gesture = null) {
    this.session.change(changes, gesture);
    this.update();
  }

  // Show the present state, and ask for its colours.
  update() {
    this.show();
    this.coloring.refresh();
  }

  undo(redo = false) {
    if (!this.session || !(redo ? this.session.redo() : this.session.undo())) return;
    if (!this.chosen()) this.selected = null;
    this.update();
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
    element("of").textContent = mark ? (mark.path ? "this stroke" : "this point") : `the next mark${this.next === null ? ", gray" : ""}`;
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

  offerLast() {
    offer("last", lastColors().map((color) => ({ color })), (color) => this.choose(color), "none yet");
  }

  focusColors() {
    (element("likely").querySelector("button") ?? element("hex")).focus();
  }
}

function describe({ name, width, height, kind, bits, previewWidth }) {
  const known = kind === "in colour" ? "already in colour" : kind;
  const shrunk = previewWidth < width ? "; shown smaller, saved at full size" : "";
  return `${name}: ${width} × ${height}, ${known}, ${bits} bits${shrunk}`;
}
