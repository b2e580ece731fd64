"""A running studio, as a process of its own, and what talks to it."""

import http.client
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple, Self

_STARTS_WITHIN = 120


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """The content as JSON."""
        return json.loads(self.content)


class StudioServer:
    """`colorfuse studio` with some arguments, on a port that is free or that is given."""

    def __init__(self, *arguments: str | Path, port: int = 0) -> None:
        command = [Path(sys.executable).with_name("colorfuse"), "studio", *arguments]
        self._stderr = Path(tempfile.mkdtemp(), "stderr")
        with self._stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                [*map(str, command), "--no-browser", "--device", "cpu", "--port", str(port)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/(\S+)/", self.process.stdout.readline())
        assert found, self._stderr.read_text()
        self.address, self.port, self.token = found[0], int(found[1]), found[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> str:
        """Stop it as Ctrl-C does, and return what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.send_signal(2)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self._stderr.read_text()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.stop()

    def ask(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        """Send a request: bytes as they are, anything else as JSON. A path with a leading slash is the whole path."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_STARTS_WITHIN)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        path = path if path.startswith("/") else f"/{self.token}/{path}"
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def send(self, content: bytes, name: str = "photo.jpg") -> str:
        """Send a photo, and return its id."""
        return str(self.ask(f"photos?name={name}", content).json["id"])
