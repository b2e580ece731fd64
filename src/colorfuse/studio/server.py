"""Serves the studio on this machine."""

import contextlib
import os
import socket
import threading
import webbrowser
from pathlib import Path

import typer
import uvicorn

from colorfuse.studio.app import create_app
from colorfuse.studio.coloring import Coloring
from colorfuse.studio.guard import new_token
from colorfuse.studio.photos import Photos

HOST = "127.0.0.1"
PORT = 8742
_TRIED = 20


def serve(source: Path | None, *, port: int | None, model: str, device: str, browser: bool) -> None:
    """Serve the studio until it is interrupted.

    Args:
        source: A photo or a folder of photos to begin with.
        port: The port to listen on; None for 8742, or the next one that is free.
        model: A saved colorizer or its name.
        device: As for `create_colorizer`.
        browser: Whether to open a browser.

    Raises:
        FileNotFoundError: There is nothing at the source's path.
        DataError: The folder has no photos.
        PhotoError: The photo cannot be read.
        ValueError: There is no such model or device.
        OSError: The port is taken, or the model cannot be read.
    """
    photos = Photos(source)
    if source is not None and source.is_file():  # so that one that is no photo is told of here, not on the page
        photos.open(photos.folder[0].id)
    with _listening(port) as listener:
        port, token = listener.getsockname()[1], new_token()
        coloring = Coloring(photos, model, device)
        coloring.load()
        app = create_app(coloring, token, port)
        address = f"http://{HOST}:{port}/{token}/"
        typer.echo(f"colorfuse studio: {address}\nCtrl-C stops it")
        if browser:
            # One without windows would wait for the page, and the page for this thread.
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1, server_header=False
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([listener])


def _listening(port: int | None) -> socket.socket:
    """Listen on a port of this machine, by default on the first of some that is free."""
    for tried in range(PORT, PORT + _TRIED) if port is None else [port]:
        try:
            return socket.create_server((HOST, tried))
        except OSError as error:
            failed = error
    if port is None:
        raise OSError(failed.errno, f"the ports {PORT} to {PORT + _TRIED - 1} are taken; give another by --port")
    raise OSError(f"port {port} cannot be listened on: {os.strerror(failed.errno or 0)}; give another by --port")
