// Saves a photo, its marks, or all photos.

import { wanted } from "./coloring.js";
import { download, element, say } from "./panel.js";
import { hintsOf, START, stored } from "./session.js";

const PROGRESS_MS = 300;

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
    const states = sources.map(({ key }) => sessions.get(key)?.state ?? stored(key) ?? START);
    const used = states.map(({ reference }) => references.get(reference));
    const photos = () => sources.map(({ id }, at) => ({ id, suffix, ...wanted(states[at], used[at]) }));
    const [first, ...others] = [...sources, ...used.filter(Boolean)];
    const response = await first.ask(() => server.post("exports", { photos: photos() }), ...others);
    const { id } = await response.json();
    const link = document.createElement("a");
    link.href = server.url(`exports/${id}`);
    link.download = "colored.zip";
    link.click();
    await follow(server, id);
  } catch (failure) {
    say(failure.message, true);
  }
}

async function follow(server, id) {
  for (;;) {
    const { done, total, errors, finished } = await server.json(`exports/${id}/progress`);
    const failed = errors.length ? `; ${errors.length} could not be coloured: ${errors.join("; ")}` : "";
    say(`${finished ? "Coloured" : "Colouring"} ${done - errors.length} of ${total}${failed}`, errors.length > 0);
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
