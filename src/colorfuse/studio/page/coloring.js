// Asks the server for colours, and shows them.

import { element, offer, say } from "./panel.js";
import { hintsOf } from "./session.js";
import { placesOf } from "./view.js";

const HOVER_MS = 70;
const AGAIN_MS = 1000;

export class Coloring {
  constructor(studio) {
    this.studio = studio;
    this.busy = this.again = false;
  }

  // Ask about a photo in a state, such as its "colors". More may be wanted, such as a place.
  post(what, source, state, more = {}) {
    const reference = this.studio.references.get(state.reference);
    return source.ask(
      (id) => this.studio.server.post(`photos/${id}/${what}`, { ...wanted(state, reference), ...more }),
      ...(reference ? [reference] : []),
    );
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
    const { source, session, view } = this.studio;
    const { state } = session;
    try {
      const response = await this.post("colors", source, state);
      const { palette, notes } = JSON.parse(decodeURIComponent(response.headers.get("About")));
      const colored = await createImageBitmap(await response.blob());
      const unsure = element("unsure").checked ? await createImageBitmap(await (await this.post("uncertainty", source, state)).blob()) : null;
      if (this.studio.source !== source) return;
      view.show({ colored, unsure });
      offer("palette", palette.map((color) => ({ color })), (color) => this.studio.choose(color));
      say(notes.length ? notes.join("; ") : this.studio.about);
      document.body.dataset.shown = state.marks.length; // for those who wait for it from outside
    } catch (failure) {
      if (this.studio.source === source && failure.status !== 409) this.fail(failure, () => this.refresh());
    }
  }

  // Soon offer what is likely at the place under the pointer; or, where there is none, at the selected mark.
  hover(place) {
    clearTimeout(this.hovering);
    const { studio } = this;
    const mark = studio.chosen();
    const target = place ?? (mark ? { x: placesOf(mark)[0][0], y: placesOf(mark)[0][1] } : null);
    if (!studio.session || !target) return;
    if (!mark) studio.view.cross = target;
    this.hovering = setTimeout(() => this.suggest(target), HOVER_MS);
  }

  // Offer what the network thinks likely at a place; of a mark there, without the mark itself.
  async suggest({ x, y }) {
    clearTimeout(this.hovering);
    const { source, session } = this.studio;
    const mark = this.studio.chosen();
    const isThere = mark && placesOf(mark).some((place) => place[0] === x && place[1] === y);
    const marks = session.state.marks.filter((each) => !isThere || each !== mark);
    try {
      const response = await this.post("suggestions", source, { ...session.state, marks, method: "fusion", reference: null }, { x, y });
      const colors = await response.json();
      if (this.studio.source === source) offer("likely", colors, (color) => this.studio.choose(color));
    } catch (failure) {
      if (failure.status === 400) offer("likely", [], null, failure.message);
    }
  }

  // Say what is wrong. If the server is away, try again until it is back.
  fail(failure, again) {
    say(failure.message, true);
    if (failure.status === undefined) throw failure;
    if (failure.status !== 0 && failure.status !== 403) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(again, AGAIN_MS);
  }
}

// What the server is asked for.
export function wanted(state, reference) {
  return { hints: hintsOf(state.marks), method: state.method, saturation: Number(state.saturation), reference: reference?.id ?? null };
}
