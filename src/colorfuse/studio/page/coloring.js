// Asks the server for colours, and shows them.

import { element, offer, say } from "./panel.js";
import { hintsOf } from "./session.js";
import { placesOf } from "./view.js";

const HOVER_MS = 70;
const AGAIN_MS = 1000;
const REFINE_MS = 250;
const NETWORK = { method: "fusion", reference: null }; // which alone knows what is likely

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

  // Ask for the colours of the present state; while an answer is on its way, remember to ask again. What is shown at
  // once is a draft; when nothing has changed for a while, a finer image follows.
  async refresh() {
    clearTimeout(this.refining);
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.colors(true);
      } while (this.again);
    } finally {
      this.busy = false;
    }
  }

  async colors(draft) {
    const { source, session, view } = this.studio;
    const { state } = session;
    const isShown = () => this.studio.source === source && (draft || session.state === state);
    const lacking = this.lacking(state);
    if (lacking) {
      view.show({ colored: null, unsure: null });
      say(lacking, true);
      return;
    }
    try {
      const response = await this.post("colors", source, state, { draft });
      const { isDraft, palette, notes } = JSON.parse(decodeURIComponent(response.headers.get("About")));
      if (await this.show("colored", response, isShown)) {
        offer("palette", palette.map((color) => ({ color })), (color) => this.studio.choose(color));
        say(notes.length ? notes.join("; ") : this.studio.about);
        clearTimeout(this.refining);
        if (isDraft) this.refining = setTimeout(() => this.colors(false), REFINE_MS);
        document.body.dataset.shown = state.marks.length; // for those who wait for it from outside
      }
      if (!draft) return;
      if (!element("unsure").checked) view.show({ unsure: null });
      else await this.show("unsure", await this.post("uncertainty", source, { ...state, ...NETWORK }), isShown);
    } catch (failure) {
      if (isShown() && failure.status !== 409) this.fail(failure);
    }
  }

  // What the method of a state needs and does not have, if anything.
  lacking({ method, marks, reference }) {
    const { takesHints, takesReference } = this.studio.methods.find(({ name }) => name === method) ?? {};
    if (method === "fusion") return null;
    if (takesReference && !this.studio.references.has(reference)) return `${method} needs a reference photo that looks alike`;
    if (takesHints && !takesReference && !marks.length) return `${method} needs marks; click a place`;
    return null;
  }

  // Show the image of a response, if its photo is still the one that is shown.
  async show(name, response, isShown) {
    const image = await createImageBitmap(await response.blob());
    if (isShown()) this.studio.view.show({ [name]: image });
    else image.close();
    return isShown();
  }

  // Soon offer what is likely at the place under the pointer; or, where there is none, at the selected mark.
  hover(place) {
    clearTimeout(this.hovering);
    const { studio } = this;
    const mark = studio.chosen();
    const target = place ?? (mark ? { x: placesOf(mark)[0][0], y: placesOf(mark)[0][1] } : null);
    if (!studio.session || !target) return;
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
      const response = await this.post("suggestions", source, { ...session.state, ...NETWORK, marks }, { x, y });
      const colors = await response.json();
      if (this.studio.source === source) offer("likely", colors, (color) => this.studio.choose(color));
    } catch (failure) {
      if (failure.status === 400) offer("likely", [], null, failure.message);
    }
  }

  // Say what is wrong. If the server is away, try again until it is back.
  fail(failure) {
    say(failure.message, true);
    if (failure.status === undefined) throw failure;
    if (failure.status !== 0 && failure.status !== 403) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.studio.resume(), AGAIN_MS);
  }
}

// What the server is asked for.
export function wanted(state, reference) {
  return { hints: hintsOf(state.marks), method: state.method, saturation: Number(state.saturation), reference: reference?.id ?? null };
}
