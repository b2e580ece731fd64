"""A model hub on this machine's loopback, for the real client to talk to."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """Files of repositories, by `owner/name/file`, and what was asked for.

    Attributes:
        url: What `HF_ENDPOINT` is to be.
        files: What is served.
        asked: The path of every request.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve_hub() -> Iterator[Hub]:
    """A hub that is up as long as the block runs."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        @property
        def content(self) -> bytes | None:
            return hub.files.get(re.sub("/resolve/[^/]+/", "/", self.path.lstrip("/")))

        def do_HEAD(self) -> None:
            hub.asked.append(self.path)
            content = self.content
            self.send_response(404 if content is None else 200)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(self.content or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: it would be written to the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hub
        server.shutdown()
