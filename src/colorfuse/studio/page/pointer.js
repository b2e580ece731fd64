// The pointer and the keyboard on the canvas.

import { clamp } from "./view.js";

const FAR = 4;
const STEP = 12;
const PIXELS_A_LINE = 30;

export function listenToPointer(studio) {
  const { view, coloring } = studio;
  const { canvas } = view;
  const down = new Map();
  let drag = null;
  let session = null;
  let space = false;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!studio.session) return;
    canvas.setPointerCapture(event.pointerId);
    session = studio.session;
    down.set(event.pointerId, at(event));
    if (down.size === 2) {
      drag?.cancel?.();
      drag = pinch();
    } else if (down.size === 1) {
      drag = begin(event);
    }
  });

  function begin(event) {
    const start = at(event);
    if (event.button === 1 || space || studio.tool === "move") return moveView(start);
    if (event.button) return null;
    const mark = view.markAt(start);
    if (mark && !event.shiftKey) return moveMark(mark, start);
    const place = view.placeAt(start);
    if (!place) return null;
    view.cross = place;
    return studio.tool === "stroke" ? stroke(place) : point(place, start);
  }

  function point(place, start) {
    let moved = false;
    return {
      move: (to) => { moved ||= Math.hypot(to.x - start.x, to.y - start.y) > 4 * FAR; },
      end: () => { if (!moved) studio.add({ ...place }); },
    };
  }

  function stroke(place) {
    const path = [[place.x, place.y]];
    let last = null;
    return {
      move: (to) => {
        if (last && Math.hypot(to.x - last.x, to.y - last.y) < FAR) return;
        last = to;
        const next = view.placeAt(to, true);
        path.push([next.x, next.y]);
        studio.sketch(path);
      },
      end: () => studio.add({ path }),
      cancel: () => studio.sketch(null),
    };
  }

  function moveMark(mark, start) {
    studio.select(mark.id);
    let from = null;
    return {
      move: (to) => {
        if (!from && Math.hypot(to.x - start.x, to.y - start.y) < FAR) return;
        from ??= start;
        studio.shift(mark.id, Math.round((to.x - from.x) / view.scale), Math.round((to.y - from.y) / view.scale), mark);
      },
      end: () => studio.session.endGesture(),
      cancel: () => {
        if (from) studio.shift(mark.id, 0, 0, mark);
        studio.session.endGesture();
      },
    };
  }

  function moveView(start) {
    let last = start;
    return { move: (to) => { view.move(to.x - last.x, to.y - last.y); last = to; } };
  }

  function pinch() {
    let last = [...down.values()];
    return {
      move: () => {
        const [one, other] = [...down.values()];
        const middle = { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
        view.move(middle.x - (last[0].x + last[1].x) / 2, middle.y - (last[0].y + last[1].y) / 2);
        const apart = (places) => Math.hypot(places[0].x - places[1].x, places[0].y - places[1].y) || 1;
        view.zoom(apart([one, other]) / apart(last), middle);
        last = [one, other];
      },
    };
  }

  canvas.addEventListener("pointermove", (event) => {
    const to = at(event);
    if (down.has(event.pointerId)) down.set(event.pointerId, to);
    if (session !== studio.session) drag = null; // another photo was opened meanwhile
    if (drag) drag.move?.(to);
    else if (event.pointerType !== "touch") coloring.hover(view.placeAt(to));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      if (session !== studio.session) drag = null;
      if (name === "pointerup") drag?.end?.();
      else drag?.cancel?.();
      drag = null;
    });
  }
  canvas.addEventListener("pointerleave", () => coloring.hover(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode ? PIXELS_A_LINE : 1;
    view.zoom(Math.exp(clamp(-event.deltaY * lines, -300, 300) / 400), at(event));
  }, { passive: false });

  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") space = true;
    if (!studio.session || event.ctrlKey || event.metaKey) return; // the browser's own zoom, for one
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way && event.altKey) {
      const mark = studio.chosen();
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(STEP / view.scale));
      if (mark) studio.shift(mark.id, way[0] * step, way[1] * step, mark);
    } else if (way) {
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(STEP / view.scale));
      const { width, height } = view.size;
      view.cross = { x: clamp(view.cross.x + way[0] * step, 0, width - 1), y: clamp(view.cross.y + way[1] * step, 0, height - 1) };
      view.showCross();
      coloring.hover(view.cross);
    } else if (event.key === "Enter") {
      const mark = view.markAt(view.onCanvas(view.cross.x, view.cross.y));
      if (mark) studio.select(mark.id);
      else studio.add({ ...view.cross });
      studio.focusColors();
    } else if (event.key === "+" || event.key === "=") {
      view.zoom(1.25);
    } else if (event.key === "-") {
      view.zoom(0.8);
    } else if (event.key === "0") {
      view.fit();
    } else if (event.key !== " ") {
      return;
    }
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") space = false;
    if (event.key.startsWith("Arrow")) studio.session?.endGesture();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => { space = false; view.draw(); });
}
