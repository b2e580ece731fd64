// What the page asks the server for.

const ADDRESS = "colorfuse-studio-address";

export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// One tab's connection. If the server was restarted, its new address comes from the tab that was opened then.
export class Server {
  constructor() {
    this.base = location.pathname;
    this.tab = crypto.randomUUID();
    try {
      localStorage.setItem(ADDRESS, this.base);
    } catch { /* storage is refused */ }
    addEventListener("storage", (event) => {
      if (event.key === ADDRESS && event.newValue) this.base = event.newValue;
    });
  }

  url(path) {
    return `${this.base}${path}${path.includes("?") ? "&" : "?"}tab=${this.tab}`;
  }

  async fetch(path, options) {
    let response;
    try {
      response = await fetch(this.url(path), options);
    } catch {
      throw new Failure(0, "The studio does not answer; your marks are kept. Start it again: colorfuse studio");
    }
    if (response.ok) return response;
    const text = await response.text();
    let message = text;
    try {
      message = JSON.parse(text).error;
    } catch { /* not from the studio */ }
    throw new Failure(response.status, message || `The studio answered ${response.status}`);
  }

  async json(path, options) {
    return (await this.fetch(path, options)).json();
  }

  post(path, body) {
    return this.fetch(path, { method: "POST", body: JSON.stringify(body) });
  }
}

// A photo that can be opened: one of the server's folder, or a file of the user's, which is sent when it is needed.
export class Source {
  constructor(server, { id = null, name, file = null }) {
    Object.assign(this, { server, id, name, file });
    this.key = file ? `${file.name}:${file.size}:${file.lastModified}` : id;
  }

  async send() {
    if (this.id) return;
    try {
      await this.file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Failure(400, `${this.name} was moved or changed; open it again`);
    }
    this.sending ??= this.server
      .json(`photos?name=${encodeURIComponent(this.name)}`, { method: "POST", body: this.file })
      .then(({ id }) => { this.id = id; })
      .finally(() => { this.sending = null; });
    await this.sending;
  }

  // Call the server about this photo; if it has forgotten the file, send it again.
  async ask(call, ...others) {
    for (const source of [this, ...others]) await source.send();
    try {
      return await call(this.id);
    } catch (failure) {
      const files = [this, ...others].filter((source) => source.file);
      if (failure.status !== 404 || !files.length) throw failure;
      for (const source of files) source.id = null;
      for (const source of files) await source.send();
      return call(this.id);
    }
  }
}
