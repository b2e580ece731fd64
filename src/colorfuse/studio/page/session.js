// The marks and settings of one photo, with undo; kept in the browser's storage, so that nothing ends them.

const MOST = 1e9; // pixels
const PREFIX = "colorfuse-marks:";
export const START = { marks: [], saturation: 1, method: "fusion", reference: null };

export class Session {
  // `adopted` is called when another tab has changed the same photo.
  constructor(key, adopted) {
    this.key = key;
    addEventListener("storage", (event) => {
      if (event.key !== PREFIX + key || !event.newValue) return;
      this.past.push(this.state);
      this.future = [];
      this.endGesture();
      this.state = { ...stored(key), reference: this.state.reference };
      adopted();
    });
    this.state = stored(key) ?? START;
    this.past = [];
    this.future = [];
    this.gesture = null;
  }

  // Change to another state. Changes of one gesture, such as a drag, are undone together.
  change(changes, gesture = null) {
    if (!gesture || gesture !== this.gesture) this.past.push(this.state);
    this.gesture = gesture;
    this.future = [];
    this.set({ ...this.state, ...changes });
  }

  endGesture() {
    this.gesture = null;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  // Take the state that some states end with, and add the present one to others. Returns whether there was one.
  step(from, to) {
    if (!from.length) return false;
    to.push(this.state);
    this.endGesture();
    this.set(from.pop());
    return true;
  }

  set(state) {
    this.state = state;
    try {
      localStorage.setItem(PREFIX + this.key, JSON.stringify({ ...state, reference: null }));
    } catch {
      warnOnce();
    }
  }
}

let isWarned = false;
function warnOnce() {
  if (!isWarned) alert("The browser cannot keep more marks. They last as long as this page: use Save marks.");
  isWarned = true;
}

export function stored(key) {
  try {
    const state = JSON.parse(localStorage.getItem(PREFIX + key));
    return state && { ...START, ...state };
  } catch {
    return null;
  }
}

// Marks as colorfuse reads them from a file of hints.
export function hintsOf(marks) {
  return marks.map(({ id, ...hint }) => hint);
}

// Marks of a file of hints. Throws an error that says what is wrong.
export function marksOf(text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch {
    throw new Error("is not JSON");
  }
  const hints = Array.isArray(read) ? read : read?.hints;
  if (!Array.isArray(hints)) throw new Error("has no list of hints");
  const marks = hints.map((hint, index) => {
    const path = hint?.path ?? [[hint?.x ?? hint?.column, hint?.y ?? hint?.row]];
    const placed = Array.isArray(path) && path.length && path.every((at) => at?.length === 2 && at.every(Number.isFinite));
    if (!placed) throw new Error(`has no place for hint ${index + 1}`);
    const place = hint.path ? { path } : { x: path[0][0], y: path[0][1] };
    const radius = hint.radius ?? 0;
    if (!(radius >= 0 && radius < MOST)) throw new Error(`has no radius of 0 to ${MOST - 1} for hint ${index + 1}`);
    return { id: newId(), ...place, color: hexOf(hint.color, index), radius };
  });
  return { marks, saturation: read.saturation, method: read.method, photo: read.photo };
}

function hexOf(color, index) {
  if (color === null) return null;
  if (Array.isArray(color) && color.length === 3 && color.every(isByte)) return `#${color.map(twoDigits).join("")}`;
  const context = document.createElement("canvas").getContext("2d");
  if (typeof color === "string" && CSS.supports("color", color)) {
    context.fillStyle = color;
    if (/^#[0-9a-f]{6}$/.test(context.fillStyle)) return context.fillStyle;
  }
  throw new Error(`has no colour that can be shown here for hint ${index + 1}`);
}

function isByte(value) {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

export function twoDigits(value) {
  return value.toString(16).padStart(2, "0");
}

let ids = 0;
export function newId() {
  ids += 1;
  return `${Date.now()}-${ids}`;
}
