// Connects the controls to the studio.

import { element, say } from "./panel.js";
import { listenToPointer } from "./pointer.js";
import { save, saveAll, saveMarks } from "./saving.js";
import { Server } from "./server.js";
import { Studio } from "./studio.js";

const studio = new Studio(new Server());
listenToPointer(studio);

function on(id, name, react) {
  element(id).addEventListener(name, react);
}

for (const id of ["open", "welcome-open"]) on(id, "click", () => element("files").click());
on("files", "change", ({ target }) => { studio.openFiles([...target.files]); target.value = ""; });
on("previous", "click", () => studio.step(-1));
on("next", "click", () => studio.step(1));
on("photos", "change", ({ target }) => studio.open(studio.sources[target.value]));
on("all", "click", () => saveAll(studio));
on("undo", "click", () => studio.undo());
on("redo", "click", () => studio.undo(true));
on("save", "click", () => studio.session && save(studio));
on("save-marks", "click", () => studio.session && saveMarks(studio));
on("zoom-in", "click", () => studio.view.zoom(1.5));
on("zoom-out", "click", () => studio.view.zoom(1 / 1.5));
on("zoom-fit", "click", () => studio.view.fit());
on("gray", "click", () => studio.choose(null));
on("picker", "input", ({ target }) => studio.tryColor(target.value));
on("picker", "change", ({ target }) => studio.choose(target.value));
on("hex", "change", ({ target }) => {
  const digits = target.value.trim().replace(/^#?([0-9a-f])([0-9a-f])([0-9a-f])$/i, "$1$1$2$2$3$3").replace(/^#/, "");
  if (/^[0-9a-f]{6}$/i.test(digits)) studio.choose(`#${digits.toLowerCase()}`);
  else say(`${target.value} is no colour; write one as in #5b6236`, true);
});
on("width", "input", () => {
  const mark = studio.chosen();
  if (mark) studio.edit(mark.id, { radius: studio.radius() }, `width ${mark.id}`);
  else if (studio.session) studio.show();
});
on("width", "change", () => studio.session?.endGesture());
on("saturation", "input", ({ target }) => studio.session && studio.change({ saturation: Number(target.value) }, "saturation"));
on("saturation", "change", () => studio.session?.endGesture());
on("method", "change", ({ target }) => studio.session && studio.change({ method: target.value }));
on("choose-reference", "click", () => element("reference-file").click());
on("reference-file", "change", ({ target }) => { if (studio.session && target.files[0]) studio.useReference(target.files[0]); target.value = ""; });
on("drop-reference", "click", () => studio.change({ reference: null }));
on("unsure", "change", () => studio.session && studio.coloring.refresh());
on("compare", "change", () => studio.session && studio.show());
on("divider", "input", () => studio.show());
on("delete", "click", () => studio.remove([studio.selected]));
on("clear", "click", () => studio.remove(studio.session.state.marks.map(({ id }) => id)));
// A button that disables or hides itself would leave the keyboard nowhere.
for (const id of ["delete", "clear", "drop-reference", "undo", "redo", "previous", "next"]) {
  on(id, "click", ({ target }) => { if (target.disabled || target.hidden) element("canvas").focus(); });
}

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
  const { items, files: [...files] } = event.dataTransfer;
  if (!files.length) return;
  if ([...items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) {
    say("Drop photos; for a folder, start: colorfuse studio FOLDER", true);
    return;
  }
  if (event.target.closest("#reference") && studio.session) studio.useReference(files[0]);
  else studio.openFiles(files);
});

studio.resume();
