// Saves a photo, its marks, or all photos.

import { wanted } from "./coloring.js";
import { download, element, say } from "./panel.js";
import { hintsOf, START, stored } from "./session.js";

const PROGRESS_MS = 300;
// The server keeps as many bytes of files that were sent.
const MOST_SENT = 4 * 2 ** 30;

export async function save({ source, session, coloring }) {
  const suffix = element("suffix").value;
  say(`Saving ${source.name} at full size …`);
  try {
    const response = await coloring.post("save", source, session.state, { suffix });
    const name = coloredName(source.name, suffix);
    download(await response.blob(), name);
    say(`Saved ${name}`);
  } catch (failure) {
    say(failure.message, true);
  }
}

export function saveMarks({ source, session }) {
  const { marks, method, saturation } = session.state;
  const content = JSON.stringify({ photo: source.name, method, saturation, hints: hintsOf(marks) }, null, 1);
  download(new Blob([content], { type: "application/json" }), `${withoutFolder(source.name)}.json`);
}

// Colour all photos, each with its own marks, and save them as one file.
export async function saveAll({ server, sources, sessions, references }) {
  const suffix = element("suffix").value;
  try {
    const all = sources.map((source) => {
      const state = sessions.get(source.key)?.state ?? stored(source.key) ?? START;
      return { source, state, reference: references.get(state.reference) };
    });
    const files = new Set(all.flatMap(({ source, reference }) => [source.file, reference?.file]).filter(Boolean));
    if ([...files].reduce((sum, { size }) => sum + size, 0) > MOST_SENT) {
      throw new Error("More than 4 GiB of photos were opened here; to colour so many, start: colorfuse studio FOLDER");
    }
    const failed = await failuresOf(all);
    const sent = all.filter(({ source }) => !failed.has(source));
    if (!sent.length) throw [...failed.values()][0];
    const photos = () => sent.map(({ source, state, reference }) => ({ id: source.id, suffix, ...wanted(state, reference) }));
    const [first, ...others] = sent.flatMap(({ source, reference }) => (reference ? [source, reference] : [source]));
    const response = await first.ask(() => server.post("exports", { photos: photos() }), ...others);
    const { id } = await response.json();
    const link = document.createElement("a");
    link.href = server.url(`exports/${id}`);
    link.download = "colored.zip";
    link.click();
    await follow(server, id, [...failed.values()].map(({ message }) => message));
  } catch (failure) {
    say(failure.message, true);
  }
}

// Send what the server does not have yet. Returns what failed, by source: files that are gone, or too large.
async function failuresOf(all) {
  const failed = new Map();
  for (const { source, reference } of all) {
    try {
      await source.send();
      await reference?.send();
    } catch (failure) {
      if (failure.status !== 400 && failure.status !== 413) throw failure;
      failed.set(source, failure);
    }
  }
  return failed;
}

async function follow(server, id, unsent) {
  for (;;) {
    const { done, total, errors: others, finished } = await server.json(`exports/${id}/progress`);
    const errors = [...unsent, ...others];
    const failed = errors.length ? `; ${errors.length} could not be coloured: ${errors.join("; ")}` : "";
    say(`${finished ? "Coloured" : "Colouring"} ${done - others.length} of ${total + unsent.length}${failed}`, errors.length > 0);
    if (finished) return;
    await new Promise((resolve) => { setTimeout(resolve, PROGRESS_MS); });
  }
}

function coloredName(name, suffix) {
  return `${withoutFolder(name).replace(/\.(bmp|jpe?g|png|ppm|tiff?|webp)$/i, "")}-colored${suffix}`;
}

function withoutFolder(name) {
  return name.split("/").at(-1);
}
