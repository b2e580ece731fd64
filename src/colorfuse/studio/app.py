"""The addresses of the studio, and what answers at each."""

import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from colorfuse.errors import one_line
from colorfuse.studio.coloring import Coloring, Place, Saved, Wanted
from colorfuse.studio.exports import Asked, Exports
from colorfuse.studio.guard import Guard
from colorfuse.studio.names import saved_name
from colorfuse.studio.photos import TooLargeError, UnknownPhotoError
from colorfuse.studio.previews import Encoded, Opened, original
from colorfuse.studio.worker import SupersededError, Worker

PAGE = Path(__file__).parent / "page"
_MOST_JSON = 8 << 20
_USERS = (ValueError, OSError, ImportError, MemoryError)
"""Errors that the user can do something about."""

Body = TypeVar("Body", bound=BaseModel)


def create_app(coloring: Coloring, token: str, port: int) -> ASGIApp:
    """Make the app that answers at `http://127.0.0.1:PORT/TOKEN/`.

    Args:
        coloring: Colours photos.
        token: The secret first part of every path.
        port: The port that is listened on.
    """
    studio = _Studio(coloring)
    routes = [
        Route("/", studio.page),
        Mount("/page", StaticFiles(directory=PAGE)),
        Route("/state", studio.state),
        Route("/photos", studio.receive, methods=["POST"]),
        Route("/photos/{key}", studio.open),
        Route("/photos/{key}/original", studio.original),
        Route("/photos/{key}/colors", studio.colors, methods=["POST"]),
        Route("/photos/{key}/suggestions", studio.suggestions, methods=["POST"]),
        Route("/photos/{key}/uncertainty", studio.uncertainty, methods=["POST"]),
        Route("/photos/{key}/save", studio.save, methods=["POST"]),
        Route("/exports", studio.export, methods=["POST"]),
        Route("/exports/{key}", studio.exported),
        Route("/exports/{key}/progress", studio.progress),
    ]
    handlers: dict[Any, Any] = {
        SupersededError: partial(_failed, 409),
        UnknownPhotoError: partial(_failed, 404),
        TooLargeError: partial(_failed, 413),
        ClientDisconnect: _left,
        Exception: _broken,
    } | dict.fromkeys(_USERS, studio.refused)
    return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=studio.lifespan), token, port)


class _Studio:
    """What answers at each address."""

    def __init__(self, coloring: Coloring) -> None:
        self.coloring, self.photos = coloring, coloring.photos
        self.worker = Worker()
        self.exports = Exports(coloring, self.worker)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Load the colorizer when the server starts; when it stops, stop the work and remove what was sent."""
        self.worker.submit(object(), self.coloring.warm_up)
        try:
            yield
        finally:
            self.worker.stop()
            self.photos.close()

    async def page(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def state(self, request: Request) -> Response:
        methods = await self.worker.do(object(), lambda: self.coloring.methods)
        listed = [{"id": each.id, "name": each.name} for each in self.photos.folder]
        return JSONResponse({"photos": listed, "methods": methods})

    async def receive(self, request: Request) -> Response:
        listed = await self.photos.receive(request.query_params.get("name", ""), request.stream())
        return JSONResponse({"id": listed.id, "name": listed.name}, 201)

    async def open(self, request: Request) -> Response:
        key = request.path_params["key"]
        opened = await self.worker.do(_kind(request), partial(self.photos.open, key))
        return JSONResponse({"name": self.photos[key].name, **_described(opened)})

    async def original(self, request: Request) -> Response:
        key = request.path_params["key"]
        return _image(await self.worker.do(_kind(request), lambda: original(self.photos.open(key).fine)))

    async def colors(self, request: Request) -> Response:
        wanted = await _read(request, Wanted)
        found = await self.worker.do(
            _kind(request), partial(self.coloring.colors, request.path_params["key"], wanted)
        )
        notes = [self.photos.without_paths(note) for note in found.notes]
        return _image(found.image, {"isDraft": found.is_draft, "palette": found.palette, "notes": notes})

    async def suggestions(self, request: Request) -> Response:
        place = await _read(request, Place)
        key = request.path_params["key"]
        return JSONResponse(await self.worker.do(_kind(request), partial(self.coloring.suggestions, key, place)))

    async def uncertainty(self, request: Request) -> Response:
        wanted = await _read(request, Wanted)
        key = request.path_params["key"]
        return _image(await self.worker.do(_kind(request), partial(self.coloring.uncertainty, key, wanted)))

    async def save(self, request: Request) -> Response:
        wanted = await _read(request, Saved)
        key = request.path_params["key"]
        path = await self.worker.do(object(), partial(self.coloring.save, key, wanted))
        name = Path(saved_name(self.photos[key].name, wanted.suffix)).name
        return FileResponse(path, filename=name, background=BackgroundTask(path.unlink, missing_ok=True))

    async def export(self, request: Request) -> Response:
        return JSONResponse({"id": self.exports.add(await _read(request, Asked))}, 201)

    async def exported(self, request: Request) -> Response:
        content = self.exports.content(self.exports[request.path_params["key"]])
        headers = {"Content-Disposition": 'attachment; filename="colored.zip"'}
        return StreamingResponse(content, media_type="application/zip", headers=headers)

    async def progress(self, request: Request) -> Response:
        export = self.exports[request.path_params["key"]]
        return JSONResponse(
            {
                "done": export.done,
                "total": len(export.photos),
                "errors": export.errors,
                "finished": export.finished,
            }
        )

    async def refused(self, request: Request, error: Exception) -> Response:
        return JSONResponse({"error": self.photos.without_paths(one_line(error))}, 400)


def _kind(request: Request) -> tuple[str, str]:
    """The kind of a job: what the same tab asks for, of which only the newest counts."""
    return request.query_params.get("tab", ""), request.scope["endpoint"].__name__


async def _read(request: Request, kind: type[Body]) -> Body:
    content = bytearray()
    async for some in request.stream():
        content += some
        if len(content) > _MOST_JSON:
            raise TooLargeError("there are too many marks")
    try:
        return kind.model_validate_json(bytes(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where or 'the request'}: {first['msg']}") from error


def _described(opened: Opened) -> dict[str, Any]:
    return {
        "height": opened.fine.size[0],
        "width": opened.fine.size[1],
        "previewWidth": opened.fine.shape[1],
        "bits": opened.bits,
        "kind": opened.kind,
    }


def _image(image: Encoded, about: dict[str, Any] | None = None) -> Response:
    headers = {} if about is None else {"About": quote(json.dumps(about))}
    return Response(image.content, media_type=image.media_type, headers=headers)


async def _failed(status: int, request: Request, error: Exception) -> Response:
    return JSONResponse({"error": one_line(error)}, status)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


async def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "this is a bug in colorfuse; the terminal shows what happened"}, 500)
