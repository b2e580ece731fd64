"""Lets in only requests that come from the studio's own page."""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """Answers only requests to `http://127.0.0.1:PORT/TOKEN/...` that no other site makes.

    The names of the host are checked since a site can make its own name lead to this machine.

    Args:
        app: What answers.
        token: The secret first part of every path.
        port: The port that is listened on.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["path"] == f"/{self.token}":
            await RedirectResponse(f"/{self.token}/")(scope, receive, guarded)
            return
        refusal = self._refusal(scope)
        if refusal:
            await JSONResponse({"error": refusal[1]}, refusal[0])(scope, receive, guarded)
            return
        await self.app({**scope, "root_path": f"/{self.token}"}, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, path = Headers(scope=scope), str(scope["path"])
        host, origin = headers.get("host", ""), headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        # Any site may link to the page, such as a terminal that shows its address.
        is_followed = headers.get("sec-fetch-mode") == "navigate" and path == f"/{self.token}/"
        is_ours = origin in (None, f"http://{host}") and (site in ("same-origin", "none") or is_followed)
        if host not in self.hosts or not is_ours:
            return 403, "this page is for its own user only"
        token = path.split("/")[1] if "/" in path[1:] else ""
        if not secrets.compare_digest(token.encode("utf-8", "surrogateescape"), self.token.encode()):
            return 403, "the studio was restarted; open the address that it printed"
        return None


def new_token() -> str:
    """A secret that cannot be guessed."""
    return secrets.token_urlsafe(24)
