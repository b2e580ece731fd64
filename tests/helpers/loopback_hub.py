"""A model hub on this machine's loopback, for the real client to talk to."""

import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Hub:
    """Files of repositories, by `owner/name/file`, and what was asked for.

    Attributes:
        url: What `HF_ENDPOINT` is to be.
        files: What is served.
        asked: The path of every request.
        token: Of whoever may push.
        messages: Of the commits that were pushed.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    token: str = "secret"
    messages: list[str] = field(default_factory=list)
    large: dict[str, bytes] = field(default_factory=dict)

    def describe(self, repository: str) -> bytes | None:
        """What the hub's client asks before it downloads a repository."""
        names = [name.removeprefix(f"{repository}/") for name in self.files if name.startswith(f"{repository}/")]
        if not names:
            return None
        siblings = [{"rfilename": name} for name in names]
        return json.dumps({"id": repository, "sha": _COMMIT, "private": False, "siblings": siblings}).encode()

    def list_files(self, repository: str) -> bytes:
        """The files of a repository, likewise."""
        files = {name: data for name, data in self.files.items() if name.startswith(f"{repository}/")}
        rows = [
            {"type": "file", "path": name.removeprefix(f"{repository}/"), "size": len(data), "oid": _oid(data)}
            for name, data in files.items()
        ]
        return json.dumps(rows).encode()

    def post(self, path: str, body: bytes) -> dict[str, object]:
        """Answer the steps of a push: make a repository, choose how files go, take large ones, commit."""
        if path == "/api/repos/create":
            return {"url": f"{self.url}/{json.loads(body)['organization']}/{json.loads(body)['name']}"}
        if path == "/api/validate-yaml":  # of the model card
            return {"errors": [], "warnings": []}
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(".safetensors") else "regular" for name in names}
            return {"files": [{"path": n, "uploadMode": modes[n], "shouldIgnore": False} for n in names]}
        if path.endswith("/info/lfs/objects/batch"):
            uploads = {
                o["oid"]: {"upload": {"href": f"{self.url}/lfs/{o['oid']}"}} for o in json.loads(body)["objects"]
            }
            return {"objects": [{"oid": oid, "size": 1, "actions": actions} for oid, actions in uploads.items()]}
        repository = path.removeprefix("/api/models/").partition("/commit/")[0]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.messages.append(value["summary"])
            else:
                data = base64.b64decode(value["content"]) if "content" in value else self.large[value["oid"]]
                self.files[f"{repository}/{value['path']}"] = data
        return {"commitUrl": f"{self.url}/{repository}/commit/{_COMMIT}", "commitOid": _COMMIT, "success": True}


def run_with_hub(
    code: str, *arguments: object, url: str, cache: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python that talks to a hub, whose place its client takes from the environment when it is imported."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    # Xet is a protocol of the public hub's own storage; without it, large files go as they do to any Git server.
    chosen = {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=inherited | chosen, capture_output=True, text=True, check=False)


_COMMIT = "0" * 40


def _oid(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def serve_hub() -> Iterator[Hub]:
    """A hub that is up as long as the block runs."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        @property
        def content(self) -> bytes | None:
            if about := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/?]+)?(\?.*)?", self.path):
                return hub.describe(about[1])
            if tree := re.match(r"/api/models/([^/]+/[^/]+)/tree/", self.path):
                return hub.list_files(tree[1])
            return hub.files.get(re.sub("/resolve/[^/]+/", "/", self.path.lstrip("/")))

        def do_HEAD(self) -> None:
            hub.asked.append(self.path)
            content = self.content
            self.send_response(404 if content is None else 200)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{_oid(content)}"')
                self.send_header("X-Repo-Commit", _COMMIT)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(self.content or b"")

        def do_POST(self) -> None:
            hub.asked.append(self.path)
            body = self._body()
            if self.headers.get("Authorization") == f"Bearer {hub.token}":
                self._answer(200, json.dumps(hub.post(self.path, body)).encode())
            else:
                self._answer(401, b'{"error": "Invalid username or password."}')

        def do_PUT(self) -> None:
            hub.large[self.path.removeprefix("/lfs/")] = self._body()
            self._answer(200, b"")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: it would be written to the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hub
        server.shutdown()
